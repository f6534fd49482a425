//! Hundreds of malformed packets through one running device: the tables of `malformed` and `unexpected`, every first
//! byte that no server may send, and every byte that begins no character. Each row has a connection of its own, since
//! the device closes it. A row that is judged by a case of its own too tells there what it is about.

use std::time::Duration;

use tokio::time::Instant;

use super::hostile::{Hostile, hostile, hostile_raw};
use super::malformed_message::message_to;
use super::scene::{begin, lives_on};
use super::{malformed, unexpected};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Level, require};
use crate::peers::mqtt_bytes::connack;
use crate::profile::Capability::{Configure, Mqtt, Reconnects, TimeScale};

/// Less than the device's own time limits in wall time, so that it closed for the packet.
const AT_ONCE: Duration = Duration::from_secs(1);

pub(super) fn cases() -> Vec<Case> {
    vec![
        swept("in-session", "behind CONNACK", in_session, true),
        swept(
            "before-connack",
            "in the place of CONNACK",
            before_connack,
            false,
        ),
    ]
}

fn in_session() -> Vec<Hostile> {
    let table = malformed::rows().into_iter();
    let must = table.filter(|row| row.level == Level::Must);
    must.chain(first_bytes())
        .chain(first_bytes_of_characters())
        .collect()
}

fn before_connack() -> Vec<Hostile> {
    [
        unexpected::from_clients(),
        unexpected::early(),
        in_session(),
    ]
    .concat()
}

/// Every first byte with a remaining length of 2 and a body of 0 and 1 that table 2.1, table 2.2 and §3.3.1 forbid.
fn first_bytes() -> impl Iterator<Item = Hostile> {
    (0..=255).filter_map(|first: u8| {
        let flags = first & 0x0F;
        let statements: &'static [&'static str] = match first >> 4 {
            // Forbidden, and from clients only.
            0 | 15 => &["MQTT311-2.2.1-1"],
            1 | 8 | 10 | 12 | 14 => &["MQTT311-2.2-1"],
            // Both QoS bits; DUP at QoS 0; and a topic name of one byte that is not there.
            3 if flags & 6 == 6 => &["MQTT-3.3.1-4"],
            3 if flags & 14 == 8 => &["MQTT-3.3.1-2"],
            3 => &["MQTT-3.3.2-1"],
            // A SUBACK without codes, a PINGRESP with a body.
            9 if flags == 0 => &["MQTT-3.8.4-5"],
            13 if flags == 0 => &["MQTT311-3.13.1-1"],
            // A CONNACK has reserved flags in its body; as a second one it is not for here.
            2 if flags == 0 => return None,
            // An acknowledgement of nothing, which the device may pass over.
            4 | 5 | 7 | 11 if flags == 0 => return None,
            6 if flags == 2 => return None,
            _ => &["MQTT-2.2.2-2"],
        };
        let (name, what) = (
            format!("first-byte-{first:02x}"),
            format!("first byte 0x{first:02X}"),
        );
        Some(hostile(&name, statements, &what, first, &[0, 1]))
    })
}

/// RFC 3629 §3: the bytes that begin no character.
fn first_bytes_of_characters() -> impl Iterator<Item = Hostile> {
    (0x80..=0xC1).chain(0xF5..=0xFF).map(|byte: u8| {
        let name = format!("character-{byte:02x}");
        let what = format!("a topic name with a character that begins with 0x{byte:02X}");
        let topic = [b"fp/probe/", &[byte][..], &[0x80; 3]].concat();
        hostile_raw(&name, &["MQTT-1.5.3-1"], &what, &message_to(&topic))
    })
}

fn swept(name: &str, when: &str, rows: fn() -> Vec<Hostile>, accepted: bool) -> Case {
    Case::must(
        format!("mqtt/sweep/{name}"),
        &["MQTT-4.8.0-1", "MQTT-2.2.2-2", "MQTT-1.5.3-1", "MQTT311-2.2-1"],
        format!("One running device closes the connection at once on each of hundreds of malformed packets {when}"),
        move |bench: Bench| async move {
            // As short as the device can wait: 10 ms of its time before each connection.
            bench.scale_time(100);
            let mut broker = begin(&bench, |mqtt| {
                mqtt.backoff_min_ms = 10;
                mqtt.backoff_max_ms = 10;
                mqtt.keep_alive_s = 0;
            })
            .await?;
            let rows = rows();
            let began = Instant::now();
            for row in &rows {
                let mut connection = broker.accept(PATIENCE).await?;
                connection.expect_connect(PATIENCE).await?;
                let bytes = if accepted {
                    [connack(0, 0), row.bytes.clone()].concat()
                } else {
                    row.bytes.clone()
                };
                connection.send(&bytes).await?;
                let farewell = connection.closes(AT_ONCE).await?;
                require(
                    farewell.end.is_some(),
                    row.statements[0],
                    format!("the device closes the connection on {} ({})", row.what, row.name),
                    format!("open after {} ms", AT_ONCE.as_millis()),
                )?;
            }
            let took = began.elapsed().as_secs_f64();
            let metrics = &bench.evidence().metrics;
            metrics.set("rows_count", rows.len() as f64);
            metrics.set("rows_per_s", rows.len() as f64 / took);
            lives_on(&bench, &mut broker, "MQTT-4.8.0-1").await
        },
    )
    .needs(&[Mqtt, Configure, Reconnects, TimeScale])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sweep_has_hundreds_of_rows() {
        assert!(in_session().len() > 350, "{}", in_session().len());
        assert!(before_connack().len() > 350);
    }
}
