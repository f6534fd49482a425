//! Lines and fields of an HTTP/1.1 message (RFC 9112 §2 and §5), and the lengths that they announce.

use super::Malformed;

/// A message's bytes from some place on. Each method takes one element, or is `None` when more bytes are needed.
#[derive(Clone, Copy)]
pub(in crate::peers) struct Cursor<'a> {
    bytes: &'a [u8],
    /// How many bytes have been taken.
    pub(in crate::peers) taken: usize,
}

impl<'a> Cursor<'a> {
    pub(in crate::peers) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, taken: 0 }
    }

    /// What has not been taken.
    pub(in crate::peers) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.taken..]
    }

    /// Exactly `count` bytes.
    pub(in crate::peers) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.rest().get(..count)?;
        self.taken += count;
        Some(taken)
    }

    /// A line, without its CRLF.
    pub(in crate::peers) fn line(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let rest = self.rest();
        let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
            return Ok(None);
        };
        let Some(line) = rest[..end].strip_suffix(b"\r") else {
            return Err(Malformed::new(
                "RFC 9112 §2.2",
                format!("a line ends in a bare LF: {}", shown(&rest[..end])),
            ));
        };
        if line.contains(&b'\r') {
            return Err(Malformed::new(
                "RFC 9112 §2.2",
                format!("a bare CR within a line: {}", shown(line)),
            ));
        }
        self.taken += end + 1;
        Ok(Some(line))
    }

    /// Field lines up to and with the empty line that ends them.
    pub(in crate::peers) fn fields(&mut self) -> Result<Option<Fields>, Malformed> {
        let mut fields = Vec::new();
        while let Some(line) = self.line()? {
            if line.is_empty() {
                return Ok(Some(Fields(fields)));
            }
            fields.push(field_line(line)?);
        }
        Ok(None)
    }
}

/// Bytes that a peer chose, escaped, and cut where they would flood a report.
pub(in crate::peers) fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 120;
    let kept = &bytes[..bytes.len().min(MOST)];
    let dots = if bytes.len() > MOST { "…" } else { "" };
    format!("\"{}{dots}\"", kept.escape_ascii())
}

/// RFC 9110 §5.6.2
pub(in crate::peers) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// HTAB, SP, VCHAR and obs-text: what a field value (RFC 9110 §5.5) and a reason phrase (RFC 9112 §4) may have.
pub(in crate::peers) fn is_text(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7F))
}

/// Without the spaces and tabs at both ends (RFC 9110 §5.6.3); the standard library would take a form feed too.
fn trim_white_space(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

fn field_line(line: &[u8]) -> Result<(String, String), Malformed> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err(Malformed::new(
            "RFC 9112 §5.2",
            format!("a folded field line: {}", shown(line)),
        ));
    }
    let Some(colon) = line.iter().position(|&byte| byte == b':') else {
        return Err(Malformed::new(
            "RFC 9112 §5",
            format!("a field line without a colon: {}", shown(line)),
        ));
    };
    let (name, value) = (&line[..colon], trim_white_space(&line[colon + 1..]));
    if name.ends_with(b" ") || name.ends_with(b"\t") {
        return Err(Malformed::new(
            "RFC 9112 §5.1",
            format!("white space before the colon: {}", shown(line)),
        ));
    }
    if !is_token(name) {
        return Err(Malformed::new(
            "RFC 9110 §5.1",
            format!("a field name that is no token: {}", shown(line)),
        ));
    }
    if !is_text(value) {
        return Err(Malformed::new(
            "RFC 9110 §5.5",
            format!("a control character in a field value: {}", shown(line)),
        ));
    }
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(name), text(value)))
}

/// The fields of a message in their order, names as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::peers) struct Fields(pub(in crate::peers) Vec<(String, String)>);

impl Fields {
    /// The values of every field line of this name, whatever its case.
    pub(in crate::peers) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// `Content-Length`, in bytes (RFC 9110 §8.6).
    pub(in crate::peers) fn content_length(&self) -> Result<Option<usize>, Malformed> {
        let mut values = self.all("content-length");
        let Some(value) = values.next() else {
            return Ok(None);
        };
        // A recipient may accept equal duplicates; no sender may send them.
        if values.next().is_some() {
            return Err(Malformed::new(
                "RFC 9110 §8.6",
                "more than one Content-Length",
            ));
        }
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        match value.parse() {
            Ok(length) if digits => Ok(Some(length)),
            _ => Err(Malformed::new(
                "RFC 9110 §8.6",
                format!("Content-Length is {}", shown(value.as_bytes())),
            )),
        }
    }

    /// Whether the message is chunked (RFC 9112 §6.1). Any other coding is refused: it needs a `TE` that the
    /// harness never sends (§7.4).
    pub(in crate::peers) fn chunked(&self, version: &str) -> Result<bool, Malformed> {
        let values: Vec<&str> = self.all("transfer-encoding").collect();
        if values.is_empty() {
            return Ok(false);
        }
        if version == "HTTP/1.0" {
            return Err(Malformed::new(
                "RFC 9112 §6.1",
                "Transfer-Encoding in an HTTP/1.0 message",
            ));
        }
        if self.all("content-length").next().is_some() {
            return Err(Malformed::new(
                "RFC 9112 §6.2",
                "Content-Length beside Transfer-Encoding",
            ));
        }
        let value = values.join(", ");
        if !value.eq_ignore_ascii_case("chunked") {
            return Err(Malformed::new(
                "RFC 9112 §7",
                format!("Transfer-Encoding is {}", shown(value.as_bytes())),
            ));
        }
        Ok(true)
    }
}

/// Major version 1 with any minor version (RFC 9112 §2.3); the case and no white space are part of the form.
pub(in crate::peers) fn is_version(bytes: &[u8]) -> bool {
    matches!(bytes, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor] if minor.is_ascii_digit())
}
