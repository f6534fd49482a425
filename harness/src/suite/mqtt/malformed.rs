//! Packets that no server may send (§2.2, §3.3 to §3.13, §4.8): one table.

use super::scene::{Hostile, hostile, hostile_raw};
use crate::case::Case;
use crate::peers::mqtt_bytes::publish;

pub(super) fn cases() -> Vec<Case> {
    [types(), messages(), acknowledgements()]
        .concat()
        .into_iter()
        .map(|row| row.in_session("malformed"))
        .collect()
}

/// §2.2.1 and the direction of flow in table 2.1.
fn types() -> Vec<Hostile> {
    let reserved: &[&str] = &["MQTT311-2.2.1-1", "MQTT-4.8.0-1"];
    let direction: &[&str] = &["MQTT311-2.2-1", "MQTT-4.8.0-1"];
    let connect = b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x";
    vec![
        hostile("type-0", reserved, "the forbidden packet type 0", 0x00, &[]),
        hostile(
            "type-15",
            reserved,
            "the forbidden packet type 15",
            0xF0,
            &[],
        ),
        hostile(
            "connect",
            direction,
            "a CONNECT from the server",
            0x10,
            connect,
        ),
        hostile(
            "subscribe",
            direction,
            "a SUBSCRIBE from the server",
            0x82,
            &[0, 1, 0, 1, b'a', 0],
        ),
        hostile(
            "unsubscribe",
            direction,
            "an UNSUBSCRIBE from the server",
            0xA2,
            &[0, 1, 0, 1, b'a'],
        ),
        hostile("pingreq", direction, "a PINGREQ from the server", 0xC0, &[]),
        hostile(
            "disconnect",
            direction,
            "a DISCONNECT from the server",
            0xE0,
            &[],
        ),
    ]
}

/// §3.3.
fn messages() -> Vec<Hostile> {
    let topic: &[&str] = &["MQTT-3.3.2-1", "MQTT-4.8.0-1"];
    let wildcard: &[&str] = &["MQTT-3.3.2-2", "MQTT-4.8.0-1"];
    let encoding: &[&str] = &["MQTT-1.5.3-1"];
    vec![
        hostile_raw(
            "publish-qos-3",
            &["MQTT-3.3.1-4"],
            "a PUBLISH with both QoS bits set",
            &publish("fp/probe/a", 3, 1, false, false, b"x"),
        ),
        hostile_raw(
            "publish-qos-0-with-dup",
            &["MQTT-3.3.1-2", "MQTT-4.8.0-1"],
            "a PUBLISH with QoS 0 and DUP 1",
            &publish("fp/probe/a", 0, 0, true, false, b"x"),
        ),
        hostile_raw(
            "publish-id-0",
            &["MQTT-2.3.1-1", "MQTT-4.8.0-1"],
            "a PUBLISH at QoS 1 with packet identifier 0",
            &publish("fp/probe/a", 1, 0, false, false, b"x"),
        ),
        hostile_raw(
            "publish-qos-2-id-0",
            &["MQTT-2.3.1-1", "MQTT-4.8.0-1"],
            "a PUBLISH at QoS 2 with packet identifier 0",
            &publish("fp/probe/a", 2, 0, false, false, b"x"),
        ),
        hostile_raw(
            "publish-topic-with-plus",
            wildcard,
            "a PUBLISH whose topic name has a `+`",
            &publish("fp/probe/+", 0, 0, false, false, b"x"),
        ),
        hostile_raw(
            "publish-topic-with-hash",
            wildcard,
            "a PUBLISH whose topic name has a `#`",
            &publish("fp/probe/#", 0, 0, false, false, b"x"),
        ),
        hostile_raw(
            "publish-empty-topic",
            &["MQTT-4.7.3-1", "MQTT-4.8.0-1"],
            "a PUBLISH with an empty topic name",
            &publish("", 0, 0, false, false, b"x"),
        ),
        hostile(
            "publish-ill-formed-topic",
            encoding,
            "a topic name that is not UTF-8",
            0x30,
            &[0, 2, 0xC3, 0x28],
        ),
        hostile(
            "publish-overlong-topic",
            encoding,
            "a topic name with an overlong form of `/`",
            0x30,
            &[0, 3, b'a', 0xC0, 0xAF],
        ),
        hostile(
            "publish-surrogate-topic",
            encoding,
            "a topic name with the surrogate U+D800",
            0x30,
            &[0, 3, 0xED, 0xA0, 0x80],
        ),
        hostile(
            "publish-topic-with-nul",
            &["MQTT-1.5.3-2"],
            "a topic name with U+0000",
            0x30,
            &[0, 3, b'a', 0, b'b'],
        ),
        hostile(
            "publish-topic-past-the-end",
            topic,
            "a PUBLISH that ends within its topic name",
            0x30,
            &[0, 9, b'a'],
        ),
        hostile(
            "publish-no-topic",
            topic,
            "a PUBLISH of remaining length 0",
            0x30,
            &[],
        ),
        hostile(
            "publish-topic-length-cut",
            topic,
            "a PUBLISH of remaining length 1",
            0x30,
            &[0],
        ),
        hostile(
            "publish-no-id",
            &["MQTT-2.3.1-1", "MQTT-4.8.0-1"],
            "a PUBLISH at QoS 1 that ends before its packet identifier",
            0x32,
            &[0, 1, b'a'],
        ),
        hostile(
            "publish-half-an-id",
            &["MQTT-2.3.1-1", "MQTT-4.8.0-1"],
            "a PUBLISH at QoS 2 that ends within its packet identifier",
            0x34,
            &[0, 1, b'a', 0],
        ),
    ]
}

