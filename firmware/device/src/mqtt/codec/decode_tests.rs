//! The decoder's rules, one row each, and the stream in every split.

extern crate std;
use std::vec::Vec;

use super::*;
use crate::mqtt::codec::{Connack, Publish, ReturnCode, Suback};

const ID: PacketId = PacketId::new(0x0102).unwrap();

fn first_error(bytes: &[u8]) -> Option<ProtocolError> {
    let mut decoder = Decoder::new();
    let mut input = bytes;
    loop {
        match decoder.decode(&mut input) {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    }
}

fn header(first: u8, mut length: u32) -> Vec<u8> {
    let mut out = Vec::from([first]);
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out
}

/// A whole PUBLISH; `id` is left out at QoS 0.
fn publish(first: u8, topic: &[u8], id: Option<u16>, payload_len: usize) -> Vec<u8> {
    let id = id.map(u16::to_be_bytes);
    let length = 2 + topic.len() + id.map_or(0, |_| 2) + payload_len;
    let mut out = header(first, length as u32);
    out.extend((topic.len() as u16).to_be_bytes());
    out.extend(topic);
    out.extend(id.iter().flatten());
    out.resize(out.len() + payload_len, 0xaa);
    out
}

#[test]
fn every_broken_rule_has_its_own_error() {
    use ProtocolError as E;
    let rows: &[(&[u8], E)] = &[
        (&[0x00], E::UnexpectedType),
        (&[0x10], E::UnexpectedType),
        (&[0x82], E::UnexpectedType),
        (&[0xa2], E::UnexpectedType),
        (&[0xc0], E::UnexpectedType),
        (&[0xe0], E::UnexpectedType),
        (&[0xf0], E::UnexpectedType),
        (&[0x21], E::BadFlags),
        (&[0x48], E::BadFlags),
        (&[0x52], E::BadFlags),
        (&[0x60], E::BadFlags),
        (&[0x63], E::BadFlags),
        (&[0x72], E::BadFlags),
        (&[0x92], E::BadFlags),
        (&[0xb2], E::BadFlags),
        (&[0xd1], E::BadFlags),
        (&[0x36], E::BadQos),
        (&[0x3e], E::BadQos),
        (&[0x38], E::DupWithQos0),
        (&[0x30, 0x80, 0x80, 0x80, 0x80], E::BadRemainingLength),
        (&[0xd0, 0xff, 0xff, 0xff, 0xff], E::BadRemainingLength),
        (&[0x20, 0], E::BadLength),
        (&[0x20, 1], E::BadLength),
        (&[0x20, 3], E::BadLength),
        (&[0x40, 1], E::BadLength),
        (&[0x40, 3], E::BadLength),
        (&[0x50, 4], E::BadLength),
        (&[0x62, 0], E::BadLength),
        (&[0x70, 3], E::BadLength),
        (&[0x90, 2], E::BadLength),
        (&[0xb0, 1], E::BadLength),
        (&[0xd0, 1], E::BadLength),
        (&[0x30, 0], E::BadLength),
        (&[0x30, 1], E::BadLength),
        (&[0x32, 3], E::BadLength),
        (&[0x30, 3, 0, 2, b'a'], E::BadLength),
        (&[0x32, 4, 0, 1, b'a', 0], E::BadLength),
        (&[0x20, 2, 2, 0], E::ReservedConnackFlags),
        (&[0x20, 2, 0x81, 0], E::ReservedConnackFlags),
        (&[0x20, 2, 0, 6], E::ReservedReturnCode),
        (&[0x20, 2, 1, 127], E::ReservedReturnCode),
        (&[0x20, 2, 0, 255], E::ReservedReturnCode),
        (&[0x20, 2, 1, 1], E::SessionPresentOnRefusal),
        (&[0x20, 2, 1, 5], E::SessionPresentOnRefusal),
        (&[0x40, 2, 0, 0], E::ZeroPacketId),
        (&[0x50, 2, 0, 0], E::ZeroPacketId),
        (&[0x62, 2, 0, 0], E::ZeroPacketId),
        (&[0x70, 2, 0, 0], E::ZeroPacketId),
        (&[0xb0, 2, 0, 0], E::ZeroPacketId),
        (&[0x90, 3, 0, 0, 0], E::ZeroPacketId),
        (&[0x32, 5, 0, 1, b'a', 0, 0], E::ZeroPacketId),
        (&[0x90, 3, 0, 1, 3], E::ReservedSubackCode),
        (&[0x90, 4, 0, 1, 0, 0x81], E::ReservedSubackCode),
        (&[0x30, 2, 0, 0], E::EmptyTopic),
        (&[0x30, 3, 0, 1, 0], E::NulInTopic),
        (&[0x30, 3, 0, 1, b'#'], E::WildcardInTopic),
        (&[0x30, 5, 0, 3, b'a', b'/', b'+'], E::WildcardInTopic),
        (&[0x30, 3, 0, 1, 0xff], E::BadUtf8),
        (&[0x30, 4, 0, 2, 0xc0, 0x80], E::BadUtf8),
        (&[0x30, 5, 0, 3, 0xed, 0xa0, 0x80], E::BadUtf8),
        (&[0x30, 5, 0, 3, 0xed, 0xbf, 0xbf], E::BadUtf8),
    ];
    for (bytes, error) in rows {
        assert_eq!(first_error(bytes), Some(*error), "{bytes:02x?}");
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::new();
            let (mut a, mut b) = bytes.split_at(cut);
            let result = decoder.decode(&mut a).map(|_| ());
            let result = result.and_then(|()| decoder.decode(&mut b).map(|_| ()));
            assert_eq!(result, Err(*error), "{bytes:02x?} cut at {cut}");
        }
    }
}

