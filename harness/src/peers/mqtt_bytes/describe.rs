//! A server's bytes in one line, for the transcript; what has no name is called raw.

use std::fmt::Write as _;

use crate::peers::mqtt_packet::Readable;

/// Describes a server's packets: `CONNACK session_present=0 code=5`. Several whole packets are joined by `; `;
/// bytes that are not exactly whole packets of a server are `raw 3 bytes`.
pub fn describe(bytes: &[u8]) -> String {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while let Some((line, length)) = describe_first(rest) {
        lines.push(line);
        rest = &rest[length..];
    }
    if lines.is_empty() || !rest.is_empty() {
        let plural = if bytes.len() == 1 { "" } else { "s" };
        return format!("raw {} byte{plural}", bytes.len());
    }
    lines.join("; ")
}

/// The packet at the start, and how many bytes it takes.
fn describe_first(bytes: &[u8]) -> Option<(String, usize)> {
    let (&first, rest) = bytes.split_first()?;
    let length_bytes = rest.iter().take(4).position(|byte| byte & 0x80 == 0)? + 1;
    let remaining = rest[..length_bytes]
        .iter()
        .rev()
        .fold(0, |value, byte| value << 7 | usize::from(byte & 0x7F));
    let body = rest.get(length_bytes..)?.get(..remaining)?;

    let mut line = match (first >> 4, body) {
        (2, &[flags @ (0 | 1), code]) => format!("CONNACK session_present={flags} code={code}"),
        (2, &[flags, code]) => format!("CONNACK flags=0x{flags:02x} code={code}"),
        (3, _) => publish(first & 0x0F, body)?,
        (4, &[high, low]) => identified("PUBACK", high, low),
        (5, &[high, low]) => identified("PUBREC", high, low),
        (6, &[high, low]) => identified("PUBREL", high, low),
        (7, &[high, low]) => identified("PUBCOMP", high, low),
        (9, &[high, low, ref codes @ ..]) => {
            let codes: Vec<String> = codes.iter().map(u8::to_string).collect();
            format!(
                "{} codes={}",
                identified("SUBACK", high, low),
                codes.join(",")
            )
        }
        (11, &[high, low]) => identified("UNSUBACK", high, low),
        (13, &[]) => "PINGRESP".to_owned(),
        _ => return None,
    };
    let usual_flags = if first >> 4 == 6 { 2 } else { 0 };
    if first >> 4 != 3 && first & 0x0F != usual_flags {
        let _ = write!(line, " fixed_header=0x{first:02x}");
    }
    Some((line, 1 + length_bytes + remaining))
}

fn identified(name: &str, high: u8, low: u8) -> String {
    format!("{name} id={}", u16::from_be_bytes([high, low]))
}

fn publish(flags: u8, body: &[u8]) -> Option<String> {
    let (length, rest) = body.split_first_chunk()?;
    let (topic, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let topic = String::from_utf8_lossy(topic);
    let (qos, dup, retain) = ((flags >> 1) & 3, flags >> 3, flags & 1);
    let mut line = format!("PUBLISH topic={} qos={qos}", Readable(&topic));
    let payload = if qos > 0 {
        let (id, payload) = rest.split_first_chunk()?;
        let _ = write!(line, " id={}", u16::from_be_bytes(*id));
        payload
    } else {
        rest
    };
    let _ = write!(line, " dup={dup} retain={retain} bytes={}", payload.len());
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::super::*;

    #[test]
    fn a_servers_bytes_are_described_in_one_line() {
        for (bytes, line) in [
            (connack(0, 5), "CONNACK session_present=0 code=5"),
            (connack(1, 0), "CONNACK session_present=1 code=0"),
            (connack(0x82, 0), "CONNACK flags=0x82 code=0"),
            (
                packet(0x25, &[0, 0]),
                "CONNACK session_present=0 code=0 fixed_header=0x25",
            ),
            (
                publish("x", 1, 3, false, false, &[0; 12]),
                "PUBLISH topic=x qos=1 id=3 dup=0 retain=0 bytes=12",
            ),
            (
                publish("a b", 0, 3, true, true, b""),
                "PUBLISH topic=\"a b\" qos=0 dup=1 retain=1 bytes=0",
            ),
            (
                publish("x", 3, 1, false, false, b""),
                "PUBLISH topic=x qos=3 id=1 dup=0 retain=0 bytes=0",
            ),
            (pubrel(7), "PUBREL id=7"),
            (packet(0x60, &[0, 7]), "PUBREL id=7 fixed_header=0x60"),
            (suback(1, &[0, 128]), "SUBACK id=1 codes=0,128"),
            (pingresp(), "PINGRESP"),
            (
                [connack(0, 0), pingresp()].concat(),
                "CONNACK session_present=0 code=0; PINGRESP",
            ),
            (vec![0xD0, 0x80, 0x00], "PINGRESP"),
            (connack(0, 0)[..3].to_vec(), "raw 3 bytes"),
            (packet(0x20, &[0, 0, 0]), "raw 5 bytes"),
            (packet(0x30, &[0, 9, b'x']), "raw 5 bytes"),
            (vec![0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x00], "raw 6 bytes"),
            (vec![0xC0, 0], "raw 2 bytes"),
            (vec![0x20], "raw 1 byte"),
            (vec![], "raw 0 bytes"),
        ] {
            assert_eq!(super::describe(&bytes), line);
        }
    }
}
