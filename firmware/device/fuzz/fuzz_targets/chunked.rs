//! Any bytes as a chunked body: the decoder never panics, every split gives the same content, and
//! the content never passes the limit.
#![no_main]

use firmproof_device::http::chunked::{ChunkError, Chunked};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 512;

fn decode(bytes: &[u8], size: usize) -> Result<(Vec<u8>, bool), ChunkError> {
    let mut chunked = Chunked::new(LIMIT as u64);
    let mut content = Vec::new();
    for mut piece in bytes.chunks(size) {
        while !piece.is_empty() && !chunked.is_done() {
            let step = chunked.step(piece)?;
            assert!(step.consumed > 0);
            content.extend_from_slice(&piece[step.data]);
            assert!(content.len() <= LIMIT);
            piece = &piece[step.consumed..];
        }
    }
    Ok((content, chunked.is_done()))
}

fuzz_target!(|data: &[u8]| {
    let Some((&size, bytes)) = data.split_first() else {
        return;
    };
    let whole = decode(bytes, bytes.len().max(1));
    assert_eq!(decode(bytes, usize::from(size).max(1)), whole);
});
