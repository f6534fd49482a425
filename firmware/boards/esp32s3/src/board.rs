//! What the board gives the device.

use core::cell::RefCell;
use core::fmt;

use esp_hal::rng::Rng;
use esp_hal::system::software_reset;
use firmproof_device::board::{Beeper, Board, FlashLayout, Led};

use crate::console;
use crate::flash::{BoardFlash, Found};
use crate::pins::{BeeperPin, LampPin, Output};

/// An ESP32-S3 or ESP32-C3 with a lamp and a beeper.
pub struct EspBoard {
    found: Found,
    lamp: RefCell<Output>,
    beeper: RefCell<Output>,
}

impl EspBoard {
    /// The board, with the lamp dark and the beeper silent.
    pub fn new(found: Found, lamp: LampPin, beeper: BeeperPin) -> Self {
        Self {
            found,
            lamp: RefCell::new(Output::low(lamp)),
            beeper: RefCell::new(Output::low(beeper)),
        }
    }
}

impl Board for EspBoard {
    #[cfg(feature = "esp32s3")]
    const NAME: &'static str = "esp32s3";
    #[cfg(feature = "esp32c3")]
    const NAME: &'static str = "esp32c3";
    type Flash = BoardFlash;

    fn flash_layout(&self) -> FlashLayout {
        self.found.partitions.layout.clone()
    }

    fn running_slot(&self) -> u8 {
        self.found.running
    }

    fn console_line(&self, line: fmt::Arguments<'_>) {
        console::line(line);
    }

    fn set_led(&self, led: Led) {
        self.lamp.borrow_mut().drive(led == Led::On);
    }

    fn set_beeper(&self, beeper: Beeper) {
        self.beeper.borrow_mut().drive(beeper == Beeper::On);
    }

    /// True random numbers need the radio. QEMU has none: there a run is replayed from its seed.
    fn hardware_entropy(&self) -> Option<[u8; 32]> {
        if cfg!(feature = "openeth") {
            return None;
        }
        let mut bytes = [0; 32];
        Rng::new().read(&mut bytes);
        Some(bytes)
    }

    fn restart(&self) -> ! {
        software_reset()
    }
}
