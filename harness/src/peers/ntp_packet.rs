//! The 48-byte NTP header (RFC 5905 §7.3), every field as it stands on the wire: a hostile server sends any value.

use std::fmt;

/// Seconds from the NTP prime epoch, 1900-01-01, to the Unix epoch (RFC 5905 §6, figure 4).
const UNIX_EPOCH: i64 = 2_208_988_800;

/// The length of the header in bytes.
pub const HEADER_LENGTH: usize = 48;

/// An NTP header without extension fields or message authentication code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NtpPacket {
    /// Leap indicator, 0 to 3; 3 means not synchronised. Only the low two bits are sent.
    pub leap: u8,
    /// Version number; 4 is this one. Only the low three bits are sent.
    pub version: u8,
    /// 3 is a client, 4 a server, 5 a broadcast server. Only the low three bits are sent.
    pub mode: u8,
    /// 1 is a primary server, 0 a kiss-o'-death packet.
    pub stratum: u8,
    /// Maximum interval between messages, log2 seconds.
    pub poll: i8,
    /// Precision of the clock, log2 seconds.
    pub precision: i8,
    /// Round-trip delay to the reference clock: NTP short format, seconds times 2^16.
    pub root_delay: u32,
    /// Dispersion to the reference clock: NTP short format, seconds times 2^16.
    pub root_dispersion: u32,
    /// The reference clock, the upstream server, or the kiss code.
    pub reference_id: [u8; 4],
    /// When the clock was last set: NTP timestamp, seconds times 2^32.
    pub reference: u64,
    /// The client's transmit timestamp, returned.
    pub originate: u64,
    /// When the request arrived at the server.
    pub receive: u64,
    /// When this packet departed.
    pub transmit: u64,
}

/// A datagram that has no room for an NTP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{length} bytes are too short for the {HEADER_LENGTH} bytes of an NTP header (RFC 5905 §7.3)"
)]
pub struct TooShort {
    /// The length of the datagram in bytes.
    pub length: usize,
}

impl NtpPacket {
    /// Reads the header at the start of a datagram. What follows it (extension fields, authentication) is left
    /// to the caller.
    ///
    /// # Errors
    /// [`TooShort`] below 48 bytes; every header of 48 bytes has a meaning.
    pub fn decode(datagram: &[u8]) -> Result<Self, TooShort> {
        let header: &[u8; HEADER_LENGTH] = datagram.first_chunk().ok_or(TooShort {
            length: datagram.len(),
        })?;
        Ok(Self {
            leap: header[0] >> 6,
            version: (header[0] >> 3) & 7,
            mode: header[0] & 7,
            stratum: header[1],
            poll: header[2].cast_signed(),
            precision: header[3].cast_signed(),
            root_delay: u32::from_be_bytes(field(header, 4)),
            root_dispersion: u32::from_be_bytes(field(header, 8)),
            reference_id: field(header, 12),
            reference: u64::from_be_bytes(field(header, 16)),
            originate: u64::from_be_bytes(field(header, 24)),
            receive: u64::from_be_bytes(field(header, 32)),
            transmit: u64::from_be_bytes(field(header, 40)),
        })
    }

    /// The header as sent.
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        let mut header = [0; HEADER_LENGTH];
        header[0] = self.leap << 6 | (self.version & 7) << 3 | self.mode & 7;
        header[1] = self.stratum;
        header[2] = self.poll.cast_unsigned();
        header[3] = self.precision.cast_unsigned();
        header[4..8].copy_from_slice(&self.root_delay.to_be_bytes());
        header[8..12].copy_from_slice(&self.root_dispersion.to_be_bytes());
        header[12..16].copy_from_slice(&self.reference_id);
        header[16..24].copy_from_slice(&self.reference.to_be_bytes());
        header[24..32].copy_from_slice(&self.originate.to_be_bytes());
        header[32..40].copy_from_slice(&self.receive.to_be_bytes());
        header[40..48].copy_from_slice(&self.transmit.to_be_bytes());
        header
    }
}

fn field<const N: usize>(header: &[u8; HEADER_LENGTH], start: usize) -> [u8; N] {
    std::array::from_fn(|index| header[start + index])
}

/// The seconds field of an NTP timestamp for a Unix time: the low 32 bits, so that the era is lost
/// (RFC 5905 §6).
pub fn ntp_seconds(unix_s: i64) -> u32 {
    unix_s.wrapping_add(UNIX_EPOCH) as u32
}

/// An NTP timestamp for a Unix time and `nanos` (0 to 999,999,999) after it, rounded down to 2^-32 s.
pub fn ntp_timestamp(unix_s: i64, nanos: u32) -> u64 {
    let fraction = (u64::from(nanos) << 32) / 1_000_000_000;
    (u64::from(ntp_seconds(unix_s)) << 32).wrapping_add(fraction)
}

impl fmt::Display for NtpPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "NTP leap={} version={} mode={} stratum={} poll={} precision={} root_delay={:.6}s root_dispersion={:.6}s \
             reference_id={}",
            self.leap,
            self.version,
            self.mode,
            self.stratum,
            self.poll,
            self.precision,
            f64::from(self.root_delay) / 65_536.0,
            f64::from(self.root_dispersion) / 65_536.0,
            ReferenceId(self),
        )?;
        for (name, timestamp) in [
            ("reference", self.reference),
            ("originate", self.originate),
            ("receive", self.receive),
            ("transmit", self.transmit),
        ] {
            write!(
                f,
                " {name}={:08x}.{:08x}",
                timestamp >> 32,
                timestamp & 0xFFFF_FFFF
            )?;
        }
        Ok(())
    }
}

