//! Offers: the JSON object and the signature over it.

extern crate std;
use std::format;
use std::string::String;
use std::vec::Vec;

use ed25519_dalek::{Signer, SigningKey};

use crate::update::Request;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn object(url: &str, length: &str, sha256: &str, signature: &str, version: &str) -> String {
    format!(
        r#"{{"url":"{url}","length":{length},"sha256":"{sha256}","signature":"{signature}","version":{version}}}"#
    )
}

fn signed(key: &SigningKey, length: u32, version: u32, sha256: &[u8; 32]) -> Request {
    let mut message = Vec::from(*b"firmproof-update\0");
    message.extend(length.to_le_bytes());
    message.extend(version.to_le_bytes());
    message.extend(sha256);
    let signature = key.sign(&message).to_bytes();
    Request::parse(
        object(
            "http://h/i",
            &format!("{length}"),
            &hex(sha256),
            &hex(&signature),
            &format!("{version}"),
        )
        .as_bytes(),
    )
    .unwrap()
}

#[test]
fn an_offer_with_escapes_and_white_space_is_read() {
    let sha = "Aa".repeat(32);
    let json = object("http:\\/\\/h\\/i", "5", &sha, &"0b".repeat(64), " 7 ");
    let request = Request::parse(json.as_bytes()).unwrap();
    assert_eq!(request.url.as_str(), "http://h/i");
    assert_eq!((request.length, request.version), (5, 7));
    assert_eq!(request.sha256, [0xaa; 32]);
    assert_eq!(request.signature, [0x0b; 64]);
}

#[test]
fn a_malformed_offer_is_refused() {
    let sha = "00".repeat(32);
    let signature = "00".repeat(64);
    let good = object("http://h/i", "5", &sha, &signature, "1");
    assert!(Request::parse(good.as_bytes()).is_ok());
    for bad in [
        String::new(),
        String::from("{}"),
        String::from("[1]"),
        String::from("null"),
        String::from(&good[..good.len() - 1]),
        format!("{good}x"),
        format!("{good}{good}"),
        good.replace("\"url\"", "\"uri\""),
        good.replace("{", "{\"extra\":1,"),
        good.replace("{", "{\"version\":2,"),
        good.replace(":5", ":\"5\""),
        object("https://h/i", "5", &sha, &signature, "1"),
        object("http://h/i", "0", &sha, &signature, "1"),
        object("http://h/i", "-1", &sha, &signature, "1"),
        object("http://h/i", "5.5", &sha, &signature, "1"),
        object("http://h/i", "4294967296", &sha, &signature, "1"),
        object("http://h/i", "5", &sha[1..], &signature, "1"),
        object("http://h/i", "5", &sha[2..], &signature, "1"),
        object("http://h/i", "5", &sha.replace('0', "g"), &signature, "1"),
        object("http://h/i", "5", &sha, &signature[2..], "1"),
        object("http://h/\\u0000", "5", &sha, &signature, "1"),
        object("http://h/\\", "5", &sha, &signature, "1"),
        "[".repeat(2048),
        "{\"a\":".repeat(400),
    ] {
        assert!(Request::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn no_prefix_of_an_offer_and_no_changed_byte_panics() {
    let good = object("http://h/i", "5", &"00".repeat(32), &"00".repeat(64), "1");
    for end in 0..good.len() {
        assert!(Request::parse(&good.as_bytes()[..end]).is_err(), "{end}");
        for byte in [0, b'"', b'\\', b'{', b'}', 0xff] {
            let mut changed = Vec::from(good.as_bytes());
            changed[end] = byte;
            let _ = Request::parse(&changed);
        }
    }
}

#[test]
fn a_signature_covers_length_version_and_digest() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = key.verifying_key().to_bytes();
    let request = signed(&key, 1000, 3, &[1; 32]);
    assert!(request.is_signed_by(&public));
    let other = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
    assert!(!request.is_signed_by(&other));
    for changed in [
        Request {
            length: 1001,
            ..request.clone()
        },
        Request {
            version: 4,
            ..request.clone()
        },
        Request {
            sha256: [2; 32],
            ..request.clone()
        },
        Request {
            signature: [0; 64],
            ..request.clone()
        },
    ] {
        assert!(!changed.is_signed_by(&public), "{changed:?}");
    }
}

#[test]
fn an_unconfigured_key_signs_nothing() {
    // The all-zero key is a point of small order: under lax verification some signatures fit it.
    let mut signature = [0; 64];
    for first in [0, 1] {
        signature[0] = first;
        let request = Request {
            signature,
            ..signed(&SigningKey::from_bytes(&[7; 32]), 1, 1, &[0; 32])
        };
        assert!(!request.is_signed_by(&[0; 32]));
    }
}
