//! What nobody expected: panics, exceptions, hangs. Each becomes a console line, and the board
//! starts again. QEMU with `-no-reboot` ends instead.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use firmproof_device::console::Escaped;

use crate::memory_map::{RESET, RESET_REGISTER};
use crate::{console, cpu};

/// Resets the board.
pub(crate) fn reset() -> ! {
    // SAFETY: the board's memory map; whatever runs, the reset ends it.
    unsafe { RESET_REGISTER.write_volatile(RESET) };
    loop {
        core::hint::spin_loop();
    }
}

/// Writes `event=panic` and resets the board. A fault within a fault only resets.
pub(crate) fn report(at: fmt::Arguments<'_>, message: fmt::Arguments<'_>) -> ! {
    static REPORTING: AtomicBool = AtomicBool::new(false);
    // The watchdog's interrupt is still pending when it was what brought us here.
    cpu::mask_all();
    if !REPORTING.load(Ordering::SeqCst) {
        REPORTING.store(true, Ordering::SeqCst);
        console::last_line(format_args!(
            "event=panic at={} message={}",
            Escaping(at),
            Escaping(message)
        ));
    }
    reset()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let message = info.message();
    match info.location() {
        Some(at) => report(
            format_args!("{}:{}", at.file(), at.line()),
            format_args!("{message}"),
        ),
        None => report(format_args!("?"), format_args!("{message}")),
    }
}

/// Called by `start.S` on the fault stack. `pc` is the instruction (EPC1; DEPC when a fault met a
/// fault, such as a stack that is full), `cause` is EXCCAUSE.
#[unsafe(no_mangle)]
extern "C" fn exception(pc: u32, cause: u32) -> ! {
    report(
        format_args!("{pc:#010x}"),
        format_args!(
            "exception {cause} ({}) EXCVADDR {:#010x}",
            cause_name(cause),
            cpu::fault_address()
        ),
    )
}

/// Xtensa ISA RM, table 4-64.
fn cause_name(cause: u32) -> &'static str {
    match cause {
        0 => "illegal instruction",
        2 => "instruction fetch error",
        3 => "load or store error",
        6 => "integer divide by zero",
        9 => "unaligned load or store",
        12 | 14 => "no memory to fetch from",
        13 | 15 => "no memory at the address",
        20 => "fetch prohibited",
        28 => "load prohibited",
        29 => "store prohibited",
        _ => "?",
    }
}

/// A text as one console value.
struct Escaping<'a>(fmt::Arguments<'a>);

impl fmt::Display for Escaping<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Escaper<'a, 'b>(&'a mut fmt::Formatter<'b>);
        impl Write for Escaper<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                write!(self.0, "{}", Escaped(text.as_bytes()))
            }
        }
        Escaper(f).write_fmt(self.0)
    }
}
