//! A broker beside a case that is not about MQTT: it serves whatever the device's client does, and keeps what the
//! device published last on one topic, where a device that is not ours may show its state.

use std::collections::BTreeSet;
use std::net::SocketAddrV4;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};

use super::mqtt_bytes::unsuback;
use super::mqtt_packet::{ClientPacket, Publish};
use super::scripted_broker::{BrokerError, Connection, ScriptedBroker};

/// How long one wait for the device lasts; then it is waited for again.
const TURN: Duration = Duration::from_secs(3600);
/// Other topics that are kept, to name them to a person whose profile has the wrong one.
const MOST_TOPICS: usize = 8;

/// The broker, until it is dropped.
#[derive(Debug)]
pub struct StateTopic {
    address: SocketAddrV4,
    topic: String,
    seen: Arc<Mutex<Seen>>,
    task: AbortHandle,
}

/// What the device has done so far.
#[derive(Debug, Default)]
struct Seen {
    connected: bool,
    latest: Option<Vec<u8>>,
    others: BTreeSet<String>,
    broken: Option<String>,
}

impl StateTopic {
    /// Serves the device at `broker` from now on, and keeps what it publishes on `topic`.
    pub fn watch(broker: ScriptedBroker, topic: &str) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let address = broker.address();
        let serving = serve(broker, topic.to_owned(), Arc::clone(&seen));
        Self {
            address,
            topic: topic.into(),
            seen,
            task: tokio::spawn(serving).abort_handle(),
        }
    }

    /// Where the device finds the broker.
    pub fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// What the device published last on the topic.
    pub fn latest(&self) -> Option<Vec<u8>> {
        lock(&self.seen).latest.clone()
    }

    /// Whether the device's client has connected.
    pub fn has_connected(&self) -> bool {
        lock(&self.seen).connected
    }

    /// Why there is nothing yet, for a person.
    pub fn why_nothing(&self) -> String {
        let seen = lock(&self.seen);
        let nothing = format!("nothing was published on the topic `{}`", self.topic);
        let why = if let Some(broken) = &seen.broken {
            format!("the connection was given up: {broken}")
        } else if !seen.connected {
            format!(
                "the device's MQTT client has not connected to the broker at {}",
                self.address
            )
        } else if seen.others.is_empty() {
            "its MQTT client has connected and published nothing".into()
        } else {
            let others: Vec<&str> = seen.others.iter().map(String::as_str).collect();
            format!("it has published on `{}`", others.join("`, `"))
        };
        format!("{nothing}; {why}")
    }
}

impl Drop for StateTopic {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut broker: ScriptedBroker, topic: String, seen: Arc<Mutex<Seen>>) {
    // They end with this task.
    let mut connections = JoinSet::new();
    loop {
        match broker.accept(TURN).await {
            Ok(connection) => {
                let (topic, seen) = (topic.clone(), Arc::clone(&seen));
                connections.spawn(async move {
                    if let Err(error) = serve_connection(connection, &topic, &seen).await {
                        lock(&seen).broken = Some(error.to_string());
                    }
                });
            }
            Err(BrokerError::Late(_)) => (),
            Err(error) => {
                lock(&seen).broken = Some(error.to_string());
                return;
            }
        }
    }
}

async fn serve_connection(
    mut connection: Connection,
    topic: &str,
    seen: &Mutex<Seen>,
) -> Result<(), BrokerError> {
    connection.stands_aside();
    connection.expect_connect(TURN).await?;
    connection.accepted(false).await?;
    lock(seen).connected = true;
    connection.expects_no_subscribe();
    loop {
        let packet = match connection.next(TURN).await {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(()),
            Err(BrokerError::Late(_)) => continue,
            Err(error) => return Err(error),
        };
        match &packet {
            ClientPacket::Publish(publish) => lock(seen).keep(publish, topic),
            ClientPacket::Unsubscribe { id, .. } => connection.send(&unsuback(*id)).await?,
            _ => (),
        }
        connection.answer_own(&packet).await?;
    }
}

impl Seen {
    fn keep(&mut self, publish: &Publish, topic: &str) {
        if publish.topic == topic {
            self.latest = Some(publish.payload.clone());
        } else if self.others.len() < MOST_TOPICS {
            self.others.insert(publish.topic.clone());
        }
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
