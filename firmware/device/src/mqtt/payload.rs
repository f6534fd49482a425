//! Payloads that the device generates, and the checksum that its console shows of received ones.

use crc::{CRC_32_ISO_HDLC, Crc};

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// CRC-32/ISO-HDLC.
pub fn crc32(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// CRC-32/ISO-HDLC of texts, each ended by 0xff, which UTF-8 never holds.
pub fn crc32_of_texts<'a>(texts: impl Iterator<Item = &'a [u8]>) -> u32 {
    let mut digest = CRC.digest();
    for text in texts {
        digest.update(text);
        digest.update(&[0xff]);
    }
    digest.finalize()
}

/// Fills `out` with the pattern from byte `offset` of the payload on: byte i is i mod 251.
pub fn fill_pattern(offset: u32, out: &mut [u8]) {
    let mut value = (offset % 251) as u8;
    for byte in out {
        *byte = value;
        value = if value == 250 { 0 } else { value + 1 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_is_the_same_in_whatever_pieces_it_is_made() {
        let mut whole = [0; 1000];
        fill_pattern(0, &mut whole);
        assert!(
            whole
                .iter()
                .enumerate()
                .all(|(i, b)| i % 251 == usize::from(*b))
        );
        let mut piece = [0; 300];
        fill_pattern(700, &mut piece);
        assert_eq!(piece, whole[700..]);
    }

    #[test]
    fn the_checksum_is_the_one_of_the_catalogue() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
