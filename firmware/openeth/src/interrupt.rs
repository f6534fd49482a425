//! From the MAC's interrupt to the task that waits.

use embassy_sync::waitqueue::AtomicWaker;

use crate::registers::{Registers, int, offset};

/// Those who wait for the MAC. A static of the board.
pub struct Wakers {
    pub(crate) receive: AtomicWaker,
    pub(crate) transmit: AtomicWaker,
    pub(crate) link: AtomicWaker,
}

impl Wakers {
    /// Nobody waits yet.
    pub const fn new() -> Self {
        Self {
            receive: AtomicWaker::new(),
            transmit: AtomicWaker::new(),
            link: AtomicWaker::new(),
        }
    }

    /// Has the driver look at the link again. The MAC does not tell when a cable is pulled, so the
    /// board calls this now and then.
    pub fn look_at_link(&self) {
        self.link.wake();
    }
}

impl Default for Wakers {
    fn default() -> Self {
        Self::new()
    }
}

/// Takes the MAC's interrupt: acknowledges it, then wakes. A frame that comes in between interrupts
/// again.
pub fn on_interrupt<R: Registers>(registers: &R, wakers: &Wakers) {
    let mask = registers.read(offset::INT_MASK);
    let pending = registers.read(offset::INT_SOURCE) & mask;
    registers.write(offset::INT_SOURCE, pending);
    if pending & (int::RXB | int::RXE | int::BUSY) != 0 {
        wakers.receive.wake();
    }
    if pending & (int::TXB | int::TXE) != 0 {
        registers.write(offset::INT_MASK, mask & !(int::TXB | int::TXE));
        wakers.transmit.wake();
    }
}
