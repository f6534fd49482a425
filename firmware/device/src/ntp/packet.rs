//! One exchange with a server: the request, and what to think of a reply (RFC 4330 §4 and §5,
//! RFC 5905 §7.3 and §7.4).

use embassy_time::{Duration, Instant};

use crate::clock::{Leap, UnixTime};

/// Bytes of a packet without extension fields.
pub const PACKET_LEN: usize = 48;

/// The version of requests, and so of replies.
const VERSION: u8 = 4;

/// 1970-01-01T00:00:00Z as seconds of NTP's era 0, which starts 1900-01-01T00:00:00Z.
const UNIX_EPOCH: i64 = 2_208_988_800;
/// Seconds that NTP's 32 bits count before they start again.
const ERA: i64 = 1 << 32;
/// Where RFC 4330 §5 (5) has infinity: "a cozy number like one second", in NTP's short format of
/// 16 bits of seconds and 16 of fraction.
const INFINITY: i32 = 1 << 16;

/// Why a reply is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It comes from another address or port than the request went to.
    WrongSource,
    /// Fewer than 48 bytes.
    TooShort,
    /// The originate timestamp is not the request's transmit timestamp (RFC 5905 §8).
    BogusOriginate,
    /// The mode is not 4, server.
    WrongMode,
    /// The version is not the request's, 4.
    WrongVersion,
    /// The leap indicator is 3: the server's clock is not synchronised.
    Unsynchronised,
    /// The stratum is 16 (unsynchronised) or more (reserved).
    BadStratum,
    /// The transmit timestamp is 0.
    NoTransmitTime,
    /// The receive timestamp is 0.
    NoReceiveTime,
    /// The server says that it answered before it was asked.
    TransmitBeforeReceive,
    /// The server says that it set its clock after it had answered.
    TransmitBeforeReference,
    /// The root delay is negative, or one second or more.
    BadRootDelay,
    /// The root dispersion is one second or more.
    BadRootDispersion,
}

impl Refusal {
    /// The reason as the console names it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::WrongSource => "wrong-source",
            Self::TooShort => "too-short",
            Self::BogusOriginate => "bogus-originate",
            Self::WrongMode => "wrong-mode",
            Self::WrongVersion => "wrong-version",
            Self::Unsynchronised => "unsynchronised",
            Self::BadStratum => "bad-stratum",
            Self::NoTransmitTime => "no-transmit-time",
            Self::NoReceiveTime => "no-receive-time",
            Self::TransmitBeforeReceive => "transmit-before-receive",
            Self::TransmitBeforeReference => "transmit-before-reference",
            Self::BadRootDelay => "bad-root-delay",
            Self::BadRootDispersion => "bad-root-dispersion",
        }
    }

    /// Whether anybody could have sent the reply, not only one who saw the request: then the
    /// server's own may still come.
    pub fn may_be_forged(self) -> bool {
        matches!(
            self,
            Self::WrongSource | Self::TooShort | Self::BogusOriginate
        )
    }
}

/// What a server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The time.
    Time(Sample),
    /// Stratum 0: a kiss-o'-death with its code (RFC 5905 §7.4).
    Kiss([u8; 4]),
}

/// A time that a server gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The server's transmit timestamp.
    pub transmitted: UnixTime,
    /// Half of the time that the request and the reply were under way: [`Self::transmitted`] plus
    /// this is the time at which the reply came in, if both ways took equally long.
    pub one_way: Duration,
    /// How far the server itself may be off: its root dispersion and half of its root delay (RFC
    /// 5905 §11.2).
    pub root_distance: Duration,
    /// The leap indicator.
    pub leap: Leap,
    /// The server's stratum, 1 to 15.
    pub stratum: u8,
}

/// A request under way.
#[derive(Debug, Clone, Copy)]
pub struct Exchange {
    cookie: u64,
    sent: Instant,
}

impl Exchange {
    /// Starts an exchange at `now`, with 64 random bits that only who sees the request can know.
    pub fn new(random: u64, now: Instant) -> Self {
        Self {
            // 0 means "no time" and is what servers echo that never looked.
            cookie: random.max(1),
            sent: now,
        }
    }

    /// The request: mode 3, version 4, and a transmit timestamp that is the random number. All else
    /// is 0, since the server needs nothing of it and the network should learn nothing from it.
    pub fn request(&self) -> [u8; PACKET_LEN] {
        let mut packet = [0; PACKET_LEN];
        let [.., transmit] = packet.as_chunks_mut::<8>().0 else {
            return packet;
        };
        *transmit = self.cookie.to_be_bytes();
        // LI 0, VN 4, mode 3.
        packet[0] = 0b00_100_011;
        packet
    }

