//! Any bytes as the reply to a name query: reading never panics and always ends, and an address
//! that is taken could be a server's.
#![no_main]

use firmproof_device::names::message::{Answer, MAX_MESSAGE_LEN, read_reply, write_query};
use libfuzzer_sys::fuzz_target;

/// The name and id of the query, records as (is it about the queried name, type, data), and bytes
/// that follow them.
type Input<'a> = (&'a str, u16, Vec<(bool, u8, &'a [u8])>, &'a [u8]);

fuzz_target!(|input: Input<'_>| {
    let (name, id, records, rest) = input;
    let mut buffer = [0; MAX_MESSAGE_LEN];
    let Some(len) = write_query(name, id, &mut buffer) else {
        return;
    };
    let query = &buffer[..len];
    let _ = read_reply(query, rest);

    // A reply that belongs to the query, so that the fuzzer gets to the records.
    let mut reply = query.to_vec();
    reply[2] |= 0x80;
    reply[7] = records.len() as u8;
    for (of_name, kind, data) in records {
        let data_len = (data.len() as u16).to_be_bytes();
        reply.extend_from_slice(if of_name { &[0xc0, 12] } else { &[0] });
        reply.extend_from_slice(&[0, kind % 8, 0, 1, 0, 0, 0, 60]);
        reply.extend_from_slice(&data_len);
        reply.extend_from_slice(data);
    }
    reply.extend_from_slice(rest);
    if let Ok(Answer { address, ttl_s }) = read_reply(query, &reply) {
        assert!(ttl_s <= i32::MAX as u32);
        assert!(!address.is_unspecified() && !address.is_multicast() && !address.is_broadcast());
    }
});
