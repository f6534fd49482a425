//! The device's time: microseconds since the start, `time_scale` times as fast as the wall's, from
//! the CPU's cycle counter.

use core::cell::RefCell;
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::{Driver, TICK_HZ};
use embassy_time_queue_utils::Queue;

use crate::cpu;
use crate::memory_map::FREQUENCY;

/// The counter turns over every 2^32 cycles, and an alarm beyond that would be one in the past.
const LONGEST_SLEEP: u64 = 1 << 31;

struct State {
    queue: Queue,
    now: u64,
    /// The cycle that `now` belongs to.
    cycle: u32,
    cycles_per_micro: u32,
    /// 2^32 microseconds per cycle, rounded up: this CPU has no division.
    micros_per_cycle: u32,
    scale: u32,
}

struct ScaledTime(Mutex<RefCell<State>>);

embassy_time_driver::time_driver_impl!(static TIME: ScaledTime = ScaledTime(Mutex::new(RefCell::new(State {
    queue: Queue::new(),
    now: 0,
    cycle: 0,
    cycles_per_micro: 40,
    micros_per_cycle: reciprocal(40),
    scale: 1,
}))));

/// 2^32 divided by `divisor`, rounded up; 2^32 - 1 for 1.
const fn reciprocal(divisor: u32) -> u32 {
    (u32::MAX / divisor).saturating_add(1)
}

/// Starts the device's time, `scale` times as fast as the wall's. Called once, before anything asks
/// for the time.
pub(crate) fn start(scale: u16) {
    const { assert!(TICK_HZ == 1_000_000) };
    // SAFETY: the board's memory map.
    let frequency = unsafe { FREQUENCY.read_volatile() };
    critical_section::with(|cs| {
        let mut state = TIME.0.borrow_ref_mut(cs);
        state.cycle = cpu::cycles();
        state.cycles_per_micro = (frequency / 1_000_000).max(1);
        state.micros_per_cycle = reciprocal(state.cycles_per_micro);
        state.scale = u32::from(scale.max(1));
    });
}

/// Takes the alarm.
pub(crate) fn on_interrupt() {
    critical_section::with(|cs| TIME.0.borrow_ref_mut(cs).set_alarm(cs));
}

impl State {
    fn now(&mut self) -> u64 {
        let cycles = cpu::cycles().wrapping_sub(self.cycle);
        let mut micros = ((u64::from(cycles) * u64::from(self.micros_per_cycle)) >> 32) as u32;
        // What was rounded up may come to one too many.
        if micros.saturating_mul(self.cycles_per_micro) > cycles {
            micros -= 1;
        }
        // The rest of a microsecond counts next time.
        self.cycle = self.cycle.wrapping_add(micros * self.cycles_per_micro);
        self.now += u64::from(micros) * u64::from(self.scale);
        self.now
    }

    /// Wakes what is due and sets the alarm for the next.
    fn set_alarm(&mut self, _: CriticalSection<'_>) {
        loop {
            let now = self.now();
            let next = self.queue.next_expiration(now);
            let micros = next.saturating_sub(now).div_ceil(u64::from(self.scale));
            let sleep = micros.saturating_mul(u64::from(self.cycles_per_micro));
            let sleep = sleep.min(LONGEST_SLEEP) as u32;
            cpu::set_alarm(self.cycle.wrapping_add(sleep));
            // An alarm that was set too late would ring a turn of the counter later.
            if cpu::cycles().wrapping_sub(self.cycle) < sleep {
                return;
            }
        }
    }
}

impl Driver for ScaledTime {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.0.borrow_ref_mut(cs).now())
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            let mut state = self.0.borrow_ref_mut(cs);
            if state.queue.schedule_wake(at, waker) {
                state.set_alarm(cs);
            }
        });
    }
}
