//! What `POST /api/update` offers: the image's place, length, version and digest, and the signature
//! over them. Checked before a byte is downloaded.

use ed25519_dalek::{Signature, VerifyingKey};
use heapless::String;
use serde::Deserialize;

use super::url::Url;

/// What a signature covers, before length, version and digest.
const DOMAIN: &[u8; 17] = b"firmproof-update\0";
const SIGNED_LEN: usize = DOMAIN.len() + 4 + 4 + 32;

/// An update that `POST /api/update` asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where the image is.
    pub url: Url,
    /// Its length in bytes, 1 at least.
    pub length: u32,
    /// Its version; only a greater one than any accepted before is taken.
    pub version: u32,
    /// SHA-256 of the image.
    pub sha256: [u8; 32],
    /// Ed25519 signature, see [`Request::is_signed_by`].
    pub signature: [u8; 64],
}

/// Why an offer is refused, in words that name the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferError(pub &'static str);

/// The JSON object. Unknown keys are refused: skipping a nested value would recurse as deep as the
/// sender likes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    url: String<256>,
    length: u32,
    sha256: String<64>,
    signature: String<128>,
    version: u32,
}

impl Request {
    /// Reads the JSON object `{"url","length","sha256","signature","version"}`, digests in hex.
    ///
    /// # Errors
    /// What is wrong with it, for the one who sent it.
    pub fn parse(json: &[u8]) -> Result<Self, OfferError> {
        let mut unescaped = [0; 512];
        let (object, _) = serde_json_core::from_slice_escaped::<Object>(json, &mut unescaped)
            .map_err(|_| {
                OfferError("not a JSON object of url, length, sha256, signature and version")
            })?;
        if object.length == 0 {
            return Err(OfferError("length must be 1 or more"));
        }
        Ok(Self {
            url: Url::parse(&object.url)
                .map_err(|_| OfferError("url must be an http URL of at most 256 bytes"))?,
            length: object.length,
            version: object.version,
            sha256: hex(&object.sha256).ok_or(OfferError("sha256 must be 64 hex digits"))?,
            signature: hex(&object.signature)
                .ok_or(OfferError("signature must be 128 hex digits"))?,
        })
    }

    /// Whether `public_key` signed this offer: Ed25519 (RFC 8032, strictly verified) over
    /// `"firmproof-update\0"`, length and version as little-endian `u32`, and the digest.
    // Its tables have no place on the stack of all that waits for an update.
    #[inline(never)]
    pub fn is_signed_by(&self, public_key: &[u8; 32]) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(public_key) else {
            return false;
        };
        let mut signed = heapless::Vec::<u8, SIGNED_LEN>::new();
        let parts: [&[u8]; 4] = [
            DOMAIN,
            &self.length.to_le_bytes(),
            &self.version.to_le_bytes(),
            &self.sha256,
        ];
        let whole = parts
            .iter()
            .all(|part| signed.extend_from_slice(part).is_ok());
        whole
            && key
                .verify_strict(&signed, &Signature::from_bytes(&self.signature))
                .is_ok()
    }
}

/// Exactly `2 * N` hex digits, in any case.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = (high? << 4 | low?) as u8;
    }
    Some(bytes)
}
