//! What goes into the session and what comes out of it.

use embassy_time::Duration;

use super::link::Purpose;
use crate::mqtt::codec::{PacketId, PacketType, ProtocolError, Qos, ReturnCode};

/// What the session is told at boot.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The clean session flag. With it nothing is stored.
    pub clean_session: bool,
    /// Keep alive; zero turns it off.
    pub keep_alive: Duration,
    /// How long to wait for CONNACK, SUBACK, UNSUBACK and PINGRESP.
    pub response_timeout: Duration,
    /// CRC-32 of what a stored session depends on: client identifier and topics.
    pub identity: u32,
    /// CRC-32 of the configured subscriptions.
    pub subscriptions: u32,
    /// How many filters that is, and how many codes SUBACK must have.
    pub filters: u8,
}

/// Why the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The server broke the protocol (MQTT-4.8.0-1).
    Protocol(ProtocolError),
    /// CONNACK refused (MQTT-3.2.2-5: the server closes too).
    Refused(ReturnCode),
    /// No CONNACK in time (§3.2).
    ConnackTimeout,
    /// No SUBACK or UNSUBACK in time.
    AnswerTimeout,
    /// No PINGRESP in time (§3.1.2.10).
    PingrespTimeout,
}

impl From<ProtocolError> for Close {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

/// How a connection's session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Both sides held state.
    Resumed,
    /// Neither side held state.
    New,
    /// The client held state and gave it up, as clean session asks.
    Discarded,
    /// The client held state, the server did not.
    Lost,
}

/// An answer that is due at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// PUBACK.
    Puback(PacketId),
    /// PUBREC.
    Pubrec(PacketId),
    /// PUBREL.
    Pubrel(PacketId),
    /// PUBCOMP.
    Pubcomp(PacketId),
}

/// What a packet meant, beside the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Nothing that the device tells.
    None,
    /// The message is to be delivered to the application, once.
    Deliver,
    /// The connection is accepted.
    Began(Begin),
    /// The server has forgotten a session that only it remembered: disconnect and connect anew.
    Purged,
    /// The flow of an outbound message is complete.
    Acked(PacketId, Qos),
    /// SUBACK or UNSUBACK has answered the request.
    Answered(Purpose),
    /// An acknowledgement of nothing that is in flight; see [`Session::receive`].
    UnknownAck(PacketType, PacketId),
}

/// What to do about a packet, after saving: first the notice, then the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reaction {
    /// What it meant.
    pub notice: Notice,
    /// What to send.
    pub reply: Option<Reply>,
}

impl Reaction {
    pub(super) const fn notice(notice: Notice) -> Self {
        Self {
            notice,
            reply: None,
        }
    }

    pub(super) const fn reply(reply: Reply) -> Self {
        Self {
            notice: Notice::None,
            reply: Some(reply),
        }
    }
}

/// A packet that is due. Sending it is reported by [`Session::sent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transmit {
    /// CONNECT with this clean session flag.
    Connect {
        /// The flag.
        clean_session: bool,
    },
    /// PUBLISH of the message in a slot ([`Session::message`]).
    Publish {
        /// The slot.
        slot: usize,
        /// The DUP flag.
        dup: bool,
    },
    /// PUBREL.
    Pubrel(PacketId),
    /// SUBSCRIBE or UNSUBSCRIBE.
    Request(PacketId, Purpose),
    /// PINGREQ.
    Pingreq,
}
