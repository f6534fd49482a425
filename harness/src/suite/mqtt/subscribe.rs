//! SUBSCRIBE, UNSUBSCRIBE and DISCONNECT (§3.8 to §3.11, §3.14).

use super::scene::{
    PROBE, SUBSCRIBES, acknowledges, begin, begin_session, command, lives_on, reacts, refuses,
    takes_message, told,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Level, require};
use crate::peers::mqtt_bytes::{publish, suback, unsuback};
use crate::peers::mqtt_packet::ClientPacket;
use crate::profile::Capability::{Command, Configure, Mqtt, ObserveConsole, Reconnects};

pub(super) fn cases() -> Vec<Case> {
    let wrong: [(_, &[_], _, Codes); 5] = [
        (
            "suback-code-3",
            &["MQTT-3.9.3-2", "MQTT-4.8.0-1"],
            "the reserved return code 3",
            |granted| [&granted[1..], &[3]].concat(),
        ),
        (
            "suback-code-127",
            &["MQTT-3.9.3-2", "MQTT-4.8.0-1"],
            "the reserved return code 127",
            |granted| [&[127], &granted[1..]].concat(),
        ),
        (
            "suback-too-few-codes",
            &["MQTT-3.8.4-5", "MQTT-4.8.0-1"],
            "fewer return codes than filters",
            |granted| granted[1..].to_vec(),
        ),
        (
            "suback-too-many-codes",
            &["MQTT-3.8.4-5", "MQTT-4.8.0-1"],
            "more return codes than filters",
            |granted| [&granted[..], &[2]].concat(),
        ),
        (
            "suback-no-code",
            &["MQTT-3.8.4-5", "MQTT-4.8.0-1"],
            "no return code",
            |_| Vec::new(),
        ),
    ];
    let mut cases = vec![
        one_packet(),
        refused(),
        granted_less(),
        message_before_suback(),
        wrong_identifier(),
        unanswered(),
    ];
    cases.extend(
        wrong.map(|(name, statements, what, codes)| bad_suback(name, statements, what, codes)),
    );
    cases.extend([by_command(), unsubscribe_by_command(), disconnect()]);
    cases
}