#[test]
fn an_oversize_publish_is_held_to_the_same_rules() {
    use ProtocolError as E;
    let mut long_surrogate = std::vec![b'a'; 3000];
    long_surrogate.extend([0xed, 0xa0, 0x80]);
    let mut cut_character = std::vec![b'a'; 3000];
    cut_character.push(0xe2);
    let rows = [
        (publish(0x30, b"", None, 4000), E::EmptyTopic),
        (publish(0x30, b"a/#", None, 4000), E::WildcardInTopic),
        (publish(0x30, b"a\0", None, 4000), E::NulInTopic),
        (publish(0x32, b"a", Some(0), 4000), E::ZeroPacketId),
        (publish(0x34, &[b'b'; 3000], Some(0), 4000), E::ZeroPacketId),
        (publish(0x30, &long_surrogate, None, 0), E::BadUtf8),
        (publish(0x30, &cut_character, None, 9), E::BadUtf8),
    ];
    for (bytes, error) in rows {
        assert_eq!(first_error(&bytes), Some(error));
    }
    // The topic name would reach past the packet, or into its identifier.
    let mut bytes = header(0x32, 3000);
    bytes.extend(2997_u16.to_be_bytes());
    assert_eq!(first_error(&bytes), Some(E::BadLength));
}

#[test]
fn every_split_of_a_stream_gives_the_same_packets() {
    let mut stream = Vec::from([0x20, 2, 1, 0]);
    stream.extend(publish(0x3b, "tä".as_bytes(), Some(0x0102), 130));
    stream.extend([0x90, 4, 1, 2, 0, 0x80, 0xd0, 0x80, 0x00, 0x62, 2, 1, 2]);
    stream.extend(publish(0x34, b"big", Some(0x0102), BUFFER_LEN));
    stream.extend([0xb0, 2, 1, 2]);
    let payload = [0xaa; 130];
    let expected = [
        Item::Packet(Received::Connack(Connack {
            session_present: true,
            code: ReturnCode::Accepted,
        })),
        Item::Packet(Received::Publish(Publish {
            topic: "tä",
            id: Some(ID),
            qos: Qos::AtLeastOnce,
            dup: true,
            retain: true,
            payload: &payload,
        })),
        Item::Packet(Received::Suback(Suback {
            id: ID,
            codes: &[0, 0x80],
        })),
        // A non-minimal remaining length: §2.2.3 does not forbid it.
        Item::Packet(Received::Pingresp),
        Item::Packet(Received::Pubrel(ID)),
        Item::Oversize(Oversize {
            packet_type: PacketType::Publish,
            qos: Qos::ExactlyOnce,
            id: Some(ID),
            remaining_length: 7 + BUFFER_LEN as u32,
        }),
        Item::Packet(Received::Unsuback(ID)),
    ];
    let check = |pieces: &mut dyn Iterator<Item = &[u8]>, what: usize| {
        let mut decoder = Decoder::new();
        let mut seen = 0;
        for mut piece in pieces {
            while let Some(item) = decoder.decode(&mut piece).unwrap() {
                assert_eq!(Some(&item), expected.get(seen), "{what}");
                seen += 1;
            }
        }
        assert_eq!(seen, expected.len(), "{what}");
    };
    for cut in 0..=stream.len() {
        let (a, b) = stream.split_at(cut);
        check(&mut [a, b].into_iter(), cut);
    }
    for size in 1..=stream.len() {
        check(&mut stream.chunks(size), size);
    }
}