/// Text for a kiss code or a primary server's clock, else an address (RFC 5905 §7.3).
struct ReferenceId<'a>(&'a NtpPacket);

impl fmt::Display for ReferenceId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0.reference_id;
        let text = id.trim_ascii_end();
        let text = text.strip_suffix(&[0]).unwrap_or(text);
        if self.0.stratum <= 1 && !text.is_empty() && text.iter().all(u8::is_ascii_alphanumeric) {
            write!(f, "{}", text.escape_ascii())
        } else {
            write!(f, "{}.{}.{}.{}", id[0], id[1], id[2], id[3])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server's reply whose bytes were laid out by hand along RFC 5905, figure 8.
    const REPLY: [u8; 48] = [
        0x24, 0x01, 0x06, 0xEC, // leap 0, version 4, mode 4; stratum 1; poll 6; precision -20
        0x00, 0x00, 0x80, 0x00, // root delay 0.5 s
        0x00, 0x01, 0x40, 0x00, // root dispersion 1.25 s
        b'G', b'P', b'S', 0x00, //
        0x83, 0xAA, 0x7E, 0x80, 0x00, 0x00, 0x00, 0x00, // the Unix epoch
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, //
        0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, //
        0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0x00, 0x00, 0x00, //
    ];

    fn reply() -> NtpPacket {
        NtpPacket {
            leap: 0,
            version: 4,
            mode: 4,
            stratum: 1,
            poll: 6,
            precision: -20,
            root_delay: 0x8000,
            root_dispersion: 0x1_4000,
            reference_id: *b"GPS\0",
            reference: 0x83AA_7E80_0000_0000,
            originate: 0x0102_0304_0506_0708,
            receive: 0x1112_1314_1516_1718,
            transmit: 0xFFFF_FFFF_8000_0000,
        }
    }

    #[test]
    fn the_header_stands_where_the_specification_draws_it() {
        assert_eq!(NtpPacket::decode(&REPLY), Ok(reply()));
        assert_eq!(reply().encode(), REPLY);
    }

    #[test]
    fn every_first_byte_survives_decoding_and_encoding() {
        for first in 0..=u8::MAX {
            let mut bytes = REPLY;
            bytes[0] = first;
            let packet = NtpPacket::decode(&bytes).expect("48 bytes");
            assert_eq!(packet.encode(), bytes);
        }
    }

    #[test]
    fn a_datagram_below_48_bytes_is_too_short_and_a_longer_one_is_read() {
        assert_eq!(
            NtpPacket::decode(&REPLY[..47]),
            Err(TooShort { length: 47 })
        );
        assert_eq!(NtpPacket::decode(&[]), Err(TooShort { length: 0 }));
        let with_authentication = [&REPLY[..], &[0; 20]].concat();
        assert_eq!(NtpPacket::decode(&with_authentication), Ok(reply()));
    }

    /// The rows of RFC 5905, figure 4, and the second at which era 1 begins.
    #[test]
    fn ntp_seconds_are_those_of_the_specifications_table() {
        for (instant, unix_s, expected) in [
            ("1900-01-01T00:00:00Z", -2_208_988_800, 0),
            ("1970-01-01T00:00:00Z", 0, 2_208_988_800),
            ("1972-01-01T00:00:00Z", 63_072_000, 2_272_060_800),
            ("1999-12-31T00:00:00Z", 946_598_400, 3_155_587_200),
            ("2036-02-07T06:28:15Z", 2_085_978_495, u32::MAX),
            ("2036-02-07T06:28:16Z", 2_085_978_496, 0),
            ("2036-02-08T00:00:00Z", 2_086_041_600, 63_104),
        ] {
            assert_eq!(ntp_seconds(unix_s), expected, "{instant}");
        }
    }

    #[test]
    fn a_timestamp_is_seconds_and_a_binary_fraction() {
        assert_eq!(ntp_timestamp(0, 500_000_000), 0x83AA_7E80_8000_0000);
        assert_eq!(ntp_timestamp(2_085_978_496, 250_000_000), 0x4000_0000);
        assert_eq!(ntp_timestamp(0, 999_999_999) >> 32, 2_208_988_800);
    }

    #[test]
    fn the_display_is_one_line_with_every_field() {
        assert_eq!(
            reply().to_string(),
            "NTP leap=0 version=4 mode=4 stratum=1 poll=6 precision=-20 root_delay=0.500000s \
             root_dispersion=1.250000s reference_id=GPS reference=83aa7e80.00000000 originate=01020304.05060708 \
             receive=11121314.15161718 transmit=ffffffff.80000000"
        );
        let kiss = NtpPacket {
            stratum: 0,
            reference_id: *b"RATE",
            ..reply()
        };
        assert!(kiss.to_string().contains("reference_id=RATE "));
        let secondary = NtpPacket {
            stratum: 2,
            reference_id: *b"RATE",
            ..reply()
        };
        assert!(secondary.to_string().contains("reference_id=82.65.84.69 "));
        let garbage = NtpPacket {
            stratum: 0,
            reference_id: *b"\x1b[2J",
            ..reply()
        };
        assert!(garbage.to_string().contains("reference_id=27.91.50.74 "));
    }
}
