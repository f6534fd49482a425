//! Tables of what is refused, and `rumqttc` as a second opinion on what is accepted.

use rumqttc::mqttbytes::{QoS, v4};

use super::*;

/// A packet with a minimal one-byte remaining length.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first, u8::try_from(body.len()).expect("short")];
    bytes.extend_from_slice(body);
    bytes
}

/// A CONNECT with these flags; `payload` follows keep alive 60.
fn connect_bytes(flags: u8, payload: &[u8]) -> Vec<u8> {
    packet(
        0x10,
        &[b"\x00\x04MQTT\x04", &[flags, 0, 60][..], payload].concat(),
    )
}

fn written(packet: &v4::Packet) -> Vec<u8> {
    let mut stream = Default::default();
    packet
        .write(&mut stream, usize::MAX)
        .expect("rumqttc writes well-formed packets");
    stream.to_vec()
}

#[test]
fn every_refusal_names_its_statement() {
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("reserved type 0", vec![0x00], PROTOCOL_VIOLATION),
        ("reserved type 15", vec![0xF0], PROTOCOL_VIOLATION),
        ("a server's CONNACK", vec![0x20], PROTOCOL_VIOLATION),
        ("a server's SUBACK", vec![0x90], PROTOCOL_VIOLATION),
        ("a server's UNSUBACK", vec![0xB0], PROTOCOL_VIOLATION),
        ("a server's PINGRESP", vec![0xD0], PROTOCOL_VIOLATION),
        ("CONNECT flags", vec![0x11], "MQTT-2.2.2-1"),
        ("PUBACK flags", vec![0x42], "MQTT-2.2.2-1"),
        ("PUBREC flags", vec![0x52], "MQTT-2.2.2-1"),
        ("PUBREL flags", vec![0x60], "MQTT-3.6.1-1"),
        ("PUBCOMP flags", vec![0x72], "MQTT-2.2.2-1"),
        ("SUBSCRIBE flags", vec![0x80], "MQTT-3.8.1-1"),
        ("UNSUBSCRIBE flags", vec![0xA3], "MQTT-3.10.1-1"),
        ("PINGREQ flags", vec![0xC1], "MQTT-2.2.2-1"),
        ("DISCONNECT flags", vec![0xE8], "MQTT-3.14.1-1"),
        ("PUBLISH QoS 3", vec![0x36], "MQTT-3.3.1-4"),
        ("PUBLISH QoS 0 DUP", vec![0x38], "MQTT-3.3.1-2"),
        (
            "five bytes of length",
            vec![0x30, 0xFF, 0xFF, 0xFF, 0xFF],
            PROTOCOL_VIOLATION,
        ),
        (
            "five bytes that mean 0",
            vec![0xC0, 0x80, 0x80, 0x80, 0x80, 0x00],
            PROTOCOL_VIOLATION,
        ),
        (
            "long PINGREQ, before its body",
            vec![0xC0, 1],
            PROTOCOL_VIOLATION,
        ),
        ("long DISCONNECT", vec![0xE0, 2, 0, 0], PROTOCOL_VIOLATION),
        ("short PUBACK", vec![0x40, 1, 0], PROTOCOL_VIOLATION),
        (
            "long PUBREL, before its body",
            vec![0x62, 3],
            PROTOCOL_VIOLATION,
        ),
        ("PUBACK id 0", vec![0x40, 2, 0, 0], "MQTT-2.3.1-6"),
        ("PUBREC id 0", vec![0x50, 2, 0, 0], "MQTT-2.3.1-6"),
        ("PUBREL id 0", vec![0x62, 2, 0, 0], "MQTT-2.3.1-6"),
        ("PUBCOMP id 0", vec![0x70, 2, 0, 0], "MQTT-4.3.3-2"),
        ("empty CONNECT", packet(0x10, b""), "MQTT-3.1.2-1"),
        (
            "MQTT 3.1's name",
            packet(0x10, b"\x00\x06MQIsdp\x03\x02\x00\x00\x00\x01a"),
            "MQTT-3.1.2-1",
        ),
        (
            "a name in lower case",
            packet(0x10, b"\x00\x04mqtt\x04\x02\x00\x00\x00\x01a"),
            "MQTT-3.1.2-1",
        ),
        (
            "level 5",
            packet(0x10, b"\x00\x04MQTT\x05\x02\x00\x00\x00\x01a"),
            "MQTT-3.1.2-2",
        ),
        (
            "no connect flags",
            packet(0x10, b"\x00\x04MQTT\x04"),
            "MQTT-3.1.2-3",
        ),
        (
            "no keep alive",
            packet(0x10, b"\x00\x04MQTT\x04\x02\x00"),
            PROTOCOL_VIOLATION,
        ),
        (
            "reserved connect flag",
            connect_bytes(0x03, b"\x00\x01a"),
            "MQTT-3.1.2-3",
        ),
        (
            "no will: QoS and retain",
            connect_bytes(0x2A, b"\x00\x01a"),
            "MQTT-3.1.2-11",
        ),
        (
            "no will: QoS",
            connect_bytes(0x0A, b"\x00\x01a"),
            "MQTT-3.1.2-13",
        ),
        (
            "no will: retain",
            connect_bytes(0x22, b"\x00\x01a"),
            "MQTT-3.1.2-15",
        ),
        (
            "will QoS 3",
            connect_bytes(0x1E, b"\x00\x01a\x00\x01t\x00\x00"),
            "MQTT-3.1.2-14",
        ),
        (
            "password alone",
            connect_bytes(0x42, b"\x00\x01a\x00\x01p"),
            "MQTT-3.1.2-22",
        ),
        ("no client id", connect_bytes(0x02, b""), "MQTT-3.1.3-3"),
        (
            "empty client id, session kept",
            connect_bytes(0x00, b"\x00\x00"),
            "MQTT-3.1.3-7",
        ),
        (
            "no will topic",
            connect_bytes(0x06, b"\x00\x01a"),
            "MQTT-3.1.2-9",
        ),
        (
            "no will message",
            connect_bytes(0x06, b"\x00\x01a\x00\x01t"),
            "MQTT-3.1.2-9",
        ),
        (
            "wildcard in will topic",
            connect_bytes(0x06, b"\x00\x01a\x00\x01#\x00\x00"),
            "MQTT-4.7.1-1",
        ),
        (
            "no user name",
            connect_bytes(0x82, b"\x00\x01a"),
            "MQTT-3.1.2-19",
        ),
        (
            "no password",
            connect_bytes(0xC2, b"\x00\x01a\x00\x01u"),
            "MQTT-3.1.2-21",
        ),
        (
            "password cut",
            connect_bytes(0xC2, b"\x00\x01a\x00\x01u\x00\x02p"),
            "MQTT-3.1.2-21",
        ),
        (
            "user name without its flag",
            connect_bytes(0x02, b"\x00\x01a\x00\x01u"),
            PROTOCOL_VIOLATION,
        ),
        (
            "client id not UTF-8",
            connect_bytes(0x02, b"\x00\x01\xff"),
            "MQTT-1.5.3-1",
        ),
        (
            "a surrogate",
            packet(0x30, b"\x00\x03\xED\xA0\x80"),
            "MQTT-1.5.3-1",
        ),
        (
            "an overlong NUL",
            packet(0x30, b"\x00\x02\xC0\x80"),
            "MQTT-1.5.3-1",
        ),
        ("U+0000", packet(0x30, b"\x00\x03a\x00b"), "MQTT-1.5.3-2"),
        ("PUBLISH without topic", packet(0x30, b""), "MQTT-3.3.2-1"),
        (
            "PUBLISH with a cut topic",
            packet(0x30, b"\x00\x05abc"),
            "MQTT-3.3.2-1",
        ),
        (
            "PUBLISH to an empty topic",
            packet(0x30, b"\x00\x00"),
            "MQTT-4.7.3-1",
        ),
        (
            "PUBLISH to a wildcard",
            packet(0x30, b"\x00\x03a/+"),
            "MQTT-3.3.2-2",
        ),
        (
            "PUBLISH QoS 1 without id",
            packet(0x32, b"\x00\x01a"),
            "MQTT-2.3.1-1",
        ),
        (
            "PUBLISH QoS 2 id 0",
            packet(0x34, b"\x00\x01a\x00\x00"),
            "MQTT-2.3.1-1",
        ),
        (
            "SUBSCRIBE without id",
            packet(0x82, b"\x01"),
            "MQTT-2.3.1-1",
        ),
        (
            "SUBSCRIBE id 0",
            packet(0x82, b"\x00\x00\x00\x01a\x00"),
            "MQTT-2.3.1-1",
        ),
        (
            "SUBSCRIBE to nothing",
            packet(0x82, b"\x00\x01"),
            "MQTT-3.8.3-3",
        ),
        (
            "SUBSCRIBE without QoS",
            packet(0x82, b"\x00\x01\x00\x01a"),
            "MQTT-3.8.3-3",
        ),
        (
            "SUBSCRIBE QoS 3",
            packet(0x82, b"\x00\x01\x00\x01a\x03"),
            "MQTT-3.8.3-4",
        ),
        (
            "SUBSCRIBE reserved bits",
            packet(0x82, b"\x00\x01\x00\x01a\x81"),
            "MQTT-3.8.3-4",
        ),
        (
            "SUBSCRIBE to a#",
            packet(0x82, b"\x00\x01\x00\x02a#\x00"),
            "MQTT-4.7.1-2",
        ),
        (
            "SUBSCRIBE, second is a+",
            packet(0x82, b"\x00\x01\x00\x01a\x00\x00\x02a+\x00"),
            "MQTT-4.7.1-3",
        ),
        (
            "SUBSCRIBE, cut filter",
            packet(0x82, b"\x00\x01\x00\x02a"),
            "MQTT-3.8.3-1",
        ),
        (
            "UNSUBSCRIBE id 0",
            packet(0xA2, b"\x00\x00\x00\x01a"),
            "MQTT-2.3.1-1",
        ),
        (
            "UNSUBSCRIBE from nothing",
            packet(0xA2, b"\x00\x01"),
            "MQTT-3.10.3-2",
        ),
        (
            "UNSUBSCRIBE, cut filter",
            packet(0xA2, b"\x00\x01\x00"),
            "MQTT-3.10.3-1",
        ),
    ];
    for (name, bytes, statement) in rows {
        match decode(&bytes) {
            Err(violation) => assert_eq!(violation.statement, statement, "{name}: {violation}"),
            accepted => panic!("{name}: {accepted:?}"),
        }
    }
}

