//! Packets that no server may send (§2.2, §3.4 to §3.13, §4.8): one table, a row a packet. Those of PUBLISH are in
//! `malformed_message`.

use super::hostile::{Hostile, hostile};
use super::malformed_message::messages;
use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    rows()
        .into_iter()
        .map(|row| row.in_session("malformed"))
        .collect()
}

/// The whole table.
pub(super) fn rows() -> Vec<Hostile> {
    [types(), messages(), acknowledgements(), identifiers()].concat()
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

/// §3.4 to §3.7, §3.11 and §3.13.
fn acknowledgements() -> Vec<Hostile> {
    let length: &[&str] = &["MQTT311-3.4.1-1", "MQTT-4.8.0-1"];
    let suback: &[&str] = &["MQTT-4.8.0-1", "MQTT-2.3.1-7"];
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
        hostile(
            "pubrec-length-0",
            length,
            "a PUBREC of remaining length 0",
            0x50,
            &[],
        ),
        hostile(
            "pubrec-length-1",
            length,
            "a PUBREC of remaining length 1",
            0x50,
            &[0],
        ),
        hostile(
            "pubrel-length-0",
            length,
            "a PUBREL of remaining length 0",
            0x62,
            &[],
        ),
        hostile(
            "pubrel-length-3",
            length,
            "a PUBREL of remaining length 3",
            0x62,
            &[0, 1, 0],
        ),
        hostile(
            "pubcomp-length-1",
            length,
            "a PUBCOMP of remaining length 1",
            0x70,
            &[0],
        ),
        hostile(
            "pubcomp-length-3",
            length,
            "a PUBCOMP of remaining length 3",
            0x70,
            &[0, 1, 0],
        ),
        hostile(
            "unsuback-length-0",
            length,
            "an UNSUBACK of remaining length 0",
            0xB0,
            &[],
        ),
        hostile(
            "unsuback-length-1",
            length,
            "an UNSUBACK of remaining length 1",
            0xB0,
            &[0],
        ),
        hostile(
            "suback-length-0",
            suback,
            "a SUBACK of remaining length 0",
            0x90,
            &[],
        ),
        hostile(
            "suback-length-1",
            suback,
            "a SUBACK that ends within its packet identifier",
            0x90,
            &[0],
        ),
        // MQTT 3.1 let PUBREL carry DUP; 3.1.1 has no such flag (table 2.2).
        hostile(
            "pubrel-dup",
            &["MQTT-3.6.1-1", "MQTT-2.2.2-2"],
            "a PUBREL with the DUP flag of MQTT 3.1",
            0x6A,
            &[0, 1],
        ),
    ]
}

/// Packet identifier 0, which no packet can have (MQTT-2.3.1-1); that an answer with it is a violation is our reading.
fn identifiers() -> Vec<Hostile> {
    let zero: &[&str] = &["FIRMPROOF-MQTT-9"];
    [
        ("puback", "a PUBACK", 0x40, &[0, 0][..]),
        ("pubrec", "a PUBREC", 0x50, &[0, 0]),
        ("pubrel", "a PUBREL", 0x62, &[0, 0]),
        ("pubcomp", "a PUBCOMP", 0x70, &[0, 0]),
        ("suback", "a SUBACK", 0x90, &[0, 0, 0]),
        ("unsuback", "an UNSUBACK", 0xB0, &[0, 0]),
    ]
    .into_iter()
    .map(|(name, what, first, body)| {
        let what = format!("{what} with packet identifier 0");
        hostile(&format!("{name}-id-0"), zero, &what, first, body).policy()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row that is well-formed by mistake would fail on every sound device; it is named here first.
    #[test]
    fn every_row_is_one_whole_packet_and_no_row_stands_twice() {
        let rows = rows();
        for (n, row) in rows.iter().enumerate() {
            let [_, length, body @ ..] = row.bytes.as_slice() else {
                panic!("{}: no fixed header", row.name);
            };
            if *length < 0x80 {
                assert_eq!(usize::from(*length), body.len(), "{}", row.name);
            }
            let twin = rows[..n].iter().find(|other| other.bytes == row.bytes);
            assert!(twin.is_none(), "{} is {}", row.name, twin.unwrap().name);
        }
    }
}
