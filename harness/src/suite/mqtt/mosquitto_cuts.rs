//! Thousands of QoS 2 messages each way through Mosquitto while the device's connection is cut at random: none is
//! lost, none comes twice.

use std::collections::HashMap;
use std::time::Duration;

use crc::{CRC_32_ISO_HDLC, Crc};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rumqttc::{AsyncClient, Event, EventLoop, Packet, QoS};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::mosquitto::{NEEDS, configure, mosquitto};
use super::other_client::OtherClient;
use super::scene::{DATA, PROBE};
use super::witness::{joined, starts};
use crate::bench::Bench;
use crate::case::{Case, Judged, Stop, require};
use crate::peers::forward::ToMachine;

const EXACTLY_ONCE: &str = "MQTT-4.3.3-2";
const SENDER: &str = "MQTT-4.3.3-1";
/// Messages that the device publishes by one command; each batch has a size of its own, and is counted for itself.
const BATCH: usize = 100;
/// Messages of the other client that are on their way at once.
const AHEAD: usize = 200;
/// Without any progress for so long, a message is lost.
const STALLED: Duration = Duration::from_secs(20);

/// What a run asks for: `FIRMPROOF_MQTT_MESSAGES=10000` is what `ci/nightly brokers` runs.
const VARIABLE: &str = "FIRMPROOF_MQTT_MESSAGES";
/// Messages in all, half of them each way, unless told otherwise.
const MESSAGES: usize = 1_000;
/// A cut for so many messages.
const MESSAGES_PER_CUT: usize = 100;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::must(
            "mqtt/mosquitto/exactly-once-while-cut-at-random",
            &[EXACTLY_ONCE, SENDER, "MQTT-4.4.0-1", "MQTT-4.1.0-1"],
            "While the device's connection is cut at random, once for a hundred QoS 2 messages, each message of both \
             directions arrives once",
            |bench: Bench| async move {
                let total = match std::env::var(VARIABLE) {
                    Ok(text) => text.parse().map_err(|_| {
                        Stop::inconclusive(format!("{VARIABLE}=`{text}`: expected a number"))
                    })?,
                    Err(_) => MESSAGES,
                };
                exactly_once(bench, total).await
            },
        )
        .needs(&NEEDS),
    ]
}

async fn exactly_once(bench: Bench, total: usize) -> Judged {
    let broker = mosquitto(&bench).await?;
    configure(&bench, |mqtt| {
        mqtt.clean_session = false;
        mqtt.backoff_min_ms = 10;
        mqtt.backoff_max_ms = 20;
    });
    let wire = joined(&bench, broker.address()).await?;
    starts(&bench).await?;
    let other = OtherClient::connect(&bench, broker.address(), "witness", &[DATA]).await?;
    let each_way = (total / 2).div_ceil(BATCH) * BATCH;
    let began = Instant::now();
    let mut traffic = Traffic::new(&bench, other, each_way);
    traffic.run(&wire, 2 * each_way / MESSAGES_PER_CUT).await?;
    let took = began.elapsed().as_secs_f64();
    let metrics = &bench.evidence().metrics;
    metrics.set("messages_count", (2 * each_way) as f64);
    metrics.set("cuts_count", traffic.cuts as f64);
    metrics.set("messages_per_s", 2.0 * each_way as f64 / took);
    bench.alive(EXACTLY_ONCE).await
}

/// The messages of one case.
struct Traffic<'b> {
    bench: &'b Bench,
    client: AsyncClient,
    /// Payload lengths of the device's messages, as the other client receives them.
    from_device: mpsc::UnboundedReceiver<Result<usize, String>>,
    each_way: usize,
    sent: usize,
    /// Where the console is read from.
    mark: usize,
    /// How often the device told of each message, by the checksum that its console shows.
    to_device: HashMap<String, usize>,
    /// How often a message of that length came.
    batches: HashMap<usize, usize>,
    cuts: usize,
    flow: Flow,
}

/// How far the session has come since the last cut.
#[derive(PartialEq, Eq)]
enum Flow {
    Cut,
    Resumed,
    /// The device has been told of a message since.
    Flows,
}

impl<'b> Traffic<'b> {
    fn new(bench: &'b Bench, other: OtherClient, each_way: usize) -> Self {
        let (arrived, from_device) = mpsc::unbounded_channel();
        let OtherClient { client, events, .. } = other;
        tokio::spawn(receive(events, arrived));
        Self {
            bench,
            client,
            from_device,
            each_way,
            sent: 0,
            mark: bench.evidence().console.mark(),
            to_device: HashMap::new(),
            batches: HashMap::new(),
            cuts: 0,
            flow: Flow::Flows,
        }
    }

    fn arrived(&self) -> usize {
        self.batches.values().sum::<usize>() + self.to_device.values().sum::<usize>()
    }

