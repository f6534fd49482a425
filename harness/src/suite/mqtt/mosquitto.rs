//! The device against Mosquitto, the second witness: every QoS both ways, will, resumption, takeover, and a
//! connection that is cut at random.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use rumqttc::QoS;

use super::other_client::OtherClient;
use super::scene::{DATA, STATE, told};
use super::witness::{GONE, converses, joined, starts, testament};
use crate::bench::{Bench, PATIENCE, text};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::evidence::console::Line;
use crate::peers::mosquitto::{MosquittoBroker, MosquittoError};
use crate::profile::Capability::{
    self, Command, Configure, Mqtt, ObserveConsole, ObserveState, Power,
};

/// What the device has subscribed to besides its commands.
const FILTER: &str = "fp/probe/#";
const PROBE: &str = "fp/probe/m";
/// What every case here needs.
pub(super) const NEEDS: [Capability; 4] = [Mqtt, Configure, Command, ObserveConsole];

pub(super) fn cases() -> Vec<Case> {
    vec![
        every_qos(),
        to_the_device(),
        will_on_power_cut(),
        no_will_after_disconnect(),
        resumption(),
        takeover(),
    ]
}

/// A broker, and on record how it runs.
pub(super) async fn mosquitto(bench: &Bench) -> Judged<MosquittoBroker> {
    let broker = MosquittoBroker::start().await.map_err(unavailable)?;
    bench
        .evidence()
        .observed
        .add(format!("Mosquitto ran {}", broker.way()));
    Ok(broker)
}

pub(super) fn unavailable(error: MosquittoError) -> Stop {
    match error {
        MosquittoError::Absent(what) => Stop::Lacking(what),
        other => Stop::inconclusive(other.to_string()),
    }
}

/// The device with one more subscription at QoS 2.
pub(super) fn configure(bench: &Bench, change: impl FnOnce(&mut firmproof_bootconfig::Mqtt)) {
    bench.configure_mqtt(|mqtt| {
        // There is room: it is the first.
        let _ = mqtt.subscriptions.push(firmproof_bootconfig::Subscription {
            filter: text(FILTER),
            qos: 2,
        });
        change(mqtt);
    });
}

fn every_qos() -> Case {
    Case::must(
        "mqtt/mosquitto/round-trip",
        &["MQTT-4.3.1-1", "MQTT-4.3.2-1", "MQTT-4.3.3-1", "MQTT-4.5.0-2"],
        "Through Mosquitto, another client finds the device's retained state, commands it, and receives its messages \
         whole at QoS 0, 1 and 2",
        |bench: Bench| async move {
            let broker = mosquitto(&bench).await?;
            configure(&bench, |_| ());
            let _wire = joined(&bench, broker.address()).await?;
            starts(&bench).await?;
            let topics = [STATE, DATA];
            let mut other =
                OtherClient::connect(&bench, broker.address(), "witness", &topics).await?;
            converses(&bench, &mut other).await
        },
    )
    .needs(&NEEDS)
    .needs(&[ObserveState])
}

fn to_the_device() -> Case {
    let statement = "MQTT-4.5.0-2";
    Case::must(
        "mqtt/mosquitto/every-qos-to-the-device",
        &[statement, "MQTT-4.3.2-2", "MQTT-4.3.3-2", "MQTT311-3.3.1.3-1"],
        "Messages at QoS 0, 1 and 2, and a retained one, reach the device through Mosquitto at their QoS, once each",
        move |bench: Bench| async move {
            let broker = mosquitto(&bench).await?;
            configure(&bench, |_| ());
            let _wire = joined(&bench, broker.address()).await?;
            let at = broker.address();
            let mut other = OtherClient::connect(&bench, at, "witness", &[]).await?;
            other
                .publish("fp/probe/kept", QoS::AtLeastOnce, true, "kept")
                .await?;
            starts(&bench).await?;
            received(&bench, statement, "fp/probe/kept", "1", "1").await?;
            for (topic, qos, level) in [
                ("fp/probe/0", QoS::AtMostOnce, "0"),
                ("fp/probe/1", QoS::AtLeastOnce, "1"),
                ("fp/probe/2", QoS::ExactlyOnce, "2"),
            ] {
                other.publish(topic, qos, false, "new").await?;
                // The client has to be polled for a QoS 0 message to leave it.
                other.publish("nobody/asked", QoS::AtLeastOnce, false, "").await?;
                received(&bench, statement, topic, level, "0").await?;
            }
            let lines = bench.console();
            let messages = lines.iter().filter(|line| {
                let topic = line.field("topic").unwrap_or_default();
                line.is("mqtt.message") && topic.starts_with("fp/probe/")
            });
            let count = messages.count();
            require(count == 4, statement, "four messages", format!("{count}"))?;
            bench.alive(statement).await
        },
    )
    .needs(&NEEDS)
}

