//! Packets in a byte stream (§4.2): a whole session byte by byte, everything at once, and a peer that does not read.

use super::flight::{pattern, published};
use super::qos_2::{EXACTLY_ONCE, completed, id_of, recorded, released};
use super::scene::{
    DATA, PROBE, SUBSCRIBES, acknowledges, begin, begin_session, command, delivered, takes_message,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Stop, require};
use crate::lab::{Direction, Frame};
use crate::peers::mqtt_bytes::{connack, pubcomp, publish, pubrec, pubrel, suback};
use crate::peers::mqtt_packet::ClientPacket;
use crate::profile::Capability::{Command, LabFrames, Mqtt, ObserveConsole};

const STREAM: &str = "MQTT311-4.2-1";

pub(super) fn cases() -> Vec<Case> {
    vec![
        byte_by_byte(),
        with_connack(),
        suback_and_messages(),
        both_answers_at_once(),
        two_hundred_at_once(),
        half_and_half(),
        peer_does_not_read(),
    ]
}

/// Every cut of `bytes`.
fn every_cut(bytes: &[u8]) -> Vec<usize> {
    (1..bytes.len()).collect()
}

fn byte_by_byte() -> Case {
    Case::must(
        "mqtt/byte-stream/session-byte-by-byte",
        &[STREAM],
        "CONNACK, SUBACK, a message at each QoS and PUBREL, each byte in a segment of its own, make a session",
        |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let mut connection = broker.accept(PATIENCE).await?;
            connection.expect_connect(PATIENCE).await?;
            let bytes = connack(0, 0);
            connection.send_split(&bytes, &every_cut(&bytes)).await?;
            let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
            let mut bytes = suback(id, &vec![2; filters.len()]);
            for qos in 0..=2 {
                bytes.extend(publish(PROBE, qos, 7, false, false, b"bit by bit"));
            }
            bytes.extend(pubrel(7));
            connection.send_split(&bytes, &every_cut(&bytes)).await?;
            acknowledges(&mut connection, STREAM, 7, PATIENCE).await?;
            recorded(&mut connection, 7).await?;
            completed(&mut connection, 7).await?;
            delivered(&bench, &mut connection, STREAM, b"bit by bit", 3).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveConsole])
}

