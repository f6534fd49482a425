//! Passwords and tokens: known so that no result shows them.
//!
//! What is hidden becomes asterisks, so that lengths stay true: every secret that the bench was told
//! of, and the credentials of every `Authorization` field (RFC 9110 §11.6.2), right ones or wrong.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// Shorter secrets cannot be told from other bytes, and are not hidden.
const SHORTEST: usize = 4;
const FIELD: &[u8] = b"authorization:";
const MASK: u8 = b'*';

/// The secrets of one case.
#[derive(Default)]
pub struct Secrets(Mutex<BTreeSet<Vec<u8>>>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(hidden)")
    }
}

impl Secrets {
    /// Hides `secret` from now on, in each form in which a transcript or a console would show it.
    pub fn hide(&self, secret: &[u8]) {
        if secret.len() < SHORTEST {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(secret.to_vec());
        kept.insert(String::from_utf8_lossy(secret).into_owned().into_bytes());
        kept.insert(secret.escape_ascii().to_string().into_bytes());
        kept.insert(console_form(secret).into_bytes());
    }

    /// Where in `bytes` there is something to hide. A secret that `bytes` cut short at their end
    /// counts too.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut found = credentials(bytes);
        for secret in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let places = bytes.windows(secret.len()).enumerate();
            found.extend(
                places
                    .filter(|(_, window)| window == secret)
                    .map(|(at, _)| at..at + secret.len()),
            );
            let cut_short = (SHORTEST..secret.len())
                .rev()
                .find(|&length| bytes.ends_with(&secret[..length]));
            found.extend(cut_short.map(|length| bytes.len() - length..bytes.len()));
        }
        found
    }

    /// Hides the secrets in `bytes`.
    pub fn mask(&self, bytes: &mut [u8]) {
        for range in self.found_in(bytes) {
            bytes[range].fill(MASK);
        }
    }

    /// `text` without the secrets.
    pub fn masked(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.mask(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Hexadecimal digits without the secrets in the bytes that they stand for.
    pub fn masked_hex(&self, digits: &str) -> String {
        match hex::decode(digits) {
            Ok(mut bytes) => {
                self.mask(&mut bytes);
                hex::encode(bytes)
            }
            Err(_) => digits.into(),
        }
    }
}

/// The credentials of every `Authorization` field, without their scheme.
fn credentials(bytes: &[u8]) -> Vec<Range<usize>> {
    let is_field = |window: &[u8]| window.eq_ignore_ascii_case(FIELD);
    let places = bytes.windows(FIELD.len()).enumerate();
    places
        .filter(|(_, window)| is_field(window))
        .filter_map(|(at, _)| {
            let rest = &bytes[at + FIELD.len()..];
            let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let value = &rest[..end.unwrap_or(rest.len())];
            let begin = value.iter().position(|byte| *byte != b' ')?;
            let scheme = value[begin..].iter().position(|byte| *byte == b' ');
            let begin = begin + scheme.map_or(0, |length| length + 1);
            let offset = at + FIELD.len();
            Some(offset + begin..offset + value.len())
        })
        .collect()
}

/// As the reference device's console writes bytes from elsewhere (`docs/interfaces.md`).
fn console_form(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        if byte.is_ascii_graphic() && !matches!(byte, b'%' | b'=') {
            text.push(byte.into());
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowing(secret: &[u8]) -> Secrets {
        let secrets = Secrets::default();
        secrets.hide(secret);
        secrets
    }

    #[test]
    fn a_secret_is_hidden_in_bytes_in_hexadecimal_and_in_the_console_s_form() {
        let secrets = knowing(b"\x00\xff secret");
        let mut bytes = *b"a\x00\xff secretb\x00\xff se";
        secrets.mask(&mut bytes);
        assert_eq!(bytes, *b"a*********b*****");
        assert_eq!(
            secrets.masked("reason=%00%FF%20secret"),
            "reason=***************"
        );
        let lossy = String::from_utf8_lossy(b"\x00\xff secret");
        assert!(!secrets.masked(&lossy).contains("secret"));
        let digits = hex::encode(b"x\x00\xff secret");
        assert_eq!(secrets.masked_hex(&digits), hex::encode(b"x*********"));
    }

    #[test]
    fn credentials_are_hidden_though_nobody_named_them() {
        let secrets = Secrets::default();
        let request = "POST / HTTP/1.1\r\nAUTHORIZATION: Bearer almost-it\r\nHost: x\r\n\r\n";
        assert_eq!(
            secrets.masked(request),
            "POST / HTTP/1.1\r\nAUTHORIZATION: Bearer *********\r\nHost: x\r\n\r\n"
        );
        assert_eq!(secrets.masked("Authorization:bare"), "Authorization:****");
        assert_eq!(secrets.masked("Authorization:"), "Authorization:");
    }

    #[test]
    fn very_short_secrets_leave_the_evidence_readable() {
        assert_eq!(knowing(b"a").masked("banana"), "banana");
        assert_eq!(knowing(b"").masked("banana"), "banana");
    }
}
