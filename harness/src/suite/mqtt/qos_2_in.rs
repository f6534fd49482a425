//! QoS 2 towards the device (§4.3.3, the receiver): repetitions at each step, across reconnects and power cuts.

use super::between::Between;
use super::flight::published;
use super::qos_2::{
    EXACTLY_ONCE, acknowledged, completed, completes, id_of, recorded, released, repeated,
    sends_qos_2,
};
use super::scene::{
    Choice, PERSISTS, PROBE, SUBSCRIBES, begin_session, chooses, delivered, lives_on, reconnects,
    resumes,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::Case;
use crate::peers::mqtt_bytes::{pubcomp, publish, pubrec, pubrel};
use crate::profile::Capability::{Command, Mqtt, ObserveConsole, Reconnects};

const PAYLOAD: &[u8] = b"exactly once";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        pubrel_repeated(),
        pubrec_lost(),
        repeated_over_two_reconnects(),
        interleaved(),
        many_held(),
        forgotten_with_the_session(true),
        forgotten_with_the_session(false),
        same_identifier_both_ways(),
        qos_1_on_a_held_identifier(),
        joined_with_its_release(),
    ];
    for between in Between::EACH {
        cases.extend([
            pubrel_again(between),
            new_after_pubcomp(between),
            one_of_two_released(between),
        ]);
    }
    cases
}

fn pubrel_repeated() -> Case {
    Case::must(
        "mqtt/qos-2-in/pubrel-repeated",
        &[EXACTLY_ONCE],
        "A PUBREL repeated on the same connection is answered by PUBCOMP again, and delivers nothing",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            sends_qos_2(&mut connection, 9, false, PAYLOAD).await?;
            for _ in 0..3 {
                completes(&mut connection, 9).await?;
            }
            delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveConsole])
}

/// The server never sees PUBREC, and cannot know whether its PUBLISH arrived.
fn pubrec_lost() -> Case {
    Case::must(
        "mqtt/qos-2-in/publish-again-when-pubrec-is-lost",
        &[EXACTLY_ONCE, "MQTT-4.4.0-1"],
        "A QoS 2 PUBLISH right before a lost connection, repeated on the resumed session, is delivered once",
        |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            connection
                .send(&publish(PROBE, 2, 9, false, false, PAYLOAD))
                .await?;
            connection.finish();
            connection.closes(PATIENCE).await?;
            drop(connection);
            let mut connection = resumes(&mut broker, EXACTLY_ONCE).await?;
            repeated(&mut connection, 9, PAYLOAD).await?;
            delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Reconnects, ObserveConsole])
}

fn repeated_over_two_reconnects() -> Case {
    Case::must(
        "mqtt/qos-2-in/publish-again-over-two-reconnects",
        &[EXACTLY_ONCE, "MQTT-4.1.0-1"],
        "The identifier of an unreleased message is remembered over two reconnects, the first without a repetition",
        |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            sends_qos_2(&mut connection, 9, false, PAYLOAD).await?;
            connection.reset();
            let connection = resumes(&mut broker, EXACTLY_ONCE).await?;
            connection.reset();
            let mut connection = resumes(&mut broker, EXACTLY_ONCE).await?;
            repeated(&mut connection, 9, PAYLOAD).await?;
            delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Reconnects, ObserveConsole])
}

fn interleaved() -> Case {
    Case::must(
        "mqtt/qos-2-in/interleaved",
        &[EXACTLY_ONCE],
        "Three flows in each other's midst, repetitions among them, released in another order, deliver three messages",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            for (id, dup) in [(3, false), (1, false), (3, true), (2, false), (1, true)] {
                sends_qos_2(&mut connection, id, dup, PAYLOAD).await?;
            }
            completes(&mut connection, 2).await?;
            sends_qos_2(&mut connection, 3, true, PAYLOAD).await?;
            completes(&mut connection, 3).await?;
            completes(&mut connection, 1).await?;
            delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, 3).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveConsole])
}

/// A server may have as many flows open as there are identifiers (§2.3.1).
fn many_held() -> Case {
    Case::must(
        "mqtt/qos-2-in/two-hundred-open-at-once",
        &[EXACTLY_ONCE],
        "With 200 flows open at once over the range of identifiers, each repetition is told from a new message",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let ids: Vec<u16> = (0..200).map(|n| 1 + n * 327).collect();
            for dup in [false, true] {
                let messages: Vec<u8> = ids
                    .iter()
                    .flat_map(|id| publish(PROBE, 2, *id, dup, false, PAYLOAD))
                    .collect();
                connection.send(&messages).await?;
                for id in &ids {
                    recorded(&mut connection, *id).await?;
                }
            }
            let releases: Vec<u8> = ids.iter().flat_map(|id| pubrel(*id)).collect();
            connection.send(&releases).await?;
            for id in &ids {
                completed(&mut connection, *id).await?;
            }
            delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, ids.len()).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveConsole])
}

/// State of a session must not be reused in another one.
fn forgotten_with_the_session(clean: bool) -> Case {
    let statement = "MQTT-3.1.2-6";
    let (name, what) = if clean {
        ("clean-session", "With clean session 1")
    } else {
        (
            "session-present-0",
            "When the server has lost the session (clean session 0, session present 0)",
        )
    };
    Case::must(
        format!("mqtt/qos-2-in/identifiers-end-with-{name}"),
        &[statement, EXACTLY_ONCE],
        format!("{what}, an identifier held on the connection before is that of a new message"),
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, move |mqtt| mqtt.clean_session = clean).await?;
            sends_qos_2(&mut connection, 9, false, PAYLOAD).await?;
            connection.reset();
            let (mut connection, _) = reconnects(&mut broker, statement).await?;
            connection.accepted(false).await?;
            connection.grant_subscribe(PATIENCE).await?;
            sends_qos_2(&mut connection, 9, false, PAYLOAD).await?;
            completes(&mut connection, 9).await?;
            delivered(&bench, &mut connection, statement, PAYLOAD, 2).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, Reconnects, ObserveConsole])
}

