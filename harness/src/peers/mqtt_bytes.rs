//! Packets of an MQTT 3.1.1 server as plain bytes, and one line that describes such bytes.
//!
//! A judge must be able to send what is forbidden, so no builder refuses anything.

mod describe;

pub use describe::describe;

/// A packet: its first byte, the minimal remaining length, the body.
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    bytes.extend(remaining_length(body.len()));
    bytes.extend_from_slice(body);
    bytes
}

/// CONNACK (§3.2). `flags` is the whole connect acknowledge flags byte: 1 is session present, all else reserved.
pub fn connack(flags: u8, code: u8) -> Vec<u8> {
    packet(0x20, &[flags, code])
}

/// PUBLISH (§3.3). `id` is sent with any QoS but 0; `qos` 3 sets both bits. A topic beyond 65,535 bytes keeps
/// only the low 16 bits of its length.
pub fn publish(topic: &str, qos: u8, id: u16, dup: bool, retain: bool, payload: &[u8]) -> Vec<u8> {
    let qos = qos & 3;
    let first = 0x30 | u8::from(dup) << 3 | qos << 1 | u8::from(retain);
    let mut body = Vec::with_capacity(topic.len() + payload.len() + 4);
    body.extend((topic.len() as u16).to_be_bytes());
    body.extend_from_slice(topic.as_bytes());
    if qos > 0 {
        body.extend(id.to_be_bytes());
    }
    body.extend_from_slice(payload);
    packet(first, &body)
}

/// PUBACK (§3.4).
pub fn puback(id: u16) -> Vec<u8> {
    packet(0x40, &id.to_be_bytes())
}

/// PUBREC (§3.5).
pub fn pubrec(id: u16) -> Vec<u8> {
    packet(0x50, &id.to_be_bytes())
}

/// PUBREL (§3.6).
pub fn pubrel(id: u16) -> Vec<u8> {
    packet(0x62, &id.to_be_bytes())
}

/// PUBCOMP (§3.7).
pub fn pubcomp(id: u16) -> Vec<u8> {
    packet(0x70, &id.to_be_bytes())
}

/// SUBACK (§3.9), with one return code per topic filter: 0 to 2, or 0x80 for a failure.
pub fn suback(id: u16, codes: &[u8]) -> Vec<u8> {
    packet(0x90, &[&id.to_be_bytes(), codes].concat())
}

/// UNSUBACK (§3.11).
pub fn unsuback(id: u16) -> Vec<u8> {
    packet(0xB0, &id.to_be_bytes())
}

/// PINGRESP (§3.13).
pub fn pingresp() -> Vec<u8> {
    packet(0xD0, &[])
}

/// The shortest encoding of a remaining length (§2.2.3). Beyond 268,435,455 it has a fifth byte, and more,
/// which no receiver may accept.
pub fn remaining_length(n: usize) -> Vec<u8> {
    let significant_bits = (usize::BITS - n.leading_zeros()).max(1);
    remaining_length_padded(n, significant_bits.div_ceil(7) as usize)
}

