//! A client of a real broker that is not the device: rumqttc, on this machine's sockets.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS};

use super::scene::STATE;
use crate::bench::{Bench, PATIENCE};
use crate::case::{Judged, Stop};
use crate::evidence::{Direction, Place};

/// A client of the same broker that is not the device.
pub(super) struct OtherClient {
    pub(super) client: AsyncClient,
    pub(super) events: EventLoop,
    /// Messages that came while something else was waited for.
    early: VecDeque<Publish>,
}

fn broken(error: impl std::fmt::Display) -> Stop {
    Stop::inconclusive(format!("rumqttc: {error}"))
}

impl OtherClient {
    /// Connects as `id`, and subscribes to `topics` at QoS 2; done when the broker has granted them all.
    pub(super) async fn connect(
        bench: &Bench,
        at: SocketAddr,
        id: &str,
        topics: &[&str],
    ) -> Judged<Self> {
        let mut options = MqttOptions::new(id, at.ip().to_string(), at.port());
        options.set_keep_alive(Duration::from_secs(60));
        // Mosquitto throws a client out that has more than 20 QoS 2 messages open towards it.
        options.set_inflight(15);
        let (client, events) = AsyncClient::new(options, 64);
        for topic in topics {
            client
                .subscribe(*topic, QoS::ExactlyOnce)
                .await
                .map_err(broken)?;
        }
        let mut other = Self {
            client,
            events,
            early: VecDeque::new(),
        };
        // CONNACK, and a SUBACK for each.
        other
            .until(1 + topics.len(), |packet| {
                matches!(packet, Packet::ConnAck(_) | Packet::SubAck(_))
            })
            .await?;
        let transcript = &bench.evidence().transcript;
        transcript.note(format!("{id}: has connected and subscribed"));
        Ok(other)
    }

    /// Polls until so many packets have come that `wanted` accepts.
    async fn until(&mut self, count: usize, wanted: impl Fn(&Packet) -> bool) -> Judged {
        let receiving = async {
            let mut seen = 0;
            while seen < count {
                if let Event::Incoming(packet) = self.events.poll().await.map_err(broken)? {
                    seen += usize::from(wanted(&packet));
                    if let Packet::Publish(message) = packet {
                        self.early.push_back(message);
                    }
                }
            }
            Ok(())
        };
        let late = || broken(format!("no answer within {} s", PATIENCE.as_secs()));
        tokio::time::timeout(PATIENCE, receiving)
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    /// Publishes, and waits until the broker has acknowledged it.
    pub(super) async fn publish(
        &mut self,
        topic: &str,
        qos: QoS,
        retain: bool,
        payload: impl Into<Vec<u8>>,
    ) -> Judged {
        self.client
            .publish(topic, qos, retain, payload.into())
            .await
            .map_err(broken)?;
        match qos {
            QoS::AtMostOnce => Ok(()),
            QoS::AtLeastOnce => self.until(1, |p| matches!(p, Packet::PubAck(_))).await,
            QoS::ExactlyOnce => self.until(1, |p| matches!(p, Packet::PubComp(_))).await,
        }
    }

    /// Sends the device a command at QoS 1.
    pub(super) async fn command(&mut self, name: &str, arguments: &str) -> Judged {
        let topic = format!("fp/dut/cmd/{name}");
        let sent = self
            .client
            .publish(topic, QoS::AtLeastOnce, false, arguments);
        sent.await.map_err(broken)
    }

    /// The next message on `topic` that `wanted` accepts; it sees the others too, which are passed over.
    pub(super) async fn message(
        &mut self,
        bench: &Bench,
        topic: &str,
        statement: &str,
        wanted: impl Fn(&Publish) -> bool,
    ) -> Judged<Publish> {
        let receiving = async {
            loop {
                if let Some(message) = self.next_message().await? {
                    note(bench, &message);
                    if wanted(&message) && message.topic == topic {
                        return Ok(message);
                    }
                }
            }
        };
        match tokio::time::timeout(PATIENCE, receiving).await {
            Ok(message) => message,
            Err(_) => Err(Stop::fail(
                statement,
                format!("the message on {topic} reaches the other client"),
                bench.with_console("it did not"),
            )),
        }
    }

    /// The next message, when the next event is one.
    async fn next_message(&mut self) -> Judged<Option<Publish>> {
        if let Some(message) = self.early.pop_front() {
            return Ok(Some(message));
        }
        match self.events.poll().await.map_err(broken)? {
            Event::Incoming(Packet::Publish(message)) => Ok(Some(message)),
            _ => Ok(None),
        }
    }

    /// Takes its leave in order.
    pub(super) async fn leaves(mut self) -> Judged {
        self.client.disconnect().await.map_err(broken)?;
        // The end of the connection is an error to rumqttc, and what is waited for.
        let _ = tokio::time::timeout(PATIENCE, async {
            while self.events.poll().await.is_ok() {}
        })
        .await;
        Ok(())
    }
}

fn note(bench: &Bench, message: &Publish) {
    let retained = u8::from(message.retain);
    let (topic, bytes) = (&message.topic, message.payload.len());
    let mut place = Place::from("case");
    // How many states the device tells of, and how long they are, depends on time.
    place.aside = *topic == STATE;
    let qos = message.qos as u8;
    let summary =
        format!("other client: received topic={topic} qos={qos} retain={retained} bytes={bytes}");
    let transcript = &bench.evidence().transcript;
    transcript.record(place, Direction::Note, summary, &[]);
}
