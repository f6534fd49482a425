//! The executor: polls what was woken, sleeps when nothing was.

use core::sync::atomic::{AtomicBool, Ordering};

use embassy_executor::{Spawner, raw};
use static_cell::StaticCell;

use crate::{cpu, interrupt, load, watchdog};

static WOKEN: AtomicBool = AtomicBool::new(true);

/// embassy-executor's hook: a task was woken, perhaps by an interrupt.
#[unsafe(export_name = "__pender")]
fn pender(_context: *mut ()) {
    WOKEN.store(true, Ordering::SeqCst);
}

/// Runs the tasks that `spawn` spawns, for ever. Enables interrupts.
pub(crate) fn run(spawn: impl FnOnce(Spawner)) -> ! {
    static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
    let executor = EXECUTOR.init(raw::Executor::new(core::ptr::null_mut()));
    spawn(executor.spawner());
    load::awake();
    interrupt::enable();
    loop {
        cpu::unmask();
        watchdog::feed();
        WOKEN.store(false, Ordering::SeqCst);
        // SAFETY: this is the only caller, and no task calls `run`.
        unsafe { executor.poll() };
        // Masked, nothing can wake a task between the look and the sleep.
        let _ = cpu::mask();
        if !WOKEN.load(Ordering::SeqCst) {
            load::asleep();
            // The last before the sleep: what hangs on the way is a hang.
            watchdog::pause();
            cpu::unmask_and_sleep();
        }
    }
}
