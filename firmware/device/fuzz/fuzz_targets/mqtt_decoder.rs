//! Any bytes as a broker's stream: the decoder never panics, every split gives the same packets
//! and the same error, and only what is larger than the buffer is read past.
#![no_main]

use firmproof_device::mqtt::codec::{Decoder, Item, ProtocolError};
use libfuzzer_sys::fuzz_target;

fn decode(bytes: &[u8], size: usize) -> (Vec<String>, Option<ProtocolError>) {
    let mut decoder = Decoder::new();
    let mut items = Vec::new();
    for mut piece in bytes.chunks(size) {
        loop {
            match decoder.decode(&mut piece) {
                Ok(Some(item)) => {
                    if let Item::Oversize(oversize) = item {
                        assert!(oversize.remaining_length > 2048);
                    }
                    items.push(format!("{item:?}"));
                }
                Ok(None) => break,
                Err(error) => return (items, Some(error)),
            }
        }
        assert!(piece.is_empty());
    }
    (items, None)
}

fuzz_target!(|data: &[u8]| {
    let Some((&size, bytes)) = data.split_first() else {
        return;
    };
    let whole = decode(bytes, bytes.len().max(1));
    assert_eq!(decode(bytes, usize::from(size).max(1)), whole);
});
