//! Session present (§3.2.2.2): what the server says, against what the device asked for and remembers.

use std::time::Duration;

use super::between::Between;
use super::flight::{published, sent_again};
use super::scene::{
    PERSISTS, PROBE, SUBSCRIBES, begin, begin_session, lives_on, reacts, reconnects, takes_message,
    told,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::mqtt_bytes::{puback, publish, suback};
use crate::peers::mqtt_packet::ClientPacket;
use crate::peers::scripted_broker::{BrokerError, Connection, ScriptedBroker};
use crate::profile::Capability::{Command, Configure, Mqtt, ObserveConsole, Power, Reconnects};

/// How long a device may take to subscribe before it is asked whether it goes on.
const WITHOUT_A_WORD: Duration = Duration::from_secs(3);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        first_connection(true),
        first_connection(false),
        present_unasked(true),
        present_unasked(false),
        present_unasked_is_purged(),
        device_lost_state(),
        asked_clean_after_all(),
    ];
    for between in Between::EACH {
        cases.extend([
            resumed(between),
            server_lost_state(between),
            clean_again(between),
        ]);
    }
    cases
}

fn first_connection(clean: bool) -> Case {
    let flag = u8::from(clean);
    Case::must(
        format!("mqtt/session-present/clean-{flag}-present-0-first-connection"),
        &["MQTT-3.1.2-6", "MQTT-3.8.3-3"],
        format!("With clean session {flag} and no session at the server, the device asks for one so, and subscribes"),
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |mqtt| mqtt.clean_session = clean).await?;
            let (mut connection, connect) = broker.serve_connect(false, 0, PATIENCE).await?;
            require(
                connect.clean_session == clean,
                "MQTT-3.1.2-6",
                format!("clean session {flag}, as configured"),
                format!("{}", u8::from(connect.clean_session)),
            )?;
            connection.grant_subscribe(PATIENCE).await?;
            takes_message(&mut connection, "MQTT-3.8.3-3", 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS])
}

/// §3.2.2.2 leaves two ways: to go on with the session, or to disconnect.
fn present_unasked(clean: bool) -> Case {
    let statement = "MQTT311-3.2.2.2-1";
    let flag = u8::from(clean);
    Case::must(
        format!("mqtt/session-present/clean-{flag}-present-1-nothing-remembered"),
        &[statement],
        format!("Told with clean session {flag} of a session that it does not remember, the device goes on or disconnects"),
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |mqtt| mqtt.clean_session = clean).await?;
            let (connection, _) = broker.serve_connect(true, 0, PATIENCE).await?;
            goes_on_or_disconnects(&bench, &mut broker, connection, statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS])
}

async fn goes_on_or_disconnects(
    bench: &Bench,
    broker: &mut ScriptedBroker,
    mut connection: Connection,
    statement: &str,
) -> Judged {
    let expected = "SUBSCRIBE, DISCONNECT or the connection's end";
    // A device that takes its subscriptions for part of the session (§3.1.2.4) goes on without a word: a message finds out.
    let next = match connection.next(WITHOUT_A_WORD).await {
        Err(BrokerError::Late(_)) => {
            let message = publish(PROBE, 1, 7, false, false, b"do you go on");
            connection.send(&message).await?;
            reacts(
                &mut connection,
                statement,
                "PUBACK, DISCONNECT or the connection's end",
            )
            .await?
        }
        other => other?,
    };
    match next {
        Some(ClientPacket::Puback(7)) => bench.observed("goes on without subscribing"),
        None | Some(ClientPacket::Disconnect) => {
            bench.observed("disconnects");
            drop(connection);
            lives_on(bench, broker, statement).await?;
        }
        Some(ClientPacket::Subscribe { id, filters }) => {
            bench.observed("goes on");
            let codes: Vec<u8> = filters.iter().map(|(_, qos)| *qos).collect();
            connection.send(&suback(id, &codes)).await?;
            takes_message(&mut connection, statement, 1).await?;
        }
        Some(other) => {
            return Err(Stop::fail(statement, expected, other.to_string()));
        }
    }
    bench.alive(statement).await
}

/// The server's unknown session goes: once with clean session 1, then as configured.
async fn purges(bench: &Bench, broker: &mut ScriptedBroker, mut connection: Connection) -> Judged {
    let statement = "FIRMPROOF-MQTT-5";
    let farewell = connection.closes(PATIENCE).await?;
    require(
        farewell.end.is_some(),
        statement,
        "the device disconnects from a session that it does not know",
        "it stayed connected",
    )?;
    drop(connection);
    let (mut cleaning, connect) = reconnects(broker, statement).await?;
    require(
        connect.clean_session,
        statement,
        "CONNECT with clean session 1, to end the unknown session",
        "clean session 0",
    )?;
    cleaning.accepted(false).await?;
    cleaning.closes(PATIENCE).await?;
    drop(cleaning);
    let (mut connection, connect) = reconnects(broker, statement).await?;
    require(
        !connect.clean_session,
        statement,
        "CONNECT with clean session 0, as configured",
        "clean session 1",
    )?;
    connection.accepted(false).await?;
    connection.grant_subscribe(PATIENCE).await?;
    takes_message(&mut connection, statement, 1).await?;
    bench.alive(statement).await
}