/// A CONNECT with everything, from `rumqttc`.
fn full_connect() -> (v4::Packet, ClientPacket) {
    let mut theirs = v4::Connect::new("device-1");
    theirs.keep_alive = 300;
    theirs.clean_session = false;
    theirs.last_will = Some(v4::LastWill::new(
        "gone/device-1",
        b"lost".to_vec(),
        QoS::AtLeastOnce,
        true,
    ));
    theirs.set_login("anna", "p\u{e4}ss");
    let ours = Connect {
        clean_session: false,
        keep_alive: 300,
        client_id: "device-1".into(),
        will: Some(Will {
            topic: "gone/device-1".into(),
            payload: b"lost".to_vec(),
            qos: 1,
            retain: true,
        }),
        user_name: Some("anna".into()),
        password: Some("p\u{e4}ss".into()),
    };
    (v4::Packet::Connect(theirs), ClientPacket::Connect(ours))
}

/// PUBLISH packets of every QoS, one of them with a remaining length of three bytes.
fn publishes() -> Vec<(v4::Packet, ClientPacket)> {
    [
        (QoS::AtMostOnce, 0, 0),
        (QoS::AtLeastOnce, 1, 130),
        (QoS::ExactlyOnce, 2, 20_000),
    ]
    .into_iter()
    .map(|(quality, qos, length)| {
        let mut theirs = v4::Publish::new("t/\u{1F321}", quality, vec![0x5A; length]);
        theirs.pkid = 515;
        theirs.dup = qos > 0;
        theirs.retain = true;
        let ours = Publish {
            dup: qos > 0,
            qos,
            retain: true,
            topic: "t/\u{1F321}".into(),
            id: (qos > 0).then_some(515),
            payload: vec![0x5A; length],
        };
        (v4::Packet::Publish(theirs), ClientPacket::Publish(ours))
    })
    .collect()
}

