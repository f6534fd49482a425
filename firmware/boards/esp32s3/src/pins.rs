//! The pins, in this one place. Plain GPIOs that no flash, strap, USB or debug line shares; wire a
//! lamp with its resistor, and an active buzzer, to ground.
//!
//! | chip | lamp | beeper |
//! | --- | --- | --- |
//! | ESP32-S3 | GPIO 4 | GPIO 5 |
//! | ESP32-C3 | GPIO 3 | GPIO 10 |

use esp_hal::gpio::{Flex, Level, Pin};

/// The lamp's pin.
#[cfg(feature = "esp32s3")]
pub type LampPin = esp_hal::peripherals::GPIO4<'static>;
/// The beeper's pin.
#[cfg(feature = "esp32s3")]
pub type BeeperPin = esp_hal::peripherals::GPIO5<'static>;
/// The lamp's pin.
#[cfg(feature = "esp32c3")]
pub type LampPin = esp_hal::peripherals::GPIO3<'static>;
/// The beeper's pin.
#[cfg(feature = "esp32c3")]
pub type BeeperPin = esp_hal::peripherals::GPIO10<'static>;

/// Takes the lamp's and the beeper's pin out of the peripherals.
#[cfg(feature = "esp32s3")]
#[macro_export]
macro_rules! take_pins {
    ($peripherals:ident) => {
        ($peripherals.GPIO4, $peripherals.GPIO5)
    };
}
/// Takes the lamp's and the beeper's pin out of the peripherals.
#[cfg(feature = "esp32c3")]
#[macro_export]
macro_rules! take_pins {
    ($peripherals:ident) => {
        ($peripherals.GPIO3, $peripherals.GPIO10)
    };
}

/// An output whose level can be read back from the pad.
pub struct Output(Flex<'static>);

impl Output {
    /// Drives `pin` low.
    pub fn low(pin: impl Pin + 'static) -> Self {
        let mut pin = Flex::new(pin);
        pin.set_level(Level::Low);
        pin.set_output_enable(true);
        pin.set_input_enable(true);
        Self(pin)
    }

    /// Drives the pin high or low.
    pub fn drive(&mut self, high: bool) {
        self.0
            .set_level(if high { Level::High } else { Level::Low });
    }

    /// What the pad carries: low in spite of a high output when something holds it down.
    pub fn pad_is_high(&self) -> bool {
        self.0.is_high()
    }
}
