//! The packets that a server sends, as values that have passed every check.

use core::num::NonZeroU16;

/// A packet identifier; never 0 (MQTT-2.3.1-1).
pub type PacketId = NonZeroU16;

/// Control packet types that a server may send (§2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum PacketType {
    /// Acknowledges CONNECT.
    Connack = 2,
    /// An application message.
    Publish = 3,
    /// Acknowledges a QoS 1 PUBLISH.
    Puback = 4,
    /// First answer to a QoS 2 PUBLISH.
    Pubrec = 5,
    /// Second step of a QoS 2 PUBLISH.
    Pubrel = 6,
    /// Ends a QoS 2 PUBLISH.
    Pubcomp = 7,
    /// Acknowledges SUBSCRIBE.
    Suback = 9,
    /// Acknowledges UNSUBSCRIBE.
    Unsuback = 11,
    /// Answers PINGREQ.
    Pingresp = 13,
}

/// Quality of service (§4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Qos {
    /// At most once.
    AtMostOnce = 0,
    /// At least once.
    AtLeastOnce = 1,
    /// Exactly once.
    ExactlyOnce = 2,
}

impl Qos {
    /// The level 0, 1 or 2; `None` for any other number.
    pub const fn from_level(level: u8) -> Option<Self> {
        match level {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }

    /// 0, 1 or 2.
    pub const fn level(self) -> u8 {
        self as u8
    }
}

/// The return code of CONNACK (§3.2.2.3); 6 to 255 are reserved and refused by the decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ReturnCode {
    /// Accepted.
    Accepted = 0,
    /// The server does not speak this protocol level.
    UnacceptableProtocolVersion = 1,
    /// The server does not allow the client identifier.
    IdentifierRejected = 2,
    /// The service is not there.
    ServerUnavailable = 3,
    /// The user name or password is malformed.
    BadUserNameOrPassword = 4,
    /// Not authorised.
    NotAuthorised = 5,
}

/// CONNACK (§3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connack {
    /// The server holds state of this client's session.
    pub session_present: bool,
    /// Accepted, or why not.
    pub code: ReturnCode,
}

/// PUBLISH (§3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish<'a> {
    /// The topic name: valid, without wildcards.
    pub topic: &'a str,
    /// `None` at QoS 0.
    pub id: Option<PacketId>,
    /// Quality of service.
    pub qos: Qos,
    /// This may be a re-delivery.
    pub dup: bool,
    /// Sent because of a new subscription, from the server's store.
    pub retain: bool,
    /// The application message.
    pub payload: &'a [u8],
}

/// SUBACK (§3.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suback<'a> {
    /// The identifier of the SUBSCRIBE.
    pub id: PacketId,
    /// One for each filter, each 0, 1, 2 or 0x80; never empty.
    pub codes: &'a [u8],
}

/// A packet from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received<'a> {
    /// CONNACK.
    Connack(Connack),
    /// PUBLISH.
    Publish(Publish<'a>),
    /// PUBACK.
    Puback(PacketId),
    /// PUBREC.
    Pubrec(PacketId),
    /// PUBREL.
    Pubrel(PacketId),
    /// PUBCOMP.
    Pubcomp(PacketId),
    /// SUBACK.
    Suback(Suback<'a>),
    /// UNSUBACK.
    Unsuback(PacketId),
    /// PINGRESP.
    Pingresp,
}
