//! How long the CPU has worked: the harness reads it over QEMU's memory, and with `-icount` it is a
//! count of instructions (`harness/src/benchmark`).
//!
//! Not in it: the first instructions of an interrupt that ends a sleep, some thirty.

use core::sync::atomic::{AtomicU32, Ordering};

use crate::cpu;

/// CPU cycles at work until the last sleep, modulo 2^32; only differences mean something. `link.ld`
/// gives it its fixed place.
#[unsafe(link_section = ".measures")]
#[unsafe(export_name = "cycles_at_work")]
static AT_WORK: AtomicU32 = AtomicU32::new(0);

/// When the CPU last woke, in cycles.
static WOKE: AtomicU32 = AtomicU32::new(0);
/// 1 while the CPU sleeps.
static ASLEEP: AtomicU32 = AtomicU32::new(1);

/// The CPU is about to sleep. Called with interrupts masked.
pub(crate) fn asleep() {
    // The watchdog wakes it without a word: then it is still asleep here.
    if ASLEEP.load(Ordering::Relaxed) == 0 {
        let worked = cpu::cycles().wrapping_sub(WOKE.load(Ordering::Relaxed));
        let before = AT_WORK.load(Ordering::Relaxed);
        AT_WORK.store(before.wrapping_add(worked), Ordering::Relaxed);
        ASLEEP.store(1, Ordering::Relaxed);
    }
}

/// An interrupt has come, perhaps in a sleep. Called with interrupts masked.
pub(crate) fn awake() {
    if ASLEEP.load(Ordering::Relaxed) == 1 {
        WOKE.store(cpu::cycles(), Ordering::Relaxed);
        ASLEEP.store(0, Ordering::Relaxed);
    }
}
