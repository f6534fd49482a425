//! Any bytes, in pieces of any size: the request reader never panics, ends the same way for every
//! split, and what it takes is within its bounds.
#![no_main]

use firmproof_device::http::form::Controls;
use firmproof_device::http::reader::{Event, RequestReader};
use firmproof_device::http::{MAX_CONTENT_LEN, MAX_TARGET_LEN};
use firmproof_device::update::Request as UpdateRequest;
use libfuzzer_sys::fuzz_target;

/// Content lengths of the requests that were read, and the status of the refusal that ended it.
fn read(bytes: &[u8], size: usize) -> (Vec<usize>, Option<u16>) {
    let mut reader = RequestReader::default();
    let mut taken = Vec::new();
    for mut piece in bytes.chunks(size) {
        loop {
            let (used, event) = reader.receive(piece);
            piece = &piece[used..];
            match event {
                Event::More => {
                    assert!(piece.is_empty());
                    break;
                }
                Event::Head => {
                    let request = reader.request().expect("the head was sound");
                    assert!(request.line.raw_target.len() <= MAX_TARGET_LEN);
                }
                Event::Complete => {
                    assert!(reader.content().len() <= MAX_CONTENT_LEN);
                    let _ = Controls::parse(reader.content());
                    let _ = UpdateRequest::parse(reader.content());
                    taken.push(reader.content().len());
                    reader.next();
                }
                Event::Refused(refusal) => return (taken, Some(refusal.status.code())),
            }
        }
    }
    (taken, None)
}

fuzz_target!(|data: &[u8]| {
    let Some((&size, bytes)) = data.split_first() else {
        return;
    };
    let whole = read(bytes, bytes.len().max(1));
    assert_eq!(read(bytes, usize::from(size).max(1)), whole);
});
