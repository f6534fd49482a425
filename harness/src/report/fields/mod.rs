//! The fields of a message, each with the bytes that it stands in, for a reader who clicks on it.
//!
//! It reads what a device sent, so nothing in it trusts a length: what cannot be read is a field
//! that says so.

mod http;
mod mqtt;
mod ntp;

use serde::Serialize;

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field(
    /// Its first byte.
    pub usize,
    /// The byte after its last.
    pub usize,
    /// Its name.
    pub String,
    /// What it says.
    pub String,
);

/// Most fields of one message; a packet may have thousands of topic filters.
const MOST: usize = 128;

/// The fields of a message that `peer` received or sent. `length` is how many bytes it had, of which
/// `bytes` are the first. Empty when the peer speaks nothing that is known here.
pub fn of(peer: &str, bytes: &[u8], length: u64) -> Vec<Field> {
    let mut reader = Reader {
        bytes,
        at: 0,
        fields: Vec::new(),
    };
    let read = match peer.split('-').next() {
        Some("broker") => mqtt::read(&mut reader),
        Some("ntp") => ntp::read(&mut reader),
        Some("http" | "download") => http::read(&mut reader),
        _ => return Vec::new(),
    };
    let cut = length > bytes.len() as u64;
    if reader.fields.len() >= MOST {
        reader.fields.truncate(MOST);
        reader.note("more", "fields that are not shown");
    } else if read.is_none() {
        let what = match cut {
            true => "its end was not kept",
            false => "the message ends before this field does",
        };
        reader.note("incomplete", what);
    } else if reader.at < bytes.len() {
        let rest = format!("{} bytes that belong to no field", bytes.len() - reader.at);
        reader.note("rest", &rest);
    }
    reader.fields
}

/// Reads fields one after the other.
struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    fields: Vec<Field>,
}

impl<'b> Reader<'b> {
    /// A field of `length` bytes; `None` when they are not there.
    fn field(
        &mut self,
        name: &str,
        length: usize,
        value: impl FnOnce(&[u8]) -> String,
    ) -> Option<&'b [u8]> {
        if self.fields.len() >= MOST {
            return None;
        }
        let end = self.at.checked_add(length)?;
        let bytes = self.bytes.get(self.at..end)?;
        let field = Field(self.at, end, name.into(), value(bytes));
        self.fields.push(field);
        self.at = end;
        Some(bytes)
    }

    /// Another reading of the bytes of the last field, such as one of its bits.
    fn part(&mut self, name: &str, value: impl Into<String>) {
        if let Some(Field(from, to, ..)) = self.fields.last() {
            let field = Field(*from, *to, name.into(), value.into());
            self.fields.push(field);
        }
    }

    fn note(&mut self, name: &str, value: &str) {
        let field = Field(
            self.at,
            self.bytes.len().max(self.at),
            name.into(),
            value.into(),
        );
        self.fields.push(field);
    }

    fn u8(&mut self, name: &str) -> Option<u8> {
        let bytes = self.field(name, 1, |b| b[0].to_string())?;
        bytes.first().copied()
    }

    fn u16(&mut self, name: &str) -> Option<u16> {
        let bytes = self.field(name, 2, |b| be(b).to_string())?;
        u16::try_from(be(bytes)).ok()
    }

    fn rest(&self) -> usize {
        self.bytes.len() - self.at
    }
}

/// An unsigned number, most significant byte first, of 8 bytes at most.
fn be(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Bytes as text, with what is none escaped.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("\"{}\"", bytes.escape_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(peer: &str, bytes: &[u8]) -> String {
        let fields = of(peer, bytes, bytes.len() as u64);
        let line = |Field(from, to, name, value): &Field| format!("{from}..{to} {name}: {value}\n");
        fields.iter().map(line).collect()
    }

    #[test]
    fn each_field_of_mqtt_is_named_with_its_bytes() {
        let connect = b"\x10\x1f\x00\x04MQTT\x04\xee\x00\x3c\x00\x01a\x00\x03w/t\x00\x02hi\x00\x01u\x00\x04****";
        let subscribe = b"\x82\x0b\x00\x01\x00\x03a/b\x01\x00\x00\x02";
        let publish = b"\x3b\x08\x00\x01t\x00\x07abc";
        let said = [
            &connect[..],
            b"\x20\x02\x01\x05",
            subscribe,
            b"\x90\x04\x00\x01\x02\x80",
            publish,
            b"\xc0\x00",
            b"\x62\x02\x00\x07",
            b"\xf0\x00",
            b"\x10\xff\xff\xff\xff",
            b"\x10\x7f\x00\x04MQ",
        ]
        .map(|bytes| shown("broker", bytes));
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn each_field_of_http_and_ntp_is_named_with_its_bytes() {
        let request = b"POST /x HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\nled1=1";
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<b>";
        let ntp = hex::decode("240106ec0000000000000000475053008000000000010000c7eadfaf174a985d80000000000100008000000000010000").unwrap();
        let said = [
            shown("http", request),
            shown("http", response),
            shown("http", b"\x00\xff"),
            shown("ntp-1", &ntp),
            shown("ntp-1", &ntp[..40]),
        ];
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn no_bytes_are_too_strange() {
        let mut state: u64 = 7;
        for round in 0..20_000 {
            let mut bytes = Vec::new();
            for _ in 0..round % 60 {
                // Knuth's linear congruential generator.
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                bytes.push((state >> 56) as u8);
            }
            for peer in ["broker", "http", "ntp-1", "dns"] {
                for Field(from, to, ..) in of(peer, &bytes, bytes.len() as u64) {
                    assert!(from <= to && to <= bytes.len(), "{peer} {bytes:?}");
                }
            }
        }
    }
}