/// The console tells of a message on `topic` at that QoS, with that RETAIN flag.
async fn received(bench: &Bench, statement: &str, topic: &str, qos: &str, retain: &str) -> Judged {
    let what = format!("event=mqtt.message topic={topic} qos={qos} retain={retain}");
    told(bench, statement, &what, |line: &Line| {
        line.is("mqtt.message")
            && line.field("topic") == Some(topic)
            && line.field("qos") == Some(qos)
            && line.field("retain") == Some(retain)
    })
    .await?;
    Ok(())
}

fn will_on_power_cut() -> Case {
    let statement = "MQTT-3.1.2-9";
    Case::must(
        "mqtt/mosquitto/will-on-power-cut",
        &[statement],
        "When the device's power is cut, Mosquitto publishes the will that it brought, once keep alive is over",
        move |bench: Bench| async move {
            let broker = mosquitto(&bench).await?;
            configure(&bench, |mqtt| {
                mqtt.will = testament();
                // Nothing else tells the broker: a power cut sends no FIN.
                mqtt.keep_alive_s = 1;
            });
            let _wire = joined(&bench, broker.address()).await?;
            starts(&bench).await?;
            let at = broker.address();
            let mut other = OtherClient::connect(&bench, at, "witness", &[GONE]).await?;
            bench.cut_power().await?;
            let will = other.message(&bench, GONE, statement, |_| true).await?;
            require(
                will.payload.as_ref() == b"power lost" && !will.retain,
                statement,
                "the configured will message, not retained",
                format!("{will:?}"),
            )
        },
    )
    .needs(&NEEDS)
    .needs(&[Power])
}

fn no_will_after_disconnect() -> Case {
    let statement = "MQTT-3.14.4-1";
    Case::must(
        "mqtt/mosquitto/no-will-after-disconnect",
        &[statement],
        "When the device says DISCONNECT, Mosquitto publishes no will, as it would for a connection that just ends",
        move |bench: Bench| async move {
            let broker = mosquitto(&bench).await?;
            configure(&bench, |mqtt| mqtt.will = testament());
            let wire = joined(&bench, broker.address()).await?;
            starts(&bench).await?;
            let at = broker.address();
            let topics = [GONE, STATE];
            let mut other = OtherClient::connect(&bench, at, "witness", &topics).await?;
            other.command("disconnect", "").await?;
            require(
                wills_before_state(&bench, &mut other, statement).await? == 0,
                statement,
                "no will until the device is back",
                "a will",
            )?;
            // The will is there all the same, for a connection that just ends.
            wire.cut();
            require(
                wills_before_state(&bench, &mut other, statement).await? == 1,
                statement,
                "one will for a cut connection",
                "another number of wills",
            )?;
            bench.alive(statement).await
        },
    )
    .needs(&NEEDS)
}

/// How many wills come before the state that the device publishes when it is back.
async fn wills_before_state(
    bench: &Bench,
    other: &mut OtherClient,
    statement: &str,
) -> Judged<usize> {
    let wills = AtomicUsize::new(0);
    other
        .message(bench, STATE, statement, |message| {
            wills.fetch_add(usize::from(message.topic == GONE), Ordering::Relaxed);
            message.topic == STATE && !message.retain
        })
        .await?;
    Ok(wills.into_inner())
}