    /// Judges a packet that came from the server's address and port at `now`. Seconds are read in
    /// the window of 2^32 that starts at Unix time `pivot`.
    ///
    /// # Errors
    /// Why the packet is not taken. That its sender saw the request is checked before what it
    /// says, so a forger cannot speak for the server, not even with a kiss-o'-death.
    pub fn judge(&self, packet: &[u8], pivot: i64, now: Instant) -> Result<Answer, Refusal> {
        let packet = packet.first_chunk().ok_or(Refusal::TooShort)?;
        let reply = Fields::read(packet);
        if reply.originate != self.cookie {
            return Err(Refusal::BogusOriginate);
        }
        if reply.mode != 4 {
            return Err(Refusal::WrongMode);
        }
        // RFC 4330 §5: a server copies the version of the request.
        if reply.version != VERSION {
            return Err(Refusal::WrongVersion);
        }
        if reply.stratum == 0 {
            return Ok(Answer::Kiss(reply.reference_id));
        }
        reply.check()?;
        let transmitted = reply.transmit.to_unix(pivot);
        // RFC 4330 §5: d = (T4 - T1) - (T3 - T2). A server that says it kept the request for longer
        // than the exchange took is wrong about T2; T3 is all that is left then.
        let round_trip = now.saturating_duration_since(self.sent).as_micros();
        let in_server = reply.transmit.micros_since(reply.receive);
        Ok(Answer::Time(Sample {
            transmitted,
            one_way: Duration::from_micros(round_trip.saturating_sub(in_server) / 2),
            root_distance: reply.root_distance(),
            leap: reply.leap,
            stratum: reply.stratum,
        }))
    }
}

/// A timestamp: 32 bits of seconds since the era's start and 32 bits of fraction.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Timestamp(u64);

impl Timestamp {
    /// The one Unix time in the window of 2^32 s from `pivot` that this timestamp can mean
    /// (RFC 5905 §6).
    fn to_unix(self, pivot: i64) -> UnixTime {
        let seconds = (self.0 >> 32) as i64 - UNIX_EPOCH;
        let after_pivot = seconds.wrapping_sub(pivot).rem_euclid(ERA);
        UnixTime {
            secs: pivot.saturating_add(after_pivot),
            micros: micros(self.0 & 0xffff_ffff) as u32,
        }
    }

    fn micros_since(self, earlier: Self) -> u64 {
        let difference = self.0.wrapping_sub(earlier.0);
        (difference >> 32) * 1_000_000 + micros(difference & 0xffff_ffff)
    }

    /// Whether this is before `other`, also across an era's end, as long as they are less than 68
    /// years apart (RFC 5905 §6).
    fn is_before(self, other: Self) -> bool {
        (self.0.wrapping_sub(other.0) as i64) < 0
    }
}

/// 32 bits of fraction of a second as microseconds.
fn micros(fraction: u64) -> u64 {
    (fraction * 1_000_000) >> 32
}

/// The fields of a packet that the client looks at.
struct Fields {
    leap: Leap,
    version: u8,
    mode: u8,
    stratum: u8,
    root_delay: i32,
    root_dispersion: u32,
    reference_id: [u8; 4],
    reference: Timestamp,
    originate: u64,
    receive: Timestamp,
    transmit: Timestamp,
}

impl Fields {
    fn read(packet: &[u8; PACKET_LEN]) -> Self {
        let word = |index: usize| -> [u8; 4] {
            let words = packet.as_chunks::<4>().0;
            words.get(index).copied().unwrap_or_default()
        };
        let timestamp = |index: usize| -> u64 {
            let high = u64::from(u32::from_be_bytes(word(index)));
            high << 32 | u64::from(u32::from_be_bytes(word(index + 1)))
        };
        let [first, stratum, _, _] = word(0);
        Self {
            leap: Leap::from_bits(first >> 6),
            version: first >> 3 & 7,
            mode: first & 7,
            stratum,
            root_delay: i32::from_be_bytes(word(1)),
            root_dispersion: u32::from_be_bytes(word(2)),
            reference_id: word(3),
            reference: Timestamp(timestamp(4)),
            originate: timestamp(6),
            receive: Timestamp(timestamp(8)),
            transmit: Timestamp(timestamp(10)),
        }
    }

    /// Whether the server's time is worth taking (RFC 4330 §5, RFC 5905 §7.3).
    fn check(&self) -> Result<(), Refusal> {
        if self.leap == Leap::Unknown {
            return Err(Refusal::Unsynchronised);
        }
        if self.stratum > 15 {
            return Err(Refusal::BadStratum);
        }
        if self.transmit.0 == 0 {
            return Err(Refusal::NoTransmitTime);
        }
        if self.receive.0 == 0 {
            return Err(Refusal::NoReceiveTime);
        }
        if self.transmit.is_before(self.receive) {
            return Err(Refusal::TransmitBeforeReceive);
        }
        // RFC 5905 A.5.1.1: such a header is invalid. 0 says that the clock was never set.
        if self.reference.0 != 0 && self.transmit.is_before(self.reference) {
            return Err(Refusal::TransmitBeforeReference);
        }
        if !(0..INFINITY).contains(&self.root_delay) {
            return Err(Refusal::BadRootDelay);
        }
        if self.root_dispersion >= INFINITY as u32 {
            return Err(Refusal::BadRootDispersion);
        }
        Ok(())
    }

    fn root_distance(&self) -> Duration {
        let delay = u64::from(self.root_delay.unsigned_abs());
        let short_format = delay / 2 + u64::from(self.root_dispersion);
        Duration::from_micros((short_format * 1_000_000) >> 16)
    }
}

#[cfg(test)]
mod tests;
