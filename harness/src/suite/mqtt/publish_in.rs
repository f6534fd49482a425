//! Messages to the device (§3.3, §4.3, §4.5, §4.6): answers, and delivery exactly as often as the QoS says.

use super::qos_2::{EXACTLY_ONCE, completes, repeated, sends_qos_2};
use super::scene::{
    PERSISTS, PROBE, SUBSCRIBES, acknowledges, begin_session, delivered, reacts, reconnects,
    takes_message,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Level, Stop};
use crate::peers::mqtt_bytes::{publish, pubrel};
use crate::peers::mqtt_packet::ClientPacket;
use crate::profile::Capability::{Mqtt, ObserveMessages, Power, Reconnects};

pub(super) fn cases() -> Vec<Case> {
    vec![
        qos_0(),
        qos_1(),
        qos_1_again_is_new(),
        qos_2(),
        qos_2_duplicate(true),
        qos_2_duplicate(false),
        qos_2_after_release(),
        qos_2_duplicate_after_reconnect(),
        qos_2_duplicate_after_power_cut(),
        pubrel_of_nothing(),
        pubacks_in_order(),
        pubrecs_in_order(),
        retained(),
        empty_payload(),
        largest_identifier(),
        byte_order_mark(),
    ]
}

fn qos_0() -> Case {
    let statement = "MQTT-4.5.0-2";
    Case::must(
        "mqtt/publish/in-qos-0",
        &[statement, "MQTT-4.3.1-1", "MQTT-3.3.4-1"],
        "The device delivers a QoS 0 message, and answers nothing",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            connection
                .send(&publish(PROBE, 0, 0, false, false, b"at most once"))
                .await?;
            takes_message(&mut connection, statement, 1).await?;
            delivered(&bench, &mut connection, statement, b"at most once", 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveMessages])
}

fn qos_1() -> Case {
    let statement = "MQTT-4.3.2-2";
    Case::must(
        "mqtt/publish/in-qos-1",
        &[statement, "MQTT-2.3.1-6", "MQTT-4.5.0-2", "MQTT-3.3.4-1"],
        "The device delivers a QoS 1 message and answers PUBACK with its identifier",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            connection
                .send(&publish(PROBE, 1, 515, false, false, b"at least once"))
                .await?;
            acknowledges(&mut connection, statement, 515, PATIENCE).await?;
            delivered(&bench, &mut connection, statement, b"at least once", 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveMessages])
}

fn qos_1_again_is_new() -> Case {
    let statement = "MQTT-4.3.2-2";
    Case::must(
        "mqtt/publish/in-qos-1-after-puback-is-new",
        &[statement],
        "After PUBACK, a QoS 1 PUBLISH with the same identifier is a new message, whatever its DUP flag",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            for dup in [false, true] {
                connection.send(&publish(PROBE, 1, 7, dup, false, b"once more")).await?;
                acknowledges(&mut connection, statement, 7, PATIENCE).await?;
            }
            delivered(&bench, &mut connection, statement, b"once more", 2).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveMessages])
}

fn qos_2() -> Case {
    Case::must(
        "mqtt/publish/in-qos-2",
        &[EXACTLY_ONCE, "MQTT-2.3.1-6", "MQTT-3.3.4-1"],
        "The device answers a QoS 2 message by PUBREC and PUBCOMP, and delivers it once",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            sends_qos_2(&mut connection, 515, false, b"exactly once").await?;
            completes(&mut connection, 515).await?;
            delivered(&bench, &mut connection, EXACTLY_ONCE, b"exactly once", 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveMessages])
}

/// Until PUBREL the identifier tells a duplicate; the DUP flag does not (§3.3.1.1).
fn qos_2_duplicate(dup: bool) -> Case {
    Case::must(
        format!("mqtt/publish/in-qos-2-duplicate-with-dup-{}", u8::from(dup)),
        // With clean session 1 too: the session lasts as long as its connection.
        &[EXACTLY_ONCE, "MQTT-4.1.0-2"],
        format!(
            "A QoS 2 PUBLISH repeated before PUBREL with DUP {} is answered, not delivered again",
            u8::from(dup)
        ),
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            for repeat in [false, dup, dup] {
                sends_qos_2(&mut connection, 9, repeat, b"exactly once").await?;
            }
            completes(&mut connection, 9).await?;
            delivered(&bench, &mut connection, EXACTLY_ONCE, b"exactly once", 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveMessages])
}

fn qos_2_after_release() -> Case {
    Case::must(
        "mqtt/publish/in-qos-2-after-pubrel-is-new",
        &[EXACTLY_ONCE],
        "After PUBREL, a QoS 2 PUBLISH with the same identifier is a new message",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            for _ in 0..2 {
                sends_qos_2(&mut connection, 9, false, b"twice").await?;
                completes(&mut connection, 9).await?;
            }
            delivered(&bench, &mut connection, EXACTLY_ONCE, b"twice", 2).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveMessages])
}

fn qos_2_duplicate_after_reconnect() -> Case {
    Case::must(
        "mqtt/publish/in-qos-2-duplicate-after-reconnect",
        &[EXACTLY_ONCE, "MQTT-4.1.0-1", "MQTT-4.4.0-1"],
        "A QoS 2 PUBLISH repeated on the resumed session is answered, not delivered again",
        |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            sends_qos_2(&mut connection, 9, false, b"exactly once").await?;
            connection.reset();
            let (mut connection, _) = reconnects(&mut broker, EXACTLY_ONCE).await?;
            connection.accepted(true).await?;
            repeated(&mut connection, 9, b"exactly once").await?;
            delivered(&bench, &mut connection, EXACTLY_ONCE, b"exactly once", 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Reconnects, ObserveMessages])
}