/// What the broker keeps for a client that is away.
async fn sends_meanwhile(bench: &Bench, at: SocketAddr) -> Judged {
    let mut other = OtherClient::connect(bench, at, "witness", &[]).await?;
    other
        .publish("fp/probe/1", QoS::AtLeastOnce, false, "while away")
        .await?;
    other
        .publish("fp/probe/2", QoS::ExactlyOnce, false, "while away")
        .await?;
    other.leaves().await
}

fn resumption() -> Case {
    let statement = "MQTT-3.1.2-4";
    Case::must(
        "mqtt/mosquitto/session-outlives-broker-restart",
        &[statement, "MQTT-4.1.0-1", "MQTT-4.5.0-2"],
        "A session outlives a power cut of the device and a restart of Mosquitto with persistence: the device resumes it \
         and receives what came meanwhile, once",
        move |bench: Bench| async move {
            let mut broker = mosquitto(&bench).await?;
            configure(&bench, |mqtt| mqtt.clean_session = false);
            let wire = joined(&bench, broker.address()).await?;
            starts(&bench).await?;
            bench.cut_power().await?;
            wire.cut();
            sends_meanwhile(&bench, broker.address()).await?;
            broker.restart().await.map_err(unavailable)?;
            wire.retarget(broker.address());
            bench.start().await?;
            resumed(&bench, statement).await?;
            received(&bench, statement, "fp/probe/1", "1", "0").await?;
            received(&bench, statement, "fp/probe/2", "2", "0").await?;
            // Once more with the device awake.
            let mark = bench.evidence().console.mark();
            broker.restart().await.map_err(unavailable)?;
            wire.retarget(broker.address());
            wire.cut();
            let again = bench.evidence().console.wait(mark, PATIENCE, |line| {
                line.is("mqtt.session") && line.field("state") == Some("resumed")
            });
            let seen = "no such console line";
            let expected = "event=mqtt.session state=resumed, once more";
            require(again.await.is_some(), statement, expected, seen)?;
            let at = broker.address();
            let mut other = OtherClient::connect(&bench, at, "witness", &[]).await?;
            other
                .publish("fp/probe/3", QoS::ExactlyOnce, false, "after it")
                .await?;
            received(&bench, statement, "fp/probe/3", "2", "0").await?;
            let count = bench
                .console()
                .iter()
                .filter(|line| line.is("mqtt.message"))
                .count();
            require(count == 3, statement, "three messages, each once", format!("{count}"))?;
            bench.alive(statement).await
        },
    )
    .needs(&NEEDS)
    .needs(&[Power])
}

async fn resumed(bench: &Bench, statement: &str) -> Judged {
    told(
        bench,
        statement,
        "event=mqtt.session state=resumed",
        |line| line.is("mqtt.session") && line.field("state") == Some("resumed"),
    )
    .await?;
    Ok(())
}

/// The broker has to throw the older connection out (MQTT-3.1.4-2).
fn takeover() -> Case {
    let statement = "FIRMPROOF-MQTT-7";
    Case::new(
        Level::Policy,
        "mqtt/mosquitto/takeover",
        &[statement],
        "When another client takes the device's client identifier, the device is thrown out, comes back and works",
        move |bench: Bench| async move {
            let broker = mosquitto(&bench).await?;
            configure(&bench, |_| ());
            let _wire = joined(&bench, broker.address()).await?;
            starts(&bench).await?;
            let mark = bench.evidence().console.mark();
            let at = broker.address();
            // The identifier that the bench gives the device; it is thrown out in turn.
            let other = OtherClient::connect(&bench, at, "firmproof-dut", &[]).await?;
            // Before it has subscribed, a message passes it by.
            let back = bench
                .evidence()
                .console
                .wait(mark, PATIENCE, |line| line.is("mqtt.suback"));
            require(
                back.await.is_some(),
                statement,
                "the device connects and subscribes again",
                bench.with_console("it does not"),
            )?;
            drop(other);
            let mut other = OtherClient::connect(&bench, at, "witness", &[]).await?;
            other.publish(PROBE, QoS::ExactlyOnce, false, "still there?").await?;
            received(&bench, statement, PROBE, "2", "0").await?;
            bench.alive(statement).await
        },
    )
    .needs(&NEEDS)
}
