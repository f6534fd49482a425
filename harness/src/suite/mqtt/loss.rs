//! A connection that is lost at each step of a session, by RST and by FIN, or without a word: the device comes back
//! and works.

use super::flight::published;
use super::qos_2::{id_of, released, sends_qos_2};
use super::reconnect::works_again;
use super::scene::{PROBE, SUBSCRIBES, begin, begin_session, command, lives_on};
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
    cases.extend([half_open(), half_open_with_a_message(), data_before_fin()]);
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

/// A server that has lost its power is silent; only the missing PINGRESP tells.
fn half_open() -> Case {
    silence(
        "silent-device",
        "A silent device whose server is gone without a word",
        false,
    )
}

/// As [`half_open`], with data that TCP sends again and again.
fn half_open_with_a_message() -> Case {
    silence(
        "message-in-flight",
        "A device with a message on the way to a server that is gone",
        true,
    )
}

fn silence(name: &str, what: &str, publishes: bool) -> Case {
    let statement = "MQTT311-3.1.2.10-1";
    Case::new(
        Level::Should,
        format!("mqtt/loss/half-open-with-a-{name}"),
        &[statement, RECOVERY],
        format!("{what} notices by the missing PINGRESP, and connects again"),
        move |bench: Bench| async move {
            bench.scale_time(10);
            let (mut broker, mut connection) = begin_session(&bench, |mqtt| {
                mqtt.keep_alive_s = 5;
                mqtt.response_timeout_s = 5;
            })
            .await?;
            if publishes {
                command(&mut connection, "publish", "size=10 qos=1").await?;
            }
            connection.vanish()?;
            works_again(&mut broker, statement).await?;
            bench.alive(statement).await
        },
    )
    .needs(&[Mqtt, Configure, Reconnects, Command, TimeScale, LabFrames])
}

/// TCP delivers what came before FIN, and the device may still answer it (RFC 9293 §3.6). It need not: a Network
/// Connection carries bytes in both directions (§1.2), so one that the server has ended is none any more, and what is
/// not acknowledged is left to the next one (§4.4).
fn data_before_fin() -> Case {
    let statement = "MQTT-4.5.0-2";
    Case::must(
        "mqtt/loss/message-right-before-fin",
        &[statement],
        "A message that came whole before the server's FIN is acknowledged, unless the device ends its side at once",
        move |bench: Bench| async move {
            let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
            connection
                .send(&publish(PROBE, 1, 3, false, false, b"last words"))
                .await?;
            connection.finish();
            let farewell = connection.closes(PATIENCE).await?;
            let acknowledged = farewell.packets.contains(&ClientPacket::Puback(3));
            require(
                acknowledged || farewell.end.is_some(),
                statement,
                "PUBACK id=3, or the device's FIN",
                format!("{farewell:?}"),
            )?;
            bench.observed(if acknowledged {
                "acknowledges it"
            } else {
                "ends its side without an answer"
            });
            drop(connection);
            lives_on(&bench, &mut broker, statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}
