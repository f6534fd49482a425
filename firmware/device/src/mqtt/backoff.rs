//! How long to wait before the next connection.

use embassy_time::Duration;

/// Exponential back-off with jitter. The span doubles with each attempt from twice the shortest
/// wait to the longest; a wait is drawn evenly from the upper half of the span, so that a fleet
/// does not come back in step, and is never outside the two bounds.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    min_ms: u32,
    max_ms: u32,
    span_ms: u32,
}

impl Backoff {
    /// Back-off between two bounds in milliseconds.
    pub fn new(min_ms: u32, max_ms: u32) -> Self {
        let max_ms = max_ms.max(min_ms);
        Self {
            min_ms,
            max_ms,
            span_ms: min_ms.saturating_mul(2).min(max_ms),
        }
    }

    /// The next wait. `below(n)` draws from 0 to `n - 1`.
    pub fn next(&mut self, below: impl FnOnce(u32) -> u32) -> Duration {
        let low = (self.span_ms / 2).max(self.min_ms);
        let room = self.span_ms - low;
        let wait = low + below(room.saturating_add(1)).min(room);
        self.span_ms = self.span_ms.saturating_mul(2).min(self.max_ms);
        Duration::from_millis(u64::from(wait))
    }

    /// The last connection was stable: begin anew.
    pub fn reset(&mut self) {
        *self = Self::new(self.min_ms, self.max_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(backoff: &mut Backoff) -> (u64, u64) {
        let mut high = *backoff;
        let low = backoff.next(|_| 0).as_millis();
        (low, high.next(|n| n - 1).as_millis())
    }

    #[test]
    fn the_wait_doubles_within_its_bounds_and_begins_anew_after_a_reset() {
        let mut backoff = Backoff::new(100, 1000);
        for expected in [(100, 200), (200, 400), (400, 800), (500, 1000), (500, 1000)] {
            assert_eq!(bounds(&mut backoff), expected);
        }
        backoff.reset();
        assert_eq!(bounds(&mut backoff), (100, 200));
    }

    #[test]
    fn the_wait_is_never_outside_narrow_or_extreme_bounds() {
        assert_eq!(bounds(&mut Backoff::new(100, 100)), (100, 100));
        assert_eq!(bounds(&mut Backoff::new(100, 150)), (100, 150));
        let mut widest = Backoff::new(u32::MAX, u32::MAX);
        assert_eq!(bounds(&mut widest).0, u64::from(u32::MAX));
    }
}