/// §3.4 to §3.7, §3.11 and §3.13.
fn acknowledgements() -> Vec<Hostile> {
    let length: &[&str] = &["MQTT311-3.4.1-1", "MQTT-4.8.0-1"];
    let flags: &[&str] = &["MQTT-2.2.2-2"];
    let ping: &[&str] = &["MQTT311-3.13.1-1", "MQTT-4.8.0-1"];
    vec![
        hostile(
            "puback-length-0",
            length,
            "a PUBACK of remaining length 0",
            0x40,
            &[],
        ),
        hostile(
            "puback-length-1",
            length,
            "a PUBACK of remaining length 1",
            0x40,
            &[0],
        ),
        hostile(
            "puback-length-3",
            length,
            "a PUBACK of remaining length 3",
            0x40,
            &[0, 1, 0],
        ),
        hostile(
            "pubrec-length-3",
            length,
            "a PUBREC of remaining length 3",
            0x50,
            &[0, 1, 0],
        ),
        hostile(
            "pubrel-length-1",
            length,
            "a PUBREL of remaining length 1",
            0x62,
            &[0],
        ),
        hostile(
            "pubcomp-length-0",
            length,
            "a PUBCOMP of remaining length 0",
            0x70,
            &[],
        ),
        hostile(
            "unsuback-length-3",
            length,
            "an UNSUBACK of remaining length 3",
            0xB0,
            &[0, 1, 0],
        ),
        hostile(
            "puback-flags",
            flags,
            "a PUBACK whose fixed header flags are not 0",
            0x41,
            &[0, 1],
        ),
        hostile(
            "pubrec-flags",
            flags,
            "a PUBREC whose fixed header flags are not 0",
            0x52,
            &[0, 1],
        ),
        hostile(
            "pubrel-flags",
            &["MQTT-3.6.1-1", "MQTT-2.2.2-2"],
            "a PUBREL whose fixed header flags are not 0010",
            0x60,
            &[0, 1],
        ),
        hostile(
            "pubcomp-flags",
            flags,
            "a PUBCOMP whose fixed header flags are not 0",
            0x78,
            &[0, 1],
        ),
        hostile(
            "suback-flags",
            flags,
            "a SUBACK whose fixed header flags are not 0",
            0x92,
            &[0, 1, 0],
        ),
        hostile(
            "unsuback-flags",
            flags,
            "an UNSUBACK whose fixed header flags are not 0",
            0xB2,
            &[0, 1],
        ),
        hostile(
            "pingresp-flags",
            flags,
            "a PINGRESP whose fixed header flags are not 0",
            0xD1,
            &[],
        ),
        hostile(
            "pingresp-length-1",
            ping,
            "a PINGRESP of remaining length 1",
            0xD0,
            &[0],
        ),
    ]
}
