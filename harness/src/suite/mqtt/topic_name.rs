//! Topic names that a server may send (§1.5.3, §4.7), and those that §1.5.3 lets a receiver refuse.

use super::hostile::{Hostile, hostile_raw};
use super::malformed_message::message_to;
use super::scene::{
    SUBSCRIBES, acknowledges, begin_session, chooses_and_works, takes_message, told,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, require};
use crate::peers::mqtt_bytes::publish;
use crate::profile::Capability::{MaxInboundPacket, Mqtt, ObserveConsole};

pub(super) fn cases() -> Vec<Case> {
    let valid = [
        (
            "parent-level",
            "the parent level of its filter `fp/probe/#`",
            "fp/probe",
        ),
        ("empty-level", "a level of no characters", "fp/probe//a/"),
        ("space", "a level that is a space", "fp/probe/ "),
        (
            "dollar-within",
            "a `$` behind its first character",
            "fp/probe/$SYS",
        ),
        ("two-bytes", "characters of two bytes", "fp/probe/Gerät"),
        ("three-bytes", "characters of three bytes", "fp/probe/温度"),
        (
            "four-bytes",
            "the first and the last code points of four bytes",
            "fp/probe/\u{10000}\u{10FFFD}",
        ),
        (
            "beside-the-surrogates",
            "the code points on both sides of the surrogates",
            "fp/probe/\u{D7FF}\u{E000}",
        ),
        (
            "not-normalised",
            "a letter and its combining mark, which are two characters",
            "fp/probe/u\u{308}",
        ),
    ];
    let mut cases: Vec<Case> = valid
        .map(|(name, what, topic)| taken(name, what, topic))
        .into();
    cases.push(largest());
    cases.extend(discouraged().into_iter().map(allowed));
    cases
}

/// The console shows the topic as it came, so that a name is neither normalised nor cut.
fn taken(name: &str, what: &str, topic: &'static str) -> Case {
    let statement = "MQTT-4.7.3-1";
    Case::must(
        format!("mqtt/topic-name/{name}"),
        &["MQTT-4.5.0-2", statement],
        format!("The device takes a message to a topic with {what}, and keeps its name as it is"),
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            connection
                .send(&publish(topic, 1, 3, false, false, b"named"))
                .await?;
            acknowledges(&mut connection, "MQTT-4.5.0-2", 3, PATIENCE).await?;
            let line = told(&bench, "MQTT-4.5.0-2", "event=mqtt.message", |line| {
                line.is("mqtt.message")
            })
            .await?;
            let shown = line.field("topic").unwrap_or_default();
            require(
                unescaped(shown) == topic.as_bytes(),
                statement,
                format!("topic {topic:?}"),
                shown,
            )
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, ObserveConsole])
}

/// A console value without its `%XX`.
fn unescaped(value: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%');
        let byte = hex.and_then(|hex| hex::decode(hex).ok());
        match byte.as_deref() {
            Some([byte]) => {
                bytes.push(*byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

/// No small device holds such a name; it may read past the message (FIRMPROOF-MQTT-3), but has to answer it.
fn largest() -> Case {
    let statement = "MQTT-4.5.0-2";
    Case::must(
        "mqtt/topic-name/largest",
        &[statement, "MQTT-4.7.3-3"],
        "The device answers a message to a topic of 65,535 bytes, and stays in step with the stream",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let mut topic = "fp/probe/".to_owned();
            topic.extend(std::iter::repeat_n('a', usize::from(u16::MAX) - topic.len()));
            connection
                .send(&publish(&topic, 1, 3, false, false, b"named"))
                .await?;
            acknowledges(&mut connection, statement, 3, PATIENCE).await?;
            takes_message(&mut connection, statement, 4).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, MaxInboundPacket])
}

/// §1.5.3: these should not be in text, and a receiver may close the connection for them.
fn discouraged() -> Vec<Hostile> {
    let statements: &[&str] = &["MQTT311-1.5.3-1"];
    [
        (
            "control-character",
            "U+0001, a control character",
            "fp/probe/\u{1}",
        ),
        (
            "delete-character",
            "U+007F, a control character",
            "fp/probe/\u{7F}",
        ),
        (
            "c1-control-character",
            "U+0085, a control character of two bytes",
            "fp/probe/\u{85}",
        ),
        (
            "non-character",
            "U+FFFF, which is no character",
            "fp/probe/\u{FFFF}",
        ),
        (
            "non-character-of-four-bytes",
            "U+10FFFF, which is no character",
            "fp/probe/\u{10FFFF}",
        ),
    ]
    .map(|(name, what, topic)| hostile_raw(name, statements, what, &message_to(topic.as_bytes())))
    .into()
}

fn allowed(row: Hostile) -> Case {
    let statement = row.statements[0];
    Case::must(
        format!("mqtt/topic-name/{}", row.name),
        row.statements,
        format!(
            "The device takes a topic name with {}, or closes the connection",
            row.what
        ),
        move |bench: Bench| {
            let bytes = row.bytes.clone();
            async move {
                let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
                connection.send(&bytes).await?;
                chooses_and_works(&bench, &mut broker, connection, statement).await
            }
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}
