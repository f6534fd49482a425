//! Every rule that a client can break, and the statement that a judge must name.

use super::*;

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
