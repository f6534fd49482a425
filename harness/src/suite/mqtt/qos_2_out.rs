//! QoS 1 and 2 from the device (§4.3, §4.4, the sender): repetitions at each step, across reconnects and power cuts,
//! and acknowledgements of another flow than the message's.

use super::between::Between;
use super::flight::{next_but_subscribe, published, sent_again};
use super::qos_2::{SENDER, acknowledged, id_of, released};
use super::scene::{
    PERSISTS, PROBE, SUBSCRIBES, begin_session, chooses_and_works, reacts, reconnects, resumes,
    takes_message,
};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, Stop};
use crate::peers::mqtt_bytes::{connack, puback, pubcomp, publish, pubrec};
use crate::peers::mqtt_packet::ClientPacket;
use crate::peers::scripted_broker::Connection;
use crate::profile::Capability::{self, Command, Mqtt, ObserveConsole, Reconnects};

const AGAIN: &str = "MQTT-4.4.0-1";
/// Needs of a case that resumes a session with a message of the device in it.
const RESUMES: [Capability; 5] = [Mqtt, SUBSCRIBES, PERSISTS, Command, Reconnects];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        publish_again_after_power_cut(),
        publish_over_two_reconnects(1),
        publish_over_two_reconnects(2),
        pubrel_over_two_reconnects(),
        pubrec_repeated(),
        pubrec_repeated_on_resumption(),
        pubrec_after_the_end(),
        pubrec_of_nothing(),
        repeated_end("puback-repeated", 1),
        repeated_end("pubcomp-repeated", 2),
        mixed_resumption(),
        acknowledged_with_connack(),
        wrong_kind("puback-for-qos-2", 2, puback),
        wrong_kind("pubrec-for-qos-1", 1, pubrec),
        wrong_kind("pubcomp-for-qos-1", 1, pubcomp),
        wrong_kind("pubcomp-before-pubrec", 2, pubcomp),
    ];
    for between in Between::EACH {
        cases.extend([silent_after_end(between, 1), silent_after_end(between, 2)]);
    }
    cases
}

/// Ends the flow of a message that was just published.
async fn flow_ends(connection: &mut Connection, qos: u8, id: u16) -> Judged {
    if qos == 1 {
        return Ok(connection.send(&puback(id)).await?);
    }
    connection.send(&pubrec(id)).await?;
    released(connection, id).await?;
    Ok(connection.send(&pubcomp(id)).await?)
}

fn publish_again_after_power_cut() -> Case {
    let case = Case::new(
        Level::Policy,
        "mqtt/qos-2-out/publish-again-after-power-cut",
        &["FIRMPROOF-MQTT-4", AGAIN],
        "A QoS 2 message without PUBREC goes out again after a power cut, and its flow ends",
        |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let message = published(&mut connection, 21, 2).await?;
            let mut connection = Between::PowerCut
                .resumed(&bench, &mut broker, connection, AGAIN)
                .await?;
            sent_again(&mut connection, &message).await?;
            flow_ends(&mut connection, 2, id_of(&message)).await?;
            acknowledged(&bench, SENDER, &message).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Command, ObserveConsole]);
    Between::PowerCut.allowed(case)
}

fn publish_over_two_reconnects(qos: u8) -> Case {
    Case::must(
        format!("mqtt/qos-2-out/publish-again-over-two-reconnects-at-qos-{qos}"),
        &[AGAIN, "MQTT-3.3.1-1", "MQTT-2.3.1-3"],
        format!("At QoS {qos} an unacknowledged message goes out again on every resumption, with DUP and its identifier"),
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let message = published(&mut connection, 21, qos).await?;
            for _ in 0..2 {
                connection.reset();
                connection = resumes(&mut broker, AGAIN).await?;
                sent_again(&mut connection, &message).await?;
            }
            flow_ends(&mut connection, qos, id_of(&message)).await?;
            takes_message(&mut connection, AGAIN, 1).await
        },
    )
    .needs(&RESUMES)
}

fn pubrel_over_two_reconnects() -> Case {
    Case::must(
        "mqtt/qos-2-out/pubrel-again-over-two-reconnects",
        &[AGAIN, SENDER],
        "An unanswered PUBREL goes out again on every resumption, and its PUBLISH never does",
        |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let id = id_of(&published(&mut connection, 21, 2).await?);
            connection.send(&pubrec(id)).await?;
            released(&mut connection, id).await?;
            for _ in 0..2 {
                connection.reset();
                connection = resumes(&mut broker, AGAIN).await?;
                released(&mut connection, id).await?;
            }
            connection.send(&pubcomp(id)).await?;
            takes_message(&mut connection, AGAIN, 1).await
        },
    )
    .needs(&RESUMES)
}

