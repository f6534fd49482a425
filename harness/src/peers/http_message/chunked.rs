//! The chunked transfer coding (RFC 9112 §7.1), decoded strictly.

use super::Malformed;
use super::head::{Cursor, Fields, is_text, is_token, shown};

/// Takes a chunked body and its trailer section; `None` when more bytes are needed.
pub(in crate::peers) fn decode(
    cursor: &mut Cursor<'_>,
) -> Result<Option<(Vec<u8>, Fields)>, Malformed> {
    let mut body = Vec::new();
    loop {
        let Some(line) = cursor.line()? else {
            return Ok(None);
        };
        let size = chunk_size(line)?;
        if size == 0 {
            break;
        }
        let Some(data) = cursor.take(size) else {
            return Ok(None);
        };
        body.extend_from_slice(data);
        if !b"\r\n".starts_with(&cursor.rest()[..cursor.rest().len().min(2)]) {
            return Err(Malformed::new(
                "RFC 9112 §7.1",
                format!("no CRLF after the {size} bytes of a chunk"),
            ));
        }
        if cursor.take(2).is_none() {
            return Ok(None);
        }
    }
    let Some(trailers) = cursor.fields()? else {
        return Ok(None);
    };
    for name in ["content-length", "transfer-encoding", "host", "trailer"] {
        if trailers.all(name).next().is_some() {
            return Err(Malformed::new(
                "RFC 9110 §6.5.1",
                format!("{name} in the trailer section"),
            ));
        }
    }
    Ok(Some((body, trailers)))
}

/// The size in a chunk's first line; extensions are checked and ignored (§7.1.1).
fn chunk_size(line: &[u8]) -> Result<usize, Malformed> {
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let (size, extensions) = line.split_at(digits);
    let size = std::str::from_utf8(size)
        .ok()
        .and_then(|text| usize::from_str_radix(text, 16).ok());
    let Some(size) = size else {
        return Err(Malformed::new(
            "RFC 9112 §7.1",
            format!("a chunk size that is none: {}", shown(line)),
        ));
    };
    // White space may stand around an extension for a lenient recipient, so its clause is the extension's.
    if extensions
        .first()
        .is_some_and(|byte| !b"; \t".contains(byte))
    {
        return Err(Malformed::new(
            "RFC 9112 §7.1",
            format!("a chunk size that is none: {}", shown(line)),
        ));
    }
    if !are_extensions(extensions) {
        return Err(Malformed::new(
            "RFC 9112 §7.1.1",
            format!("an ill-formed chunk extension: {}", shown(line)),
        ));
    }
    Ok(size)
}

/// `*( ";" chunk-ext-name [ "=" chunk-ext-val ] )`, without the white space that no sender may generate
/// (RFC 9110 §5.6.3).
fn are_extensions(mut bytes: &[u8]) -> bool {
    while let Some(rest) = bytes.strip_prefix(b";") {
        let name = rest
            .iter()
            .position(|byte| b"=;".contains(byte))
            .unwrap_or(rest.len());
        if !is_token(&rest[..name]) {
            return false;
        }
        bytes = &rest[name..];
        if let Some(value) = bytes.strip_prefix(b"=") {
            let length = match value.strip_prefix(b"\"") {
                Some(quoted) => quoted_length(quoted).map(|length| length + 1),
                None => {
                    let end = value
                        .iter()
                        .position(|&byte| byte == b';')
                        .unwrap_or(value.len());
                    is_token(&value[..end]).then_some(end)
                }
            };
            let Some(length) = length else {
                return false;
            };
            bytes = &value[length..];
        }
    }
    bytes.is_empty()
}

/// The length of a quoted string after its opening quote, with the closing one (RFC 9110 §5.6.4).
fn quoted_length(bytes: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (index, &byte) in bytes.iter().enumerate() {
        if !is_text(&[byte]) {
            return None;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clause(bytes: &[u8]) -> Option<&'static str> {
        decode(&mut Cursor::new(bytes))
            .err()
            .map(|malformed| malformed.clause)
    }

    #[test]
    fn chunks_are_joined_and_trailers_read() {
        let bytes =
            b"4\r\nWiki\r\n00A;x;y=1;z=\"a;\\\"b\"\r\n0123456789\r\n0\r\nDigest: d\r\n\r\nnext";
        let mut cursor = Cursor::new(bytes);
        let (body, trailers) = decode(&mut cursor).expect("well-formed").expect("complete");
        assert_eq!(body, b"Wiki0123456789");
        assert_eq!(trailers.0, [("Digest".to_owned(), "d".to_owned())]);
        assert_eq!(cursor.rest(), b"next");
    }

    #[test]
    fn every_beginning_of_a_chunked_body_asks_for_more() {
        let bytes = b"4;x=y\r\nWiki\r\n0\r\nA: b\r\n\r\n";
        for end in 0..bytes.len() {
            assert_eq!(
                decode(&mut Cursor::new(&bytes[..end])),
                Ok(None),
                "{end} bytes"
            );
        }
    }

    #[test]
    fn malformed_chunks_are_refused_by_clause() {
        for (bytes, expected) in [
            (&b"\r\n"[..], "RFC 9112 §7.1"),
            (b"g\r\n", "RFC 9112 §7.1"),
            (b"0x4\r\nWiki\r\n", "RFC 9112 §7.1"),
            (b"+4\r\nWiki\r\n", "RFC 9112 §7.1"),
            (b" 4\r\nWiki\r\n", "RFC 9112 §7.1"),
            (b"-1\r\n", "RFC 9112 §7.1"),
            (b"10000000000000000\r\n", "RFC 9112 §7.1"),
            (b"4\r\nWikipedia\r\n", "RFC 9112 §7.1"),
            (b"4\r\nWiki\rx", "RFC 9112 §7.1"),
            (b"4\nWiki\r\n", "RFC 9112 §2.2"),
            (b"4 \r\nWiki\r\n", "RFC 9112 §7.1.1"),
            (b"4;\r\nWiki\r\n", "RFC 9112 §7.1.1"),
            (b"4; x\r\nWiki\r\n", "RFC 9112 §7.1.1"),
            (b"4;x=\r\nWiki\r\n", "RFC 9112 §7.1.1"),
            (b"4;x=\"y\r\nWiki\r\n", "RFC 9112 §7.1.1"),
            (b"4;x=\"y\"z\r\nWiki\r\n", "RFC 9112 §7.1.1"),
            (b"0\r\nContent-Length: 4\r\n\r\n", "RFC 9110 §6.5.1"),
            (b"0\r\nbad\r\n\r\n", "RFC 9112 §5"),
        ] {
            assert_eq!(clause(bytes), Some(expected), "{}", shown(bytes));
        }
    }
}
