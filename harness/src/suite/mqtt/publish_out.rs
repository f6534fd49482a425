//! Messages of the device (§3.3, §4.3, §4.4, §4.6): identifiers, flows, and what is sent again.

use super::between::Between;
use super::flight::{next_but_subscribe, next_message, published, sent_again};
use super::qos_2::{acknowledged, id_of, released};
use super::scene::{
    PERSISTS, PROBE, SUBSCRIBES, begin_session, command, lives_on, reacts, reconnects,
    takes_message,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::mqtt_bytes::{puback, pubcomp, publish, pubrec};
use crate::peers::mqtt_packet::{ClientPacket, Publish};
use crate::peers::scripted_broker::Connection;
use crate::profile::Capability::{Command, Mqtt, ObserveConsole, Reconnects};

pub(super) fn cases() -> Vec<Case> {
    vec![
        qos_0(),
        qos_1(),
        qos_2(),
        retain(),
        empty_payload(),
        identifiers_differ(),
        identifier_stays_taken(),
        in_order_again(),
        qos_2_again_before_pubrec(),
        pubrel_again(Between::Reconnect),
        pubrel_again(Between::PowerCut),
        pubrels_in_order(),
        unknown_acknowledgements(),
    ]
}

fn qos_0() -> Case {
    Case::must(
        "mqtt/publish/out-qos-0",
        &["MQTT-4.3.1-1", "MQTT-2.3.1-5", "MQTT-3.3.1-2"],
        "The device publishes at QoS 0 with DUP 0 and without a packet identifier",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let message = published(&mut connection, 33, 0).await?;
            require(
                message.id.is_none(),
                "MQTT-2.3.1-5",
                "no packet identifier",
                format!("{:?}", message.id),
            )?;
            takes_message(&mut connection, "MQTT-4.3.2-2", 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn qos_1() -> Case {
    let statement = "MQTT-4.3.2-1";
    Case::must(
        "mqtt/publish/out-qos-1",
        &[statement, "MQTT-2.3.1-1"],
        "The device publishes at QoS 1 and takes PUBACK for the end of the flow",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let message = published(&mut connection, 33, 1).await?;
            connection.send(&puback(id_of(&message))).await?;
            acknowledged(&bench, statement, &message).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, ObserveConsole])
}

fn qos_2() -> Case {
    let statement = "MQTT-4.3.3-1";
    Case::must(
        "mqtt/publish/out-qos-2",
        &[statement, "MQTT-2.3.1-6", "MQTT-3.6.1-1"],
        "The device publishes at QoS 2, answers PUBREC by PUBREL with the same identifier, and ends with PUBCOMP",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let message = published(&mut connection, 33, 2).await?;
            let id = id_of(&message);
            connection.send(&pubrec(id)).await?;
            released(&mut connection, id).await?;
            connection.send(&pubcomp(id)).await?;
            acknowledged(&bench, statement, &message).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, ObserveConsole])
}

fn retain() -> Case {
    Case::must(
        "mqtt/publish/out-retain",
        &["MQTT-7.0.0-2"],
        "A message that is to be retained has RETAIN 1",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            command(&mut connection, "publish", "size=5 qos=0 retain=1").await?;
            let message = next_message(&mut connection, "MQTT-7.0.0-2").await?;
            require(
                message.retain,
                "MQTT-7.0.0-2",
                "RETAIN 1",
                ClientPacket::Publish(message).to_string(),
            )
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn empty_payload() -> Case {
    let statement = "MQTT311-3.3.3-1";
    Case::must(
        "mqtt/publish/out-empty",
        &[statement],
        "The device publishes an empty payload at every QoS",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            for qos in 0..=2 {
                published(&mut connection, 0, qos).await?;
            }
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

/// Publishes one message after the other, of different sizes, none acknowledged.
async fn in_flight(connection: &mut Connection, qos: u8, count: usize) -> Judged<Vec<Publish>> {
    let mut messages = Vec::new();
    for n in 0..count {
        messages.push(published(connection, 10 + n, qos).await?);
    }
    Ok(messages)
}

fn identifiers_differ() -> Case {
    let statement = "MQTT-2.3.1-2";
    Case::must(
        "mqtt/publish/out-identifiers-differ",
        &[statement, "MQTT-2.3.1-1"],
        "Messages in flight at once have packet identifiers of their own",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let mut messages = in_flight(&mut connection, 1, 2).await?;
            messages.extend(in_flight(&mut connection, 2, 1).await?);
            let mut ids: Vec<u16> = messages.iter().map(id_of).collect();
            ids.sort_unstable();
            ids.dedup();
            require(
                ids.len() == 3,
                statement,
                "three identifiers",
                format!("{ids:?}"),
            )
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

/// The identifier of a message in flight is not used again while others come and go.
fn identifier_stays_taken() -> Case {
    let statement = "MQTT-2.3.1-3";
    Case::must(
        "mqtt/publish/out-identifier-stays-taken",
        &[statement, "MQTT-2.3.1-2"],
        "A packet identifier is free again only when its message is acknowledged",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let held = published(&mut connection, 9, 1).await?;
            for size in 10..40 {
                let message = published(&mut connection, size, 1).await?;
                require(
                    message.id != held.id,
                    statement,
                    "another identifier than the one in flight",
                    format!("{:?} again", held.id),
                )?;
                connection.send(&puback(id_of(&message))).await?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn in_order_again() -> Case {
    let statement = "MQTT-4.6.0-1";
    Case::must(
        "mqtt/publish/out-again-in-order",
        &[statement, "MQTT-4.4.0-1", "MQTT-3.3.1-1", "MQTT-2.3.1-3"],
        "On a resumed session, the unacknowledged messages go out in the order of their first sending, and only those",
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let mut messages = in_flight(&mut connection, 1, 4).await?;
            let done = messages.remove(1);
            connection.send(&puback(id_of(&done))).await?;
            // The answer shows that the device has read the PUBACK before it.
            takes_message(&mut connection, "MQTT-4.3.2-2", 1).await?;
            connection.reset();
            let (mut connection, _) = reconnects(&mut broker, statement).await?;
            connection.accepted(true).await?;
            for message in &messages {
                sent_again(&mut connection, message).await?;
            }
            takes_message(&mut connection, statement, 2).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Reconnects, Command])
}

fn qos_2_again_before_pubrec() -> Case {
    let statement = "MQTT-4.4.0-1";
    Case::must(
        "mqtt/publish/out-qos-2-again-before-pubrec",
        &[statement, "MQTT-3.3.1-1"],
        "On a resumed session, a QoS 2 message without PUBREC goes out again, and its flow ends",
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let message = published(&mut connection, 21, 2).await?;
            connection.reset();
            let (mut connection, _) = reconnects(&mut broker, statement).await?;
            connection.accepted(true).await?;
            sent_again(&mut connection, &message).await?;
            let id = id_of(&message);
            connection.send(&pubrec(id)).await?;
            released(&mut connection, id).await?;
            connection.send(&pubcomp(id)).await?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Reconnects, Command])
}

/// After PUBREL the message itself must never come again (§4.3.3).
fn pubrel_again(between: Between) -> Case {
    let statement = "MQTT-4.3.3-1";
    let case = Case::new(
        between.level(),
        format!("mqtt/publish/out-pubrel-again-after-{}", between.name()),
        &[statement, "MQTT-4.4.0-1"],
        "On a resumed session, a released QoS 2 message is not sent again, but its PUBREL is",
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let id = id_of(&published(&mut connection, 21, 2).await?);
            connection.send(&pubrec(id)).await?;
            released(&mut connection, id).await?;
            let mut connection = between
                .resumed(&bench, &mut broker, connection, statement)
                .await?;
            next_but_subscribe(
                &mut connection,
                statement,
                &format!("PUBREL id={id}"),
                |p| *p == ClientPacket::Pubrel(id),
            )
            .await?;
            connection.send(&pubcomp(id)).await?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Command]);
    between.allowed(case)
}

fn pubrels_in_order() -> Case {
    let statement = "MQTT-4.6.0-4";
    Case::must(
        "mqtt/publish/out-pubrel-in-order",
        &[statement],
        "PUBREL packets go out in the order in which the PUBREC packets came",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let ids: Vec<u16> = in_flight(&mut connection, 2, 3)
                .await?
                .iter()
                .map(id_of)
                .collect();
            // Not the order of the messages: PUBREC decides.
            let order = [ids[2], ids[0], ids[1]];
            connection.send(&order.map(pubrec).concat()).await?;
            for id in order {
                connection
                    .expect(statement, &format!("PUBREL id={id}"), PATIENCE, |p| {
                        *p == ClientPacket::Pubrel(id)
                    })
                    .await?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn unknown_acknowledgements() -> Case {
    let statement = "FIRMPROOF-MQTT-8";
    Case::new(
        Level::Policy,
        "mqtt/publish/out-acknowledgements-of-nothing",
        &[statement],
        "Acknowledgements of packet identifiers that are not in use do not stall the device",
        move |bench: Bench| async move {
            let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let message = publish(PROBE, 1, 1, false, false, b"behind");
            connection
                .send(&[puback(777), pubcomp(778), message].concat())
                .await?;
            match reacts(&mut connection, statement, "PUBACK id=1").await? {
                Some(ClientPacket::Puback(1)) => (),
                // It may hold the server to be broken, and begin anew, or end.
                None => {
                    drop(connection);
                    if bench.need(Reconnects).is_err() {
                        return lives_on(&bench, &mut broker, statement).await;
                    }
                    connection = broker.serve_session(PATIENCE).await?;
                }
                Some(packet) => {
                    return Err(Stop::fail(statement, "PUBACK id=1", packet.to_string()));
                }
            }
            published(&mut connection, 8, 1).await?;
            bench.alive(statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}