/// Reads PUBRELs of `id` up to the PUBACK of a message sent to find the end; how many there were.
async fn pubrels_before_probe(connection: &mut Connection, id: u16) -> Judged<usize> {
    let probe = publish(PROBE, 1, 77, false, false, b"the end");
    connection.send(&probe).await?;
    let mut count = 0;
    loop {
        let packet = next_but_subscribe(
            connection,
            SENDER,
            &format!("PUBREL id={id}, or PUBACK id=77"),
            |p| *p == ClientPacket::Pubrel(id) || *p == ClientPacket::Puback(77),
        )
        .await?;
        if packet == ClientPacket::Puback(77) {
            return Ok(count);
        }
        count += 1;
    }
}

/// §4.3.3 asks for one PUBREL; whether a repeated PUBREC has another one, it does not say. PUBLISH is forbidden.
fn pubrec_repeated() -> Case {
    Case::must(
        "mqtt/qos-2-out/pubrec-repeated",
        &[SENDER],
        "After a repeated PUBREC the device does not send PUBLISH again, and the flow ends",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let message = published(&mut connection, 21, 2).await?;
            let id = id_of(&message);
            connection.send(&pubrec(id)).await?;
            released(&mut connection, id).await?;
            connection.send(&pubrec(id)).await?;
            let count = pubrels_before_probe(&mut connection, id).await?;
            bench.observed(if count == 0 {
                "ignores it"
            } else {
                "sends PUBREL again"
            });
            connection.send(&pubcomp(id)).await?;
            acknowledged(&bench, SENDER, &message).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, ObserveConsole])
}

/// The server did not get PUBREL and, like the device, repeats what it sent last.
fn pubrec_repeated_on_resumption() -> Case {
    Case::must(
        "mqtt/qos-2-out/pubrec-repeated-on-resumption",
        &[SENDER, AGAIN],
        "A PUBREC repeated on the resumed session leads to PUBREL, never to PUBLISH",
        |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let message = published(&mut connection, 21, 2).await?;
            let id = id_of(&message);
            connection.send(&pubrec(id)).await?;
            released(&mut connection, id).await?;
            connection.reset();
            let mut connection = resumes(&mut broker, SENDER).await?;
            connection.send(&pubrec(id)).await?;
            released(&mut connection, id).await?;
            pubrels_before_probe(&mut connection, id).await?;
            connection.send(&pubcomp(id)).await?;
            acknowledged(&bench, SENDER, &message).await
        },
    )
    .needs(&RESUMES)
    .needs(&[ObserveConsole])
}

/// An answer to a PUBREC that belongs to nothing; none is fine.
async fn answer_to_stray_pubrec(bench: &Bench, connection: &mut Connection, id: u16) -> Judged {
    let count = pubrels_before_probe(connection, id).await?;
    bench.observed(if count == 0 {
        "ignores it"
    } else {
        "sends PUBREL"
    });
    Ok(())
}

