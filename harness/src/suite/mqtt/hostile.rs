//! Packets that a client must not accept: the rows of tables, and the moments at which they come.

use super::flight::published;
use super::qos_2::{id_of, released};
use super::scene::{SUBSCRIBES, begin, begin_session, refuses};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop};
use crate::peers::mqtt_bytes::{packet, pubrec};
use crate::peers::scripted_broker::{Connection, ScriptedBroker};
use crate::profile::Capability;

/// What the device is waiting for when the packet comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// CONNACK.
    Connecting,
    /// SUBACK.
    Subscribing,
    /// Nothing.
    Session,
    /// PUBCOMP, having sent PUBREL.
    Releasing,
}

impl Phase {
    fn needs(self) -> &'static [Capability] {
        match self {
            Self::Connecting => &[Capability::Mqtt],
            Self::Subscribing | Self::Session => &[Capability::Mqtt, SUBSCRIBES],
            Self::Releasing => &[Capability::Mqtt, SUBSCRIBES, Capability::Command],
        }
    }

    /// Ends the sentence of a requirement.
    fn when(self) -> &'static str {
        match self {
            Self::Connecting => " before CONNACK",
            Self::Subscribing => " before SUBACK",
            Self::Session => "",
            Self::Releasing => " while its own PUBREL is unanswered",
        }
    }

    /// A started device that waits for that.
    async fn reached(self, bench: &Bench) -> Judged<(ScriptedBroker, Connection)> {
        match self {
            Self::Connecting => {
                let mut broker = begin(bench, |_| ()).await?;
                let mut connection = broker.accept(PATIENCE).await?;
                connection.expect_connect(PATIENCE).await?;
                Ok((broker, connection))
            }
            Self::Subscribing => {
                let mut broker = begin(bench, |_| ()).await?;
                let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
                connection.expect_subscribe(PATIENCE).await?;
                Ok((broker, connection))
            }
            Self::Session => begin_session(bench, |_| ()).await,
            Self::Releasing => {
                let (broker, mut connection) = begin_session(bench, |_| ()).await?;
                let id = id_of(&published(&mut connection, 21, 2).await?);
                connection.send(&pubrec(id)).await?;
                released(&mut connection, id).await?;
                Ok((broker, connection))
            }
        }
    }
}

/// A packet that a client must not accept.
#[derive(Debug, Clone)]
pub(super) struct Hostile {
    /// The case's id below its topic.
    pub name: String,
    /// What it judges, the chief one first.
    pub statements: &'static [&'static str],
    /// What is wrong with it: ends the sentence "The device closes the connection on …".
    pub what: String,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How binding it is to close the connection.
    pub level: Level,
    /// Whether it is larger than what every device takes: one that reads past it cannot see what is wrong with it.
    pub is_large: bool,
}

/// A row of a table of hostile packets: the packet from its first byte and its body.
pub(super) fn hostile(
    name: &str,
    statements: &'static [&'static str],
    what: &str,
    first: u8,
    body: &[u8],
) -> Hostile {
    hostile_raw(name, statements, what, &packet(first, body))
}

/// As [`hostile`], from raw bytes.
pub(super) fn hostile_raw(
    name: &str,
    statements: &'static [&'static str],
    what: &str,
    bytes: &[u8],
) -> Hostile {
    Hostile {
        name: name.into(),
        statements,
        what: what.into(),
        bytes: bytes.to_vec(),
        level: Level::Must,
        is_large: false,
    }
}

impl Hostile {
    /// The same, for devices that take a packet of this length.
    pub(super) fn large(self) -> Self {
        Self {
            is_large: true,
            ..self
        }
    }

    /// The same as a rule of ours: the specification leaves it open.
    pub(super) fn policy(self) -> Self {
        Self {
            level: Level::Policy,
            ..self
        }
    }

    /// The same with `suffix` behind its name.
    pub(super) fn named(self, suffix: &str) -> Self {
        Self {
            name: format!("{}-{suffix}", self.name),
            ..self
        }
    }

    /// The case that sends the packet at that moment.
    pub(super) fn at(self, phase: Phase, topic: &str) -> Case {
        let requirement = format!(
            "The device closes the connection on {}{}",
            self.what,
            phase.when()
        );
        self.sent(phase, topic, requirement)
    }

    fn sent(self, phase: Phase, topic: &str, requirement: String) -> Case {
        let id = format!("mqtt/{topic}/{}", self.name);
        let statements = self.statements;
        let size: &[Capability] = match self.is_large {
            true => &[Capability::MaxInboundPacket],
            false => &[],
        };
        Case::new(self.level, id, statements, requirement, move |bench| {
            let bytes = self.bytes.clone();
            async move {
                if self.is_large && (bench.profile().max_inbound_packet as usize) < bytes.len() {
                    return Err(Stop::Skip(Capability::MaxInboundPacket));
                }
                let (mut broker, mut connection) = phase.reached(&bench).await?;
                connection.send(&bytes).await?;
                refuses(&bench, &mut broker, connection, statements[0]).await
            }
        })
        .needs(phase.needs())
        .needs(size)
    }

    /// The case that sends the packet in the place of CONNACK.
    pub(super) fn instead_of_connack(self, topic: &str) -> Case {
        let requirement = format!("The device closes the connection on {}", self.what);
        self.sent(Phase::Connecting, topic, requirement)
    }

    /// The case that sends the packet once the device has subscribed.
    pub(super) fn in_session(self, topic: &str) -> Case {
        self.at(Phase::Session, topic)
    }
}