/// A server may send what a kept session has for the client right behind CONNACK.
fn with_connack() -> Case {
    Case::must(
        "mqtt/byte-stream/messages-in-one-segment-with-connack",
        &[STREAM, "MQTT-4.5.0-2"],
        "Messages in one segment with CONNACK, before the device has subscribed, are answered",
        |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let mut connection = broker.accept(PATIENCE).await?;
            connection.expect_connect(PATIENCE).await?;
            let messages = [1, 2].map(|id| publish(PROBE, 1, id, false, false, b"at once"));
            connection
                .send(&[connack(0, 0), messages.concat()].concat())
                .await?;
            connection.is_accepted();
            // The device's SUBSCRIBE may come before, between or behind the answers; the answers keep their order.
            let mut expected = vec![1, 2];
            let mut subscribed = false;
            while !expected.is_empty() || !subscribed {
                let what = format!("SUBSCRIBE, and PUBACK {expected:?}");
                let packet = connection
                    .expect(STREAM, &what, PATIENCE, |packet| match packet {
                        ClientPacket::Puback(id) => expected.first() == Some(id),
                        ClientPacket::Subscribe { .. } => !subscribed,
                        _ => false,
                    })
                    .await?;
                if let ClientPacket::Subscribe { id, filters } = packet {
                    subscribed = true;
                    connection
                        .send(&suback(id, &vec![2; filters.len()]))
                        .await?;
                } else {
                    expected.remove(0);
                }
            }
            takes_message(&mut connection, STREAM, 3).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

fn suback_and_messages() -> Case {
    Case::must(
        "mqtt/byte-stream/retained-messages-in-one-segment-with-suback",
        &[STREAM, "MQTT-4.6.0-2"],
        "Retained messages on both sides of SUBACK, all in one segment, are answered in their order",
        |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
            let message = |id| publish(PROBE, 1, id, false, true, b"retained");
            let answer = suback(id, &vec![2; filters.len()]);
            connection
                .send(&[message(5), answer, message(6), message(7)].concat())
                .await?;
            for id in 5..=7 {
                acknowledges(&mut connection, STREAM, id, PATIENCE).await?;
            }
            takes_message(&mut connection, STREAM, 8).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

/// PUBCOMP before PUBREL has been read: the server cannot have it, but PUBRECs of two flows can come together.
fn both_answers_at_once() -> Case {
    let statement = "MQTT-4.6.0-4";
    Case::must(
        "mqtt/byte-stream/answers-of-two-flows-in-one-segment",
        &[STREAM, statement],
        "PUBREC of two flows in one segment bring both PUBRELs in their order, and both PUBCOMPs end both flows",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let mut ids = Vec::new();
            for size in [21, 22] {
                ids.push(id_of(&published(&mut connection, size, 2).await?));
            }
            connection
                .send(&[pubrec(ids[0]), pubrec(ids[1])].concat())
                .await?;
            for id in &ids {
                released(&mut connection, *id).await?;
            }
            connection
                .send(&[pubcomp(ids[1]), pubcomp(ids[0])].concat())
                .await?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn two_hundred_at_once() -> Case {
    Case::must(
        "mqtt/byte-stream/two-hundred-messages-at-once",
        &[STREAM, "MQTT-4.6.0-2", "MQTT-4.6.0-3"],
        "Two hundred messages of QoS 1 and 2 by turns, sent without waiting, are answered each in its order",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let messages: Vec<u8> = (1..=200)
                .flat_map(|id| publish(PROBE, 1 + (id % 2) as u8, id, false, false, b"flood"))
                .collect();
            connection.send(&messages).await?;
            for id in 1..=200 {
                if id % 2 == 0 {
                    acknowledges(&mut connection, STREAM, id, PATIENCE).await?;
                } else {
                    recorded(&mut connection, id).await?;
                }
            }
            delivered(&bench, &mut connection, EXACTLY_ONCE, b"flood", 200).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveConsole])
}

/// No segment holds a whole packet, and each but the first holds the ends of two.
fn half_and_half() -> Case {
    Case::must(
        "mqtt/byte-stream/segments-across-packets",
        &[STREAM],
        "Packets cut in their middle, each segment with the end of one and the start of the next, are all answered",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let one = publish(PROBE, 1, 1, false, false, b"across").len();
            let bytes: Vec<u8> = (1..=10)
                .flat_map(|id| publish(PROBE, 1, id, false, false, b"across"))
                .collect();
            let cuts: Vec<usize> = (0..10).map(|n| n * one + one / 2).collect();
            connection.send_split(&bytes, &cuts).await?;
            for id in 1..=10 {
                acknowledges(&mut connection, STREAM, id, PATIENCE).await?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

/// The device's window to the server is closed long before its message is out.
fn peer_does_not_read() -> Case {
    let statement = "MQTT-7.1.2-1";
    let size = 400_000;
    Case::must(
        "mqtt/byte-stream/server-reads-late",
        &[statement],
        "A message of 400,000 bytes to a server that reads only when its receive window has closed arrives whole",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let closed = |frame: &Frame| {
                frame.direction == Direction::ToDut
                    && frame.tcp().is_some_and(|tcp| tcp.window == 0)
            };
            let mut closed = bench
                .lab()
                .on_frame(closed)
                .map_err(|e| Stop::inconclusive(e.to_string()))?;
            command(&mut connection, "publish", &format!("size={size} qos=0")).await?;
            closed.next(PATIENCE).await.map_err(|e| {
                Stop::inconclusive(format!("the server's receive window never closed: {e}"))
            })?;
            let what = format!("PUBLISH topic={DATA}");
            let packet = connection
                .expect(statement, &what, PATIENCE, |p| {
                    matches!(p, ClientPacket::Publish(m) if m.topic == DATA)
                })
                .await?;
            let whole = matches!(&packet, ClientPacket::Publish(m) if m.payload == pattern(size));
            require(whole, statement, format!("{size} bytes of the pattern"), "other bytes")?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, LabFrames])
}
