//! A flash in memory that keeps the rules of NOR: erase sets ones by page, a word is written once
//! between erasures, everything is aligned. A board around it.

extern crate std;

use core::cell::RefCell;
use core::fmt;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use firmproof_bootconfig::BootConfig;

use crate::Device;
use crate::board::{Beeper, Board, FlashLayout, Led};
use crate::clock::Clock;
use crate::random::Random;
use crate::status::Status;
use crate::store::Store;

const WORD: usize = 4;
const PAGE: usize = 4096;

/// Four pages of state, then two slots of four pages.
pub(crate) const SLOT_SIZE: u32 = 4 * PAGE as u32;

pub(crate) fn layout() -> FlashLayout {
    FlashLayout {
        state: 0..SLOT_SIZE,
        slots: [SLOT_SIZE..2 * SLOT_SIZE, 2 * SLOT_SIZE..3 * SLOT_SIZE],
    }
}

/// The flash.
#[derive(Clone)]
pub(crate) struct Nor {
    pub(crate) bytes: Vec<u8>,
    written: Vec<bool>,
    /// Writes and erasures that still work before the power is cut.
    pub(crate) operations_left: usize,
    pub(crate) bytes_read: usize,
}

#[derive(Debug)]
#[expect(dead_code)] // Read by whoever reads a failed unwrap.
pub(crate) struct BrokenRule(&'static str);

impl NorFlashError for BrokenRule {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl Nor {
    pub(crate) fn new() -> Self {
        let size = 3 * SLOT_SIZE as usize;
        Self {
            bytes: vec![0xff; size],
            written: vec![false; size / WORD],
            operations_left: usize::MAX,
            bytes_read: 0,
        }
    }

    fn operate(&mut self) -> Result<(), BrokenRule> {
        self.operations_left = self
            .operations_left
            .checked_sub(1)
            .ok_or(BrokenRule("the power is cut"))?;
        Ok(())
    }
}

impl ErrorType for Nor {
    type Error = BrokenRule;
}

impl ReadNorFlash for Nor {
    const READ_SIZE: usize = WORD;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), BrokenRule> {
        let from = offset as usize;
        if !from.is_multiple_of(WORD) || !bytes.len().is_multiple_of(WORD) {
            return Err(BrokenRule("a read is not on words"));
        }
        let source = self
            .bytes
            .get(from..from + bytes.len())
            .ok_or(BrokenRule("a read is out of the flash"))?;
        bytes.copy_from_slice(source);
        self.bytes_read += bytes.len();
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Nor {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), BrokenRule> {
        self.operate()?;
        let (from, to) = (from as usize, to as usize);
        if !from.is_multiple_of(PAGE) || !to.is_multiple_of(PAGE) || to > self.bytes.len() {
            return Err(BrokenRule("an erasure is not on pages"));
        }
        self.bytes[from..to].fill(0xff);
        self.written[from / WORD..to / WORD].fill(false);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), BrokenRule> {
        self.operate()?;
        let from = offset as usize;
        let to = from + bytes.len();
        if !from.is_multiple_of(WORD) || !to.is_multiple_of(WORD) || to > self.bytes.len() {
            return Err(BrokenRule("a write is not on words"));
        }
        let words = &mut self.written[from / WORD..to / WORD];
        if words.iter().any(|&written| written) {
            return Err(BrokenRule("a word is written twice"));
        }
        words.fill(true);
        self.bytes[from..to].copy_from_slice(bytes);
        Ok(())
    }
}

/// A board that remembers its console.
pub(crate) struct Bench {
    pub(crate) console: RefCell<Vec<String>>,
    pub(crate) slot: u8,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            console: RefCell::default(),
            slot: 0,
        }
    }
}

impl Board for Bench {
    const NAME: &'static str = "bench";
    type Flash = Nor;

    fn flash_layout(&self) -> FlashLayout {
        layout()
    }
    fn running_slot(&self) -> u8 {
        self.slot
    }
    fn console_line(&self, line: fmt::Arguments<'_>) {
        self.console.borrow_mut().push(line.to_string());
    }
    fn set_led(&self, _: Led) {}
    fn set_beeper(&self, _: Beeper) {}
    fn hardware_entropy(&self) -> Option<[u8; 32]> {
        None
    }
    fn restart(&self) -> ! {
        panic!("restart")
    }
}

pub(crate) fn device<'a>(board: &'a Bench, config: &'a BootConfig) -> Device<'a, Bench> {
    Device {
        board,
        config,
        clock: Clock::default(),
        random: Random::new(&config.seed, 1, None),
        status: Status::new(1),
        store: embassy_sync::mutex::Mutex::new(Store::new(Nor::new(), layout()).unwrap()),
        state_changed: embassy_sync::signal::Signal::new(),
        update_requests: embassy_sync::channel::Channel::new(),
    }
}
