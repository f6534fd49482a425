//! The stored form: four bytes of magic (`"FPBC"`, or that of another value), version, body length, postcard body, CRC-32 of all that precedes it.
//! Integers of the envelope are little-endian.

use crc::{CRC_32_ISO_HDLC, Crc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{BootConfig, OutOfBounds};

/// The first four bytes of a stored configuration.
pub const MAGIC: [u8; 4] = *b"FPBC";
/// The version of the body's layout. Another version is refused, never guessed at.
pub const VERSION: u16 = 1;
/// The most bytes that a stored configuration takes.
pub const MAX_ENCODED_LEN: usize = 2048;

const HEADER_LEN: usize = 8;
const CRC_LEN: usize = 4;
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Why a stored configuration cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// There is none: no bytes, or erased flash.
    Missing,
    /// The first bytes are not [`MAGIC`].
    BadMagic,
    /// Another version than [`VERSION`].
    UnknownVersion(u16),
    /// Fewer bytes than the length field says.
    Truncated {
        /// Bytes that the header calls for.
        needed: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// The checksum does not match.
    BadCrc,
    /// The body is not a configuration.
    BadBody,
    /// A value is out of its bounds.
    OutOfBounds(OutOfBounds),
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::BadMagic => f.write_str("bad-magic"),
            Self::UnknownVersion(v) => write!(f, "unknown-version-{v}"),
            Self::Truncated { needed, found } => {
                write!(f, "truncated: {found} of {needed} bytes")
            }
            Self::BadCrc => f.write_str("bad-crc"),
            Self::BadBody => f.write_str("bad-body"),
            Self::OutOfBounds(out) => write!(f, "out-of-bounds: {out}"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Why a configuration cannot be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is too small; [`MAX_ENCODED_LEN`] always suffices.
    BufferTooSmall,
}

impl core::fmt::Display for EncodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the buffer is too small for the configuration")
    }
}

impl core::error::Error for EncodeError {}

/// Writes `config` into `buffer` and returns how many bytes it took.
///
/// Bounds are not checked here: the harness also stores configurations that a device must refuse.
///
/// # Errors
/// [`EncodeError::BufferTooSmall`].
pub fn encode(config: &BootConfig, buffer: &mut [u8]) -> Result<usize, EncodeError> {
    seal(MAGIC, VERSION, config, buffer)
}

/// Reads a stored configuration; bytes after it are ignored, as in a flash partition.
///
/// # Errors
/// What is wrong with it, in the order magic, version, length, checksum, body, bounds.
pub fn decode(stored: &[u8]) -> Result<BootConfig, DecodeError> {
    let config: BootConfig = open(MAGIC, VERSION, stored)?;
    config.check().map_err(DecodeError::OutOfBounds)?;
    Ok(config)
}

/// Writes `value` in its envelope, and returns how many bytes that took.
pub(crate) fn seal<T: Serialize>(
    magic: [u8; 4],
    version: u16,
    value: &T,
    buffer: &mut [u8],
) -> Result<usize, EncodeError> {
    let too_small = EncodeError::BufferTooSmall;
    let body = buffer.get_mut(HEADER_LEN..).ok_or(too_small)?;
    let body_len = postcard::to_slice(value, body)
        .map_err(|_| too_small)?
        .len();
    let end = HEADER_LEN + body_len;
    buffer[..4].copy_from_slice(&magic);
    buffer[4..6].copy_from_slice(&version.to_le_bytes());
    buffer[6..8].copy_from_slice(
        &u16::try_from(body_len)
            .map_err(|_| too_small)?
            .to_le_bytes(),
    );
    let crc = CRC.checksum(&buffer[..end]).to_le_bytes();
    buffer
        .get_mut(end..end + CRC_LEN)
        .ok_or(too_small)?
        .copy_from_slice(&crc);
    Ok(end + CRC_LEN)
}

/// Reads a value from its envelope. Its bounds are the caller's to check.
pub(crate) fn open<T: DeserializeOwned>(
    magic: [u8; 4],
    version: u16,
    stored: &[u8],
) -> Result<T, DecodeError> {
    let erased = stored.iter().all(|b| *b == 0xff);
    if erased || stored.is_empty() {
        return Err(DecodeError::Missing);
    }
    let Some((found_magic, rest)) = stored.split_first_chunk::<4>() else {
        return Err(DecodeError::Truncated {
            needed: HEADER_LEN,
            found: stored.len(),
        });
    };
    if *found_magic != magic {
        return Err(DecodeError::BadMagic);
    }
    let Some(&[v0, v1, l0, l1]) = rest.first_chunk::<4>() else {
        return Err(DecodeError::Truncated {
            needed: HEADER_LEN,
            found: stored.len(),
        });
    };
    let found_version = u16::from_le_bytes([v0, v1]);
    if found_version != version {
        return Err(DecodeError::UnknownVersion(found_version));
    }
    let end = HEADER_LEN + usize::from(u16::from_le_bytes([l0, l1]));
    let truncated = DecodeError::Truncated {
        needed: end + CRC_LEN,
        found: stored.len(),
    };
    let covered = stored.get(..end).ok_or(truncated)?;
    let crc = stored
        .get(end..)
        .and_then(|tail| tail.first_chunk::<CRC_LEN>())
        .ok_or(truncated)?;
    if CRC.checksum(covered) != u32::from_le_bytes(*crc) {
        return Err(DecodeError::BadCrc);
    }
    postcard::from_bytes(&covered[HEADER_LEN..]).map_err(|_| DecodeError::BadBody)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> ([u8; MAX_ENCODED_LEN], usize) {
        let mut buffer = [0; MAX_ENCODED_LEN];
        let len = encode(&BootConfig::safe_default(), &mut buffer).unwrap();
        (buffer, len)
    }

    #[test]
    fn a_stored_configuration_comes_back_as_it_was() {
        let (buffer, len) = stored();
        assert_eq!(decode(&buffer[..len]), Ok(BootConfig::safe_default()));
    }

    #[test]
    fn erased_flash_is_a_missing_configuration() {
        assert_eq!(decode(&[0xff; 64]), Err(DecodeError::Missing));
        assert_eq!(decode(&[]), Err(DecodeError::Missing));
    }

    #[test]
    fn every_truncation_is_named_and_none_panics() {
        let (buffer, len) = stored();
        for cut in 1..len {
            let error = decode(&buffer[..cut]).unwrap_err();
            assert!(
                matches!(error, DecodeError::Truncated { .. }),
                "{cut}: {error}"
            );
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let (buffer, len) = stored();
        for bit in 0..len * 8 {
            let mut broken = buffer;
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&broken[..len]).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_value_out_of_bounds_is_named_by_its_key() {
        let mut config = BootConfig::safe_default();
        config.ntp.min_poll_s = 1;
        let mut buffer = [0; MAX_ENCODED_LEN];
        let len = encode(&config, &mut buffer).unwrap();
        let Err(DecodeError::OutOfBounds(out)) = decode(&buffer[..len]) else {
            panic!("accepted");
        };
        assert_eq!(out.key, "ntp.min_poll_s");
    }
}
