//! Ends a hang: timer 2 interrupts at level 5, above every mask of the firmware, and finds that the
//! executor has taken no turn for two periods. The board has no watchdog of its own.
//!
//! The interrupt itself is in `start.S`: it must not need a stack.

use crate::memory_map::FREQUENCY;
use crate::{cpu, fault};

/// Between one and two periods without a turn is a hang. The longest turn is the check of an
/// image's signature or digest, below a tenth of a second; but the emulated clock runs on while a
/// busy host gives the emulator no time, which has been seen for more than two seconds.
const PERIOD_S: u32 = 6;
const STARVING: u32 = 0;
const FED: u32 = 1;
const ASLEEP: u32 = 2;

/// Starts the watchdog.
pub(crate) fn start() {
    feed();
    // SAFETY: the board's memory map.
    let frequency = unsafe { FREQUENCY.read_volatile() };
    cpu::start_watchdog(frequency.saturating_mul(PERIOD_S));
}

/// The firmware is alive.
pub(crate) fn feed() {
    cpu::set_watchdog(FED);
}

/// The firmware sleeps until the next interrupt, for however long.
pub(crate) fn pause() {
    cpu::set_watchdog(ASLEEP);
}

/// Called by `start.S` on the fault stack: the firmware was at `at` when time was up.
#[unsafe(no_mangle)]
extern "C" fn watchdog_expired(at: u32) -> ! {
    const { assert!(STARVING == 0, "start.S counts on it") };
    fault::report(
        format_args!("{at:#010x}"),
        format_args!("watchdog: no turn of the executor for {PERIOD_S} s"),
    )
}