fn one_packet() -> Case {
    let statement = "MQTT-3.8.3-3";
    Case::must(
        "mqtt/subscribe/one-packet",
        &[statement, "MQTT-3.8.1-1", "MQTT-3.8.3-1", "MQTT-3.8.3-4", "MQTT-2.3.1-1"],
        "The device asks for each of its filters at its QoS, in one SUBSCRIBE with a packet identifier",
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let (_, filters) = connection.expect_subscribe(PATIENCE).await?;
            let expected = [("fp/dut/cmd/#".to_owned(), 2), ("fp/probe/#".to_owned(), 2)];
            require(filters == expected, statement, format!("{expected:?}"), format!("{filters:?}"))
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn refused() -> Case {
    let statement = "MQTT311-3.9.3-1";
    Case::must(
        "mqtt/subscribe/suback-code-128",
        &[statement],
        "The device reports a refused filter as refused, and uses the others",
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let (id, _) = connection.expect_subscribe(PATIENCE).await?;
            connection.send(&suback(id, &[0x80, 2])).await?;
            told(&bench, statement, "event=mqtt.suback codes=128,2", |line| {
                line.is("mqtt.suback") && line.field("codes") == Some("128,2")
            })
            .await?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, ObserveConsole])
}

fn granted_less() -> Case {
    let statement = "MQTT-3.8.4-5";
    Case::must(
        "mqtt/subscribe/granted-less",
        &[statement],
        "The device goes on with a lower QoS than it asked for",
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
            connection
                .send(&suback(id, &vec![1; filters.len()]))
                .await?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

/// §3.8.4: the server may send matching messages before SUBACK.
fn message_before_suback() -> Case {
    let statement = "MQTT-4.5.0-2";
    Case::must(
        "mqtt/subscribe/message-before-suback",
        &[statement, "MQTT-4.3.2-2"],
        "The device takes a message that comes between SUBSCRIBE and SUBACK",
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
            connection
                .send(&publish(PROBE, 1, 5, false, true, b"retained"))
                .await?;
            acknowledges(&mut connection, statement, 5, PATIENCE).await?;
            let codes: Vec<u8> = filters.iter().map(|(_, qos)| *qos).collect();
            connection.send(&suback(id, &codes)).await?;
            takes_message(&mut connection, statement, 6).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

/// A SUBACK of something else does not answer the device's SUBSCRIBE, and does not stall it.
fn wrong_identifier() -> Case {
    let statement = "FIRMPROOF-MQTT-8";
    Case::new(
        Level::Policy,
        "mqtt/subscribe/suback-of-nothing",
        &[statement],
        "A SUBACK or UNSUBACK for another packet identifier does not stall the device",
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
            let codes: Vec<u8> = filters.iter().map(|(_, qos)| *qos).collect();
            let other = id ^ 0x0100;
            connection
                .send(&[suback(other, &codes), unsuback(other), suback(id, &codes)].concat())
                .await?;
            let message = publish(PROBE, 1, 1, false, false, b"behind");
            connection.send(&message).await?;
            let answer = reacts(&mut connection, statement, "PUBACK id=1").await?;
            if answer != Some(ClientPacket::Puback(1)) {
                // It may hold the server to be broken, and begin anew, or end.
                drop(connection);
                if bench.need(Reconnects).is_err() {
                    return lives_on(&bench, &mut broker, statement).await;
                }
                connection = broker.serve_session(PATIENCE).await?;
                takes_message(&mut connection, statement, 1).await?;
            }
            bench.alive(statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

fn unanswered() -> Case {
    let statement = "FIRMPROOF-MQTT-8";
    Case::new(
        Level::Policy,
        "mqtt/subscribe/unanswered",
        &[statement],
        "A device whose SUBSCRIBE is not answered in time subscribes again, on this connection or the next",
        move |bench: Bench| async move {
            bench.scale_time(10);
            let mut broker = begin(&bench, |mqtt| mqtt.response_timeout_s = 10).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            connection.expect_subscribe(PATIENCE).await?;
            let again = "SUBSCRIBE, or the end of the connection";
            if reacts(&mut connection, statement, again).await?.is_none() {
                drop(connection);
                broker.serve_session(PATIENCE).await?;
            }
            bench.alive(statement).await
        },
    )
    .needs(&[Mqtt, Configure])
}

/// The return codes that a server must not send, from those that it would.
type Codes = fn(Vec<u8>) -> Vec<u8>;

fn bad_suback(name: &str, statements: &'static [&'static str], what: &str, codes: Codes) -> Case {
    Case::must(
        format!("mqtt/subscribe/{name}"),
        statements,
        format!("The device closes the connection on a SUBACK with {what}"),
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
            let granted: Vec<u8> = filters.iter().map(|(_, qos)| *qos).collect();
            connection.send(&suback(id, &codes(granted))).await?;
            refuses(&bench, &mut broker, connection, statements[0]).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

fn by_command() -> Case {
    let statement = "MQTT-3.8.3-3";
    Case::must(
        "mqtt/subscribe/another-filter",
        &[statement, "MQTT-3.8.1-1", "MQTT-3.8.3-4"],
        "The device subscribes to a further filter, wildcards included, at the QoS asked for",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            for (filter, qos) in [
                ("fp/+/more/#", 0),
                ("$SYS/broker", 1),
                ("+", 2),
                ("#", 0),
                ("/", 1),
            ] {
                command(
                    &mut connection,
                    "subscribe",
                    &format!("filter={filter} qos={qos}"),
                )
                .await?;
                let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
                let expected = [(filter.to_owned(), qos)];
                require(
                    filters == expected,
                    statement,
                    format!("{expected:?}"),
                    format!("{filters:?}"),
                )?;
                connection.send(&suback(id, &[qos])).await?;
            }
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn unsubscribe_by_command() -> Case {
    let statement = "MQTT-3.10.3-2";
    Case::must(
        "mqtt/subscribe/unsubscribe",
        &[statement, "MQTT-3.10.1-1", "MQTT-3.10.3-1", "MQTT-2.3.1-1"],
        "The device gives up a filter by UNSUBSCRIBE with that filter, and takes UNSUBACK for the answer",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            for filter in ["fp/probe/#", "fp/other/+"] {
                command(&mut connection, "unsubscribe", &format!("filter={filter}")).await?;
                let what = format!("UNSUBSCRIBE of {filter}");
                let packet = connection
                    .expect(statement, &what, PATIENCE, |p| {
                        matches!(p, ClientPacket::Unsubscribe { filters, .. } if *filters == [filter])
                    })
                    .await?;
                if let ClientPacket::Unsubscribe { id, .. } = packet {
                    connection.send(&unsuback(id)).await?;
                }
            }
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn disconnect() -> Case {
    let statement = "MQTT-3.14.4-1";
    Case::must(
        "mqtt/disconnect/nothing-after-it",
        &[statement, "MQTT-3.14.4-2"],
        "After DISCONNECT the device sends nothing and closes the connection",
        move |bench: Bench| async move {
            let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
            command(&mut connection, "disconnect", "").await?;
            connection
                .expect(statement, "DISCONNECT", PATIENCE, |p| {
                    *p == ClientPacket::Disconnect
                })
                .await?;
            // Something to answer, had it not said goodbye.
            connection.acknowledge_nothing();
            connection.answer_pings(false);
            connection
                .send(&publish(PROBE, 1, 1, false, false, b"too late"))
                .await?;
            let farewell = connection.closes(PATIENCE).await?;
            if let Some(packet) = farewell.packets.first() {
                require(
                    false,
                    "MQTT-3.14.4-2",
                    "nothing after DISCONNECT",
                    packet.to_string(),
                )?;
            }
            require(
                farewell.end.is_some(),
                statement,
                "the device closes the connection",
                "it stayed open",
            )?;
            drop(connection);
            lives_on(&bench, &mut broker, statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}
