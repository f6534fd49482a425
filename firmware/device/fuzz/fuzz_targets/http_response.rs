//! Any bytes as the answers to a download, over as many connections as it asks for: it never
//! panics, never hands on more than was announced, and is complete only with all of it.
#![no_main]

use firmproof_device::update::download::{Download, Event, MAX_REQUEST_LEN, Next};
use firmproof_device::update::reason::Reason;
use firmproof_device::update::url::Url;
use libfuzzer_sys::fuzz_target;

/// One connection's bytes. `Ok(true)` when the image is complete.
fn exchange(download: &mut Download, bytes: &[u8], slot: &mut usize) -> Result<bool, Reason> {
    let mut request = String::new();
    download
        .write_request(&mut request)
        .expect("a String takes all");
    assert!(request.len() <= MAX_REQUEST_LEN);
    let mut rest = bytes;
    loop {
        let (used, event) = download.receive(rest)?;
        match event {
            Event::StartOver => *slot = 0,
            Event::Data(range) => *slot += rest[range].len(),
            Event::Complete => return Ok(true),
            Event::Moved => return Ok(false),
            Event::More if used == rest.len() => return Err(Reason::Truncated),
            Event::More => {}
        }
        rest = &rest[used..];
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&length, rest)) = data.split_first() else {
        return;
    };
    let length = u32::from(length) + 1;
    let url = Url::parse("http://h/i").expect("a sound URL");
    let mut download = Download::new(url, length, 2);
    let mut slot = 0;
    for bytes in rest.split(|&byte| byte == 0) {
        let result = exchange(&mut download, bytes, &mut slot);
        assert!(slot <= length as usize);
        match result {
            Ok(true) => {
                assert_eq!(slot, length as usize);
                return;
            }
            Ok(false) => {}
            Err(reason) => {
                if let Next::GiveUp(_) = download.failed(reason) {
                    return;
                }
            }
        }
    }
});
