//! The key that firmware images are signed with, and the offers that it makes
//! (`docs/interfaces.md`, HTTP).

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// An Ed25519 key (RFC 8032).
pub struct UpdateKey(SigningKey);

/// Why there is no key or no offer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateKeyError {
    /// The key's file cannot be read or made.
    #[error("the key {}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds something else.
    #[error("{} is no key: expected 64 hexadecimal digits", .0.display())]
    NoKey(PathBuf),
    /// The image is longer than its length can say.
    #[error("an image of {0} bytes is too long: its length has 32 bits")]
    TooLong(usize),
}

impl UpdateKey {
    /// Reads a key, or draws one and stores it so that only its owner can read it.
    ///
    /// # Errors
    /// [`UpdateKeyError::File`], [`UpdateKeyError::NoKey`].
    pub fn read_or_make(path: &Path) -> Result<Self, UpdateKeyError> {
        let failed = |source| UpdateKeyError::File {
            path: path.into(),
            source,
        };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let mut secret = [0; 32];
                hex::decode_to_slice(text.trim(), &mut secret)
                    .map_err(|_| UpdateKeyError::NoKey(path.into()))?;
                Ok(Self(SigningKey::from_bytes(&secret)))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(failed)?;
                }
                let secret: [u8; 32] = rand::random();
                let mut options = std::fs::OpenOptions::new();
                let file = options.write(true).create_new(true).mode(0o600).open(path);
                let line = format!("{}\n", hex::encode(secret));
                file.and_then(|mut file| file.write_all(line.as_bytes()))
                    .map_err(failed)?;
                Ok(Self(SigningKey::from_bytes(&secret)))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The public key, as the boot configuration holds it.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The body of the `POST /api/update` that offers `image` from `url`.
    ///
    /// # Errors
    /// [`UpdateKeyError::TooLong`].
    pub fn offer(&self, image: &[u8], version: u32, url: &str) -> Result<Value, UpdateKeyError> {
        let too_long = |_| UpdateKeyError::TooLong(image.len());
        let length = u32::try_from(image.len()).map_err(too_long)?;
        let digest = Sha256::digest(image);
        let signed = signed_message(length, version, &digest.into());
        Ok(json!({
            "url": url,
            "length": length,
            "version": version,
            "sha256": hex::encode(digest),
            "signature": hex::encode(self.0.sign(&signed).to_bytes()),
        }))
    }
}

/// What the signature of an offer is over: length in bytes, version and SHA-256 of the image.
pub fn signed_message(length: u32, version: u32, sha256: &[u8; 32]) -> Vec<u8> {
    let mut signed = b"firmproof-update\0".to_vec();
    signed.extend_from_slice(&length.to_le_bytes());
    signed.extend_from_slice(&version.to_le_bytes());
    signed.extend_from_slice(sha256);
    signed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper/update.key");
        let made = UpdateKey::read_or_make(&path).unwrap();
        let read = UpdateKey::read_or_make(&path).unwrap();
        assert_eq!(made.public(), read.public());
        std::fs::write(&path, "abc").unwrap();
        let error = UpdateKey::read_or_make(&path).err().unwrap();
        assert!(error.to_string().contains("64 hexadecimal digits"));
    }

    #[test]
    fn an_offer_has_the_digest_and_length_of_the_image() {
        let key = UpdateKey(SigningKey::from_bytes(&[7; 32]));
        let offer = key.offer(b"abc", 3, "http://192.0.2.1/x").unwrap();
        assert_eq!(offer["length"], 3);
        // The example of FIPS 180-4.
        assert_eq!(
            offer["sha256"],
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(offer["signature"].as_str().unwrap().len(), 128);
    }
}
