//! The device against a broker and a client that are not ours: rumqttd and rumqttc understand it, and it them.

use std::net::SocketAddr;
use std::net::SocketAddrV4;

use firmproof_bootconfig::Will;
use rumqttc::Publish;

use super::other_client::OtherClient;
use super::scene::{DATA, STATE, told};
use crate::bench::{Bench, PATIENCE, text};
use crate::case::{Case, Judged, Stop, require};
use crate::evidence::console::Line;
use crate::peers::forward::ToMachine;
use crate::peers::rumqttd_broker::RumqttdBroker;
use crate::profile::Capability;

/// Bytes of the message that the device is told to publish.
const SIZE: usize = 3000;
/// Where the will goes.
pub(super) const GONE: &str = "fp/dut/gone";

pub(super) fn cases() -> Vec<Case> {
    let needs = [
        Capability::Mqtt,
        Capability::Configure,
        Capability::Command,
        Capability::ObserveConsole,
    ];
    let round_trip = Case::must(
        "mqtt/witness/rumqttd-round-trip",
        &[
            "MQTT-4.5.0-2",
            "MQTT-4.3.2-1",
            "MQTT-4.3.3-1",
            "MQTT-3.3.1-1",
        ],
        "Through a real broker, another client finds the device's retained state, commands it, sees the state change, \
         and receives its messages whole at QoS 0, 1 and 2",
        round_trip,
    );
    let will = Case::must(
        "mqtt/witness/rumqttd-will",
        &["MQTT-3.1.2-9"],
        "When the device's connection is cut, a real broker publishes the will that it brought",
        will,
    );
    vec![
        round_trip.needs(&needs).needs(&[Capability::ObserveState]),
        will.needs(&needs),
    ]
}

/// Joins the place where the device expects its broker to a real one.
pub(super) async fn joined(bench: &Bench, broker: SocketAddr) -> Judged<ToMachine> {
    let at = SocketAddrV4::new(bench.lab().peer_address(1), 1883);
    let listener = bench.lab().listen(at).await;
    let listener = listener.map_err(|e| Stop::inconclusive(format!("the forwarder: {e}")))?;
    bench.announce("mqtt", listener.local_addr());
    Ok(ToMachine::start(listener, broker))
}

/// Starts the device and waits until the broker has its state.
pub(super) async fn starts(bench: &Bench) -> Judged {
    bench.start().await?;
    let acked = |line: &Line| line.is("mqtt.acked");
    let what = "the broker acknowledges the device's state";
    told(bench, "MQTT-4.3.2-1", what, acked).await?;
    Ok(())
}

/// The will of these cases.
pub(super) fn testament() -> Option<Will> {
    Some(Will {
        topic: text(GONE),
        payload: heapless::Vec::from_slice(b"power lost").unwrap_or_default(),
        qos: 1,
        retain: false,
    })
}

async fn rumqttd() -> Judged<RumqttdBroker> {
    RumqttdBroker::start()
        .await
        .map_err(|e| Stop::inconclusive(format!("rumqttd: {e}")))
}

async fn will(bench: Bench) -> Judged {
    let statement = "MQTT-3.1.2-9";
    let broker = rumqttd().await?;
    bench.configure_mqtt(|mqtt| mqtt.will = testament());
    let wire = joined(&bench, broker.address()).await?;
    starts(&bench).await?;
    let mut other = OtherClient::connect(&bench, broker.address(), "witness", &[GONE]).await?;
    wire.cut();
    let will = other.message(&bench, GONE, statement, |_| true).await?;
    require(
        will.payload.as_ref() == b"power lost",
        statement,
        "the configured will message",
        format!("{} bytes", will.payload.len()),
    )?;
    bench.alive(statement).await
}

async fn round_trip(bench: Bench) -> Judged {
    let broker = rumqttd().await?;
    bench.configure_mqtt(|_| ());
    let _wire = joined(&bench, broker.address()).await?;
    starts(&bench).await?;
    let topics = [STATE, DATA];
    let mut other = OtherClient::connect(&bench, broker.address(), "witness", &topics).await?;
    converses(&bench, &mut other).await
}

/// The device's retained state, a command, and a message at each QoS.
pub(super) async fn converses(bench: &Bench, other: &mut OtherClient) -> Judged {
    // Retained before the other client came, so the broker has stored what the device published.
    let state = other
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

    other.command("led", "on").await?;
    other
        .message(bench, STATE, "MQTT-4.5.0-2", |m| {
            led(m) == Some("on".into())
        })
        .await?;

    for (qos, statement) in [
        ("0", "MQTT-4.3.1-1"),
        ("1", "MQTT-4.3.2-1"),
        ("2", "MQTT-4.3.3-1"),
    ] {
        let console = &bench.evidence().console;
        let mark = console.mark();
        other
            .command("publish", &format!("size={SIZE} qos={qos}"))
            .await?;
        let data = other.message(bench, DATA, statement, |_| true).await?;
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
        if qos == "0" {
            continue;
        }
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
