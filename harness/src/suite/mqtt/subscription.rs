//! Topic filters (§4.7.1) and the answers to SUBSCRIBE and UNSUBSCRIBE (§3.9, §3.11) beside the plain ones.

use firmproof_bootconfig::Subscription;

use super::flight::published;
use super::qos_2::id_of;
use super::scene::{
    Choice, PROBE, SUBSCRIBES, acknowledges, begin, begin_session, chooses, chooses_and_works,
    command, lives_on, reacts, takes_message, told,
};

use crate::bench::{Bench, PATIENCE, text};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::mqtt_bytes::{publish, suback, unsuback};
use crate::peers::mqtt_packet::ClientPacket;
use crate::peers::scripted_broker::Connection;
use crate::profile::Capability::{Command, Configure, Mqtt, ObserveConsole, TimeScale};

const STALL: &str = "FIRMPROOF-MQTT-8";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        all_at_once(),
        codes_in_order(),
        all_refused(),
        unmatched_message(),
        identifier_of_its_own(),
        suback_twice(),
        answer_of_the_other_kind("unsuback-for-subscribe", "subscribe", "filter=a/b qos=0"),
        answer_of_the_other_kind("suback-for-unsubscribe", "unsubscribe", "filter=a/b"),
        unsuback_missing(),
        messages_before_unsuback(),
    ];
    for (name, statements, filter) in BAD_FILTERS {
        cases.push(bad_filter(name, statements, filter));
    }
    for (name, filter) in GOOD_FILTERS {
        cases.push(good_filter(name, filter));
    }
    cases
}

/// A filter that a server must close the connection for.
const BAD_FILTERS: [(&str, &[&str], &str); 5] = [
    ("hash-not-last", &["MQTT-4.7.1-2"], "fp/#/a"),
    ("hash-within-a-level", &["MQTT-4.7.1-2"], "fp/a#"),
    ("plus-behind-a-letter", &["MQTT-4.7.1-3"], "fp/a+/b"),
    ("plus-before-a-letter", &["MQTT-4.7.1-3"], "fp/+a"),
    (
        "two-wildcards-in-a-level",
        &["MQTT-4.7.1-2", "MQTT-4.7.1-3"],
        "fp/+#",
    ),
];

/// One that it must not.
const GOOD_FILTERS: [(&str, &str); 4] = [
    ("plus-in-every-level", "+/+/+"),
    ("empty-levels", "//a//"),
    ("text-of-four-byte-characters", "fp/\u{1F321}/#"),
    (
        "as-long-as-the-device-takes",
        "fp/a23456789/b23456789/c23456789/d23456789/e23456789/f2345/g23/#",
    ),
];

/// Adds a subscription to the configured ones.
fn add(mqtt: &mut firmproof_bootconfig::Mqtt, filter: &str, qos: u8) {
    // A case that adds more than fit asks for what it cannot have, and fails by its count.
    let _ = mqtt.subscriptions.push(Subscription {
        filter: text(filter),
        qos,
    });
}

fn bad_filter(name: &str, statements: &'static [&'static str], filter: &'static str) -> Case {
    Case::must(
        format!("mqtt/subscription/never-asks-for-{name}"),
        statements,
        format!(
            "Told to subscribe to `{filter}`, which is no topic filter, the device does not send it"
        ),
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |mqtt| add(mqtt, filter, 1)).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            // The decoder fails the case by the statement when the filter is there.
            let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
            require(
                filters.iter().all(|(sent, _)| sent != filter),
                statements[0],
                "no such filter",
                filter,
            )?;
            connection
                .send(&suback(id, &vec![2; filters.len()]))
                .await?;
            takes_message(&mut connection, statements[0], 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Configure])
}

fn good_filter(name: &str, filter: &'static str) -> Case {
    let statement = "MQTT-3.8.3-1";
    Case::must(
        format!("mqtt/subscription/asks-for-{name}"),
        &[statement, "MQTT-4.7.1-3", "MQTT-4.7.3-2"],
        format!("The device asks for the filter `{filter}` as it was told"),
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |mqtt| add(mqtt, filter, 1)).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
            let wanted = (filter.to_owned(), 1);
            require(
                filters.contains(&wanted),
                statement,
                format!("{wanted:?}"),
                format!("{filters:?}"),
            )?;
            connection
                .send(&suback(id, &vec![1; filters.len()]))
                .await?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Configure])
}