#[test]
fn the_largest_buffered_packet_and_the_smallest_read_past_lie_next_to_each_other() {
    for (payload_len, fits) in [(BUFFER_LEN - 3, true), (BUFFER_LEN - 2, false)] {
        let bytes = publish(0x30, b"t", None, payload_len);
        let mut decoder = Decoder::new();
        let mut input = &bytes[..];
        let item = decoder.decode(&mut input).unwrap().unwrap();
        assert_eq!(matches!(item, Item::Packet(_)), fits);
    }
}

#[test]
fn the_largest_packet_of_the_protocol_is_read_past() {
    let mut decoder = Decoder::new();
    let mut head = &[0x32, 0xff, 0xff, 0xff, 0x7f, 0, 1, b't', 1, 2][..];
    assert_eq!(decoder.decode(&mut head), Ok(None));
    assert!(decoder.is_reading_past());
    let block = std::vec![0; 1 << 20];
    let mut left = MAX_REMAINING_LENGTH as usize - 5;
    let item = loop {
        let mut input = &block[..left.min(block.len())];
        left -= input.len();
        if let Some(item) = decoder.decode(&mut input).unwrap() {
            break item;
        }
        assert!(left > 0, "the packet has no end");
    };
    assert_eq!(left, 0);
    assert_eq!(
        item,
        Item::Oversize(Oversize {
            packet_type: PacketType::Publish,
            qos: Qos::AtLeastOnce,
            id: Some(ID),
            remaining_length: MAX_REMAINING_LENGTH,
        })
    );
}

#[test]
fn an_oversize_suback_gives_its_identifier() {
    let mut bytes = header(0x90, 3000);
    bytes.extend([1, 2]);
    bytes.resize(bytes.len() + 2998, 0);
    let mut decoder = Decoder::new();
    let item = decoder.decode(&mut &bytes[..]).unwrap();
    let Some(Item::Oversize(oversize)) = item else {
        panic!("{item:?}");
    };
    assert_eq!(oversize.packet_type, PacketType::Suback);
    assert_eq!(oversize.id, Some(ID));
}

#[test]
fn after_an_error_nothing_is_decoded_any_more() {
    let mut decoder = Decoder::new();
    assert!(decoder.decode(&mut &[0x00][..]).is_err());
    let again = decoder.decode(&mut &[0xd0, 0][..]);
    assert_eq!(again, Err(ProtocolError::UnexpectedType));
}
