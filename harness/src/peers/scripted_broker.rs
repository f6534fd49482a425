//! A broker that sends whatever a case says, in any split, and expects packets within deadlines.
//!
//! It judges every packet that it reads by the strict decoder; it never answers on its own but for
//! PINGREQ, for the topics that it was told to acknowledge and, when told so, for a device's own traffic.

mod connection;
mod own_traffic;
mod sending;

use std::net::SocketAddrV4;
use std::time::Duration;

use super::mqtt_bytes::connack;
use super::mqtt_packet::Connect;
use crate::evidence::{Direction, Evidence};
use crate::lab::{Lab, LabError, Listener};
use connection::MOST_BUFFERED;
pub use connection::{Connection, End, Farewell};

/// The port of MQTT (IANA).
pub const MQTT_PORT: u16 = 1883;
/// The name in transcripts.
const PEER: &str = "broker";

/// Why a step with the device did not come out as scripted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The device broke a statement.
    #[error("{statement}: expected {expected}; seen: {seen}")]
    Broken {
        /// Such as `MQTT-3.1.0-1`.
        statement: String,
        /// What it calls for.
        expected: String,
        /// What the device did.
        seen: String,
    },
    /// Nothing came within the deadline.
    #[error("nothing from the device within {} ms", .0.as_millis())]
    Late(Duration),
    /// The device's packet is larger than the broker keeps.
    #[error("a packet of more than {MOST_BUFFERED} bytes")]
    Flood,
    /// The wire.
    #[error(transparent)]
    Lab(LabError),
}

impl BrokerError {
    fn broken(statement: &str, expected: &str, seen: impl Into<String>) -> Self {
        Self::Broken {
            statement: statement.into(),
            expected: expected.into(),
            seen: seen.into(),
        }
    }
}

/// The broker's listening end.
#[derive(Debug)]
pub struct ScriptedBroker {
    listener: Listener,
    evidence: Evidence,
    acknowledged: Vec<String>,
    serves_own_traffic: bool,
    /// How much longer than a case says the device may take to connect.
    longer: Duration,
}

impl ScriptedBroker {
    /// Listens on peer 1, port 1883 where the lab can.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn listen(lab: &Lab, evidence: &Evidence) -> Result<Self, LabError> {
        let listener = lab
            .listen(SocketAddrV4::new(lab.peer_address(1), MQTT_PORT))
            .await?;
        Ok(Self {
            listener,
            evidence: evidence.clone(),
            acknowledged: Vec::new(),
            serves_own_traffic: false,
            longer: Duration::ZERO,
        })
    }

    /// From the next connection on, and once it is accepted, what a device of its own accord publishes, and
    /// subscribes to beyond its first SUBSCRIBE, is recorded and answered, and is not handed to the case: for
    /// devices whose application the case does not know.
    pub fn serve_own_traffic(&mut self) {
        self.serves_own_traffic = true;
    }

    /// From now on the device may take so much longer than a case says until it connects.
    pub fn wait_longer(&mut self, longer: Duration) {
        self.longer = longer;
    }

    /// Where the device finds it.
    pub fn address(&self) -> SocketAddrV4 {
        self.listener.local_addr()
    }

    /// From the next connection on, messages to `topic` at QoS 0 and 1 are recorded and answered, and
    /// are not handed to the case.
    pub fn acknowledge(&mut self, topic: impl Into<String>) {
        self.acknowledged.push(topic.into());
    }

    /// The device's next network connection.
    ///
    /// # Errors
    /// [`BrokerError::Late`] when there is none within `deadline`.
    pub async fn accept(&mut self, deadline: Duration) -> Result<Connection, BrokerError> {
        let stream = self
            .listener
            .accept(deadline + self.longer)
            .await
            .map_err(|e| match e {
                LabError::Timeout(after) => BrokerError::Late(after),
                other => BrokerError::Lab(other),
            })?;
        self.evidence
            .transcript
            .record(PEER, Direction::Note, "connection accepted", &[]);
        let mut connection = Connection::new(stream, &self.evidence, &self.acknowledged);
        if self.serves_own_traffic {
            connection.serve_own_traffic();
        }
        Ok(connection)
    }

    /// Accepts a connection, reads its CONNECT and sends this CONNACK.
    ///
    /// # Errors
    /// As [`Self::accept`] and [`Connection::expect_connect`].
    pub async fn serve_connect(
        &mut self,
        session_present: bool,
        code: u8,
        deadline: Duration,
    ) -> Result<(Connection, Connect), BrokerError> {
        let mut connection = self.accept(deadline).await?;
        let connect = connection.expect_connect(deadline).await?;
        if code == 0 {
            connection.accepted(session_present).await?;
        } else {
            connection
                .send(&connack(u8::from(session_present), code))
                .await?;
        }
        Ok((connection, connect))
    }

    /// Accepts a connection without a session, and grants the device's SUBSCRIBE as it asks.
    ///
    /// # Errors
    /// As [`Self::serve_connect`] and [`Connection::expect_subscribe`].
    pub async fn serve_session(&mut self, deadline: Duration) -> Result<Connection, BrokerError> {
        let (mut connection, _) = self.serve_connect(false, 0, deadline).await?;
        connection.grant_subscribe(deadline).await?;
        Ok(connection)
    }
}
