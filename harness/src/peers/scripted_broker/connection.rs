//! One connection of the device: every packet judged by the strict decoder and put on record.

use std::time::Duration;

use tokio::time::Instant;

use super::own_traffic::OwnTraffic;
use super::{BrokerError, PEER};
use crate::evidence::{Direction, Evidence, Place};
use crate::lab::{LabError, Stream};
use crate::peers::mqtt_bytes::{connack, pingresp, puback, suback};
use crate::peers::mqtt_packet::{ClientPacket, Connect, Publish, decode};

/// Bytes kept of packets that are not complete: a device that floods does not take the harness along.
pub(super) const MOST_BUFFERED: usize = 8 << 20;
/// How the device ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// FIN.
    Finished,
    /// RST.
    Reset,
}

/// What the device did until a connection's end, or a deadline.
#[derive(Debug)]
pub struct Farewell {
    /// How it ended; `None` when the deadline passed first.
    pub end: Option<End>,
    /// Packets that it sent before.
    pub packets: Vec<ClientPacket>,
}

/// One connection of the device.
#[derive(Debug)]
pub struct Connection {
    pub(super) stream: Stream,
    pub(super) evidence: Evidence,
    buffer: Vec<u8>,
    ended: Option<End>,
    acknowledged: Vec<String>,
    answer_pings: bool,
    own: OwnTraffic,
    serves_own_traffic: bool,
    last_length: usize,
    number: u32,
    /// Whether the case has no part in anything of it.
    aside: bool,
}

impl Connection {
    pub(super) fn new(stream: Stream, evidence: &Evidence, acknowledged: &[String]) -> Self {
        Self {
            stream,
            evidence: evidence.clone(),
            buffer: Vec::new(),
            ended: None,
            acknowledged: acknowledged.to_vec(),
            answer_pings: true,
            own: OwnTraffic::default(),
            serves_own_traffic: false,
            last_length: 0,
            number: evidence.transcript.begin_connection(PEER),
            aside: false,
        }
    }