fn present_unasked_is_purged() -> Case {
    Case::new(
        Level::Policy,
        "mqtt/session-present/unknown-session-is-ended",
        &["FIRMPROOF-MQTT-5"],
        "Told of a session that it does not remember, the device ends it by clean session 1 and begins anew",
        |bench: Bench| async move {
            let mut broker = begin(&bench, |mqtt| mqtt.clean_session = false).await?;
            let (connection, _) = broker.serve_connect(true, 0, PATIENCE).await?;
            purges(&bench, &mut broker, connection).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Reconnects])
}

fn device_lost_state() -> Case {
    Case::new(
        Level::Policy,
        "mqtt/session-present/clean-0-present-1-device-lost-its-state",
        &["FIRMPROOF-MQTT-5"],
        "A device that has lost its flash ends the session that the server still has, and begins anew",
        |bench: Bench| async move {
            let (mut broker, connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            bench.cut_power().await?;
            // The same seed and boot counter give the same port and sequence number again; a server
            // that still held the old connection would answer that SYN with a challenge ACK
            // (RFC 9293 §3.10.7.4). So the server gives the dead connection up first.
            connection.reset();
            bench.erase_flash().await?;
            bench.start().await?;
            let (mut connection, _) = reconnects(&mut broker, "FIRMPROOF-MQTT-5").await?;
            connection.accepted(true).await?;
            purges(&bench, &mut broker, connection).await
        },
    )
    .needs(&[Mqtt, Configure, Power])
}

fn resumed(between: Between) -> Case {
    let name = between.name();
    let statements: &'static [&'static str] = match between {
        Between::Reconnect => &["MQTT-4.4.0-1", "MQTT-4.1.0-1", "MQTT-3.3.1-1"],
        Between::PowerCut => &["FIRMPROOF-MQTT-4", "MQTT-4.4.0-1"],
    };
    let case = Case::new(
        between.level(),
        format!("mqtt/session-present/clean-0-present-1-after-{name}"),
        statements,
        format!("With session present after a {name}, the device sends what was not acknowledged again, with DUP and its identifier"),
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let message = published(&mut connection, 40, 1).await?;
            between.happens(&bench, connection).await?;
            let (mut connection, connect) = reconnects(&mut broker, statements[0]).await?;
            require(!connect.clean_session, statements[0], "clean session 0", "clean session 1")?;
            connection.accepted(true).await?;
            sent_again(&mut connection, &message).await?;
            connection.send(&puback(message.id.unwrap_or_default())).await?;
            takes_message(&mut connection, "MQTT-4.3.2-2", 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Command]);
    between.allowed(case)
}

fn server_lost_state(between: Between) -> Case {
    let name = between.name();
    let statement = "MQTT311-3.2.2.2-1";
    let case = Case::new(
        between.level(),
        format!("mqtt/session-present/clean-0-present-0-after-{name}"),
        &[statement],
        format!("When the server has lost the session after a {name}, the device says so and subscribes again"),
        move |bench: Bench| async move {
            let (mut broker, connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            between.happens(&bench, connection).await?;
            let (mut connection, _) = reconnects(&mut broker, statement).await?;
            connection.accepted(false).await?;
            connection.grant_subscribe(PATIENCE).await?;
            takes_message(&mut connection, statement, 1).await?;
            told(&bench, statement, "event=mqtt.session state=lost", |line| {
                line.is("mqtt.session") && line.field("state") == Some("lost")
            })
            .await?;
            bench.alive(statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, ObserveConsole]);
    between.allowed(case)
}

fn clean_again(between: Between) -> Case {
    let name = between.name();
    let statement = "MQTT-3.1.2-6";
    let case = Case::must(
        format!("mqtt/session-present/clean-1-present-0-after-{name}"),
        &[statement],
        format!("With clean session 1 after a {name}, the device subscribes again and repeats nothing of the session before"),
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = true).await?;
            published(&mut connection, 40, 1).await?;
            between.happens(&bench, connection).await?;
            nothing_repeated(&mut broker, statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Command]);
    between.allowed(case)
}

fn asked_clean_after_all() -> Case {
    let statement = "MQTT-3.1.2-6";
    Case::must(
        "mqtt/session-present/clean-1-after-clean-0",
        &[statement],
        "Configured to clean session 1, a device that remembers a session asks for a new one and repeats nothing",
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            published(&mut connection, 40, 1).await?;
            bench.configure_mqtt(|mqtt| mqtt.clean_session = true);
            Between::PowerCut.happens(&bench, connection).await?;
            nothing_repeated(&mut broker, statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Command, Power])
}

/// The device connects with clean session 1, subscribes, and sends no message of before; a message
/// that it takes and answers shows that it had its chance.
async fn nothing_repeated(broker: &mut ScriptedBroker, statement: &str) -> Judged {
    let (mut connection, connect) = reconnects(broker, statement).await?;
    require(
        connect.clean_session,
        statement,
        "clean session 1",
        "clean session 0",
    )?;
    connection.accepted(false).await?;
    connection.grant_subscribe(PATIENCE).await?;
    takes_message(&mut connection, statement, 1).await?;
    // One of its own, made now, is the first on the topic.
    published(&mut connection, 41, 1).await?;
    Ok(())
}