/// A remaining length in exactly `len` bytes: longer than needed where `len` says so, and without the bits
/// that `len` bytes cannot hold.
pub fn remaining_length_padded(n: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|index| {
            let shift = u32::try_from(7 * index).unwrap_or(u32::MAX);
            let low = (n.checked_shr(shift).unwrap_or(0) & 0x7F) as u8;
            if index + 1 < len { low | 0x80 } else { low }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rumqttc::mqttbytes::{QoS, v4};

    use super::*;

    fn read_by_rumqttc(bytes: &[u8]) -> v4::Packet {
        v4::Packet::read(&mut From::from(bytes), usize::MAX)
            .expect("rumqttc reads well-formed packets")
    }

    #[test]
    fn rumqttc_reads_the_acknowledgements_as_meant() {
        let codes = vec![
            v4::SubscribeReasonCode::Success(QoS::AtMostOnce),
            v4::SubscribeReasonCode::Success(QoS::ExactlyOnce),
            v4::SubscribeReasonCode::Failure,
        ];
        for (bytes, expected) in [
            (
                connack(0, 0),
                v4::Packet::ConnAck(v4::ConnAck::new(v4::ConnectReturnCode::Success, false)),
            ),
            (
                connack(1, 0),
                v4::Packet::ConnAck(v4::ConnAck::new(v4::ConnectReturnCode::Success, true)),
            ),
            (
                connack(0, 5),
                v4::Packet::ConnAck(v4::ConnAck::new(
                    v4::ConnectReturnCode::NotAuthorized,
                    false,
                )),
            ),
            (puback(515), v4::Packet::PubAck(v4::PubAck::new(515))),
            (pubrec(515), v4::Packet::PubRec(v4::PubRec::new(515))),
            (pubrel(515), v4::Packet::PubRel(v4::PubRel::new(515))),
            (pubcomp(515), v4::Packet::PubComp(v4::PubComp::new(515))),
            (
                suback(7, &[0, 2, 0x80]),
                v4::Packet::SubAck(v4::SubAck::new(7, codes)),
            ),
            (
                unsuback(65_535),
                v4::Packet::UnsubAck(v4::UnsubAck::new(65_535)),
            ),
            (pingresp(), v4::Packet::PingResp),
        ] {
            assert_eq!(read_by_rumqttc(&bytes), expected);
        }
    }

    #[test]
    fn rumqttc_reads_publish_packets_as_meant() {
        for (quality, qos, length) in [
            (QoS::AtMostOnce, 0, 0),
            (QoS::AtLeastOnce, 1, 122),
            (QoS::ExactlyOnce, 2, 2_100_000),
        ] {
            let payload = vec![7; length];
            let bytes = publish("a/b", qos, 258, qos == 2, qos == 1, &payload);
            let mut expected = v4::Publish::new("a/b", quality, payload);
            expected.pkid = if qos > 0 { 258 } else { 0 };
            expected.dup = qos == 2;
            expected.retain = qos == 1;
            assert_eq!(read_by_rumqttc(&bytes), v4::Packet::Publish(expected));
        }
    }

    /// Table 2.4 of §2.2.3, and what lies past its end.
    #[test]
    fn remaining_lengths_have_the_sizes_of_the_specification() {
        for (n, expected) in [
            (0, vec![0x00]),
            (127, vec![0x7F]),
            (128, vec![0x80, 0x01]),
            (321, vec![0xC1, 0x02]),
            (16_383, vec![0xFF, 0x7F]),
            (16_384, vec![0x80, 0x80, 0x01]),
            (2_097_151, vec![0xFF, 0xFF, 0x7F]),
            (2_097_152, vec![0x80, 0x80, 0x80, 0x01]),
            (268_435_455, vec![0xFF, 0xFF, 0xFF, 0x7F]),
            (268_435_456, vec![0x80, 0x80, 0x80, 0x80, 0x01]),
        ] {
            assert_eq!(remaining_length(n), expected, "{n}");
        }
    }

    #[test]
    fn padded_remaining_lengths_have_the_length_asked_for() {
        assert_eq!(remaining_length_padded(0, 4), [0x80, 0x80, 0x80, 0x00]);
        assert_eq!(remaining_length_padded(2, 2), [0x82, 0x00]);
        assert_eq!(
            remaining_length_padded(2, 5),
            [0x82, 0x80, 0x80, 0x80, 0x00]
        );
        assert_eq!(
            remaining_length_padded(1, 12).len(),
            12,
            "past the width of an integer"
        );
    }

    #[test]
    fn malformed_wishes_are_granted() {
        assert_eq!(connack(0xFF, 127), [0x20, 2, 0xFF, 127]);
        assert_eq!(
            publish("", 3, 0, true, true, b"x"),
            [0x3F, 5, 0, 0, 0, 0, b'x']
        );
        assert_eq!(publish("#", 0, 9, true, false, b""), [0x38, 3, 0, 1, b'#']);
        assert_eq!(suback(0, &[]), [0x90, 2, 0, 0]);
    }
}