fn well_formed() -> Vec<(v4::Packet, ClientPacket)> {
    let mut subscribe = v4::Subscribe::new("a/#", QoS::ExactlyOnce);
    subscribe.add("+/b".into(), QoS::AtMostOnce);
    subscribe.pkid = 9;
    let mut unsubscribe = v4::Unsubscribe::new("a/#");
    unsubscribe.pkid = 65_535;
    let mut rows = vec![
        full_connect(),
        (
            v4::Packet::Subscribe(subscribe),
            ClientPacket::Subscribe {
                id: 9,
                filters: vec![("a/#".into(), 2), ("+/b".into(), 0)],
            },
        ),
        (
            v4::Packet::Unsubscribe(unsubscribe),
            ClientPacket::Unsubscribe {
                id: 65_535,
                filters: vec!["a/#".into()],
            },
        ),
        (
            v4::Packet::PubAck(v4::PubAck::new(1)),
            ClientPacket::Puback(1),
        ),
        (
            v4::Packet::PubRec(v4::PubRec::new(258)),
            ClientPacket::Pubrec(258),
        ),
        (
            v4::Packet::PubRel(v4::PubRel::new(3)),
            ClientPacket::Pubrel(3),
        ),
        (
            v4::Packet::PubComp(v4::PubComp::new(4)),
            ClientPacket::Pubcomp(4),
        ),
        (v4::Packet::PingReq, ClientPacket::Pingreq),
        (v4::Packet::Disconnect, ClientPacket::Disconnect),
    ];
    rows.extend(publishes());
    rows
}

