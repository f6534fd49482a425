//! The chunked coding at every split.

extern crate std;
use std::format;
use std::vec::Vec;

use crate::http::chunked::{ChunkError, Chunked};

fn decode(bytes: &[u8], size: usize, limit: u64) -> Result<(Vec<u8>, bool, usize), ChunkError> {
    let mut chunked = Chunked::new(limit);
    let (mut content, mut used) = (Vec::new(), 0);
    for mut piece in bytes.chunks(size) {
        while !piece.is_empty() && !chunked.is_done() {
            let step = chunked.step(piece)?;
            content.extend(&piece[step.data]);
            used += step.consumed;
            piece = &piece[step.consumed..];
        }
    }
    Ok((content, chunked.is_done(), used))
}

fn decoded(text: &str) -> Result<(Vec<u8>, bool, usize), ChunkError> {
    let whole = decode(text.as_bytes(), text.len(), 100);
    for size in 1..text.len() {
        assert_eq!(
            decode(text.as_bytes(), size, 100),
            whole,
            "{text:?} by {size}"
        );
    }
    whole
}

#[test]
fn chunks_add_up_to_the_content_and_leave_what_follows() {
    for (text, content, rest) in [
        ("0\r\n\r\n", "", 0),
        ("000\r\n\r\nGET", "", 3),
        ("3\r\nabc\r\n0\r\n\r\n\r\n", "abc", 2),
        (
            "A\r\n0123456789\r\n0a\r\n0123456789\r\n0\r\n\r\n",
            "01234567890123456789",
            0,
        ),
        ("2;x\r\n\r\n\r\n0;y=\"z;\"\r\n\r\n", "\r\n", 0),
        ("1 ; x = y\r\na\r\n0\r\nA: b\r\nC-D:\r\n\r\n", "a", 0),
        ("0000000000000001\r\na\r\n0\r\n\r\n", "a", 0),
    ] {
        let expected = (Vec::from(content.as_bytes()), true, text.len() - rest);
        assert_eq!(decoded(text), Ok(expected), "{text:?}");
    }
}

#[test]
fn malformed_chunks_are_refused() {
    use ChunkError::{BadLine, BadSize, BadTrailer, ExtensionsTooLong, TooLarge};
    let long_extension = format!("1;{}\r\n", "x".repeat(1024));
    let long_trailer = format!("0\r\nX: {}\r\n", "x".repeat(1024));
    for (text, error) in [
        ("\r\n", BadSize),
        ("x\r\n", BadSize),
        ("-1\r\n", BadSize),
        ("+1\r\n", BadSize),
        (" 1\r\n", BadSize),
        ("0x1\r\n", BadSize),
        ("1 \r\n", BadSize),
        ("1 2\r\n", BadSize),
        (";x\r\n", BadSize),
        ("00000000000000001\r\n", BadSize),
        ("10000000000000001\r\n", BadSize),
        ("FFFFFFFFFFFFFFFF\r\n", TooLarge),
        ("65\r\n", TooLarge),
        ("1\n", BadSize),
        ("1\rx", BadLine),
        ("1;x\n", BadLine),
        ("1;x\0\r\n", BadLine),
        ("1\r\nab", BadLine),
        ("1\r\na\n", BadLine),
        ("1\r\na\rx", BadLine),
        ("0\r\n\n", BadTrailer),
        ("0\r\n X: y\r\n", BadTrailer),
        ("0\r\nX : y\r\n", BadTrailer),
        ("0\r\n: y\r\n", BadTrailer),
        ("0\r\nX\r\n", BadTrailer),
        ("0\r\nX: y\n", BadLine),
        ("0\r\nX: \0\r\n", BadLine),
        (&long_extension, ExtensionsTooLong),
        (&long_trailer, BadTrailer),
    ] {
        assert_eq!(decoded(text), Err(error), "{text:?}");
    }
    // The limit holds over all chunks.
    let two = format!("33\r\n{0}\r\n32\r\n", "x".repeat(51));
    assert_eq!(decoded(&two), Err(TooLarge));
}
