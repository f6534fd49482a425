//! A connection that is lost at each step of a session, by RST and by FIN, or without a word: the device comes back
//! and works.

use super::flight::published;
use super::qos_2::{id_of, released, sends_qos_2};
use super::reconnect::works_again;
use super::scene::{DATA, PROBE, SUBSCRIBES, begin, begin_session, command, lives_on};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, require};
use crate::peers::mqtt_bytes::{connack, publish, pubrec, suback};
use crate::peers::mqtt_packet::ClientPacket;
use crate::peers::scripted_broker::{Connection, ScriptedBroker};
use crate::profile::Capability::{Command, Configure, LabFrames, Mqtt, Reconnects, TimeScale};

const RECOVERY: &str = "FIRMPROOF-MQTT-7";

/// How far a session has come.
#[derive(Clone, Copy)]
enum Step {
    Accepted,
    Connect,
    HalfConnack,
    Connack,
    Subscribe,
    HalfSuback,
    HalfMessage,
    MessageUnread,
    MessageRecorded,
    OwnMessage,
    OwnReleased,
}

const STEPS: [(Step, &str, &str); 11] = [
    (Step::Accepted, "before-connect", "before CONNECT"),
    (Step::Connect, "after-connect", "after CONNECT"),
    (Step::HalfConnack, "within-connack", "within CONNACK"),
    (Step::Connack, "after-connack", "right after CONNACK"),
    (Step::Subscribe, "after-subscribe", "after SUBSCRIBE"),
    (Step::HalfSuback, "within-suback", "within SUBACK"),
    (
        Step::HalfMessage,
        "within-a-message",
        "within a message of the server",
    ),
    (
        Step::MessageUnread,
        "before-puback",
        "right after a message of the server",
    ),
    (
        Step::MessageRecorded,
        "after-pubrec",
        "after the device's PUBREC",
    ),
    (
        Step::OwnMessage,
        "after-publish",
        "after a message of the device",
    ),
    (
        Step::OwnReleased,
        "after-pubrel",
        "after the device's PUBREL",
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (step, name, when) in STEPS {
        cases.push(lost(step, name, when, true));
        // From here on the device only waits, and a FIN is news to it like any other.
        if matches!(
            step,
            Step::Connect | Step::Connack | Step::Subscribe | Step::HalfMessage | Step::OwnMessage
        ) {
            cases.push(lost(step, name, when, false));
        }
    }
    cases.extend([half_open(), half_open_noticed_by_ping(), data_before_fin()]);
    cases
}

async fn reached(bench: &Bench, step: Step) -> Judged<(ScriptedBroker, Connection)> {
    let (broker, mut connection) = match step {
        Step::Accepted
        | Step::Connect
        | Step::HalfConnack
        | Step::Connack
        | Step::Subscribe
        | Step::HalfSuback => {
            let mut broker = begin(bench, |_| ()).await?;
            let connection = broker.accept(PATIENCE).await?;
            (broker, connection)
        }
        _ => begin_session(bench, |_| ()).await?,
    };
    match step {
        Step::Accepted => (),
        Step::Connect => drop(connection.expect_connect(PATIENCE).await?),
        Step::HalfConnack => {
            connection.expect_connect(PATIENCE).await?;
            connection.send(&connack(0, 0)[..3]).await?;
        }
        Step::Connack => {
            connection.expect_connect(PATIENCE).await?;
            connection.send(&connack(0, 0)).await?;
        }
        Step::Subscribe | Step::HalfSuback => {
            connection.expect_connect(PATIENCE).await?;
            connection.accepted(false).await?;
            let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
            if matches!(step, Step::HalfSuback) {
                let whole = suback(id, &vec![2; filters.len()]);
                connection.send(&whole[..whole.len() - 1]).await?;
            }
        }
        Step::HalfMessage => {
            let whole = publish(PROBE, 1, 3, false, false, &[0x55; 200]);
            connection.send(&whole[..100]).await?;
        }
        Step::MessageUnread => {
            connection
                .send(&publish(PROBE, 1, 3, false, false, b"last words"))
                .await?;
        }
        Step::MessageRecorded => sends_qos_2(&mut connection, 3, false, b"recorded").await?,
        Step::OwnMessage => drop(published(&mut connection, 21, 1).await?),
        Step::OwnReleased => {
            let id = id_of(&published(&mut connection, 21, 2).await?);
            connection.send(&pubrec(id)).await?;
            released(&mut connection, id).await?;
        }
    }
    Ok((broker, connection))
}

fn lost(step: Step, name: &str, when: &str, reset: bool) -> Case {
    let how = if reset { "reset" } else { "finished" };
    let case = Case::new(
        Level::Policy,
        format!("mqtt/loss/{how}-{name}"),
        &[RECOVERY],
        format!("When the connection is {how} {when}, the device connects again and works"),
        move |bench: Bench| async move {
            let (mut broker, connection) = reached(&bench, step).await?;
            if reset {
                connection.reset();
            } else {
                // The device has to end its side too before the connection is gone.
                connection.finish();
                let mut connection = connection;
                let farewell = connection.closes(PATIENCE).await?;
                require(
                    farewell.end.is_some(),
                    RECOVERY,
                    "the device ends its side after the server's FIN",
                    "it stays connected",
                )?;
            }
            works_again(&mut broker, RECOVERY).await?;
            bench.alive(RECOVERY).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Reconnects]);
    match step {
        Step::OwnMessage | Step::OwnReleased => case.needs(&[Command]),
        _ => case,
    }
}

/// A server that has lost its power answers the device's next segment by RST (RFC 9293 §3.10.7.1).
fn half_open() -> Case {
    Case::new(
        Level::Policy,
        "mqtt/loss/half-open-noticed-by-publish",
        &[RECOVERY],
        "A device whose server forgot the connection notices when it publishes, and connects again",
        |bench: Bench| async move {
            let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
            command(&mut connection, "publish", "size=10 qos=1").await?;
            connection
                .expect(
                    RECOVERY,
                    "PUBLISH",
                    PATIENCE,
                    |p| matches!(p, ClientPacket::Publish(m) if m.topic == DATA),
                )
                .await?;
            // The command for the next message is the server's last word.
            command(&mut connection, "publish", "size=11 qos=1").await?;
            connection.vanish()?;
            works_again(&mut broker, RECOVERY).await?;
            bench.alive(RECOVERY).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Reconnects, Command, LabFrames])
}

fn half_open_noticed_by_ping() -> Case {
    Case::new(
        Level::Policy,
        "mqtt/loss/half-open-noticed-by-pingreq",
        &[RECOVERY],
        "A silent device whose server forgot the connection notices by its PINGREQ, and connects again",
        |bench: Bench| async move {
            bench.scale_time(10);
            let (mut broker, connection) =
                begin_session(&bench, |mqtt| mqtt.keep_alive_s = 5).await?;
            connection.vanish()?;
            works_again(&mut broker, RECOVERY).await?;
            bench.alive(RECOVERY).await
        },
    )
    .needs(&[Mqtt, Configure, Reconnects, TimeScale, LabFrames])
}

/// TCP delivers what came before FIN, and the device may still answer it (RFC 9293 §3.6).
fn data_before_fin() -> Case {
    let statement = "MQTT-4.5.0-2";
    Case::must(
        "mqtt/loss/message-right-before-fin",
        &[statement],
        "A message that came whole before the server's FIN is acknowledged while the device's side is open",
        move |bench: Bench| async move {
            let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
            connection
                .send(&publish(PROBE, 1, 3, false, false, b"last words"))
                .await?;
            connection.finish();
            let farewell = connection.closes(PATIENCE).await?;
            require(
                farewell.packets.contains(&ClientPacket::Puback(3)),
                statement,
                "PUBACK id=3 before the device's FIN",
                format!("{farewell:?}"),
            )?;
            drop(connection);
            lives_on(&bench, &mut broker, statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}
