//! The decoder: bytes from a client to a packet, or to the first statement that they break.

use super::topic::{check_filter, check_name};
use super::{ClientPacket, Connect, Publish, Violation, Will};

/// Protocol violations that have no number of their own.
const PROTOCOL_VIOLATION: &str = "MQTT-4.8.0-1";

/// Decodes the packet at the start of `bytes`; with it, how many bytes it took.
///
/// `None`: the packet is not complete and nothing is wrong so far. The fixed header is judged as soon as it
/// is there, so that a packet whose rest can never be right is not waited for.
///
/// # Errors
/// The first statement that the packet breaks.
pub fn decode(bytes: &[u8]) -> Result<Option<(ClientPacket, usize)>, Violation> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    check_first_byte(first)?;
    let Some((remaining, length_bytes)) = remaining_length(rest)? else {
        return Ok(None);
    };
    check_remaining_length(first, remaining)?;
    let Some(body) = rest
        .get(length_bytes..)
        .and_then(|tail| tail.get(..remaining))
    else {
        return Ok(None);
    };
    let mut fields = Fields(body);
    let packet = match first >> 4 {
        1 => ClientPacket::Connect(connect(&mut fields)?),
        3 => ClientPacket::Publish(publish(first & 0x0F, &mut fields)?),
        4 => ClientPacket::Puback(fields.packet_id("MQTT-2.3.1-6")?),
        5 => ClientPacket::Pubrec(fields.packet_id("MQTT-2.3.1-6")?),
        6 => ClientPacket::Pubrel(fields.packet_id("MQTT-2.3.1-6")?),
        7 => ClientPacket::Pubcomp(fields.packet_id("MQTT-4.3.3-2")?),
        8 => subscribe(&mut fields)?,
        10 => unsubscribe(&mut fields)?,
        12 => ClientPacket::Pingreq,
        _ => ClientPacket::Disconnect,
    };
    if !fields.0.is_empty() {
        let detail = format!(
            "{} bytes after the last field of the packet (§2.2.3)",
            fields.0.len()
        );
        return Err(Violation::new(PROTOCOL_VIOLATION, detail));
    }
    Ok(Some((packet, 1 + length_bytes + remaining)))
}

/// Packet type (§2.2.1) and fixed header flags (§2.2.2).
fn check_first_byte(first: u8) -> Result<(), Violation> {
    let flags = first & 0x0F;
    let (expected, statement) = match first >> 4 {
        3 => return check_publish_flags(flags),
        6 => (2, "MQTT-3.6.1-1"),
        8 => (2, "MQTT-3.8.1-1"),
        10 => (2, "MQTT-3.10.1-1"),
        14 => (0, "MQTT-3.14.1-1"),
        1 | 4 | 5 | 7 | 12 => (0, "MQTT-2.2.2-1"),
        kind => {
            let detail = format!("packet type {kind} is not one that a client sends (§2.2.1)");
            return Err(Violation::new(PROTOCOL_VIOLATION, detail));
        }
    };
    if flags != expected {
        let detail =
            format!("fixed header 0x{first:02x}: flags are {flags:04b}, not {expected:04b}");
        return Err(Violation::new(statement, detail));
    }
    Ok(())
}

fn check_publish_flags(flags: u8) -> Result<(), Violation> {
    match (flags >> 1) & 3 {
        3 => Err(Violation::new(
            "MQTT-3.3.1-4",
            "PUBLISH with both QoS bits set",
        )),
        0 if flags & 8 != 0 => Err(Violation::new(
            "MQTT-3.3.1-2",
            "PUBLISH with QoS 0 and DUP 1",
        )),
        _ => Ok(()),
    }
}

/// The remaining length and how many bytes encode it. A longer form than needed is not forbidden (§2.2.3).
fn remaining_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Violation> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() < 4 {
        return Ok(None);
    }
    let detail = "the fourth byte of the remaining length announces a fifth (§2.2.3)";
    Err(Violation::new(PROTOCOL_VIOLATION, detail))
}

