//! PUBLISH packets that no server may send (§3.3, §1.5.3, §4.7): rows of the table in `malformed`.

use super::hostile::{Hostile, hostile, hostile_raw};
use crate::peers::mqtt_bytes::{packet, publish};

/// §3.3.
pub(super) fn messages() -> Vec<Hostile> {
    let topic: &[&str] = &["MQTT-3.3.2-1", "MQTT-4.8.0-1"];
    let wildcard: &[&str] = &["MQTT-3.3.2-2", "MQTT-4.8.0-1"];
    let encoding: &[&str] = &["MQTT-1.5.3-1"];
    vec![
        hostile_raw(
            "publish-qos-3",
            &["MQTT-3.3.1-4"],
            "a PUBLISH with both QoS bits set",
            &publish("fp/probe/a", 3, 1, false, false, b"x"),
        ),
        hostile_raw(
            "publish-qos-0-with-dup",
            &["MQTT-3.3.1-2", "MQTT-4.8.0-1"],
            "a PUBLISH with QoS 0 and DUP 1",
            &publish("fp/probe/a", 0, 0, true, false, b"x"),
        ),
        hostile_raw(
            "publish-id-0",
            &["MQTT-2.3.1-1", "MQTT-4.8.0-1"],
            "a PUBLISH at QoS 1 with packet identifier 0",
            &publish("fp/probe/a", 1, 0, false, false, b"x"),
        ),
        hostile_raw(
            "publish-qos-2-id-0",
            &["MQTT-2.3.1-1", "MQTT-4.8.0-1"],
            "a PUBLISH at QoS 2 with packet identifier 0",
            &publish("fp/probe/a", 2, 0, false, false, b"x"),
        ),
        hostile_raw(
            "publish-topic-with-plus",
            wildcard,
            "a PUBLISH whose topic name has a `+`",
            &publish("fp/probe/+", 0, 0, false, false, b"x"),
        ),
        hostile_raw(
            "publish-topic-with-hash",
            wildcard,
            "a PUBLISH whose topic name has a `#`",
            &publish("fp/probe/#", 0, 0, false, false, b"x"),
        ),
        hostile_raw(
            "publish-empty-topic",
            &["MQTT-4.7.3-1", "MQTT-4.8.0-1"],
            "a PUBLISH with an empty topic name",
            &publish("", 0, 0, false, false, b"x"),
        ),
        hostile(
            "publish-ill-formed-topic",
            encoding,
            "a topic name that is not UTF-8",
            0x30,
            &[0, 2, 0xC3, 0x28],
        ),
        hostile(
            "publish-overlong-topic",
            encoding,
            "a topic name with an overlong form of `/`",
            0x30,
            &[0, 3, b'a', 0xC0, 0xAF],
        ),
        hostile(
            "publish-surrogate-topic",
            encoding,
            "a topic name with the surrogate U+D800",
            0x30,
            &[0, 3, 0xED, 0xA0, 0x80],
        ),
        hostile(
            "publish-topic-with-nul",
            &["MQTT-1.5.3-2"],
            "a topic name with U+0000",
            0x30,
            &[0, 3, b'a', 0, b'b'],
        ),
        hostile(
            "publish-topic-past-the-end",
            topic,
            "a PUBLISH that ends within its topic name",
            0x30,
            &[0, 9, b'a'],
        ),
        hostile(
            "publish-no-topic",
            topic,
            "a PUBLISH of remaining length 0",
            0x30,
            &[],
        ),
        hostile(
            "publish-topic-length-cut",
            topic,
            "a PUBLISH of remaining length 1",
            0x30,
            &[0],
        ),
        hostile(
            "publish-no-id",
            &["MQTT-2.3.1-1", "MQTT-4.8.0-1"],
            "a PUBLISH at QoS 1 that ends before its packet identifier",
            0x32,
            &[0, 1, b'a'],
        ),
        hostile(
            "publish-half-an-id",
            &["MQTT-2.3.1-1", "MQTT-4.8.0-1"],
            "a PUBLISH at QoS 2 that ends within its packet identifier",
            0x34,
            &[0, 1, b'a', 0],
        ),
        hostile(
            "publish-qos-1-half-an-id",
            &["MQTT-2.3.1-1", "MQTT-4.8.0-1"],
            "a PUBLISH at QoS 1 that ends within its packet identifier",
            0x32,
            &[0, 1, b'a', 0],
        ),
        hostile(
            "publish-qos-2-no-id",
            &["MQTT-2.3.1-1", "MQTT-4.8.0-1"],
            "a PUBLISH at QoS 2 that ends before its packet identifier",
            0x34,
            &[0, 1, b'a'],
        ),
    ]
    .into_iter()
    .chain(wildcards())
    .chain(encodings())
    .chain(largest_names())
    .collect()
}

