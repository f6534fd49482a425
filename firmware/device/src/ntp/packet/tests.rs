//! Every reply check, and the eras.

use super::*;

const COOKIE: u64 = 0x0123_4567_89ab_cdef;
/// 2024-02-29T00:00:00Z as Unix and as NTP seconds.
const LEAP_DAY: i64 = 1_709_164_800;
const LEAP_DAY_NTP: u32 = 3_918_153_600;
const SENT: Instant = Instant::from_secs(100);
const ARRIVED: Instant = Instant::from_millis(100_040);

fn exchange() -> Exchange {
    Exchange::new(COOKIE, SENT)
}

/// A good reply, 20 ms in the server.
fn reply() -> [u8; PACKET_LEN] {
    let mut packet = [0; PACKET_LEN];
    packet[0] = 0b00_100_100;
    packet[1] = 2;
    packet[24..32].copy_from_slice(&COOKIE.to_be_bytes());
    packet[32..36].copy_from_slice(&(LEAP_DAY_NTP - 1).to_be_bytes());
    // 0.98 s
    packet[36..40].copy_from_slice(&4_209_067_950_u32.to_be_bytes());
    packet[40..44].copy_from_slice(&LEAP_DAY_NTP.to_be_bytes());
    packet
}

fn judge(packet: &[u8]) -> Result<Answer, Refusal> {
    exchange().judge(packet, 0, ARRIVED)
}

fn sample(packet: &[u8]) -> Sample {
    match judge(packet) {
        Ok(Answer::Time(sample)) => sample,
        other => panic!("{other:?}"),
    }
}

/// What is thought of a good reply with these bytes at `at`.
fn refusal(at: usize, bytes: &[u8]) -> Option<Refusal> {
    let mut packet = reply();
    packet[at..at + bytes.len()].copy_from_slice(bytes);
    judge(&packet).err()
}

