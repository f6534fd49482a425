//! MQTT 3.1.1 control packets.

use super::{Reader, be, text};

const TYPES: [&str; 16] = [
    "reserved",
    "CONNECT",
    "CONNACK",
    "PUBLISH",
    "PUBACK",
    "PUBREC",
    "PUBREL",
    "PUBCOMP",
    "SUBSCRIBE",
    "SUBACK",
    "UNSUBSCRIBE",
    "UNSUBACK",
    "PINGREQ",
    "PINGRESP",
    "DISCONNECT",
    "reserved",
];

/// Return codes of CONNACK (§3.2.2.3).
const RETURN_CODES: [&str; 6] = [
    "accepted",
    "refused: unacceptable protocol version",
    "refused: identifier rejected",
    "refused: server unavailable",
    "refused: bad user name or password",
    "refused: not authorised",
];

/// All packets in the bytes; `None` when one of them is not whole.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<()> {
    while reader.rest() > 0 {
        packet(reader)?;
    }
    Some(())
}

fn packet(reader: &mut Reader<'_>) -> Option<()> {
    let first = *reader
        .field("packet type", 1, |b| TYPES[usize::from(b[0] >> 4)].into())?
        .first()?;
    let (kind, flags) = (first >> 4, first & 0x0f);
    if kind == 3 {
        reader.part("DUP", (flags >> 3).to_string());
        reader.part("QoS", (flags >> 1 & 3).to_string());
        reader.part("RETAIN", (flags & 1).to_string());
    } else {
        reader.part("flags", format!("{flags:04b}"));
    }
    let length = remaining_length(reader)?;
    let end = reader.at.checked_add(length)?;
    match kind {
        1 => connect(reader)?,
        2 => {
            reader.field("session present", 1, |b| (b[0] & 1).to_string())?;
            reader.field("return code", 1, |b| {
                let known = RETURN_CODES.get(usize::from(b[0])).unwrap_or(&"reserved");
                format!("{} ({known})", b[0])
            })?;
        }
        3 => {
            string(reader, "topic")?;
            if flags >> 1 & 3 > 0 {
                reader.u16("packet identifier")?;
            }
            let payload = end.checked_sub(reader.at)?;
            let kept = payload.min(reader.rest());
            reader.field("payload", kept, |b| format!("{payload} bytes {}", text(b)))?;
            if kept < payload {
                return None;
            }
        }
        4..=7 | 11 => {
            reader.u16("packet identifier")?;
        }
        8 | 10 => {
            reader.u16("packet identifier")?;
            while reader.at < end {
                string(reader, "topic filter")?;
                if kind == 8 {
                    reader.u8("requested QoS")?;
                }
            }
        }
        9 => {
            reader.u16("packet identifier")?;
            while reader.at < end {
                reader.field("return code", 1, |b| match b[0] {
                    0x80 => "128 (failure)".into(),
                    qos => format!("{qos} (granted QoS)"),
                })?;
            }
        }
        _ => {}
    }
    let rest = end.checked_sub(reader.at)?;
    if rest > 0 {
        let kept = rest.min(reader.rest());
        if kept == 0 {
            return None;
        }
        reader.field("more", kept, |_| {
            format!("{rest} bytes that this packet has no use for")
        })?;
    }
    (reader.at == end).then_some(())
}

/// §2.2.3.
fn remaining_length(reader: &mut Reader<'_>) -> Option<usize> {
    let (mut value, mut length) = (0, 0);
    loop {
        let byte = *reader.bytes.get(reader.at + length)?;
        value |= usize::from(byte & 0x7f) << (7 * length);
        length += 1;
        if byte & 0x80 == 0 {
            break;
        }
        if length == 4 {
            reader.field("remaining length", length, |_| {
                "a fourth byte with its continuation bit set, which is malformed".into()
            })?;
            return None;
        }
    }
    reader.field("remaining length", length, |_| value.to_string())?;
    Some(value)
}

fn connect(reader: &mut Reader<'_>) -> Option<()> {
    string(reader, "protocol name")?;
    reader.u8("protocol level")?;
    let flags = *reader
        .field("connect flags", 1, |b| format!("{:08b}", b[0]))?
        .first()?;
    for (name, bit) in [("user name", 7), ("password", 6), ("will retain", 5)] {
        reader.part(name, (flags >> bit & 1).to_string());
    }
    reader.part("will QoS", (flags >> 3 & 3).to_string());
    for (name, bit) in [("will", 2), ("clean session", 1), ("reserved", 0)] {
        reader.part(name, (flags >> bit & 1).to_string());
    }
    reader.field("keep alive", 2, |b| format!("{} s", be(b)))?;
    string(reader, "client identifier")?;
    if flags >> 2 & 1 == 1 {
        string(reader, "will topic")?;
        string(reader, "will message")?;
    }
    if flags >> 7 == 1 {
        string(reader, "user name")?;
    }
    if flags >> 6 & 1 == 1 {
        string(reader, "password")?;
    }
    Some(())
}

/// A length of two bytes and so many bytes (§1.5.3).
fn string(reader: &mut Reader<'_>, name: &str) -> Option<()> {
    let length = reader.bytes.get(reader.at..)?.first_chunk::<2>().copied()?;
    let length = usize::from(u16::from_be_bytes(length));
    reader
        .field(name, 2 + length, |b| text(&b[2..]))
        .map(|_| ())
}
