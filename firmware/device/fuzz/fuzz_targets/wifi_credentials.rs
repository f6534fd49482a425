//! Any bytes as stored Wi-Fi credentials: decoding never panics, what it accepts is within its
//! bounds, and storing that again gives the same.
#![no_main]

use firmproof_bootconfig::WifiCredentials;
use libfuzzer_sys::fuzz_target;

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);

fn check(stored: &[u8]) {
    let Ok(credentials) = WifiCredentials::decode(stored) else {
        return;
    };
    credentials.check().expect("decoding checks the bounds");
    let mut buffer = [0; WifiCredentials::MAX_ENCODED_LEN];
    let len = credentials
        .encode(&mut buffer)
        .expect("the longest ones fit");
    assert_eq!(WifiCredentials::decode(&buffer[..len]), Ok(credentials));
}

fuzz_target!(|data: &[u8]| {
    check(data);

    // The same bytes as the body of a whole envelope, so that the fuzzer gets past the checksum.
    let Ok(len) = u16::try_from(data.len()) else {
        return;
    };
    let mut whole = WifiCredentials::MAGIC.to_vec();
    whole.extend_from_slice(&WifiCredentials::VERSION.to_le_bytes());
    whole.extend_from_slice(&len.to_le_bytes());
    whole.extend_from_slice(data);
    let crc = CRC.checksum(&whole).to_le_bytes();
    whole.extend_from_slice(&crc);
    check(&whole);
});
