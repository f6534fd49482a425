//! Any packet as the reply to a request, read from any pivot that a device can have: the judgement never panics, a packet
//! without the request's random number is never taken, and a time that is taken lies in the window
//! and can be shown or refused.
#![no_main]

use embassy_time::Instant;
use firmproof_device::civil::{Civil, HttpDate};
use firmproof_device::ntp::packet::{Answer, Exchange};
use libfuzzer_sys::fuzz_target;

/// The bounds of `ntp.era_pivot_unix_s` in the boot configuration.
const PIVOTS: core::ops::RangeInclusive<i64> = -2_208_988_800..=250_000_000_000;

/// The random number, the pivot (as an offset into [`PIVOTS`]), when the request was sent, how much later the reply came, the
/// offset of civil time, whether the reply echoes the request, and the reply.
type Input<'a> = (u64, i64, u64, u64, i32, bool, &'a [u8]);

fuzz_target!(|input: Input<'_>| {
    let (random, pivot, sent, later, offset_s, echo, packet) = input;
    let pivot = PIVOTS.start() + pivot.rem_euclid(PIVOTS.end() - PIVOTS.start() + 1);
    let mut packet = packet.to_vec();
    let exchange = Exchange::new(random, Instant::from_ticks(sent));
    let cookie = &exchange.request()[40..];
    if let Some(originate) = packet.get_mut(24..32).filter(|_| echo) {
        originate.copy_from_slice(cookie);
    }
    let arrived = Instant::from_ticks(sent.saturating_add(later));
    let judged = exchange.judge(&packet, pivot, arrived);
    if judged.is_ok() {
        assert!(packet.len() >= 48 && &packet[24..32] == cookie);
    }
    if let Ok(Answer::Time(sample)) = judged {
        let unix = sample.transmitted;
        assert!(unix.secs >= pivot && unix.micros < 1_000_000);
        assert!(unix.secs.saturating_sub(pivot) < 1 << 32);
        assert!((1..=15).contains(&sample.stratum) && sample.leap.bits() < 3);
        let arrived = unix.plus_micros(sample.one_way.as_micros());
        assert!(arrived >= unix && arrived.micros < 1_000_000);
        if let Some(civil) = Civil::from_unix(unix.secs, offset_s) {
            assert!((20..=28).contains(&civil.to_string().len()));
        }
        if let Some(date) = HttpDate::from_unix(unix.secs) {
            assert_eq!(date.to_string().len(), 29);
        }
    }
});
