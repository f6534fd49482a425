//! CONNACK (§3.2): its codes, its flags, its length, and when it comes.

use super::hostile::{Hostile, hostile, hostile_raw};
use super::scene::{SUBSCRIBES, begin, begin_session, hears_out, lives_on, refuses, takes_message};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::mqtt_bytes::{connack, publish};
use crate::peers::mqtt_packet::ClientPacket;
use crate::profile::Capability;

/// §3.2.2.3, table 3.1, and three of the reserved codes.
const REFUSALS: [(u8, &str); 8] = [
    (1, "unacceptable-protocol-version"),
    (2, "identifier-rejected"),
    (3, "server-unavailable"),
    (4, "bad-user-name-or-password"),
    (5, "not-authorised"),
    (6, "reserved"),
    (127, "reserved"),
    (255, "reserved"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![accepted()];
    for (code, meaning) in REFUSALS {
        cases.push(refusal(code, meaning, false));
        cases.push(refusal(code, meaning, true));
    }
    cases.extend(
        malformed()
            .into_iter()
            .map(|row| row.instead_of_connack("connack")),
    );
    cases.extend(
        not_first()
            .into_iter()
            .map(|row| row.instead_of_connack("connack")),
    );
    cases.extend([short(), late(), absent(), twice()]);
    cases
}

fn accepted() -> Case {
    Case::must(
        "mqtt/connack/code-0-accepted",
        &["MQTT-4.3.2-2"],
        "The device uses a connection that the server accepts",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            takes_message(&mut connection, "MQTT-4.3.2-2", 1).await
        },
    )
    .needs(&[Capability::Mqtt, SUBSCRIBES])
}

/// A refused device sends nothing more, though the server has ended its side only, and lives on.
fn refusal(code: u8, meaning: &str, session_present: bool) -> Case {
    let statements: &'static [&'static str] = if code < 6 {
        &["MQTT311-3.2.2.3-1"]
    } else {
        &["MQTT311-3.2.2.3-2"]
    };
    let suffix = if session_present {
        "-session-present"
    } else {
        ""
    };
    Case::must(
        format!("mqtt/connack/code-{code}-{meaning}{suffix}"),
        statements,
        format!(
            "The device does not use a connection whose CONNACK has code {code} and session present {}",
            u8::from(session_present)
        ),
        move |bench| async move {
            let statement = statements[0];
            let mut broker = begin(&bench, |_| ()).await?;
            let mut connection = broker.accept(PATIENCE).await?;
            connection.expect_connect(PATIENCE).await?;
            hears_out(&mut connection).await?;
            connection.send(&connack(u8::from(session_present), code)).await?;
            // The server must close (MQTT-3.2.2-5), so a device that waits for it must not fail.
            connection.finish();
            let farewell = connection.closes(PATIENCE).await?;
            if let Some(packet) = farewell
                .packets
                .iter()
                .find(|p| **p != ClientPacket::Disconnect)
            {
                return Err(Stop::fail(statement, "no further packet on the refused connection", packet.to_string()));
            }
            drop(connection);
            lives_on(&bench, &mut broker, statement).await
        },
    )
    .needs(&[Capability::Mqtt])
}

fn malformed() -> Vec<Hostile> {
    let flags: &[&str] = &["MQTT311-3.2.2.1-1", "MQTT-4.8.0-1"];
    let header: &[&str] = &["MQTT-2.2.2-2"];
    let length: &[&str] = &["MQTT311-3.2.1-1", "MQTT-4.8.0-1"];
    vec![
        hostile(
            "reserved-flag-bit-1",
            flags,
            "a CONNACK with the reserved flag bit 1",
            0x20,
            &[0x02, 0],
        ),
        hostile(
            "reserved-flag-bit-7",
            flags,
            "a CONNACK with the reserved flag bit 7",
            0x20,
            &[0x80, 0],
        ),
        hostile(
            "reserved-flags-with-session-present",
            flags,
            "a CONNACK with session present and all reserved flags",
            0x20,
            &[0xFF, 0],
        ),
        hostile(
            "reserved-flags-with-refusal",
            flags,
            "a CONNACK with a reserved flag and a refusing code",
            0x20,
            &[0x02, 5],
        ),
        hostile(
            "fixed-header-flags",
            header,
            "a CONNACK whose fixed header flags are not 0",
            0x21,
            &[0, 0],
        ),
        hostile(
            "length-0",
            length,
            "a CONNACK of remaining length 0",
            0x20,
            &[],
        ),
        hostile(
            "length-1",
            length,
            "a CONNACK of remaining length 1",
            0x20,
            &[0],
        ),
        hostile(
            "length-3",
            length,
            "a CONNACK of remaining length 3",
            0x20,
            &[0, 0, 0],
        ),
        hostile_raw(
            "length-of-five-bytes",
            &["MQTT311-2.2.3-1"],
            "a CONNACK whose remaining length has five bytes",
            &[0x20, 0x82, 0x80, 0x80, 0x80, 0x00, 0, 0],
        ),
    ]
}

