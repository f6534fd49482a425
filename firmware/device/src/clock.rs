//! Civil time, once a server has given it.

use embassy_time::Instant;

/// An instant of civil time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnixTime {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub secs: i64,
    /// Microseconds of the second.
    pub micros: u32,
}

/// The device's wall clock.
#[derive(Debug, Default)]
pub struct Clock {}

impl Clock {
    /// The time, once it is known.
    pub fn now(&self, _now: Instant) -> Option<UnixTime> {
        None
    }

    /// The leap indicator, 0 to 3.
    pub fn leap(&self) -> u8 {
        3
    }
}