    /// Sends all, cuts `cuts` times, and waits until all has arrived, and a last message each way behind it.
    async fn run(&mut self, wire: &ToMachine, cuts: usize) -> Judged {
        let mut places = places_of(cuts, 2 * self.each_way, self.bench.config().seed);
        let mut batch = 0;
        let mut progress = (0, Instant::now());
        while self.arrived() < 2 * self.each_way {
            // The next batch when the one before is there, so that the device's outbox never overflows.
            // While a cut is due and the session does not flow yet, a trickle, so that no cut is left over at the end.
            let due = self.flow != Flow::Flows
                && places.last().is_some_and(|place| *place <= self.arrived());
            if (!due || self.sent == self.each_way)
                && batch * BATCH < self.each_way
                && self.batches.values().sum::<usize>() >= batch * BATCH
            {
                batch += 1;
                self.command(&format!("size={batch} qos=2 count={BATCH}"))
                    .await?;
            }
            let ahead = if due { 1 } else { AHEAD };
            while self.sent < self.each_way && self.sent < self.to_device.len() + ahead {
                self.send(PROBE, payload(self.sent)).await?;
                self.sent += 1;
            }
            self.take_in().await?;
            // Not twice before the session flows again: a Mosquitto that loses a resumed connection before it has sent
            // PUBREL again goes back to PUBLISH (seen with 2.0.11), which [MQTT-4.3.3-1] forbids, and no device
            // can tell that from a new message.
            if self.flow == Flow::Flows
                && places.last().is_some_and(|place| *place <= self.arrived())
            {
                places.pop();
                self.cuts += 1;
                wire.cut();
                self.flow = Flow::Cut;
            }
            if self.arrived() > progress.0 {
                progress = (self.arrived(), Instant::now());
            }
            require(
                progress.1.elapsed() < STALLED,
                EXACTLY_ONCE,
                format!("{} messages in all", 2 * self.each_way),
                format!(
                    "{} after {} cuts, and no more for {} s",
                    self.arrived(),
                    self.cuts,
                    STALLED.as_secs()
                ),
            )?;
        }
        self.settles(batch + 1).await?;
        self.judge(batch)
    }

    /// One more message each way, behind which none of the others can come: both flows keep their order.
    async fn settles(&mut self, size: usize) -> Judged {
        self.command(&format!("size={size} qos=2 count=1")).await?;
        self.send(PROBE, payload(self.each_way)).await?;
        let last = checksum(&payload(self.each_way));
        let until = Instant::now() + STALLED;
        while !self.batches.contains_key(&size) || !self.to_device.contains_key(&last) {
            self.take_in().await?;
            require(
                Instant::now() < until,
                EXACTLY_ONCE,
                "a last message each way",
                "it did not arrive",
            )?;
        }
        Ok(())
    }

    fn judge(&self, batches: usize) -> Judged {
        for size in 1..=batches {
            let count = self.batches.get(&size).copied().unwrap_or_default();
            require(
                count == BATCH,
                SENDER,
                format!("{BATCH} messages of {size} bytes from the device"),
                format!("{count} messages"),
            )?;
        }
        for n in 0..self.each_way {
            let times = self.to_device.get(&checksum(&payload(n))).copied();
            require(
                times == Some(1),
                EXACTLY_ONCE,
                format!("message {n} delivered once"),
                format!("{} times", times.unwrap_or_default()),
            )?;
        }
        Ok(())
    }

    /// Takes in what has arrived on both sides.
    async fn take_in(&mut self) -> Judged {
        // A short wait for either side: what came on the other is taken in right after it.
        match tokio::time::timeout(Duration::from_millis(2), self.from_device.recv()).await {
            Ok(Some(event)) => self.count(event)?,
            Ok(None) => return Err(Stop::inconclusive("rumqttc is gone")),
            Err(_) => (),
        }
        while let Ok(event) = self.from_device.try_recv() {
            self.count(event)?;
        }
        let lines = self.bench.evidence().console.since(self.mark);
        self.mark += lines.len();
        for line in lines {
            if line.is("mqtt.session") && self.flow == Flow::Cut {
                self.flow = Flow::Resumed;
            }
            if line.is("mqtt.message") && self.flow == Flow::Resumed {
                self.flow = Flow::Flows;
            }
            if line.is("mqtt.message")
                && line.field("topic") == Some(PROBE)
                && let Some(crc) = line.field("crc32")
            {
                *self.to_device.entry(crc.to_owned()).or_default() += 1;
            }
        }
        Ok(())
    }

    fn count(&mut self, event: Result<usize, String>) -> Judged {
        let size = event.map_err(|error| Stop::inconclusive(format!("rumqttc: {error}")))?;
        *self.batches.entry(size).or_default() += 1;
        Ok(())
    }

    async fn command(&mut self, arguments: &str) -> Judged {
        self.send("fp/dut/cmd/publish", arguments.as_bytes().to_vec())
            .await
    }

    async fn send(&mut self, topic: &str, payload: Vec<u8>) -> Judged {
        let sending = self.client.publish(topic, QoS::ExactlyOnce, false, payload);
        if let Err(error) = sending.await {
            // Why the other client is gone stands behind what it has passed on before.
            while let Some(event) = self.from_device.recv().await {
                self.count(event)?;
            }
            return Err(Stop::inconclusive(format!("rumqttc: {error}")));
        }
        Ok(())
    }
}

/// Polls the other client, and passes on how long the device's messages are, or why there will be no more.
async fn receive(mut events: EventLoop, arrived: mpsc::UnboundedSender<Result<usize, String>>) {
    loop {
        let told = match events.poll().await {
            Ok(Event::Incoming(Packet::Publish(message))) => {
                arrived.send(Ok(message.payload.len()))
            }
            Ok(_) => Ok(()),
            Err(error) => {
                // Nobody listens when the case is over.
                let _ = arrived.send(Err(error.to_string()));
                return;
            }
        };
        if told.is_err() {
            return;
        }
    }
}

/// A payload of its own for each message.
fn payload(n: usize) -> Vec<u8> {
    format!("message {n} to the device").into_bytes()
}

fn checksum(payload: &[u8]) -> String {
    format!(
        "{:08x}",
        Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(payload)
    )
}

/// After how many arrivals to cut, the first place last: at random within as many equal parts, so that the session can
/// flow again between two; none at the very end, where nothing would flow after it.
fn places_of(cuts: usize, arrivals: usize, seed: [u8; 32]) -> Vec<usize> {
    let mut chance = ChaCha8Rng::from_seed(seed);
    let part = (arrivals * 9 / 10 / cuts.max(1)).max(1);
    (0..cuts)
        .rev()
        .map(|n| n * part + chance.next_u32() as usize % part)
        .collect()
}
