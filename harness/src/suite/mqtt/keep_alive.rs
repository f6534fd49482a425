//! Keep alive (§3.1.2.10, §3.12), in the device's own time. What is about PINGRESP is in `ping_response`.

use std::time::Duration;

use tokio::time::Instant;

use super::flight::published;
use super::qos_2::{EXACTLY_ONCE, completes, id_of, sends_qos_2};
use super::scene::{PROBE, SUBSCRIBES, acknowledges, begin_session, takes_message};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::mqtt_bytes::{pingresp, puback, publish};
use crate::peers::mqtt_packet::ClientPacket;
use crate::peers::scripted_broker::{BrokerError, Connection};
use crate::profile::Capability::{Command, Configure, Mqtt, Setting, TimeScale};
use crate::profile::Setting::KeepAlive;

pub(super) const PAUSE: &str = "MQTT-3.1.2-23";
/// For the way from the device to the harness, in wall time.
pub(super) const TRANSPORT: Duration = Duration::from_millis(150);

pub(super) fn cases() -> Vec<Case> {
    vec![
        in_time("pingreq-in-time", 10, 20).needs(&[TimeScale]),
        in_time("pingreq-in-time-unscaled", 1, 5).long(),
        only_receiving(),
        zero(),
        largest_is_patient(),
        postponed_by_messages(),
        during_a_flow(),
        while_a_packet_trickles_in(),
    ]
}

/// Answers what the device sends until it has sent `pings` PINGREQs, or enough else, no pause longer than `pause`.
async fn pings(connection: &mut Connection, pings: u32, pause: Duration) -> Judged {
    let until = Instant::now() + pause * (pings + 1);
    let mut seen = 0;
    while seen < pings && Instant::now() < until {
        let what = "a packet before keep alive has passed";
        let packet = connection
            .expect(PAUSE, what, pause + TRANSPORT, |_| true)
            .await?;
        if packet == ClientPacket::Pingreq {
            seen += 1;
            connection.send(&pingresp()).await?;
        } else {
            connection.answer_own(&packet).await?;
        }
    }
    Ok(())
}

fn in_time(name: &str, scale: u16, keep_alive_s: u16) -> Case {
    Case::must(
        format!("mqtt/keep-alive/{name}"),
        &[PAUSE],
        format!("With a keep alive of {keep_alive_s} s at time scale {scale}, no pause between the device's packets is longer"),
        move |bench: Bench| async move {
            bench.scale_time(scale);
            let (_broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.keep_alive_s = keep_alive_s).await?;
            // Every packet ends a pause, so each is to be seen here.
            connection.acknowledge_nothing();
            connection.answer_pings(false);
            pings(&mut connection, 2, bench.device_time(keep_alive_s.into())).await?;
            bench.alive(PAUSE).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Setting(KeepAlive)])
}

/// Keep alive counts what the client sends; what it receives is no excuse.
fn only_receiving() -> Case {
    Case::must(
        "mqtt/keep-alive/pingreq-while-only-receiving",
        &[PAUSE],
        "A device that receives all the time and has nothing to send sends PINGREQ all the same",
        |bench: Bench| async move {
            bench.scale_time(10);
            let (_broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.keep_alive_s = 20).await?;
            connection.acknowledge_nothing();
            connection.answer_pings(false);
            let pause = bench.device_time(20.0);
            let mut until = Instant::now() + pause + TRANSPORT;
            loop {
                connection
                    .send(&publish(PROBE, 0, 0, false, false, b"chatter"))
                    .await?;
                match connection.next(pause / 20).await {
                    Ok(Some(ClientPacket::Pingreq)) => return Ok(()),
                    Ok(Some(packet)) if connection.answer_own(&packet).await? => {
                        until = Instant::now() + pause + TRANSPORT;
                    }
                    Err(BrokerError::Late(_)) if Instant::now() < until => (),
                    Err(BrokerError::Late(_)) => {
                        return Err(Stop::fail(
                            PAUSE,
                            "PINGREQ before keep alive has passed",
                            "only silence, while it received",
                        ));
                    }
                    Ok(other) => {
                        let seen = other.map_or("the connection's end".into(), |p| p.to_string());
                        return Err(Stop::fail(PAUSE, "PINGREQ", seen));
                    }
                    Err(other) => return Err(other.into()),
                }
            }
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Setting(KeepAlive), TimeScale])
}

/// PINGREQ is not forbidden then (§3.12), but nothing may hang on its answer.
fn zero() -> Case {
    let statement = "MQTT311-3.1.2.10-2";
    Case::must(
        "mqtt/keep-alive/zero-turns-it-off",
        &[statement],
        "With keep alive 0 the device keeps a silent connection for a minute of its time, whatever is not answered",
        move |bench: Bench| async move {
            bench.scale_time(30);
            let (_broker, mut connection) = begin_session(&bench, |mqtt| {
                mqtt.keep_alive_s = 0;
                mqtt.response_timeout_s = 10;
            })
            .await?;
            connection.answer_pings(false);
            let farewell = connection.closes(bench.device_time(60.0)).await?;
            require(
                farewell.end.is_none(),
                statement,
                "an open connection after 60 s of the device's time",
                format!("{:?}", farewell.end),
            )?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, Configure, TimeScale])
}