/// Packets of one size only.
fn check_remaining_length(first: u8, remaining: usize) -> Result<(), Violation> {
    let (expected, section) = match first >> 4 {
        4 => (2, "3.4.1"),
        5 => (2, "3.5.1"),
        6 => (2, "3.6.1"),
        7 => (2, "3.7.1"),
        12 => (0, "3.12.1"),
        14 => (0, "3.14.1"),
        _ => return Ok(()),
    };
    if remaining != expected {
        let detail = format!(
            "fixed header 0x{first:02x}: remaining length {remaining}, not {expected} (§{section})"
        );
        return Err(Violation::new(PROTOCOL_VIOLATION, detail));
    }
    Ok(())
}

fn connect(fields: &mut Fields<'_>) -> Result<Connect, Violation> {
    let name = fields.binary("MQTT-3.1.2-1", "protocol name")?;
    if name != b"MQTT" {
        let detail = format!("the protocol name is \"{}\"", name.escape_ascii());
        return Err(Violation::new("MQTT-3.1.2-1", detail));
    }
    let level = fields.byte("MQTT-3.1.2-2", "protocol level")?;
    if level != 4 {
        return Err(Violation::new(
            "MQTT-3.1.2-2",
            format!("the protocol level is {level}, not 4"),
        ));
    }
    let flags = fields.byte("MQTT-3.1.2-3", "connect flags")?;
    check_connect_flags(flags)?;
    let keep_alive = fields.word(PROTOCOL_VIOLATION, "keep alive (§3.1.2.10)")?;

    let clean_session = flags & 0x02 != 0;
    let client_id = fields.string("MQTT-3.1.3-3", "client identifier")?;
    if client_id.is_empty() && !clean_session {
        return Err(Violation::new(
            "MQTT-3.1.3-7",
            "an empty client identifier with clean session 0",
        ));
    }
    let will = if flags & 0x04 != 0 {
        let topic = fields.string("MQTT-3.1.2-9", "will topic")?;
        check_name(&topic, "MQTT-4.7.1-1")?;
        Some(Will {
            topic,
            payload: fields.binary("MQTT-3.1.2-9", "will message")?.to_vec(),
            qos: (flags >> 3) & 3,
            retain: flags & 0x20 != 0,
        })
    } else {
        None
    };
    let user_name = if flags & 0x80 != 0 {
        Some(fields.string("MQTT-3.1.2-19", "user name")?)
    } else {
        None
    };
    let password = if flags & 0x40 != 0 {
        Some(fields.binary("MQTT-3.1.2-21", "password")?.to_vec())
    } else {
        None
    };
    Ok(Connect {
        clean_session,
        keep_alive,
        client_id,
        will,
        user_name,
        password,
    })
}

/// §3.1.2.3 to §3.1.2.9
fn check_connect_flags(flags: u8) -> Result<(), Violation> {
    let will = flags & 0x04 != 0;
    let will_qos = (flags >> 3) & 3;
    let broken = if flags & 0x01 != 0 {
        ("MQTT-3.1.2-3", "the reserved flag is set")
    } else if will && will_qos == 3 {
        ("MQTT-3.1.2-14", "the will QoS is 3")
    } else if !will && will_qos != 0 && flags & 0x20 != 0 {
        (
            "MQTT-3.1.2-11",
            "will flag 0, but a will QoS and will retain are set",
        )
    } else if !will && will_qos != 0 {
        ("MQTT-3.1.2-13", "will flag 0, but a will QoS is set")
    } else if !will && flags & 0x20 != 0 {
        ("MQTT-3.1.2-15", "will flag 0, but will retain is set")
    } else if flags & 0xC0 == 0x40 {
        ("MQTT-3.1.2-22", "a password without a user name")
    } else {
        return Ok(());
    };
    Err(Violation::new(
        broken.0,
        format!("connect flags 0x{flags:02x}: {}", broken.1),
    ))
}

