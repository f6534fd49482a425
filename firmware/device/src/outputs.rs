//! The lamp and the beeper: whoever sets them (page, MQTT command), they change in one place. And
//! the words for what the device shows.

use crate::board::{Beeper, Led};
use crate::status::MqttState;
use crate::{Board, Device};

impl Led {
    /// `on` or `off`, as the console, the page and the state object write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

impl Beeper {
    /// `on` or `off`, as the console, the page and the state object write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

impl MqttState {
    /// The state as the page and the state object write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Waiting => "waiting",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
        }
    }
}

impl<B: Board> Device<'_, B> {
    /// Drives the lamp, shows it in the status, and tells the console (`led.set`) and MQTT.
    pub fn set_led(&self, led: Led) {
        self.board.set_led(led);
        self.status.led.set(led);
        self.event("led.set", format_args!("led={}", led.as_str()));
        self.state_changed.signal(());
    }

    /// Drives the beeper, shows it in the status, and tells the console (`beeper.set`) and MQTT.
    pub fn set_beeper(&self, beeper: Beeper) {
        self.board.set_beeper(beeper);
        self.status.beeper.set(beeper);
        self.event("beeper.set", format_args!("beeper={}", beeper.as_str()));
        self.state_changed.signal(());
    }
}
