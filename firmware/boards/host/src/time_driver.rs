//! The device's time: the wall's time since the start, `time_scale` times as fast.

use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use embassy_time_driver::{Driver, TICK_HZ};
use embassy_time_queue_utils::Queue;

const NANOS_PER_SEC: u128 = 1_000_000_000;

struct ScaledTime {
    origin: OnceLock<(Instant, u16)>,
    queue: Mutex<Queue>,
    queue_changed: Condvar,
}

embassy_time_driver::time_driver_impl!(static TIME: ScaledTime = ScaledTime {
    origin: OnceLock::new(),
    queue: Mutex::new(Queue::new()),
    queue_changed: Condvar::new(),
});

/// Starts the device's time at zero, `scale` times as fast as the wall's. Called once, before
/// anything asks for the time; a later call changes nothing.
pub(crate) fn start(scale: u16) {
    let fresh = TIME.origin.set((Instant::now(), scale.max(1))).is_ok();
    if fresh {
        thread::spawn(|| TIME.wake_for_ever());
    }
}

impl ScaledTime {
    fn origin(&self) -> (Instant, u16) {
        *self.origin.get_or_init(|| (Instant::now(), 1))
    }

    /// The wall's time from now until `tick`; `None` when that is beyond all reckoning.
    fn until(&self, tick: u64) -> Option<Duration> {
        let (origin, scale) = self.origin();
        let wall_nanos = u128::from(tick) * NANOS_PER_SEC / u128::from(TICK_HZ) / u128::from(scale);
        let at = origin.checked_add(Duration::from_nanos(u64::try_from(wall_nanos).ok()?))?;
        Some(at.saturating_duration_since(Instant::now()))
    }

    fn wake_for_ever(&self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let next = queue.next_expiration(self.now());
            queue = match self.until(next) {
                // Rounding down would spin for the last fraction of a microsecond.
                Some(wait) => {
                    let wait = wait + Duration::from_micros(1);
                    self.queue_changed
                        .wait_timeout(queue, wait)
                        .map_or_else(|e| e.into_inner().0, |(queue, _)| queue)
                }
                None => self
                    .queue_changed
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl Driver for ScaledTime {
    fn now(&self) -> u64 {
        let (origin, scale) = self.origin();
        let nanos = origin.elapsed().as_nanos() * u128::from(scale);
        // 2^64 microseconds are half a million years.
        (nanos * u128::from(TICK_HZ) / NANOS_PER_SEC) as u64
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.schedule_wake(at, waker) {
            self.queue_changed.notify_one();
        }
    }
}