fn publish(flags: u8, fields: &mut Fields<'_>) -> Result<Publish, Violation> {
    let qos = (flags >> 1) & 3;
    let topic = fields.string("MQTT-3.3.2-1", "topic name")?;
    check_name(&topic, "MQTT-3.3.2-2")?;
    let id = if qos > 0 {
        Some(fields.packet_id("MQTT-2.3.1-1")?)
    } else {
        None
    };
    let payload = std::mem::take(&mut fields.0).to_vec();
    Ok(Publish {
        dup: flags & 8 != 0,
        qos,
        retain: flags & 1 != 0,
        topic,
        id,
        payload,
    })
}

fn subscribe(fields: &mut Fields<'_>) -> Result<ClientPacket, Violation> {
    let id = fields.packet_id("MQTT-2.3.1-1")?;
    let mut filters = Vec::new();
    while !fields.0.is_empty() {
        let filter = fields.string("MQTT-3.8.3-1", "topic filter")?;
        check_filter(&filter)?;
        let qos = fields.byte("MQTT-3.8.3-3", "requested QoS")?;
        if qos > 2 {
            let detail = format!("requested QoS byte 0x{qos:02x}: above 2, or reserved bits set");
            return Err(Violation::new("MQTT-3.8.3-4", detail));
        }
        filters.push((filter, qos));
    }
    if filters.is_empty() {
        return Err(Violation::new(
            "MQTT-3.8.3-3",
            "SUBSCRIBE without a topic filter",
        ));
    }
    Ok(ClientPacket::Subscribe { id, filters })
}

fn unsubscribe(fields: &mut Fields<'_>) -> Result<ClientPacket, Violation> {
    let id = fields.packet_id("MQTT-2.3.1-1")?;
    let mut filters = Vec::new();
    while !fields.0.is_empty() {
        let filter = fields.string("MQTT-3.10.3-1", "topic filter")?;
        check_filter(&filter)?;
        filters.push(filter);
    }
    if filters.is_empty() {
        return Err(Violation::new(
            "MQTT-3.10.3-2",
            "UNSUBSCRIBE without a topic filter",
        ));
    }
    Ok(ClientPacket::Unsubscribe { id, filters })
}

/// What is left of a packet's body. Each method takes one field, or says which statement requires it.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(
        &mut self,
        count: usize,
        statement: &'static str,
        field: &str,
    ) -> Result<&'a [u8], Violation> {
        let Some((taken, rest)) = self.0.split_at_checked(count) else {
            let left = self.0.len();
            let detail =
                format!("the packet ends within its {field}: {count} bytes needed, {left} left");
            return Err(Violation::new(statement, detail));
        };
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self, statement: &'static str, field: &str) -> Result<u8, Violation> {
        Ok(self.take(1, statement, field)?[0])
    }

    fn word(&mut self, statement: &'static str, field: &str) -> Result<u16, Violation> {
        let taken = self.take(2, statement, field)?;
        Ok(u16::from_be_bytes([taken[0], taken[1]]))
    }

    /// Two bytes of length and the data (§1.5.3, §3.1.3.3).
    fn binary(&mut self, statement: &'static str, field: &str) -> Result<&'a [u8], Violation> {
        let length = self.word(statement, field)?;
        self.take(usize::from(length), statement, field)
    }

    /// A UTF-8 encoded string (§1.5.3).
    fn string(&mut self, statement: &'static str, field: &str) -> Result<String, Violation> {
        let bytes = self.binary(statement, field)?;
        let text = std::str::from_utf8(bytes).map_err(|error| {
            Violation::new(
                "MQTT-1.5.3-1",
                format!("the {field} is ill-formed: {error}"),
            )
        })?;
        if text.contains('\0') {
            return Err(Violation::new(
                "MQTT-1.5.3-2",
                format!("the {field} has U+0000: {text:?}"),
            ));
        }
        Ok(text.to_owned())
    }

    /// A packet identifier; 0 is never one (§2.3.1).
    fn packet_id(&mut self, statement: &'static str) -> Result<u16, Violation> {
        match self.word(statement, "packet identifier")? {
            0 => Err(Violation::new(statement, "the packet identifier is 0")),
            id => Ok(id),
        }
    }
}

#[cfg(test)]
mod tests;
