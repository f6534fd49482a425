//! Checks of one whole packet, and of what can be told from its fixed header.

use super::packet::{Connack, PacketId, PacketType, Publish, Qos, Received, ReturnCode, Suback};
use super::{ProtocolError, topic};

/// The first byte of a packet, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FirstByte {
    pub(super) packet_type: PacketType,
    /// The three flags of PUBLISH; all clear for other types.
    pub(super) dup: bool,
    pub(super) qos: Qos,
    pub(super) retain: bool,
}

impl FirstByte {
    pub(super) fn check(byte: u8) -> Result<Self, ProtocolError> {
        let packet_type = match byte >> 4 {
            2 => PacketType::Connack,
            3 => PacketType::Publish,
            4 => PacketType::Puback,
            5 => PacketType::Pubrec,
            6 => PacketType::Pubrel,
            7 => PacketType::Pubcomp,
            9 => PacketType::Suback,
            11 => PacketType::Unsuback,
            13 => PacketType::Pingresp,
            _ => return Err(ProtocolError::UnexpectedType),
        };
        let flags = byte & 0x0f;
        // Table 2.2: PUBREL carries 0b0010, the others but PUBLISH 0.
        let expected = match packet_type {
            PacketType::Publish => return Self::check_publish(flags),
            PacketType::Pubrel => 0b0010,
            _ => 0,
        };
        if flags != expected {
            return Err(ProtocolError::BadFlags);
        }
        Ok(Self {
            packet_type,
            dup: false,
            qos: Qos::AtMostOnce,
            retain: false,
        })
    }

    fn check_publish(flags: u8) -> Result<Self, ProtocolError> {
        let qos = Qos::from_level((flags >> 1) & 0b11).ok_or(ProtocolError::BadQos)?;
        let dup = flags & 0b1000 != 0;
        if dup && qos == Qos::AtMostOnce {
            return Err(ProtocolError::DupWithQos0);
        }
        Ok(Self {
            packet_type: PacketType::Publish,
            dup,
            qos,
            retain: flags & 1 != 0,
        })
    }

    /// Checks the remaining length as far as the type alone tells it, so that a wrong one is
    /// refused before its bytes come.
    pub(super) fn check_length(self, length: u32) -> Result<(), ProtocolError> {
        let ok = match self.packet_type {
            PacketType::Connack
            | PacketType::Puback
            | PacketType::Pubrec
            | PacketType::Pubrel
            | PacketType::Pubcomp
            | PacketType::Unsuback => length == 2,
            PacketType::Pingresp => length == 0,
            // An identifier and at least one code (MQTT-3.8.3-3 asks for at least one filter).
            PacketType::Suback => length >= 3,
            // A name of at least one byte (MQTT-4.7.3-1) is judged where it is read, so that an
            // empty one is named as such.
            PacketType::Publish => length >= self.publish_overhead(),
        };
        if ok {
            Ok(())
        } else {
            Err(ProtocolError::BadLength)
        }
    }

    /// Bytes of the variable header of PUBLISH beside the topic name.
    pub(super) fn publish_overhead(self) -> u32 {
        if self.qos == Qos::AtMostOnce { 2 } else { 4 }
    }
}

/// An identifier from its two bytes.
pub(super) fn packet_id(bytes: [u8; 2]) -> Result<PacketId, ProtocolError> {
    PacketId::new(u16::from_be_bytes(bytes)).ok_or(ProtocolError::ZeroPacketId)
}

/// A whole packet; `body` is what follows the fixed header.
pub(super) fn packet(first: FirstByte, body: &[u8]) -> Result<Received<'_>, ProtocolError> {
    let only_id = || {
        let bytes = body.try_into().map_err(|_| ProtocolError::BadLength)?;
        packet_id(bytes)
    };
    Ok(match first.packet_type {
        PacketType::Connack => Received::Connack(connack(body)?),
        PacketType::Publish => Received::Publish(publish(first, body)?),
        PacketType::Puback => Received::Puback(only_id()?),
        PacketType::Pubrec => Received::Pubrec(only_id()?),
        PacketType::Pubrel => Received::Pubrel(only_id()?),
        PacketType::Pubcomp => Received::Pubcomp(only_id()?),
        PacketType::Suback => Received::Suback(suback(body)?),
        PacketType::Unsuback => Received::Unsuback(only_id()?),
        PacketType::Pingresp => Received::Pingresp,
    })
}

fn connack(body: &[u8]) -> Result<Connack, ProtocolError> {
    let &[flags, code] = body else {
        return Err(ProtocolError::BadLength);
    };
    if flags & !1 != 0 {
        return Err(ProtocolError::ReservedConnackFlags);
    }
    let code = match code {
        0 => ReturnCode::Accepted,
        1 => ReturnCode::UnacceptableProtocolVersion,
        2 => ReturnCode::IdentifierRejected,
        3 => ReturnCode::ServerUnavailable,
        4 => ReturnCode::BadUserNameOrPassword,
        5 => ReturnCode::NotAuthorised,
        _ => return Err(ProtocolError::ReservedReturnCode),
    };
    let session_present = flags == 1;
    if session_present && code != ReturnCode::Accepted {
        return Err(ProtocolError::SessionPresentOnRefusal);
    }
    Ok(Connack {
        session_present,
        code,
    })
}

fn publish(first: FirstByte, body: &[u8]) -> Result<Publish<'_>, ProtocolError> {
    let (&length, rest) = body.split_first_chunk().ok_or(ProtocolError::BadLength)?;
    let (name, rest) = rest
        .split_at_checked(usize::from(u16::from_be_bytes(length)))
        .ok_or(ProtocolError::BadLength)?;
    let topic = topic::check_name(name)?;
    let (id, payload) = if first.qos == Qos::AtMostOnce {
        (None, rest)
    } else {
        let (&id, payload) = rest.split_first_chunk().ok_or(ProtocolError::BadLength)?;
        (Some(packet_id(id)?), payload)
    };
    Ok(Publish {
        topic,
        id,
        qos: first.qos,
        dup: first.dup,
        retain: first.retain,
        payload,
    })
}

fn suback(body: &[u8]) -> Result<Suback<'_>, ProtocolError> {
    let (&id, codes) = body.split_first_chunk().ok_or(ProtocolError::BadLength)?;
    let id = packet_id(id)?;
    if codes.is_empty() {
        return Err(ProtocolError::BadLength);
    }
    if codes.iter().any(|code| !matches!(code, 0..=2 | 0x80)) {
        return Err(ProtocolError::ReservedSubackCode);
    }
    Ok(Suback { id, codes })
}
