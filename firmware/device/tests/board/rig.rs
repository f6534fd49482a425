//! A board whose outputs, entropy and flash are mocks, with a console that is kept.

use core::fmt;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use firmproof_bootconfig::BootConfig;
use firmproof_device::Device;
use firmproof_device::board::{Beeper, Board, FlashLayout, Led};
use firmproof_device::clock::Clock;
use firmproof_device::random::Random;
use firmproof_device::status::Status;
use firmproof_device::store::Store;

pub(crate) const PAGE: u32 = 4096;
const CAPACITY: usize = 6 * PAGE as usize;

mockall::mock! {
    pub(crate) Outputs {
        pub(crate) fn set_led(&self, led: Led);
        pub(crate) fn set_beeper(&self, beeper: Beeper);
        pub(crate) fn hardware_entropy(&self) -> Option<[u8; 32]>;
    }
}

/// A word or a page that has had its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Worn;

impl NorFlashError for Worn {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

mockall::mock! {
    pub(crate) Cells {
        pub(crate) fn read(&self, offset: u32, len: usize) -> Result<Vec<u8>, Worn>;
        pub(crate) fn write(&self, offset: u32, bytes: &[u8]) -> Result<(), Worn>;
        pub(crate) fn erase(&self, from: u32, to: u32) -> Result<(), Worn>;
    }
}

/// A flash whose every operation is the mock's.
pub(crate) struct Flash(pub(crate) MockCells);

impl Flash {
    /// Cells that hold what is written.
    pub(crate) fn sound() -> MockCells {
        let memory = Arc::new(Mutex::new(vec![0xff; CAPACITY]));
        let part = |from: u32, len: usize| from as usize..from as usize + len;
        let mut cells = MockCells::new();
        let bytes = memory.clone();
        cells
            .expect_read()
            .returning(move |from, len| Ok(bytes.lock().unwrap()[part(from, len)].to_vec()));
        let bytes = memory.clone();
        cells.expect_write().returning(move |from, new| {
            bytes.lock().unwrap()[part(from, new.len())].copy_from_slice(new);
            Ok(())
        });
        cells.expect_erase().returning(move |from, to| {
            memory.lock().unwrap()[from as usize..to as usize].fill(0xff);
            Ok(())
        });
        cells
    }
}

impl ErrorType for Flash {
    type Error = Worn;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Worn> {
        bytes.copy_from_slice(&self.0.read(offset, bytes.len())?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Worn> {
        self.0.erase(from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Worn> {
        self.0.write(offset, bytes)
    }
}

/// The board.
pub(crate) struct Mocked {
    pub(crate) outputs: MockOutputs,
    pub(crate) console: Rc<RefCell<Vec<String>>>,
}

impl Mocked {
    pub(crate) fn new(outputs: MockOutputs) -> Self {
        Self {
            outputs,
            console: Rc::default(),
        }
    }

    /// The console's lines, without their `event=`.
    pub(crate) fn events(&self) -> Vec<String> {
        let console = self.console.borrow();
        let event = |line: &String| line.strip_prefix("event=").unwrap_or(line).to_owned();
        console.iter().map(event).collect()
    }
}

impl Board for Mocked {
    const NAME: &'static str = "mocked";
    type Flash = Flash;

    fn flash_layout(&self) -> FlashLayout {
        FlashLayout {
            state: 0..2 * PAGE,
            slots: [2 * PAGE..4 * PAGE, 4 * PAGE..6 * PAGE],
        }
    }
    fn running_slot(&self) -> u8 {
        0
    }
    fn console_line(&self, line: fmt::Arguments<'_>) {
        self.console.borrow_mut().push(line.to_string());
    }
    fn set_led(&self, led: Led) {
        self.outputs.set_led(led);
    }
    fn set_beeper(&self, beeper: Beeper) {
        self.outputs.set_beeper(beeper);
    }
    fn hardware_entropy(&self) -> Option<[u8; 32]> {
        self.outputs.hardware_entropy()
    }
    fn restart(&self) -> ! {
        panic!("restart")
    }
}

/// A device that has booted on `board` and has yet to do anything.
pub(crate) fn device<'a>(
    board: &'a Mocked,
    config: &'a BootConfig,
    cells: MockCells,
) -> Device<'a, Mocked> {
    Device {
        board,
        config,
        clock: Clock::new(),
        random: Random::new(&config.seed, 1, None),
        status: Status::new(1),
        store: embassy_sync::mutex::Mutex::new(
            Store::new(Flash(cells), board.flash_layout()).expect("the layout is sound"),
        ),
        state_changed: embassy_sync::signal::Signal::new(),
        update_requests: embassy_sync::channel::Channel::new(),
    }
}
