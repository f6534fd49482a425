//! What the board gives the device.

use core::cell::Cell;
use core::fmt;

use firmproof_device::board::{Beeper, Board, FlashLayout, Led};

use crate::flash::{self, CfiFlash};
use crate::memory_map::LEDS;
use crate::{console, fault};

const LAMP: u32 = 1 << 0;
const BEEPER: u32 = 1 << 1;

/// QEMU's `kc705-nommu`. The lamp is LED 0, and LED 1 lights where a beeper would sound.
#[derive(Debug, Default)]
pub(crate) struct Kc705 {
    running_slot: Cell<u8>,
    leds: Cell<u32>,
}

impl Kc705 {
    /// The board as it is after a reset: all LEDs dark.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Says which slot this image stands for. QEMU starts the one that it is given: the choice of
    /// the slot is judged, not the switch to another image.
    pub(crate) fn set_running_slot(&self, slot: u8) {
        self.running_slot.set(slot);
    }

    fn light(&self, led: u32, on: bool) {
        let others = self.leds.get() & !led;
        let leds = if on { others | led } else { others };
        self.leds.set(leds);
        // SAFETY: the board's memory map.
        unsafe { LEDS.write_volatile(leds) };
    }
}

impl Board for Kc705 {
    const NAME: &'static str = "kc705";
    type Flash = CfiFlash;

    fn flash_layout(&self) -> FlashLayout {
        flash::layout()
    }

    fn running_slot(&self) -> u8 {
        self.running_slot.get()
    }

    fn console_line(&self, line: fmt::Arguments<'_>) {
        console::line(line);
    }

    fn set_led(&self, led: Led) {
        self.light(LAMP, led == Led::On);
    }

    fn set_beeper(&self, beeper: Beeper) {
        self.light(BEEPER, beeper == Beeper::On);
    }

    /// None: a run is replayed from its seed.
    fn hardware_entropy(&self) -> Option<[u8; 32]> {
        None
    }

    fn restart(&self) -> ! {
        fault::reset()
    }
}