#[test]
fn well_formed_packets_are_read_as_rumqttc_wrote_them() {
    for (theirs, ours) in well_formed() {
        let mut bytes = written(&theirs);
        let length = bytes.len();
        assert_eq!(decode(&bytes), Ok(Some((ours.clone(), length))));
        bytes.extend_from_slice(&[0xC0, 0x00]);
        assert_eq!(
            decode(&bytes),
            Ok(Some((ours, length))),
            "the next packet is left alone"
        );
    }
}

#[test]
fn every_beginning_of_a_well_formed_packet_asks_for_more() {
    for (theirs, _) in well_formed() {
        let bytes = written(&theirs);
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), Ok(None), "{end} bytes of {theirs:?}");
        }
    }
}

#[test]
fn a_remaining_length_longer_than_needed_is_not_forbidden() {
    assert_eq!(
        decode(&[0xC0, 0x80, 0x80, 0x80, 0x00]),
        Ok(Some((ClientPacket::Pingreq, 5)))
    );
    assert_eq!(
        decode(&[0x40, 0x82, 0x00, 0, 7]),
        Ok(Some((ClientPacket::Puback(7), 5)))
    );
}

#[test]
fn an_empty_client_id_is_fine_with_a_clean_session() {
    let bytes = connect_bytes(0x02, b"\x00\x00");
    let decoded = decode(&bytes).expect("no violation").expect("complete");
    assert_eq!(
        decoded.0.to_string(),
        "CONNECT client_id=\"\" clean_session=1 keep_alive=60"
    );
}

#[test]
fn a_byte_order_mark_is_kept() {
    // MQTT-1.5.3-3
    let bytes = packet(0x30, b"\x00\x04\xEF\xBB\xBFa");
    let Ok(Some((ClientPacket::Publish(publish), _))) = decode(&bytes) else {
        panic!("a well-formed topic was refused");
    };
    assert_eq!(publish.topic, "\u{FEFF}a");
}
