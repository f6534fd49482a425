//! The console: the board's UART, a 16550. QEMU takes bytes as fast as they come, so they are
//! written one after the other, without an interrupt.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering};

use crate::memory_map::UART;

const DATA: usize = 0;
const LINE_CONTROL: usize = 3;
const LINE_STATUS: usize = 5;
const EIGHT_BITS: u32 = 3;
/// Line status: there is room for a byte.
const ROOM: u32 = 1 << 5;

/// A line is half written, which matters when a fault wants to tell something.
static IN_LINE: AtomicBool = AtomicBool::new(false);

fn register(number: usize) -> *mut u32 {
    (UART + 4 * number) as *mut u32
}

/// Sets the UART up. A reset may have come in the middle of a line, so that one is ended first.
pub(crate) fn start() {
    // SAFETY: the board's memory map.
    unsafe { register(LINE_CONTROL).write_volatile(EIGHT_BITS) };
    // The UART cannot fail.
    let _ = Uart.write_str("\n");
}

/// Writes one line.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    IN_LINE.store(true, Ordering::SeqCst);
    // The UART cannot fail, and what a formatter refuses is lost.
    let _ = writeln!(Uart, "{text}");
    IN_LINE.store(false, Ordering::SeqCst);
}

/// Writes one line, after the end of one that was interrupted.
pub(crate) fn last_line(text: fmt::Arguments<'_>) {
    if IN_LINE.load(Ordering::SeqCst) {
        let _ = Uart.write_str("\n");
    }
    line(text);
}

struct Uart;

impl Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the board's memory map; reading the line status and writing a byte are
            // allowed at any time.
            unsafe {
                while register(LINE_STATUS).read_volatile() & ROOM == 0 {}
                register(DATA).write_volatile(u32::from(byte));
            }
        }
        Ok(())
    }
}
