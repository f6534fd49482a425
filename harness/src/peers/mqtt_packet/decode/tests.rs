//! What the decoder accepts, with `rumqttc` as a second opinion; what it refuses is in the table of `refusals`.

mod refusals;

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