/// Nine filters: as many as the device can be told, and its commands.
fn all_at_once() -> Case {
    let statement = "MQTT-3.8.3-3";
    Case::must(
        "mqtt/subscription/every-qos-and-many-filters",
        &[statement, "MQTT-3.8.3-4"],
        "The device asks for each of seven more filters at the QoS that it was told, 0, 1 and 2 among them",
        move |bench: Bench| async move {
            let more: Vec<(String, u8)> = (0..7).map(|n| (format!("more/{n}"), n % 3)).collect();
            let told_to = more.clone();
            let mut broker = begin(&bench, move |mqtt| {
                for (filter, qos) in &told_to {
                    add(mqtt, filter, *qos);
                }
            })
            .await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let mut asked = Vec::new();
            // One SUBSCRIBE or several: §3.8.4 makes no difference.
            while !more.iter().all(|wanted| asked.contains(wanted)) {
                let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
                let codes: Vec<u8> = filters.iter().map(|(_, qos)| *qos).collect();
                connection.send(&suback(id, &codes)).await?;
                asked.extend(filters);
            }
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Configure])
}

fn codes_in_order() -> Case {
    let statement = "MQTT-3.9.3-1";
    Case::must(
        "mqtt/subscription/suback-codes-in-order",
        &[statement, "MQTT311-3.9.3-1"],
        "The device reads each return code as that of the filter in the same place",
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |mqtt| add(mqtt, "more/a", 1)).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let (id, _) = connection.expect_subscribe(PATIENCE).await?;
            connection.send(&suback(id, &[2, 0x80, 1])).await?;
            told(
                &bench,
                statement,
                "event=mqtt.suback codes=2,128,1",
                |line| line.is("mqtt.suback") && line.field("codes") == Some("2,128,1"),
            )
            .await?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Configure, Command, ObserveConsole])
}

/// Nothing says what a client does that may subscribe to nothing; it must not take the filters for granted.
fn all_refused() -> Case {
    let statement = "MQTT311-3.9.3-1";
    Case::must(
        "mqtt/subscription/every-filter-refused",
        &[statement],
        "A device whose filters are all refused tells so, and goes on or closes",
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
            connection
                .send(&suback(id, &vec![0x80; filters.len()]))
                .await?;
            told(
                &bench,
                statement,
                "event=mqtt.suback with codes=128,…",
                |line| {
                    let codes = line.field("codes").unwrap_or_default();
                    line.is("mqtt.suback")
                        && !codes.is_empty()
                        && codes.split(',').all(|c| c == "128")
                },
            )
            .await?;
            match chooses(&bench, connection, statement, 3).await? {
                Choice::GoesOn(_) => bench.alive(statement).await,
                Choice::Closes => lives_on(&bench, &mut broker, statement).await,
            }
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveConsole])
}

