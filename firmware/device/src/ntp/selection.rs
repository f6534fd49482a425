//! Which of several servers to believe: those that most agree with (RFC 8633 §3.2, after the
//! intersection of RFC 5905 §11.2.1).
//!
//! Each server's time is an interval: what it says, give or take how far it can be off. True times
//! have an instant in common; a falseticker's interval lies elsewhere.

use core::net::Ipv4Addr;

use embassy_time::Instant;

use crate::clock::UnixTime;
use crate::ntp::packet::Sample;

/// What every time may be off beside all that is known, in microseconds: RFC 5905 §7.2, MINDISP.
const LEAST_ERROR_US: i64 = 5_000;

/// A time that a server gave, and when it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The server.
    pub address: Ipv4Addr,
    /// What it says.
    pub sample: Sample,
    /// When its reply came in.
    pub arrived: Instant,
}

impl Candidate {
    /// The time at [`Self::arrived`].
    pub fn unix(&self) -> UnixTime {
        let sample = &self.sample;
        sample.transmitted.plus_micros(sample.one_way.as_micros())
    }

    /// The earliest and the latest Unix time, in microseconds, that the device's start can have had.
    fn interval(&self) -> (i64, i64) {
        let unix = self.unix();
        let arrived = i64::try_from(self.arrived.as_micros()).unwrap_or(i64::MAX);
        let middle = unix
            .secs
            .saturating_mul(1_000_000)
            .saturating_add(unix.micros.into())
            .saturating_sub(arrived);
        let off = self.sample.one_way.as_micros() + self.sample.root_distance.as_micros();
        let off = i64::try_from(off)
            .unwrap_or(i64::MAX)
            .saturating_add(LEAST_ERROR_US);
        (middle.saturating_sub(off), middle.saturating_add(off))
    }
}

/// The first of `candidates` that more than half of them agree with, itself included; `None` when
/// there is no such majority.
pub fn select(candidates: &[Candidate]) -> Option<Candidate> {
    let agreeing = |instant: i64| {
        candidates.iter().filter(move |candidate| {
            let (earliest, latest) = candidate.interval();
            (earliest..=latest).contains(&instant)
        })
    };
    // Where most intervals overlap, one of them begins.
    let (most, instant) = candidates
        .iter()
        .map(|candidate| candidate.interval().0)
        .map(|instant| (agreeing(instant).count(), instant))
        .max_by_key(|(count, _)| *count)?;
    if most * 2 <= candidates.len() {
        return None;
    }
    agreeing(instant).next().copied()
}

#[cfg(test)]
mod tests {
    use embassy_time::Duration;

    use super::*;
    use crate::clock::Leap;

    /// Server `n` says that it is `secs` at `arrived_s`, and may be off by `off_ms`.
    fn says(n: u8, secs: i64, arrived_s: u64, off_ms: u64) -> Candidate {
        Candidate {
            address: Ipv4Addr::new(192, 0, 2, n),
            sample: Sample {
                transmitted: UnixTime { secs, micros: 0 },
                one_way: Duration::from_ticks(0),
                root_distance: Duration::from_millis(off_ms),
                leap: Leap::None,
                stratum: 1,
            },
            arrived: Instant::from_secs(arrived_s),
        }
    }

    fn selected(candidates: &[Candidate]) -> Option<u8> {
        select(candidates).map(|candidate| candidate.address.octets()[3])
    }

    #[test]
    fn nobody_is_believed_when_nobody_has_spoken() {
        assert_eq!(selected(&[]), None);
    }

    #[test]
    fn the_only_one_is_believed() {
        assert_eq!(selected(&[says(1, 1000, 0, 5)]), Some(1));
    }

    #[test]
    fn two_that_disagree_are_not_believed() {
        assert_eq!(selected(&[says(1, 1000, 0, 5), says(2, 1001, 0, 5)]), None);
    }

    #[test]
    fn the_first_of_a_majority_is_believed_whoever_lies() {
        let (a, b, liar) = (
            says(1, 1000, 0, 5),
            says(2, 1001, 1, 5),
            says(3, 4600, 2, 5),
        );
        assert_eq!(selected(&[liar, a, b]), Some(1));
        assert_eq!(selected(&[b, liar, a]), Some(2));
        assert_eq!(selected(&[a, b, liar]), Some(1));
    }

    #[test]
    fn two_against_two_are_no_majority() {
        let pair = |secs| [says(1, secs, 0, 5), says(2, secs, 0, 5)];
        assert_eq!(selected(&[pair(1000), pair(2000)].concat()), None);
    }

    #[test]
    fn one_that_admits_a_large_error_agrees_with_whom_it_covers() {
        let candidates = [
            says(1, 1000, 0, 5),
            says(2, 1001, 0, 5),
            says(3, 1000, 0, 400),
        ];
        assert_eq!(selected(&candidates), Some(1));
    }
}
