//! The device against a broker and a client that are not ours: rumqttd and rumqttc understand it, and it them.

use std::net::SocketAddrV4;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS};

use super::scene::{DATA, STATE, told};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Stop, require};
use crate::evidence::{Direction, Place};
use crate::peers::forward;
use crate::peers::rumqttd_broker::RumqttdBroker;
use crate::profile::Capability;

/// Bytes of the message that the device is told to publish.
const SIZE: usize = 3000;

pub(super) fn cases() -> Vec<Case> {
    let round_trip = Case::must(
        "mqtt/witness/rumqttd-round-trip",
        &[
            "MQTT-4.5.0-2",
            "MQTT-4.3.2-1",
            "MQTT-4.3.3-1",
            "MQTT-3.3.1-1",
        ],
        "Through a real broker, another client finds the device's retained state, commands it, sees the state change, \
         and receives its messages whole at QoS 1 and 2",
        round_trip,
    );
    vec![round_trip.needs(&[
        Capability::Mqtt,
        Capability::Configure,
        Capability::Command,
        Capability::ObserveConsole,
        Capability::ObserveState,
    ])]
}

async fn round_trip(bench: Bench) -> Judged {
    let broker = RumqttdBroker::start()
        .await
        .map_err(|e| Stop::inconclusive(format!("rumqttd: {e}")))?;
    bench.configure_mqtt(|_| ());
    let at = SocketAddrV4::new(bench.lab().peer_address(1), 1883);
    let listener = bench.lab().listen(at).await;
    let listener = listener.map_err(|e| Stop::inconclusive(format!("the forwarder: {e}")))?;
    bench.announce("mqtt", listener.local_addr());
    tokio::select! {
        () = forward::to_machine(listener, broker.address()) => Err(Stop::inconclusive("the forwarder ended")),
        judged = converse(&bench, &broker) => judged,
    }
}

async fn converse(bench: &Bench, broker: &RumqttdBroker) -> Judged {
    bench.start().await?;
    let acked = |line: &crate::evidence::console::Line| line.is("mqtt.acked");
    told(
        bench,
        "MQTT-4.3.2-1",
        "the broker acknowledges the device's state",
        acked,
    )
    .await?;
    let mut witness = Witness::connect(bench, broker).await?;

    // Retained before the witness came, so the broker has stored what the device published.
    let state = witness
        .message(bench, STATE, "MQTT-4.3.2-1", |_| true)
        .await?;
    let seen = String::from_utf8_lossy(&state.payload).into_owned();
    require(state.retain, "MQTT-4.3.2-1", "the state is retained", &seen)?;
    require(
        led(&state) == Some("off".into()),
        "FIRMPROOF-PAGE-6",
        "led is off",
        seen,
    )?;

    witness.command("led", "on").await?;
    witness
        .message(bench, STATE, "MQTT-4.5.0-2", |m| {
            led(m) == Some("on".into())
        })
        .await?;

    for (qos, statement) in [("1", "MQTT-4.3.2-1"), ("2", "MQTT-4.3.3-1")] {
        let console = &bench.evidence().console;
        let mark = console.mark();
        witness
            .command("publish", &format!("size={SIZE} qos={qos}"))
            .await?;
        let data = witness.message(bench, DATA, statement, |_| true).await?;
        let whole = data
            .payload
            .iter()
            .enumerate()
            .all(|(i, b)| usize::from(*b) == i % 251);
        require(
            whole && data.payload.len() == SIZE,
            statement,
            format!("{SIZE} bytes, byte i being i mod 251"),
            format!("{} bytes", data.payload.len()),
        )?;
        // The broker may deliver at another QoS than the device's: it is the device's flow that is judged.
        let acked = console.wait(mark, PATIENCE, |line| {
            line.is("mqtt.acked") && line.field("qos") == Some(qos)
        });
        let expected = format!("event=mqtt.acked qos={qos}");
        let seen = "no such console line";
        require(acked.await.is_some(), statement, expected, seen)?;
    }
    bench.alive("MQTT-4.5.0-2").await
}

/// What the state object says of the LED.
fn led(state: &Publish) -> Option<String> {
    let state: serde_json::Value = serde_json::from_slice(&state.payload).ok()?;
    Some(state.get("led")?.as_str()?.into())
}

/// A client of the same broker that is not the device.
struct Witness {
    client: AsyncClient,
    events: EventLoop,
}

impl Witness {
    /// Connects, and subscribes to what the device publishes.
    async fn connect(bench: &Bench, broker: &RumqttdBroker) -> Judged<Self> {
        let at = broker.address();
        let mut options = MqttOptions::new("witness", at.ip().to_string(), at.port());
        options.set_keep_alive(Duration::from_secs(60));
        let (client, events) = AsyncClient::new(options, 16);
        for topic in [STATE, DATA] {
            client
                .subscribe(topic, QoS::ExactlyOnce)
                .await
                .map_err(|e| Stop::inconclusive(format!("rumqttc: {e}")))?;
        }
        bench
            .evidence()
            .transcript
            .note("witness: connects and subscribes");
        Ok(Self { client, events })
    }

    /// Sends the device a command at QoS 1.
    async fn command(&mut self, name: &str, arguments: &str) -> Judged {
        let topic = format!("fp/dut/cmd/{name}");
        let sent = self
            .client
            .publish(topic, QoS::AtLeastOnce, false, arguments);
        sent.await
            .map_err(|e| Stop::inconclusive(format!("rumqttc: {e}")))
    }

    /// The next message on `topic` that `wanted` accepts; others are passed over.
    async fn message(
        &mut self,
        bench: &Bench,
        topic: &str,
        statement: &str,
        wanted: impl Fn(&Publish) -> bool,
    ) -> Judged<Publish> {
        let receiving = async {
            loop {
                match self.events.poll().await {
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        let retained = u8::from(message.retain);
                        let (topic_is, bytes) = (&message.topic, message.payload.len());
                        let mut place = Place::from("case");
                        // How many states the device tells of, and how long they are, depends on time.
                        place.aside = topic_is == STATE;
                        let summary = format!(
                            "witness: received topic={topic_is} qos={} retain={retained} bytes={bytes}",
                            message.qos as u8
                        );
                        let transcript = &bench.evidence().transcript;
                        transcript.record(place, Direction::Note, summary, &[]);
                        if message.topic == topic && wanted(&message) {
                            return Ok(message);
                        }
                    }
                    Ok(_) => {}
                    Err(error) => return Err(Stop::inconclusive(format!("rumqttc: {error}"))),
                }
            }
        };
        match tokio::time::timeout(PATIENCE, receiving).await {
            Ok(message) => message,
            Err(_) => Err(Stop::fail(
                statement,
                format!("the message on {topic} reaches the witness"),
                bench.with_console("it did not"),
            )),
        }
    }
}
