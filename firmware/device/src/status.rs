//! What the device shows of itself: on the page, in `/api/state` and in the MQTT state topic.

use core::cell::Cell;

use crate::board::{Beeper, Led};

/// The MQTT client's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MqttState {
    /// Not configured.
    Off,
    /// No network connection; waiting to try again.
    Waiting,
    /// Opening the network connection, or CONNECT sent and CONNACK awaited.
    Connecting,
    /// CONNACK 0 received.
    Connected,
}

/// The state of the firmware update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateState {
    /// Nothing asked for since boot.
    Idle,
    /// Downloading: bytes that are in the slot.
    Downloading {
        /// Bytes that are in the slot.
        received: u32,
    },
    /// The image is whole, verified, and boots next.
    Ready,
    /// Refused or failed, with the reason as the console names it.
    Failed(&'static str),
}

/// Counts since boot.
#[derive(Debug, Default)]
pub struct Counters {
    /// MQTT connections accepted by the broker.
    pub mqtt_connects: Cell<u32>,
    /// Application messages received.
    pub mqtt_received: Cell<u32>,
    /// Application messages sent.
    pub mqtt_sent: Cell<u32>,
    /// Inbound packets larger than the buffer, read past.
    pub mqtt_oversize: Cell<u32>,
    /// HTTP requests answered.
    pub http_requests: Cell<u32>,
    /// NTP replies refused.
    pub ntp_refused: Cell<u32>,
    /// NTP replies taken.
    pub ntp_taken: Cell<u32>,
}

/// Adds one, stopping at the top.
pub fn count(counter: &Cell<u32>) {
    counter.set(counter.get().saturating_add(1));
}

/// The device's visible state.
#[derive(Debug)]
pub struct Status {
    /// The lamp.
    pub led: Cell<Led>,
    /// The beeper.
    pub beeper: Cell<Beeper>,
    /// The MQTT client.
    pub mqtt: Cell<MqttState>,
    /// The firmware update.
    pub update: Cell<UpdateState>,
    /// Times that the device has booted, this one included.
    pub boots: Cell<u32>,
    /// Counts since boot.
    pub counters: Counters,
}

impl Status {
    /// The state right after boot number `boots`.
    pub fn new(boots: u32) -> Self {
        Self {
            led: Cell::new(Led::Off),
            beeper: Cell::new(Beeper::Off),
            mqtt: Cell::new(MqttState::Off),
            update: Cell::new(UpdateState::Idle),
            boots: Cell::new(boots),
            counters: Counters::default(),
        }
    }
}