/// The server breaks MQTT-3.3.2-3, which the device may not even notice: it need not know its filters by then.
fn unmatched_message() -> Case {
    let statement = "MQTT-4.5.0-2";
    Case::must(
        "mqtt/subscription/message-that-no-filter-matches",
        &[statement],
        "A message to a topic that the device did not ask for is acknowledged, or ends the connection",
        move |bench: Bench| async move {
            let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
            connection
                .send(&publish("somebody/else", 1, 5, false, false, b"astray"))
                .await?;
            match reacts(&mut connection, statement, "PUBACK id=5, or the connection's end").await? {
                Some(ClientPacket::Puback(5)) => {
                    bench.observed("acknowledges it");
                    takes_message(&mut connection, statement, 6).await
                }
                None | Some(ClientPacket::Disconnect) => {
                    bench.observed("closes the connection");
                    drop(connection);
                    lives_on(&bench, &mut broker, statement).await
                }
                Some(other) => Err(Stop::fail(statement, "PUBACK id=5", other.to_string())),
            }
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

/// SUBSCRIBE, UNSUBSCRIBE and PUBLISH share one set of identifiers (§2.3.1).
fn identifier_of_its_own() -> Case {
    let statement = "MQTT-2.3.1-2";
    Case::must(
        "mqtt/subscription/identifier-of-no-message-in-flight",
        &[statement, "MQTT-2.3.1-1"],
        "SUBSCRIBE takes an identifier that none of three unacknowledged messages has",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let mut taken = Vec::new();
            for (size, qos) in [(10, 1), (11, 2), (12, 1)] {
                taken.push(id_of(&published(&mut connection, size, qos).await?));
            }
            command(&mut connection, "subscribe", "filter=a/b qos=1").await?;
            let (id, _) = connection.expect_subscribe(PATIENCE).await?;
            require(
                !taken.contains(&id),
                statement,
                format!("another identifier than {taken:?}"),
                id.to_string(),
            )?;
            connection.send(&suback(id, &[1])).await?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn suback_twice() -> Case {
    Case::new(
        Level::Policy,
        "mqtt/subscription/suback-twice",
        &[STALL],
        "A second SUBACK for the same SUBSCRIBE does not stall the device",
        |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let (mut connection, _) = broker.serve_connect(false, 0, PATIENCE).await?;
            let (id, filters) = connection.expect_subscribe(PATIENCE).await?;
            let codes: Vec<u8> = filters.iter().map(|(_, qos)| *qos).collect();
            connection.send(&suback(id, &codes).repeat(2)).await?;
            chooses_and_works(&bench, &mut broker, connection, STALL).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

/// The identifier of the device's next SUBSCRIBE or UNSUBSCRIBE.
async fn requested(connection: &mut Connection) -> Judged<u16> {
    let packet = connection
        .expect(STALL, "SUBSCRIBE or UNSUBSCRIBE", PATIENCE, |p| {
            matches!(
                p,
                ClientPacket::Subscribe { .. } | ClientPacket::Unsubscribe { .. }
            )
        })
        .await?;
    match packet {
        ClientPacket::Subscribe { id, .. } | ClientPacket::Unsubscribe { id, .. } => Ok(id),
        other => Err(Stop::fail(
            STALL,
            "SUBSCRIBE or UNSUBSCRIBE",
            other.to_string(),
        )),
    }
}

fn answer_of_the_other_kind(name: &str, by: &'static str, arguments: &'static str) -> Case {
    Case::new(
        Level::Policy,
        format!("mqtt/subscription/{name}"),
        &[STALL],
        "An answer of the wrong kind with the right identifier ends the connection or leaves the request open, and stalls nothing",
        move |bench: Bench| async move {
            let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
            command(&mut connection, by, arguments).await?;
            let id = requested(&mut connection).await?;
            let wrong = if by == "subscribe" { unsuback(id) } else { suback(id, &[0]) };
            connection.send(&wrong).await?;
            match chooses(&bench, connection, STALL, 3).await? {
                Choice::GoesOn(mut connection) => takes_message(&mut connection, STALL, 4).await?,
                Choice::Closes => return lives_on(&bench, &mut broker, STALL).await,
            }
            bench.alive(STALL).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn unsuback_missing() -> Case {
    Case::new(
        Level::Policy,
        "mqtt/subscription/unsuback-missing",
        &[STALL],
        "A device whose UNSUBSCRIBE is not answered in time asks again, on this connection or the next",
        |bench: Bench| async move {
            bench.scale_time(10);
            let (mut broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.response_timeout_s = 5).await?;
            command(&mut connection, "unsubscribe", "filter=a/b").await?;
            requested(&mut connection).await?;
            let again = "UNSUBSCRIBE, or the end of the connection";
            if reacts(&mut connection, STALL, again).await?.is_none() {
                drop(connection);
                let mut connection = broker.serve_session(PATIENCE).await?;
                requested(&mut connection).await?;
            }
            bench.alive(STALL).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Configure, Command, TimeScale])
}

/// §3.10.4: the server completes what it has begun to send.
fn messages_before_unsuback() -> Case {
    let statement = "MQTT-4.5.0-2";
    Case::must(
        "mqtt/subscription/messages-around-unsuback",
        &[statement, "MQTT-4.6.0-2"],
        "Messages of a filter that is being given up are answered, before UNSUBACK and after it",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            command(&mut connection, "unsubscribe", "filter=fp/probe/#").await?;
            let id = requested(&mut connection).await?;
            let message = |id| publish(PROBE, 1, id, false, false, b"late");
            connection
                .send(&[message(5), unsuback(id), message(6)].concat())
                .await?;
            for id in [5, 6] {
                acknowledges(&mut connection, statement, id, PATIENCE).await?;
            }
            bench.alive(statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}
