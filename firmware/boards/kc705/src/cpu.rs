//! The CPU's special registers: `asm/cpu.S`.

unsafe extern "C" {
    safe fn cpu_cycles() -> u32;
    safe fn cpu_set_alarm(at: u32);
    safe fn cpu_start_watchdog(period: u32);
    safe fn cpu_set_watchdog(state: u32);
    fn cpu_enable_interrupts(which: u32);
    safe fn cpu_pending_interrupts() -> u32;
    safe fn cpu_mask() -> u32;
    safe fn cpu_mask_all() -> u32;
    fn cpu_set_ps(ps: u32);
    safe fn cpu_sleep();
    safe fn cpu_fault_address() -> u32;
}

/// Cycles since the reset, modulo 2^32 (CCOUNT).
pub(crate) fn cycles() -> u32 {
    cpu_cycles()
}

/// Interrupts when [`cycles`] reaches `at`, and ends the interrupt before (CCOMPARE0).
pub(crate) fn set_alarm(at: u32) {
    cpu_set_alarm(at);
}

/// The watchdog's interrupt comes after `period` cycles, and so on (CCOMPARE2).
pub(crate) fn start_watchdog(period: u32) {
    cpu_start_watchdog(period);
}

/// What the watchdog's interrupt finds, see `start.S`.
pub(crate) fn set_watchdog(state: u32) {
    cpu_set_watchdog(state);
}

/// Enables the interrupts whose bits are set, and no others (INTENABLE).
///
/// # Safety
/// Their handlers' statics are initialised.
pub(crate) unsafe fn enable_interrupts(which: u32) {
    // SAFETY: the caller's promise.
    unsafe { cpu_enable_interrupts(which) }
}

/// Interrupts that wait and are enabled.
pub(crate) fn pending_interrupts() -> u32 {
    cpu_pending_interrupts()
}

/// Masks all interrupts but the watchdog's; returns the PS register of before.
pub(crate) fn mask() -> u32 {
    cpu_mask()
}

/// Masks all interrupts, for good.
pub(crate) fn mask_all() {
    cpu_mask_all();
}

/// Restores PS.
///
/// # Safety
/// `ps` is what [`mask`] returned, in reverse order of nested calls.
pub(crate) unsafe fn restore(ps: u32) {
    // SAFETY: the caller's promise.
    unsafe { cpu_set_ps(ps) }
}

/// Unmasks all interrupts. Only outside of critical sections.
pub(crate) fn unmask() {
    // SAFETY: 0 is the PS of running firmware: level 0, no exception under way.
    unsafe { restore(0) }
}

/// Unmasks interrupts and waits for one, in one step. Only outside of critical sections.
pub(crate) fn unmask_and_sleep() {
    cpu_sleep();
}

/// The address that the last fault was about (EXCVADDR).
pub(crate) fn fault_address() -> u32 {
    cpu_fault_address()
}

struct CriticalSection;
critical_section::set_impl!(CriticalSection);

// SAFETY: one core, and what interrupts a mask of level 3 (the watchdog, faults) either touches
// nothing of the firmware's or never returns.
unsafe impl critical_section::Impl for CriticalSection {
    unsafe fn acquire() -> u32 {
        mask()
    }

    unsafe fn release(ps: u32) {
        // SAFETY: critical sections nest.
        unsafe { restore(ps) }
    }
}
