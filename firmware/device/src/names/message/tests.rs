//! Replies, written out by hand after RFC 1035 §4.

extern crate std;
use std::vec::Vec;

use super::*;

const ID: u16 = 0x1234;

fn query(name: &str) -> Vec<u8> {
    let mut buffer = [0; MAX_MESSAGE_LEN];
    let len = write_query(name, ID, &mut buffer).unwrap();
    buffer[..len].to_vec()
}

/// The reply to `query` with `flags`' low byte and these answer records.
fn reply(query: &[u8], rcode: u8, answers: &[&[u8]]) -> Vec<u8> {
    let mut reply = query.to_vec();
    reply[2] = 0x81;
    reply[3] = 0x80 | rcode;
    reply[7] = answers.len() as u8;
    for answer in answers {
        reply.extend_from_slice(answer);
    }
    reply
}

fn record(owner: &[u8], kind: u8, data: &[u8]) -> Vec<u8> {
    let fields = [0, kind, 0, 1, 0, 0, 0, 60, 0, data.len() as u8];
    [owner, &fields, data].concat()
}

/// A pointer to the question's name.
const QUESTION: [u8; 2] = [0xc0, 12];

/// The address that the reply gives.
fn address_in(query: &[u8], reply: &[u8]) -> Result<Ipv4Addr, ReplyError> {
    read_reply(query, reply).map(|answer| answer.address)
}

#[test]
fn an_answer_holds_as_long_as_the_first_of_its_records_to_end() {
    let query = query("ntp.example");
    let mut alias = record(&QUESTION, 5, b"\x04pool\xc0\x10");
    let mut address = record(b"\x04pool\x07example\0", 1, &[192, 0, 2, 8]);
    let (alias_ttl, address_ttl) = (9, 21);
    assert_eq!((alias[alias_ttl], address[address_ttl]), (60, 60));
    let ttl = |alias: &[u8], address: &[u8]| {
        let answer = read_reply(&query, &reply(&query, 0, &[alias, address]));
        answer.unwrap().ttl_s
    };
    alias[alias_ttl] = 7;
    assert_eq!(ttl(&alias, &address), 7);
    address[address_ttl] = 5;
    assert_eq!(ttl(&alias, &address), 5);
    address[address_ttl - 3] = 0x80;
    assert_eq!(ttl(&alias, &address), 0);
}

#[test]
fn a_query_is_one_recursive_question_for_an_address() {
    let expected =
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03ntp\x07example\x00\x00\x01\x00\x01";
    assert_eq!(query("ntp.example"), expected);
    assert_eq!(query("ntp.example."), expected);
}

#[test]
fn names_that_dns_cannot_carry_are_refused() {
    let mut buffer = [0; MAX_MESSAGE_LEN];
    let long_label = "a".repeat(64);
    let long_name = "abcdefghi.".repeat(26);
    for name in ["", ".", "a..b", ".a", &long_label, &long_name] {
        assert_eq!(write_query(name, ID, &mut buffer), None, "{name}");
    }
}

#[test]
fn the_address_of_the_name_is_found() {
    let query = query("ntp.example");
    let answer = record(&QUESTION, 1, &[192, 0, 2, 7]);
    assert_eq!(
        address_in(&query, &reply(&query, 0, &[&answer])),
        Ok(Ipv4Addr::new(192, 0, 2, 7))
    );
}

#[test]
fn aliases_are_followed_in_any_order() {
    let query = query("ntp.example");
    let alias = record(&QUESTION, 5, b"\x04pool\xc0\x10");
    let address = record(b"\x04POOL\x07EXAMPLE\0", 1, &[192, 0, 2, 8]);
    let expected = Ok(Ipv4Addr::new(192, 0, 2, 8));
    assert_eq!(
        address_in(&query, &reply(&query, 0, &[&alias, &address])),
        expected
    );
    assert_eq!(
        address_in(&query, &reply(&query, 0, &[&address, &alias])),
        expected
    );
}

#[test]
fn an_alias_of_itself_does_not_go_on_for_ever() {
    let query = query("ntp.example");
    let alias = record(&QUESTION, 5, &QUESTION);
    assert_eq!(
        address_in(&query, &reply(&query, 0, &[&alias])),
        Err(ReplyError::ServerFailed)
    );
}

#[test]
fn addresses_of_other_names_are_not_taken() {
    let query = query("ntp.example");
    let other = record(b"\x04evil\0", 1, &[192, 0, 2, 66]);
    assert_eq!(
        address_in(&query, &reply(&query, 0, &[&other])),
        Err(ReplyError::NoAddress)
    );
}

#[test]
fn addresses_that_no_server_has_are_not_taken() {
    let query = query("ntp.example");
    for address in [[0; 4], [255; 4], [224, 0, 1, 1]] {
        let answer = record(&QUESTION, 1, &address);
        assert_eq!(
            address_in(&query, &reply(&query, 0, &[&answer])),
            Err(ReplyError::NoAddress)
        );
    }
}

#[test]
fn response_codes_have_their_meaning() {
    let query = query("ntp.example");
    let code = |rcode| address_in(&query, &reply(&query, rcode, &[]));
    assert_eq!(code(0), Err(ReplyError::NoAddress));
    assert_eq!(code(3), Err(ReplyError::NoSuchName));
    for rcode in [1, 2, 4, 5, 15] {
        assert_eq!(code(rcode), Err(ReplyError::ServerFailed));
    }
}

#[test]
fn replies_to_something_else_are_unrelated() {
    let query = query("ntp.example");
    let answer = record(&QUESTION, 1, &[192, 0, 2, 7]);
    let good = reply(&query, 0, &[&answer]);
    // Transaction id, response bit, opcode, number of questions, name, type and class.
    for (byte, bit) in [
        (0, 1),
        (1, 1),
        (2, 0x80),
        (2, 0x08),
        (5, 3),
        (14, 1),
        (26, 2),
        (28, 2),
    ] {
        let mut other = good.clone();
        other[byte] ^= bit;
        assert_eq!(
            address_in(&query, &other),
            Err(ReplyError::Unrelated),
            "byte {byte}"
        );
    }
}

#[test]
fn truncated_replies_and_pointer_loops_are_errors_not_panics() {
    let query = query("ntp.example");
    let alias = record(&QUESTION, 5, b"\x04pool\xc0\x10");
    let address = record(b"\x04pool\xc0\x10", 1, &[192, 0, 2, 8]);
    let good = reply(&query, 0, &[&alias, &address]);
    for len in 0..good.len() {
        assert!(address_in(&query, &good[..len]).is_err(), "{len}");
    }
    // A label, then a pointer back to that label; and a pointer to itself.
    let at = query.len() as u8;
    for owner in [&[1, b'a', 0xc0, at][..], &[0xc0, at]] {
        let endless = record(owner, 1, &[192, 0, 2, 8]);
        assert_eq!(
            address_in(&query, &reply(&query, 0, &[&endless])),
            Err(ReplyError::ServerFailed)
        );
    }
}