fn not_first() -> Vec<Hostile> {
    let first: &[&str] = &["MQTT-4.8.0-1"];
    vec![
        hostile_raw(
            "publish-before-it",
            first,
            "a PUBLISH before CONNACK (MQTT-3.2.0-1)",
            &publish("fp/probe/a", 0, 0, false, false, b"early"),
        ),
        hostile(
            "pingresp-before-it",
            first,
            "a PINGRESP before CONNACK (MQTT-3.2.0-1)",
            0xD0,
            &[],
        ),
        hostile(
            "suback-before-it",
            first,
            "a SUBACK before CONNACK (MQTT-3.2.0-1)",
            0x90,
            &[0, 1, 0],
        ),
        hostile(
            "puback-before-it",
            first,
            "a PUBACK before CONNACK (MQTT-3.2.0-1)",
            0x40,
            &[0, 1],
        ),
    ]
}

fn short() -> Case {
    let statement = "MQTT311-3.2.1-1";
    Case::must(
        "mqtt/connack/cut-short",
        &[statement],
        "The device does not take a CONNACK for whole that the connection's end cuts short",
        move |bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let mut connection = broker.accept(PATIENCE).await?;
            connection.expect_connect(PATIENCE).await?;
            hears_out(&mut connection).await?;
            connection.send(&connack(0, 0)[..3]).await?;
            connection.finish();
            let farewell = connection.closes(PATIENCE).await?;
            if let Some(packet) = farewell.packets.first() {
                return Err(Stop::fail(
                    statement,
                    "no packet before CONNACK is whole",
                    packet.to_string(),
                ));
            }
            drop(connection);
            lives_on(&bench, &mut broker, statement).await
        },
    )
    .needs(&[Capability::Mqtt])
}

/// The device waits as long as it was told, and no shorter.
fn late() -> Case {
    let statement = "MQTT311-3.2-1";
    Case::new(
        Level::Should,
        "mqtt/connack/late",
        &[statement],
        "The device uses a connection whose CONNACK comes late, but in time",
        move |bench: Bench| async move {
            bench.scale_time(10);
            let mut broker = begin(&bench, |mqtt| mqtt.response_timeout_s = 60).await?;
            let mut connection = broker.accept(PATIENCE).await?;
            connection.expect_connect(PATIENCE).await?;
            let early = connection.closes(bench.device_time(10.0)).await?;
            require(
                early.end.is_none() && early.packets.is_empty(),
                statement,
                "the device waits for CONNACK for 60 s of its time",
                format!("after 10 s or less: {early:?}"),
            )?;
            connection.accepted(false).await?;
            connection.grant_subscribe(PATIENCE).await?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Capability::Mqtt, Capability::Configure])
}

fn absent() -> Case {
    let statement = "MQTT311-3.2-1";
    Case::new(
        Level::Should,
        "mqtt/connack/absent",
        &[statement],
        "The device closes a connection on which no CONNACK comes in time",
        move |bench: Bench| async move {
            bench.scale_time(10);
            let mut broker = begin(&bench, |mqtt| mqtt.response_timeout_s = 10).await?;
            let mut connection = broker.accept(PATIENCE).await?;
            connection.expect_connect(PATIENCE).await?;
            let farewell = connection
                .closes(bench.device_time(10.0) + PATIENCE)
                .await?;
            require(
                farewell.end.is_some(),
                statement,
                "the device gives up after 10 s of its time",
                "it kept waiting",
            )?;
            drop(connection);
            lives_on(&bench, &mut broker, statement).await
        },
    )
    .needs(&[Capability::Mqtt, Capability::Configure])
}

/// Policy: the specification forbids a second CONNECT in so many words, a second CONNACK only by its sense.
fn twice() -> Case {
    let statement = "MQTT-4.8.0-1";
    Case::new(
        Level::Policy,
        "mqtt/connack/twice",
        &[statement],
        "The device closes the connection on a second CONNACK",
        move |bench: Bench| async move { second_connack(bench, statement).await },
    )
    .needs(&[Capability::Mqtt, SUBSCRIBES])
}

async fn second_connack(bench: Bench, statement: &str) -> Judged {
    let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
    connection.send(&connack(0, 0)).await?;
    refuses(&bench, &mut broker, connection, statement).await
}
