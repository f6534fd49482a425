//! The name and passphrase of the Wi-Fi network that a board joins. They lie beside the boot
//! configuration, not in it, so that a bench can write a new configuration for each case and never
//! hold them.

use core::fmt;

use heapless::String;
use serde::{Deserialize, Serialize};

use crate::envelope::{open, seal};
use crate::limits::require;
use crate::{DecodeError, EncodeError, MAX_ENCODED_LEN, OutOfBounds};

/// A network to join as a station. Its `Debug` form shows neither name nor passphrase.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WifiCredentials {
    /// The network's name, 1 to 32 bytes (IEEE 802.11 §9.4.2.2).
    pub ssid: String<32>,
    /// The passphrase, 8 to 63 printable ASCII characters (IEEE 802.11 annex J.4); empty for an
    /// open network.
    pub passphrase: String<63>,
}

impl WifiCredentials {
    /// The first four bytes of stored credentials.
    pub const MAGIC: [u8; 4] = *b"FPWF";
    /// The version of the body's layout.
    pub const VERSION: u16 = 1;
    /// Where they begin in the boot configuration's flash partition, in bytes from its start.
    pub const PARTITION_OFFSET: usize = MAX_ENCODED_LEN;
    /// The most bytes that they take: the envelope, and two strings with a length byte each.
    pub const MAX_ENCODED_LEN: usize = 8 + (1 + 32) + (1 + 63) + 4;

    /// Writes them into `buffer` and returns how many bytes they took.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; [`Self::MAX_ENCODED_LEN`] bytes always suffice.
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        seal(Self::MAGIC, Self::VERSION, self, buffer)
    }

    /// Reads stored credentials; bytes after them are ignored.
    ///
    /// # Errors
    /// What is wrong with them, never what they are.
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        let credentials: Self = open(Self::MAGIC, Self::VERSION, stored)?;
        credentials.check().map_err(DecodeError::OutOfBounds)?;
        Ok(credentials)
    }

    /// Checks every bound that the fields document.
    ///
    /// # Errors
    /// The first value that is out of its bounds.
    pub fn check(&self) -> Result<(), OutOfBounds> {
        require(!self.ssid.is_empty(), "wifi.ssid", "1 to 32 bytes")?;
        let printable = |byte| (0x20..=0x7e).contains(&byte);
        require(
            self.passphrase.is_empty()
                || (self.passphrase.len() >= 8 && self.passphrase.bytes().all(printable)),
            "wifi.passphrase",
            "8 to 63 printable ASCII characters, or empty for an open network",
        )
    }
}

impl fmt::Debug for WifiCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WifiCredentials(***)")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;

    use super::*;

    fn credentials(ssid: &str, passphrase: &str) -> WifiCredentials {
        WifiCredentials {
            ssid: ssid.try_into().unwrap(),
            passphrase: passphrase.try_into().unwrap(),
        }
    }

    fn stored(credentials: &WifiCredentials) -> ([u8; WifiCredentials::MAX_ENCODED_LEN], usize) {
        let mut buffer = [0xff; WifiCredentials::MAX_ENCODED_LEN];
        let len = credentials.encode(&mut buffer).unwrap();
        (buffer, len)
    }

    #[test]
    fn the_longest_credentials_fit_and_come_back_as_they_were() {
        let longest = credentials(&"s".repeat(32), &"p".repeat(63));
        let (buffer, len) = stored(&longest);
        assert_eq!(len, WifiCredentials::MAX_ENCODED_LEN);
        assert_eq!(WifiCredentials::decode(&buffer), Ok(longest));
    }

    #[test]
    fn credentials_out_of_bounds_are_named_by_their_key() {
        let refused = [
            (credentials("", "passphrase"), "wifi.ssid"),
            (credentials("lab", "short"), "wifi.passphrase"),
            (credentials("lab", "with\u{7f}delete"), "wifi.passphrase"),
        ];
        for (credentials, key) in refused {
            let Err(DecodeError::OutOfBounds(out)) =
                WifiCredentials::decode(&stored(&credentials).0)
            else {
                panic!("accepted: {key}");
            };
            assert_eq!(out.key, key);
        }
        let open = credentials("lab", "");
        assert_eq!(WifiCredentials::decode(&stored(&open).0), Ok(open));
    }

    #[test]
    fn a_boot_configuration_is_no_credentials_and_every_flipped_bit_is_noticed() {
        let mut buffer = [0; MAX_ENCODED_LEN];
        crate::encode(&crate::BootConfig::safe_default(), &mut buffer).unwrap();
        assert_eq!(WifiCredentials::decode(&buffer), Err(DecodeError::BadMagic));
        let (whole, len) = stored(&credentials("lab", "passphrase"));
        for bit in 0..len * 8 {
            let mut broken = whole;
            broken[bit / 8] ^= 1 << (bit % 8);
            assert!(
                WifiCredentials::decode(&broken[..len]).is_err(),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn the_debug_form_shows_neither_name_nor_passphrase() {
        let shown = format!("{:?}", credentials("secret-lab", "passphrase"));
        assert!(
            !shown.contains("secret-lab") && !shown.contains("passphrase"),
            "{shown}"
        );
    }
}
