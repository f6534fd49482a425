//! The board that is this process.

use std::cell::Cell;
use std::fmt;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

use firmproof_device::board::{Beeper, Board, FlashLayout, Led};

use crate::console;
use crate::flash::{self, FileFlash};

/// The board that is this process. It has no lamp and no beeper but what it tells of them.
#[derive(Debug, Default)]
pub(crate) struct HostBoard {
    running_slot: Cell<u8>,
}

impl HostBoard {
    /// Says which slot this process stands for. There is one program: the choice of the slot is
    /// judged, not the switch to another image.
    pub(crate) fn set_running_slot(&self, slot: u8) {
        self.running_slot.set(slot);
    }
}

impl Board for HostBoard {
    const NAME: &'static str = "host";
    type Flash = FileFlash;

    fn flash_layout(&self) -> FlashLayout {
        flash::layout()
    }

    fn running_slot(&self) -> u8 {
        self.running_slot.get()
    }

    fn console_line(&self, line: fmt::Arguments<'_>) {
        console::line(line);
    }

    fn set_led(&self, _led: Led) {}

    fn set_beeper(&self, _beeper: Beeper) {}

    /// None: a run is replayed from its seed.
    fn hardware_entropy(&self) -> Option<[u8; 32]> {
        None
    }

    /// Starts this program anew in the same process, with the same arguments and standard streams.
    /// Sockets and threads do not survive it, as nothing in RAM survives a reset.
    fn restart(&self) -> ! {
        let error = std::env::current_exe().map_or_else(
            |error| error,
            |program| {
                Command::new(program)
                    .args(std::env::args_os().skip(1))
                    .exec()
            },
        );
        panic!("cannot restart: {error}");
    }
}

/// Ends the process when standard input ends: whoever started the device is gone, or wants it gone.
pub(crate) fn end_with_standard_input() {
    thread::spawn(|| {
        let mut ignored = [0; 256];
        let mut input = std::io::stdin().lock();
        loop {
            match input.read(&mut ignored) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        std::process::exit(0);
    });
}
