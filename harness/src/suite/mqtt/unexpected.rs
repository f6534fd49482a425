//! Packets at a moment at which no server may send them: before CONNACK (§3.2), before SUBACK, and while a flow of
//! the device is open. What matters is the device's state, so each packet comes in each of them.

use super::hostile::{Hostile, Phase, hostile, hostile_raw};
use crate::case::Case;
use crate::peers::mqtt_bytes::{connack, publish};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for row in [from_clients(), early()].concat() {
        cases.push(
            row.named("before-connack")
                .at(Phase::Connecting, "unexpected"),
        );
    }
    for (phase, suffix) in [
        (Phase::Subscribing, "before-suback"),
        (Phase::Releasing, "while-releasing"),
    ] {
        for row in from_clients().into_iter().chain([second_connack()]) {
            cases.push(row.named(suffix).at(phase, "unexpected"));
        }
    }
    cases
}

/// Table 2.1: what flows from client to server only, and what flows nowhere.
pub(super) fn from_clients() -> Vec<Hostile> {
    let reserved: &[&str] = &["MQTT311-2.2.1-1", "MQTT-4.8.0-1"];
    let direction: &[&str] = &["MQTT311-2.2-1", "MQTT-4.8.0-1"];
    let connect = b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x";
    vec![
        hostile("type-0", reserved, "packet type 0", 0x00, &[]),
        hostile("type-15", reserved, "packet type 15", 0xF0, &[]),
        hostile("connect", direction, "a CONNECT", 0x10, connect),
        hostile(
            "subscribe",
            direction,
            "a SUBSCRIBE",
            0x82,
            &[0, 1, 0, 1, b'a', 0],
        ),
        hostile(
            "unsubscribe",
            direction,
            "an UNSUBSCRIBE",
            0xA2,
            &[0, 1, 0, 1, b'a'],
        ),
        hostile("pingreq", direction, "a PINGREQ", 0xC0, &[]),
        hostile("disconnect", direction, "a DISCONNECT", 0xE0, &[]),
    ]
}

/// What only an accepted connection carries (MQTT-3.2.0-1); PUBLISH at QoS 0, PINGRESP, SUBACK and PUBACK stand in
/// `connack`.
pub(super) fn early() -> Vec<Hostile> {
    let first: &[&str] = &["MQTT-4.8.0-1"];
    let message = |qos| publish("fp/probe/a", qos, 1, false, false, b"early");
    vec![
        hostile_raw("publish-qos-1", first, "a PUBLISH at QoS 1", &message(1)),
        hostile_raw("publish-qos-2", first, "a PUBLISH at QoS 2", &message(2)),
        hostile("pubrec", first, "a PUBREC", 0x50, &[0, 1]),
        hostile("pubrel", first, "a PUBREL", 0x62, &[0, 1]),
        hostile("pubcomp", first, "a PUBCOMP", 0x70, &[0, 1]),
        hostile("unsuback", first, "an UNSUBACK", 0xB0, &[0, 1]),
    ]
}

/// Policy, as in `connack/twice`: one CONNACK answers one CONNECT by the sense of §3.2, not in so many words.
fn second_connack() -> Hostile {
    let statements: &[&str] = &["MQTT-4.8.0-1"];
    hostile_raw(
        "second-connack",
        statements,
        "a second CONNACK",
        &connack(0, 0),
    )
    .policy()
}
