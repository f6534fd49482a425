//! Level 1 interrupts, and who takes them. Numbers: core de212, and QEMU's wiring of the board.

use firmproof_openeth::{Mmio, Wakers, on_interrupt};

use crate::{cpu, load, memory_map, time_driver, watchdog};

const ETHERNET_IRQ: u32 = 1 << 1;
const TIMER_0_IRQ: u32 = 1 << 6;
const TIMER_2_IRQ: u32 = 1 << 13;

/// Those who wait for the Ethernet MAC.
pub(crate) static ETHERNET: Wakers = Wakers::new();

/// A handle to the Ethernet MAC.
pub(crate) fn ethernet_registers() -> Mmio {
    // SAFETY: the board's memory map.
    unsafe { Mmio::new(memory_map::ETHERNET) }
}

/// Enables all interrupts that this firmware knows. They stay masked until the executor sleeps or
/// a critical section ends.
pub(crate) fn enable() {
    // SAFETY: the handlers' statics are const-initialised.
    unsafe { cpu::enable_interrupts(ETHERNET_IRQ | TIMER_0_IRQ | TIMER_2_IRQ) }
}

/// Called by `start.S` with level 1 masked.
#[unsafe(no_mangle)]
extern "C" fn interrupt() {
    // First of all: a handler that hangs is a hang, though the executor slept.
    watchdog::feed();
    load::awake();
    let pending = cpu::pending_interrupts();
    if pending & TIMER_0_IRQ != 0 {
        time_driver::on_interrupt();
    }
    if pending & ETHERNET_IRQ != 0 {
        on_interrupt(&ethernet_registers(), &ETHERNET);
    }
}
