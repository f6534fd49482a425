//! Civil time, once a server has given it.
//!
//! The clock is a pair: an instant of the device's monotonic time and the Unix time at that
//! instant. It steps when a server says so and never slews; what must not jump uses
//! [`embassy_time`] alone.

use core::cell::Cell;

use embassy_time::Instant;

/// Unix time: seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime {
    /// Seconds, negative before 1970.
    pub secs: i64,
    /// Microseconds within the second, 0 to 999,999.
    pub micros: u32,
}

impl UnixTime {
    /// This time, `micros` microseconds later.
    pub fn plus_micros(self, micros: u64) -> Self {
        let total = u64::from(self.micros) + micros % 1_000_000;
        // A u64 of microseconds is less than 2^45 seconds.
        let secs = (micros / 1_000_000 + total / 1_000_000) as i64;
        Self {
            secs: self.secs.saturating_add(secs),
            micros: (total % 1_000_000) as u32,
        }
    }
}

/// What a server says of the leap second at the end of the current month (RFC 5905 §7.3, LI).
///
/// Unix time has no leap seconds: the device shows the announcement and lets the next poll correct
/// the clock by one second, rather than show a 60th second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leap {
    /// LI 0: no leap second is due.
    #[default]
    None,
    /// LI 1: the last minute of the month has 61 seconds.
    Insert,
    /// LI 2: the last minute of the month has 59 seconds.
    Delete,
    /// LI 3: the clock has not been synchronised, which is also so before the first reply.
    Unknown,
}

impl Leap {
    /// The indicator as the two bits of the NTP header.
    pub fn bits(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Insert => 1,
            Self::Delete => 2,
            Self::Unknown => 3,
        }
    }

    /// The indicator that the low two bits say.
    pub fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::None,
            1 => Self::Insert,
            2 => Self::Delete,
            _ => Self::Unknown,
        }
    }
}

/// The device's wall clock.
#[derive(Debug, Default)]
pub struct Clock {
    synced: Cell<Option<Synced>>,
}

#[derive(Debug, Clone, Copy)]
struct Synced {
    unix: UnixTime,
    at: Instant,
    leap: Leap,
}

impl Clock {
    /// A clock that knows no time yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Steps the clock: it was `unix` at the monotonic instant `at`.
    pub fn set(&self, unix: UnixTime, at: Instant, leap: Leap) {
        self.synced.set(Some(Synced { unix, at, leap }));
    }

    /// The time at `now`; `None` until a server has given it.
    pub fn now(&self, now: Instant) -> Option<UnixTime> {
        self.synced.get().map(|synced| {
            let elapsed = now.saturating_duration_since(synced.at);
            synced.unix.plus_micros(elapsed.as_micros())
        })
    }

    /// Whether a server has given the time since boot.
    pub fn is_synced(&self) -> bool {
        self.synced.get().is_some()
    }

    /// The leap indicator of the last reply taken, 0 to 2; 3 until there is one.
    pub fn leap(&self) -> u8 {
        self.synced
            .get()
            .map_or(Leap::Unknown, |synced| synced.leap)
            .bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_knows_no_time_before_the_first_reply() {
        let clock = Clock::new();
        assert_eq!(clock.now(Instant::from_secs(5)), None);
        assert!(!clock.is_synced());
        assert_eq!(clock.leap(), 3);
    }

    #[test]
    fn the_clock_runs_on_from_where_it_was_set() {
        let clock = Clock::new();
        let unix = UnixTime {
            secs: -1,
            micros: 750_000,
        };
        clock.set(unix, Instant::from_secs(100), Leap::Insert);
        let later = clock.now(Instant::from_millis(101_500));
        assert_eq!(
            later,
            Some(UnixTime {
                secs: 1,
                micros: 250_000
            })
        );
        assert_eq!(clock.leap(), 1);
    }

    #[test]
    fn leap_indicators_keep_their_bits() {
        for bits in 0..4 {
            assert_eq!(Leap::from_bits(bits).bits(), bits);
        }
    }
}