/// §3.12 lets a client ping at any time; one that need not for 18 hours wastes power and money.
fn largest_is_patient() -> Case {
    let statement = "FIRMPROOF-MQTT-11";
    Case::new(
        Level::Policy,
        "mqtt/keep-alive/no-early-pingreq",
        &[statement],
        "With a keep alive of 65,535 s the device sends no PINGREQ in its first minute of silence",
        move |bench: Bench| async move {
            bench.scale_time(60);
            let (_broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.keep_alive_s = u16::MAX).await?;
            connection.answer_pings(false);
            let farewell = connection.closes(bench.device_time(60.0)).await?;
            require(
                farewell.end.is_none() && !farewell.packets.contains(&ClientPacket::Pingreq),
                statement,
                "an open connection without PINGREQ",
                format!("{farewell:?}"),
            )?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, Configure, TimeScale])
}

/// Keep alive counts from the last packet that the client has sent, whichever that was.
fn postponed_by_messages() -> Case {
    let statement = "FIRMPROOF-MQTT-11";
    Case::new(
        Level::Policy,
        "mqtt/keep-alive/no-pingreq-while-sending",
        &[statement],
        "A device that sends all the time owes no PINGREQ, and sends none",
        move |bench: Bench| async move {
            bench.scale_time(10);
            let (_broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.keep_alive_s = 20).await?;
            connection.answer_pings(false);
            // Twice the keep alive, at the least: a second each.
            for size in 0..40 {
                // Any packet but the message is found by this: PINGREQ too.
                let message = published(&mut connection, size, 1).await?;
                connection.send(&puback(id_of(&message))).await?;
                let farewell = connection.closes(bench.device_time(1.0)).await?;
                require(
                    farewell.packets.is_empty() && farewell.end.is_none(),
                    statement,
                    "nothing but messages",
                    format!("{farewell:?}"),
                )?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, Setting(KeepAlive), TimeScale])
}

/// A flow that waits for the server is no excuse for silence.
fn during_a_flow() -> Case {
    Case::must(
        "mqtt/keep-alive/pingreq-while-a-flow-is-open",
        &[PAUSE, EXACTLY_ONCE],
        "With messages of both ends unacknowledged, the device sends PINGREQ in time, and the flows go on",
        |bench: Bench| async move {
            bench.scale_time(10);
            let (_broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.keep_alive_s = 10).await?;
            connection.answer_pings(false);
            sends_qos_2(&mut connection, 9, false, b"open").await?;
            let own = published(&mut connection, 21, 1).await?;
            pings(&mut connection, 2, bench.device_time(10.0)).await?;
            connection.send(&puback(id_of(&own))).await?;
            completes(&mut connection, 9).await?;
            takes_message(&mut connection, PAUSE, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, Setting(KeepAlive), TimeScale])
}

/// Half a packet in the device's hands does not stop its clock.
fn while_a_packet_trickles_in() -> Case {
    Case::must(
        "mqtt/keep-alive/pingreq-within-a-slow-packet",
        &[PAUSE],
        "While a packet of the server comes in byte by byte for longer than keep alive, the device sends PINGREQ",
        |bench: Bench| async move {
            bench.scale_time(10);
            let (_broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.keep_alive_s = 5).await?;
            connection.acknowledge_nothing();
            connection.answer_pings(false);
            let pause = bench.device_time(5.0);
            let mut owed = Vec::new();
            let message = publish(PROBE, 1, 3, false, false, &[0x55; 60]);
            let mut last = Instant::now();
            let mut pings = 0;
            for byte in &message {
                connection.send(&[*byte]).await?;
                match connection.next(pause / 20).await {
                    Ok(Some(packet)) => {
                        pings += u32::from(packet == ClientPacket::Pingreq);
                        last = Instant::now();
                        // Its answer would end up within the packet.
                        owed.push(packet);
                    }
                    Ok(None) => return Err(Stop::fail(PAUSE, "PINGREQ", "the connection's end")),
                    Err(BrokerError::Late(_)) => (),
                    Err(other) => return Err(other.into()),
                }
                require(
                    last.elapsed() < pause + TRANSPORT,
                    PAUSE,
                    "a packet before keep alive has passed",
                    format!("{} ms of silence", last.elapsed().as_millis()),
                )?;
            }
            require(pings > 0, PAUSE, "PINGREQ within the packet", "none")?;
            // PINGRESP cannot overtake the packet's bytes.
            for _ in 0..pings {
                connection.send(&pingresp()).await?;
            }
            for packet in &owed {
                connection.answer_own(packet).await?;
            }
            connection.answer_pings(true);
            // The last byte may have brought it already.
            if !owed.contains(&ClientPacket::Puback(3)) {
                acknowledges(&mut connection, PAUSE, 3, PATIENCE).await?;
            }
            takes_message(&mut connection, PAUSE, 4).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Setting(KeepAlive), TimeScale])
}