    pub(super) fn place(&self, aside: bool) -> Place<'static> {
        Place {
            peer: PEER,
            connection: Some(self.number),
            aside: aside || self.aside,
        }
    }

    /// Once the connection is accepted, what the device publishes, and subscribes to beyond its first
    /// SUBSCRIBE, is answered here.
    pub(super) fn serve_own_traffic(&mut self) {
        self.serves_own_traffic = true;
    }

    /// The case has no part in this connection: what it carries is on record as aside.
    pub fn stands_aside(&mut self) {
        self.aside = true;
    }

    /// From now on a SUBSCRIBE of a device whose own traffic is served is its own affair, the first one too.
    pub fn expects_no_subscribe(&mut self) {
        self.own.subscribed = true;
    }

    /// Accepts the connection: CONNACK with code 0.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn accepted(&mut self, session_present: bool) -> Result<(), BrokerError> {
        self.send(&connack(u8::from(session_present), 0)).await?;
        self.is_accepted();
        Ok(())
    }

    /// A CONNACK with code 0 was sent in another way than by [`Self::accepted`].
    pub fn is_accepted(&mut self) {
        self.own.answered = self.serves_own_traffic;
    }

    /// Whether PINGREQ is answered here (as it is at first) or handed to the case unanswered.
    pub fn answer_pings(&mut self, answer: bool) {
        self.answer_pings = answer;
    }

    /// Messages to `topic` at QoS 0 and 1 are answered here from now on.
    pub fn acknowledge(&mut self, topic: impl Into<String>) {
        self.acknowledged.push(topic.into());
    }

    /// Every message is handed to the case from now on.
    pub fn acknowledge_nothing(&mut self) {
        self.acknowledged.clear();
        self.own.answered = false;
    }

    /// Bytes of the packet that was read last, its fixed header among them.
    pub fn last_length(&self) -> usize {
        self.last_length
    }

    /// The next packet that is not answered here; `None` when the device has ended the connection.
    ///
    /// # Errors
    /// [`BrokerError::Late`] after `deadline`; [`BrokerError::Broken`] when the packet, or a connection
    /// ended within one, breaks a statement.
    pub async fn next(&mut self, deadline: Duration) -> Result<Option<ClientPacket>, BrokerError> {
        let until = Instant::now() + deadline;
        loop {
            if let Some(packet) = self.buffered()? {
                if self.is_answered_here(&packet).await? {
                    continue;
                }
                return Ok(Some(packet));
            }
            if self.ended.is_some() {
                return Ok(None);
            }
            match tokio::time::timeout_at(until, self.fill()).await {
                Ok(filled) => filled?,
                Err(_) => return Err(BrokerError::Late(deadline)),
            }
        }
    }

    fn buffered(&mut self) -> Result<Option<ClientPacket>, BrokerError> {
        let transcript = &self.evidence.transcript;
        match decode(&self.buffer) {
            Ok(Some((packet, length))) => {
                // A CONNECT may carry a password, which is no evidence: its bytes are not kept.
                let shown = match &packet {
                    ClientPacket::Connect(connect) if connect.password.is_some() => &[],
                    _ => &self.buffer[..length],
                };
                let place = self.place(self.answers_here(&packet));
                transcript.record(place, Direction::FromDevice, packet.to_string(), shown);
                self.buffer.drain(..length);
                self.last_length = length;
                Ok(Some(packet))
            }
            Ok(None) => Ok(None),
            Err(violation) => {
                let seen = violation.detail.clone();
                transcript.record(
                    self.place(false),
                    Direction::FromDevice,
                    &seen,
                    &self.buffer,
                );
                Err(BrokerError::broken(
                    violation.statement,
                    "packets that a client may send",
                    seen,
                ))
            }
        }
    }

    async fn fill(&mut self) -> Result<(), BrokerError> {
        let mut chunk = vec![0; 16 << 10];
        match self.stream.read(&mut chunk).await {
            Ok(0) => self.end(End::Finished),
            Ok(length) => self.buffer.extend_from_slice(&chunk[..length]),
            Err(LabError::Reset) => self.end(End::Reset),
            Err(other) => return Err(BrokerError::Lab(other)),
        }
        if self.buffer.len() > MOST_BUFFERED {
            return Err(BrokerError::Flood);
        }
        Ok(())
    }

    fn end(&mut self, how: End) {
        if self.ended.replace(how).is_none() {
            let text = match how {
                End::Finished => "FIN",
                End::Reset => "RST",
            };
            self.evidence
                .transcript
                .record(self.place(false), Direction::FromDevice, text, &[]);
        }
    }

    /// Whether `packet` is answered without the case.
    fn answers_here(&self, packet: &ClientPacket) -> bool {
        match packet {
            ClientPacket::Pingreq if self.answer_pings => true,
            ClientPacket::Publish(publish) if self.is_acknowledged(publish) => true,
            other => self.own.answered && self.own.concerns(other),
        }
    }

    fn is_acknowledged(&self, publish: &Publish) -> bool {
        publish.qos < 2 && self.acknowledged.contains(&publish.topic)
    }

    async fn is_answered_here(&mut self, packet: &ClientPacket) -> Result<bool, BrokerError> {
        let answer = match packet {
            ClientPacket::Pingreq if self.answer_pings => pingresp(),
            ClientPacket::Publish(publish) if self.is_acknowledged(publish) => {
                publish.id.map(puback).unwrap_or_default()
            }
            other if self.own.answered => return self.answer_own(other).await,
            _ => return Ok(false),
        };
        self.send_aside(&answer).await?;
        Ok(true)
    }

    /// Answers `packet` when it is the device's own affair: a message, its release, a further SUBSCRIBE.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn answer_own(&mut self, packet: &ClientPacket) -> Result<bool, BrokerError> {
        let Some(answer) = self.own.answer(packet) else {
            return Ok(false);
        };
        self.send_aside(&answer).await?;
        Ok(true)
    }

    /// Sends the answer to a packet that is not handed to the case, when it has one.
    async fn send_aside(&mut self, answer: &[u8]) -> Result<(), BrokerError> {
        if answer.is_empty() {
            return Ok(());
        }
        self.send_as(self.place(true), answer).await
    }

    /// Expects the next packet to be the one that `wanted` accepts; `what` names it.
    ///
    /// # Errors
    /// [`BrokerError::Broken`] with `statement` for another packet, the connection's end, or nothing
    /// within `deadline`.
    pub async fn expect(
        &mut self,
        statement: &str,
        what: &str,
        deadline: Duration,
        wanted: impl Fn(&ClientPacket) -> bool,
    ) -> Result<ClientPacket, BrokerError> {
        let seen = match self.next(deadline).await {
            Ok(Some(packet)) if wanted(&packet) => return Ok(packet),
            Ok(Some(packet)) => packet.to_string(),
            Ok(None) => "the device ended the connection".into(),
            Err(BrokerError::Late(after)) => format!("nothing within {} ms", after.as_millis()),
            Err(other) => return Err(other),
        };
        Err(BrokerError::broken(statement, what, seen))
    }

    /// Expects CONNECT as the first packet (MQTT-3.1.0-1).
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub async fn expect_connect(&mut self, deadline: Duration) -> Result<Connect, BrokerError> {
        let statement = "MQTT-3.1.0-1";
        let is_connect = |p: &ClientPacket| matches!(p, ClientPacket::Connect(_));
        match self
            .expect(
                statement,
                "CONNECT as the first packet",
                deadline,
                is_connect,
            )
            .await?
        {
            ClientPacket::Connect(connect) => Ok(connect),
            other => Err(BrokerError::broken(statement, "CONNECT", other.to_string())),
        }
    }

    /// Expects SUBSCRIBE; its packet identifier and filters with requested QoS.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub async fn expect_subscribe(
        &mut self,
        deadline: Duration,
    ) -> Result<(u16, Vec<(String, u8)>), BrokerError> {
        let statement = "MQTT-3.8.1-1";
        let is_subscribe = |p: &ClientPacket| matches!(p, ClientPacket::Subscribe { .. });
        match self
            .expect(statement, "SUBSCRIBE", deadline, is_subscribe)
            .await?
        {
            ClientPacket::Subscribe { id, filters } => {
                self.own.subscribed = true;
                Ok((id, filters))
            }
            other => Err(BrokerError::broken(
                statement,
                "SUBSCRIBE",
                other.to_string(),
            )),
        }
    }

    /// Expects SUBSCRIBE and grants what it asks for.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub async fn grant_subscribe(&mut self, deadline: Duration) -> Result<(), BrokerError> {
        let (id, filters) = self.expect_subscribe(deadline).await?;
        let codes: Vec<u8> = filters.iter().map(|(_, qos)| *qos).collect();
        self.send(&suback(id, &codes)).await
    }

    /// Waits until the device ends the connection, or `deadline` passes.
    ///
    /// # Errors
    /// A packet before that breaks a statement.
    pub async fn closes(&mut self, deadline: Duration) -> Result<Farewell, BrokerError> {
        let until = Instant::now() + deadline;
        let mut packets = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.next(left).await {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => break,
                Err(BrokerError::Late(_)) => break,
                Err(other) => return Err(other),
            }
        }
        let end = self.ended;
        Ok(Farewell { end, packets })
    }
}
