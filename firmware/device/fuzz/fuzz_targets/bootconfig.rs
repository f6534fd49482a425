//! Any bytes as a stored configuration: decoding never panics, what it accepts is within its
//! bounds, and storing that again gives the same configuration.
#![no_main]

use firmproof_bootconfig::{MAGIC, MAX_ENCODED_LEN, VERSION, decode, encode};
use libfuzzer_sys::fuzz_target;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

fn check(stored: &[u8]) {
    let Ok(config) = decode(stored) else {
        return;
    };
    config.check().expect("decoding checks the bounds");
    let mut buffer = [0; MAX_ENCODED_LEN];
    let len = encode(&config, &mut buffer).expect("the largest configuration fits");
    assert_eq!(decode(&buffer[..len]), Ok(config));
}

fuzz_target!(|data: &[u8]| {
    check(data);

    // The same bytes as the body of a whole envelope, so that the fuzzer gets past the checksum.
    let Ok(len) = u16::try_from(data.len()) else {
        return;
    };
    let mut whole = MAGIC.to_vec();
    whole.extend_from_slice(&VERSION.to_le_bytes());
    whole.extend_from_slice(&len.to_le_bytes());
    whole.extend_from_slice(data);
    let crc = CRC.checksum(&whole).to_le_bytes();
    whole.extend_from_slice(&crc);
    check(&whole);
});