#[test]
fn a_request_tells_nothing_but_its_kind_and_a_random_number() {
    let request = exchange().request();
    let mut expected = [0; PACKET_LEN];
    expected[0] = 0x23;
    expected[40..].copy_from_slice(&[0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
    assert_eq!(request, expected);
    let zero = Exchange::new(0, SENT).request();
    assert_ne!(zero[40..], [0; 8]);
}

#[test]
fn a_good_reply_gives_the_time_and_half_the_way() {
    let sample = sample(&reply());
    assert_eq!(
        sample.transmitted,
        UnixTime {
            secs: LEAP_DAY,
            micros: 0
        }
    );
    // 40 ms there and back, of which the server took 20.
    let half_way = sample.one_way.as_micros();
    assert!((9_999..=10_001).contains(&half_way), "{half_way}");
    assert_eq!(sample.leap, Leap::None);
    assert_eq!(sample.stratum, 2);
}

#[test]
fn a_server_that_was_slower_than_the_exchange_gives_its_transmit_time() {
    let mut packet = reply();
    packet[32..36].copy_from_slice(&(LEAP_DAY_NTP - 1000).to_be_bytes());
    assert_eq!(sample(&packet).one_way, Duration::from_ticks(0));
}

#[test]
fn extension_fields_are_read_past() {
    let mut longer = [0xaa; PACKET_LEN + 20];
    longer[..PACKET_LEN].copy_from_slice(&reply());
    assert!(matches!(judge(&longer), Ok(Answer::Time(_))));
}

#[test]
fn short_packets_are_refused() {
    for len in 0..PACKET_LEN {
        assert_eq!(judge(&reply()[..len]), Err(Refusal::TooShort));
    }
}

#[test]
fn every_flipped_bit_of_the_originate_timestamp_is_noticed() {
    for bit in 0..64 {
        let mut packet = reply();
        packet[24 + bit / 8] ^= 1 << (bit % 8);
        assert_eq!(judge(&packet), Err(Refusal::BogusOriginate));
    }
    assert_eq!(refusal(24, &[0; 8]), Some(Refusal::BogusOriginate));
}

#[test]
fn only_mode_4_is_taken() {
    for mode in [0, 1, 2, 3, 5, 6, 7] {
        assert_eq!(refusal(0, &[0x20 | mode]), Some(Refusal::WrongMode));
    }
}

#[test]
fn only_the_version_of_the_request_is_taken() {
    for version in 0..8 {
        let expected = (version != 4).then_some(Refusal::WrongVersion);
        assert_eq!(refusal(0, &[version << 3 | 4]), expected, "{version}");
    }
}

#[test]
fn leap_indicators_are_kept_and_3_is_refused() {
    for (bits, leap) in [(0, Leap::None), (1, Leap::Insert), (2, Leap::Delete)] {
        let mut packet = reply();
        packet[0] = bits << 6 | 0x24;
        assert_eq!(sample(&packet).leap, leap);
    }
    assert_eq!(refusal(0, &[0xe4]), Some(Refusal::Unsynchronised));
}

#[test]
fn stratum_0_is_a_kiss_whatever_else_the_packet_says() {
    let mut kiss = [0; PACKET_LEN];
    // Leap indicator 3 and no times, as servers send it.
    kiss[0] = 0xe4;
    kiss[12..16].copy_from_slice(b"DENY");
    kiss[24..32].copy_from_slice(&COOKIE.to_be_bytes());
    assert_eq!(judge(&kiss), Ok(Answer::Kiss(*b"DENY")));
    kiss[24] ^= 1;
    assert_eq!(judge(&kiss), Err(Refusal::BogusOriginate));
}

#[test]
fn strata_1_to_15_are_taken() {
    for stratum in 1..=255 {
        let expected = (stratum > 15).then_some(Refusal::BadStratum);
        assert_eq!(refusal(1, &[stratum]), expected, "{stratum}");
    }
}

#[test]
fn missing_and_contradictory_times_are_refused() {
    assert_eq!(refusal(40, &[0; 8]), Some(Refusal::NoTransmitTime));
    assert_eq!(refusal(32, &[0; 8]), Some(Refusal::NoReceiveTime));
    let later = (LEAP_DAY_NTP + 1).to_be_bytes();
    assert_eq!(refusal(32, &later), Some(Refusal::TransmitBeforeReceive));
    assert_eq!(refusal(16, &later), Some(Refusal::TransmitBeforeReference));
    assert_eq!(refusal(16, &LEAP_DAY_NTP.to_be_bytes()), None);
}

#[test]
fn root_delay_and_dispersion_stay_below_a_second() {
    assert_eq!(refusal(4, &[0, 0, 0xff, 0xff]), None);
    assert_eq!(refusal(4, &[0, 1, 0, 0]), Some(Refusal::BadRootDelay));
    assert_eq!(refusal(4, &[0xff; 4]), Some(Refusal::BadRootDelay));
    assert_eq!(refusal(8, &[0, 0, 0xff, 0xff]), None);
    assert_eq!(refusal(8, &[0, 1, 0, 0]), Some(Refusal::BadRootDispersion));
    assert_eq!(refusal(8, &[0xff; 4]), Some(Refusal::BadRootDispersion));
}

#[test]
fn half_the_root_delay_and_the_root_dispersion_are_the_root_distance() {
    let mut packet = reply();
    packet[4..8].copy_from_slice(&[0, 0, 0x80, 0]);
    packet[8..12].copy_from_slice(&[0, 0, 0x40, 0]);
    let distance = sample(&packet).root_distance;
    assert_eq!(distance, Duration::from_millis(500));
}

#[test]
fn only_what_cannot_be_forged_ends_the_wait() {
    for refusal in [
        Refusal::WrongSource,
        Refusal::TooShort,
        Refusal::BogusOriginate,
    ] {
        assert!(refusal.may_be_forged());
    }
    assert!(!Refusal::WrongMode.may_be_forged());
    assert!(!Refusal::Unsynchronised.may_be_forged());
}

fn seconds(ntp: u32, pivot: i64) -> i64 {
    Timestamp(u64::from(ntp) << 32).to_unix(pivot).secs
}

#[test]
fn seconds_are_read_in_the_window_from_the_pivot() {
    const IN_1900: i64 = -2_208_988_800;
    const IN_2036: i64 = IN_1900 + ERA;
    // (seconds on the wire, pivot, Unix seconds)
    let cases = [
        (0, IN_1900, IN_1900),
        (u32::MAX, IN_1900, IN_2036 - 1),
        (LEAP_DAY_NTP, IN_1900, LEAP_DAY),
        // The default pivot of 1970: the window goes from 1970 to 2106.
        (2_208_988_800, 0, 0),
        (2_208_988_799, 0, ERA - 1),
        (u32::MAX, 0, 2_085_978_495),
        (0, 0, 2_085_978_496),
        // A pivot in 2024: what era 0 called 1900 to 2024 is now 2036 to 2160.
        (LEAP_DAY_NTP, LEAP_DAY, LEAP_DAY),
        (LEAP_DAY_NTP - 1, LEAP_DAY, LEAP_DAY + ERA - 1),
        // Era 1 whole, and the first second of era 2.
        (0, IN_2036, IN_2036),
        (u32::MAX, IN_2036, IN_2036 + ERA - 1),
        (0, IN_2036 + 1, IN_2036 + ERA),
        // The configuration's largest pivot.
        (0, 250_000_000_000, 251_194_081_664),
    ];
    for (ntp, pivot, unix) in cases {
        let read = seconds(ntp, pivot);
        assert!((pivot..pivot + ERA).contains(&read), "{ntp} from {pivot}");
        assert_eq!((read - IN_1900) % ERA, i64::from(ntp));
        assert_eq!(read, unix, "{ntp} from {pivot}");
    }
}

#[test]
fn an_exchange_across_the_end_of_an_era_is_in_order() {
    let mut packet = reply();
    packet[32..40].copy_from_slice(&(u64::MAX - (1 << 31) + 1).to_be_bytes());
    packet[40..48].copy_from_slice(&(1_u64 << 31).to_be_bytes());
    let sample = sample(&packet);
    assert_eq!(
        sample.transmitted,
        UnixTime {
            secs: 2_085_978_496,
            micros: 500_000
        }
    );
}