/// §4.7.1: wherever it stands, a wildcard is none in a topic name, and forbidden there.
fn wildcards() -> impl Iterator<Item = Hostile> {
    let wildcard: &[&str] = &["MQTT-4.7.1-1", "MQTT-3.3.2-2", "MQTT-4.8.0-1"];
    [
        ("hash-alone", "#"),
        ("plus-alone", "+"),
        ("hash-within-a-level", "fp/probe/a#b"),
        ("plus-within-a-level", "fp/probe/a+b"),
        ("plus-in-the-first-level", "+/probe/a"),
    ]
    .into_iter()
    .map(move |(name, topic)| {
        hostile_raw(
            &format!("publish-topic-{name}"),
            wildcard,
            &format!("a PUBLISH to `{topic}`"),
            &publish(topic, 0, 0, false, false, b"x"),
        )
    })
}

/// What RFC 3629 does not let stand in UTF-8; a row for each of its rules.
fn encodings() -> impl Iterator<Item = Hostile> {
    let encoding: &[&str] = &["MQTT-1.5.3-1"];
    let nul: &[&str] = &["MQTT-1.5.3-2", "MQTT-4.7.3-2"];
    let rows: [(&str, &[&str], &str, &[u8]); 16] = [
        (
            "lone-continuation",
            encoding,
            "a continuation byte without a first byte",
            b"a\x80b",
        ),
        (
            "cut-short",
            encoding,
            "a character of three bytes that the topic's end cuts",
            b"a\xE2\x82",
        ),
        (
            "cut-by-ascii",
            encoding,
            "a character of four bytes that another one cuts",
            b"a\xF0\x9F\x98b",
        ),
        (
            "five-byte-form",
            encoding,
            "a form of five bytes",
            b"a\xF8\x88\x80\x80\x80",
        ),
        (
            "six-byte-form",
            encoding,
            "a form of six bytes",
            b"a\xFC\x84\x80\x80\x80\x80",
        ),
        (
            "byte-fe",
            encoding,
            "the byte FE, which begins nothing",
            b"a\xFEb",
        ),
        (
            "byte-ff",
            encoding,
            "the byte FF, which begins nothing",
            b"a\xFFb",
        ),
        (
            "beyond-10ffff",
            encoding,
            "a code point beyond U+10FFFF",
            b"a\xF4\x90\x80\x80",
        ),
        (
            "low-surrogate",
            encoding,
            "the surrogate U+DFFF",
            b"a\xED\xBF\xBF",
        ),
        (
            "surrogate-pair",
            encoding,
            "a character as two surrogates (CESU-8)",
            b"a\xED\xA0\xBD\xED\xB8\x80",
        ),
        (
            "overlong-of-three",
            encoding,
            "`/` in three bytes",
            b"a\xE0\x80\xAF",
        ),
        (
            "overlong-of-four",
            encoding,
            "`/` in four bytes",
            b"a\xF0\x80\x80\xAF",
        ),
        // Some programs write U+0000 so, that it may pass where a zero byte would not.
        (
            "overlong-nul",
            encoding,
            "U+0000 in two bytes",
            b"a\xC0\x80",
        ),
        ("nul-first", nul, "U+0000 as its first character", b"\0ab"),
        (
            "nul-last",
            nul,
            "U+0000 as its last character",
            b"fp/probe/a\0",
        ),
        ("nul-alone", nul, "U+0000 as its only character", b"\0"),
    ];
    rows.into_iter().map(|(name, statements, what, topic)| {
        hostile_raw(
            &format!("publish-topic-{name}"),
            statements,
            &format!("a topic name with {what}"),
            &message_to(topic),
        )
    })
}

/// Topic names of 65,535 bytes, wrong in the last of them: no small device holds such a name.
fn largest_names() -> impl Iterator<Item = Hostile> {
    let rows: [(&str, &[&str], &str, u8); 3] = [
        (
            "wildcard",
            &["MQTT-4.7.1-1", "MQTT-3.3.2-2"],
            "a wildcard",
            b'#',
        ),
        ("nul", &["MQTT-1.5.3-2"], "U+0000", 0),
        (
            "half-a-character",
            &["MQTT-1.5.3-1"],
            "half a character",
            0xC3,
        ),
    ];
    rows.into_iter().map(|(name, statements, what, last)| {
        let mut topic = b"fp/probe/".to_vec();
        topic.resize(usize::from(u16::MAX) - 1, b'a');
        topic.push(last);
        hostile_raw(
            &format!("publish-largest-topic-{name}"),
            statements,
            &format!("a topic name of 65,535 bytes that ends in {what}"),
            &message_to(&topic),
        )
        .large()
    })
}

/// A QoS 0 message with this topic name, whatever its bytes.
pub(super) fn message_to(topic: &[u8]) -> Vec<u8> {
    let length = u16::try_from(topic.len()).unwrap_or(u16::MAX);
    packet(0x30, &[&length.to_be_bytes(), topic, b"x"].concat())
}