/// Client and server assign their identifiers independently of each other (§2.3.1).
fn same_identifier_both_ways() -> Case {
    Case::must(
        "mqtt/qos-2-in/same-identifier-in-both-directions",
        &[EXACTLY_ONCE, "MQTT-4.3.3-1"],
        "A QoS 2 message of the server under the identifier of one of the device's own: both flows end",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let own = published(&mut connection, 21, 2).await?;
            let id = id_of(&own);
            sends_qos_2(&mut connection, id, false, PAYLOAD).await?;
            connection.send(&pubrec(id)).await?;
            released(&mut connection, id).await?;
            completes(&mut connection, id).await?;
            connection.send(&pubcomp(id)).await?;
            acknowledged(&bench, "MQTT-4.3.3-1", &own).await?;
            delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, ObserveConsole])
}

/// The server breaks MQTT-2.3.1-4. The device may see it (4.8.0-1) or not; it must not forget the QoS 2 flow.
fn qos_1_on_a_held_identifier() -> Case {
    Case::must(
        "mqtt/qos-2-in/qos-1-on-an-identifier-in-use",
        &[EXACTLY_ONCE],
        "A QoS 1 message under the identifier of an open QoS 2 flow ends the connection, or leaves that flow as it is",
        |bench: Bench| async move {
            let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
            sends_qos_2(&mut connection, 9, false, PAYLOAD).await?;
            match chooses(&bench, connection, EXACTLY_ONCE, 9).await? {
                Choice::Closes => lives_on(&bench, &mut broker, EXACTLY_ONCE).await,
                Choice::GoesOn(mut connection) => {
                    sends_qos_2(&mut connection, 9, true, PAYLOAD).await?;
                    completes(&mut connection, 9).await?;
                    delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, 1).await
                }
            }
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveConsole])
}

/// A server need not wait for PUBREC to leave the device before it has read it: TCP may join what it sends.
fn joined_with_its_release() -> Case {
    Case::must(
        "mqtt/qos-2-in/repetition-and-pubrel-in-one-segment",
        &[EXACTLY_ONCE, "MQTT311-4.2-1"],
        "A repeated PUBLISH and its PUBREL in one segment are answered by PUBREC and PUBCOMP, in that order",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            sends_qos_2(&mut connection, 9, false, PAYLOAD).await?;
            let again = publish(PROBE, 2, 9, true, false, PAYLOAD);
            connection.send(&[again, pubrel(9)].concat()).await?;
            recorded(&mut connection, 9).await?;
            completed(&mut connection, 9).await?;
            delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveConsole])
}

/// How often a message that was delivered before shows on the console since the device's last start.
fn shown_since_start(between: Between, before: usize) -> usize {
    match between {
        Between::Reconnect => before,
        Between::PowerCut => 0,
    }
}

/// The server sent PUBREL and never saw PUBCOMP.
fn pubrel_again(between: Between) -> Case {
    let name = between.name();
    let case = Case::new(
        between.level(),
        format!("mqtt/qos-2-in/pubrel-again-after-{name}"),
        &[EXACTLY_ONCE, "MQTT-4.4.0-1"],
        format!("A PUBREL repeated after a {name} is answered by PUBCOMP, and delivers nothing"),
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            sends_qos_2(&mut connection, 9, false, PAYLOAD).await?;
            completes(&mut connection, 9).await?;
            let mut connection = between
                .resumed(&bench, &mut broker, connection, EXACTLY_ONCE)
                .await?;
            completes(&mut connection, 9).await?;
            let times = shown_since_start(between, 1);
            delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, times).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, ObserveConsole]);
    between.allowed(case)
}

fn new_after_pubcomp(between: Between) -> Case {
    let name = between.name();
    let case = Case::new(
        between.level(),
        format!("mqtt/qos-2-in/identifier-is-free-after-{name}"),
        &[EXACTLY_ONCE],
        format!("An identifier whose flow had ended before a {name} is that of a new message"),
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            sends_qos_2(&mut connection, 9, false, PAYLOAD).await?;
            completes(&mut connection, 9).await?;
            let mut connection = between
                .resumed(&bench, &mut broker, connection, EXACTLY_ONCE)
                .await?;
            repeated(&mut connection, 9, PAYLOAD).await?;
            let times = shown_since_start(between, 1) + 1;
            delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, times).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, ObserveConsole]);
    between.allowed(case)
}

/// What is kept is a set: one that leaves it must not take the others along.
fn one_of_two_released(between: Between) -> Case {
    let name = between.name();
    let case = Case::new(
        between.level(),
        format!("mqtt/qos-2-in/one-of-two-released-before-{name}"),
        &[EXACTLY_ONCE, "MQTT-4.1.0-1"],
        format!(
            "Of two flows, one ended before a {name}: the other one's repetition delivers nothing"
        ),
        move |bench: Bench| async move {
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
            sends_qos_2(&mut connection, 8, false, b"released").await?;
            sends_qos_2(&mut connection, 9, false, PAYLOAD).await?;
            completes(&mut connection, 8).await?;
            let mut connection = between
                .resumed(&bench, &mut broker, connection, EXACTLY_ONCE)
                .await?;
            repeated(&mut connection, 9, PAYLOAD).await?;
            let times = shown_since_start(between, 1);
            delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, times).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, PERSISTS, ObserveConsole]);
    between.allowed(case)
}