/// The console begins anew with the power, so the repeated message must not be told at all.
fn qos_2_duplicate_after_power_cut() -> Case {
    let statement = "FIRMPROOF-MQTT-4";
    Case::new(
        Level::Policy,
        "mqtt/publish/in-qos-2-duplicate-after-power-cut",
        &[statement, EXACTLY_ONCE],
        "A QoS 2 PUBLISH repeated after a power cut is answered, not delivered again",
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            sends_qos_2(&mut connection, 9, false, b"exactly once").await?;
            delivered(&bench, &mut connection, statement, b"exactly once", 1).await?;
            bench.cut_power().await?;
            drop(connection);
            bench.start().await?;
            let (mut connection, _) = reconnects(&mut broker, statement).await?;
            connection.accepted(true).await?;
            repeated(&mut connection, 9, b"exactly once").await?;
            delivered(&bench, &mut connection, statement, b"exactly once", 0).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, ObserveMessages, Power])
}

fn pubrel_of_nothing() -> Case {
    Case::must(
        "mqtt/publish/in-pubrel-of-nothing",
        &[EXACTLY_ONCE],
        "A PUBREL whose message the device no longer knows is answered by PUBCOMP all the same",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            connection.send(&pubrel(4_321)).await?;
            match reacts(&mut connection, EXACTLY_ONCE, "PUBCOMP id=4321").await? {
                Some(ClientPacket::Pubcomp(4_321)) => {
                    bench.observed("goes on");
                    takes_message(&mut connection, EXACTLY_ONCE, 1).await
                }
                // In a new session no such message can be: that the server breaks the protocol is a reading, too
                // (MQTT-4.8.0-1).
                None | Some(ClientPacket::Disconnect) => {
                    bench.observed("closes the connection");
                    bench.alive(EXACTLY_ONCE).await
                }
                Some(other) => Err(Stop::fail(
                    EXACTLY_ONCE,
                    "PUBCOMP id=4321",
                    other.to_string(),
                )),
            }
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

fn pubacks_in_order() -> Case {
    let statement = "MQTT-4.6.0-2";
    Case::must(
        "mqtt/publish/in-pubacks-in-order",
        &[statement],
        "PUBACK packets go out in the order of their PUBLISH packets, not of their identifiers",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let ids = [30, 10, 20, 65_535, 1];
            let messages = ids.map(|id| publish(PROBE, 1, id, false, false, b"in order"));
            connection.send(&messages.concat()).await?;
            for id in ids {
                acknowledges(&mut connection, statement, id, PATIENCE).await?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

fn pubrecs_in_order() -> Case {
    let statement = "MQTT-4.6.0-3";
    Case::must(
        "mqtt/publish/in-pubrecs-in-order",
        &[statement],
        "PUBREC packets go out in the order of their PUBLISH packets, not of their identifiers",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let ids = [30, 10, 20, 65_535, 1];
            let messages = ids.map(|id| publish(PROBE, 2, id, false, false, b"in order"));
            connection.send(&messages.concat()).await?;
            for id in ids {
                connection
                    .expect(statement, &format!("PUBREC id={id}"), PATIENCE, |p| {
                        *p == ClientPacket::Pubrec(id)
                    })
                    .await?;
            }
            for id in ids {
                completes(&mut connection, id).await?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

fn retained() -> Case {
    let statement = "MQTT311-3.3.1.3-1";
    Case::must(
        "mqtt/publish/in-retained",
        &[statement],
        "The device delivers messages with RETAIN set and with RETAIN clear",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            for retain in [true, false] {
                connection
                    .send(&publish(PROBE, 1, 3, false, retain, b"kept"))
                    .await?;
                acknowledges(&mut connection, statement, 3, PATIENCE).await?;
            }
            delivered(&bench, &mut connection, statement, b"kept", 2).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveMessages])
}

fn empty_payload() -> Case {
    let statement = "MQTT311-3.3.3-1";
    Case::must(
        "mqtt/publish/in-empty",
        &[statement],
        "The device delivers messages without a payload, at every QoS",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            connection
                .send(&publish(PROBE, 0, 0, false, false, b""))
                .await?;
            connection
                .send(&publish(PROBE, 1, 3, false, false, b""))
                .await?;
            acknowledges(&mut connection, statement, 3, PATIENCE).await?;
            sends_qos_2(&mut connection, 4, false, b"").await?;
            completes(&mut connection, 4).await?;
            delivered(&bench, &mut connection, statement, b"", 3).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveMessages])
}

fn largest_identifier() -> Case {
    Case::must(
        "mqtt/publish/in-identifier-65535",
        &["MQTT-2.3.1-6"],
        "The device answers with the packet identifiers 1 and 65,535 as with any other, at QoS 1 and 2",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            for id in [1, u16::MAX] {
                takes_message(&mut connection, "MQTT-2.3.1-6", id).await?;
                sends_qos_2(&mut connection, id, false, b"ends").await?;
                completes(&mut connection, id).await?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

/// U+FEFF is a character like any other, and may not be stripped or refused.
fn byte_order_mark() -> Case {
    let statement = "MQTT-1.5.3-3";
    Case::must(
        "mqtt/publish/in-topic-with-byte-order-mark",
        &[statement],
        "The device takes a topic name with U+FEFF in it",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let topic = "fp/probe/\u{FEFF}a";
            connection
                .send(&publish(topic, 1, 3, false, false, b"marked"))
                .await?;
            acknowledges(&mut connection, statement, 3, PATIENCE).await?;
            delivered(&bench, &mut connection, statement, b"marked", 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveMessages])
}