fn pubrec_after_the_end() -> Case {
    Case::must(
        "mqtt/qos-2-out/pubrec-after-pubcomp",
        &[SENDER],
        "A PUBREC that comes after the end of its flow does not bring PUBLISH back",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let id = id_of(&published(&mut connection, 21, 2).await?);
            flow_ends(&mut connection, 2, id).await?;
            connection.send(&pubrec(id)).await?;
            answer_to_stray_pubrec(&bench, &mut connection, id).await?;
            takes_message(&mut connection, SENDER, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn pubrec_of_nothing() -> Case {
    let statement = "FIRMPROOF-MQTT-8";
    Case::new(
        Level::Policy,
        "mqtt/qos-2-out/pubrec-of-nothing",
        &[statement],
        "A PUBREC of an identifier that was never used does not stall the device",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            connection.send(&pubrec(4_321)).await?;
            answer_to_stray_pubrec(&bench, &mut connection, 4_321).await?;
            published(&mut connection, 8, 1).await?;
            bench.alive(statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

/// The specification does not say what to do about an acknowledgement of nothing.
fn repeated_end(name: &str, qos: u8) -> Case {
    let statement = "FIRMPROOF-MQTT-8";
    Case::new(
        Level::Policy,
        format!("mqtt/qos-2-out/{name}"),
        &[statement],
        format!(
            "The last acknowledgement of a QoS {qos} flow, sent twice, does not stall the device"
        ),
        move |bench: Bench| async move {
            let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let id = id_of(&published(&mut connection, 21, qos).await?);
            flow_ends(&mut connection, qos, id).await?;
            let again = if qos == 1 { puback(id) } else { pubcomp(id) };
            connection.send(&again).await?;
            chooses_and_works(&bench, &mut broker, connection, statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn mixed_resumption() -> Case {
    let statement = "MQTT-4.6.0-1";
    Case::must(
        "mqtt/qos-2-out/resumption-with-flows-at-every-step",
        &[statement, AGAIN, SENDER],
        "A QoS 1 message, a released QoS 2 message and an unreleased one: on resumption PUBLISH, PUBREL, PUBLISH, the \
         messages in their order",
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let first = published(&mut connection, 21, 1).await?;
            let middle = id_of(&published(&mut connection, 22, 2).await?);
            let last = published(&mut connection, 23, 2).await?;
            connection.send(&pubrec(middle)).await?;
            released(&mut connection, middle).await?;
            connection.reset();
            let mut connection = resumes(&mut broker, statement).await?;
            // §4.6 orders PUBLISH among PUBLISH and PUBREL among PUBREL, not the two kinds among each other.
            let mut expected = vec![id_of(&first), id_of(&last)];
            let mut pubrel_seen = false;
            while !expected.is_empty() || !pubrel_seen {
                let what = format!("PUBLISH {expected:?} with DUP, and PUBREL id={middle} once");
                let packet = next_but_subscribe(&mut connection, statement, &what, |p| {
                    matches!(p, ClientPacket::Publish(_) | ClientPacket::Pubrel(_))
                })
                .await?;
                match packet {
                    ClientPacket::Pubrel(id) if id == middle && !pubrel_seen => pubrel_seen = true,
                    ClientPacket::Publish(message)
                        if message.dup && expected.first() == Some(&id_of(&message)) =>
                    {
                        expected.remove(0);
                    }
                    other => return Err(Stop::fail(statement, what, other.to_string())),
                }
            }
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&RESUMES)
}

/// The server had sent PUBACK when the connection was lost, and sends it again at once.
fn acknowledged_with_connack() -> Case {
    Case::must(
        "mqtt/qos-2-out/puback-in-one-segment-with-connack",
        &["MQTT-4.3.2-1", "MQTT311-4.2-1"],
        "A PUBACK in one segment with CONNACK ends the flow of a message of the resumed session",
        |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let message = published(&mut connection, 21, 1).await?;
            let id = id_of(&message);
            connection.reset();
            let (mut connection, _) = reconnects(&mut broker, AGAIN).await?;
            connection
                .send(&[connack(1, 0), puback(id)].concat())
                .await?;
            acknowledged(&bench, "MQTT-4.3.2-1", &message).await
        },
    )
    .needs(&RESUMES)
    .needs(&[ObserveConsole])
}

type Acknowledgement = fn(u16) -> Vec<u8>;

/// A message is unacknowledged until its own acknowledgement has come (§4.3.2, §4.3.3); what to do about another
/// one is left open.
fn wrong_kind(name: &str, qos: u8, wrong: Acknowledgement) -> Case {
    let statement = if qos == 1 { "MQTT-4.3.2-1" } else { SENDER };
    let statements: &'static [&'static str] = if qos == 1 {
        &["MQTT-4.3.2-1", AGAIN]
    } else {
        &[SENDER, AGAIN]
    };
    Case::must(
        format!("mqtt/qos-2-out/{name}"),
        statements,
        format!("An acknowledgement of another flow does not acknowledge a QoS {qos} message: it goes out again"),
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let message = published(&mut connection, 21, qos).await?;
            connection.send(&wrong(id_of(&message))).await?;
            let probe = publish(PROBE, 1, 77, false, false, b"and now");
            connection.send(&probe).await?;
            let mut ends = "closes the connection";
            // A PUBREL may answer a PUBREC that is out of place.
            while let Some(packet) = reacts(&mut connection, statement, "PUBACK id=77, or the end").await? {
                if packet == ClientPacket::Puback(77) {
                    ends = "goes on";
                    break;
                }
                if let ClientPacket::Publish(_) = packet {
                    return Err(Stop::fail(statement, "no PUBLISH yet", packet.to_string()));
                }
            }
            bench.observed(ends);
            connection.reset();
            let mut connection = resumes(&mut broker, statement).await?;
            sent_again(&mut connection, &message).await?;
            flow_ends(&mut connection, qos, id_of(&message)).await?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&RESUMES)
}

/// A flow that has ended leaves nothing behind.
fn silent_after_end(between: Between, qos: u8) -> Case {
    let name = between.name();
    let case = Case::new(
        between.level(),
        format!("mqtt/qos-2-out/nothing-again-after-{name}-at-qos-{qos}"),
        &[AGAIN, "MQTT-2.3.1-3"],
        format!("A QoS {qos} message whose flow has ended is not sent again after a {name}"),
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            let message = published(&mut connection, 21, qos).await?;
            flow_ends(&mut connection, qos, id_of(&message)).await?;
            acknowledged(&bench, AGAIN, &message).await?;
            let mut connection = between
                .resumed(&bench, &mut broker, connection, AGAIN)
                .await?;
            takes_message(&mut connection, AGAIN, 77).await?;
            // One of its own, made now, is the first on the topic.
            published(&mut connection, 22, qos).await?;
            bench.alive(AGAIN).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Command, ObserveConsole]);
    between.allowed(case)
}
