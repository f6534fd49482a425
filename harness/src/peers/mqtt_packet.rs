//! What an MQTT 3.1.1 client may send, decoded strictly: a judge's reading, not a server's.
//!
//! Anything that the specification forbids a client is a [`Violation`] that names the statement.

mod decode;
mod display;
mod topic;

use std::fmt;

pub use decode::decode;
pub(super) use display::Readable;

/// A packet that a client may send.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientPacket {
    /// §3.1
    Connect(Connect),
    /// §3.3
    Publish(Publish),
    /// §3.4, with its packet identifier.
    Puback(u16),
    /// §3.5, with its packet identifier.
    Pubrec(u16),
    /// §3.6, with its packet identifier.
    Pubrel(u16),
    /// §3.7, with its packet identifier.
    Pubcomp(u16),
    /// §3.8
    Subscribe {
        /// The packet identifier.
        id: u16,
        /// Topic filters, each with its requested QoS (0 to 2).
        filters: Vec<(String, u8)>,
    },
    /// §3.10
    Unsubscribe {
        /// The packet identifier.
        id: u16,
        /// Topic filters.
        filters: Vec<String>,
    },
    /// §3.12
    Pingreq,
    /// §3.14
    Disconnect,
}

/// A CONNECT packet (§3.1).
#[derive(Clone, PartialEq)]
pub struct Connect {
    /// Whether the client asks for a new session (§3.1.2.4).
    pub clean_session: bool,
    /// Seconds; 0 turns the mechanism off (§3.1.2.10).
    pub keep_alive: u16,
    /// The client identifier; empty only with a clean session (MQTT-3.1.3-7).
    pub client_id: String,
    /// What the server publishes when the connection is lost.
    pub will: Option<Will>,
    /// The user name.
    pub user_name: Option<String>,
    /// The password: binary data (§3.1.3.5), hidden from every textual form.
    pub password: Option<Vec<u8>>,
}

impl fmt::Debug for Connect {
    // By hand, because a password never appears in evidence, and assertions print this form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("clean_session", &self.clean_session)
            .field("keep_alive", &self.keep_alive)
            .field("client_id", &self.client_id)
            .field("will", &self.will)
            .field("user_name", &self.user_name)
            .field("password", &self.password.as_ref().map(|_| "hidden"))
            .finish()
    }
}

/// The will of a CONNECT packet (§3.1.2.5).
#[derive(Debug, Clone, PartialEq)]
pub struct Will {
    /// The topic name it is published to.
    pub topic: String,
    /// The application message.
    pub payload: Vec<u8>,
    /// 0 to 2.
    pub qos: u8,
    /// Whether it is published as a retained message.
    pub retain: bool,
}

/// A PUBLISH packet (§3.3).
#[derive(Debug, Clone, PartialEq)]
pub struct Publish {
    /// Set on a re-delivery (§3.3.1.1).
    pub dup: bool,
    /// 0 to 2.
    pub qos: u8,
    /// Whether the server keeps the message (§3.3.1.3).
    pub retain: bool,
    /// The topic name.
    pub topic: String,
    /// The packet identifier: present exactly with QoS 1 and 2 (MQTT-2.3.1-5).
    pub id: Option<u16>,
    /// The application message, whole.
    pub payload: Vec<u8>,
}

/// A statement that the client broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{statement}: {detail}")]
pub struct Violation {
    /// Such as `MQTT-3.1.2-3`. Where the specification forbids something without a number of its own,
    /// it is `MQTT-4.8.0-1` (protocol violations) and the detail cites the section.
    pub statement: &'static str,
    /// What was seen.
    pub detail: String,
}

impl Violation {
    fn new(statement: &'static str, detail: impl Into<String>) -> Self {
        Self {
            statement,
            detail: detail.into(),
        }
    }
}
