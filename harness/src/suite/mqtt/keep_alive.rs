//! Keep alive (§3.1.2.10, §3.12, §3.13), in the device's own time.

use std::time::Duration;

use tokio::time::Instant;

use super::scene::{PROBE, SUBSCRIBES, begin_session, lives_on, takes_message};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::mqtt_bytes::{pingresp, publish};
use crate::peers::mqtt_packet::ClientPacket;
use crate::peers::scripted_broker::{BrokerError, Connection};
use crate::profile::Capability::{Configure, Mqtt, Setting, TimeScale};
use crate::profile::Setting::KeepAlive;

const PAUSE: &str = "MQTT-3.1.2-23";
/// For the way from the device to the harness, in wall time.
const TRANSPORT: Duration = Duration::from_millis(150);

pub(super) fn cases() -> Vec<Case> {
    vec![
        in_time("pingreq-in-time", 10, 20).needs(&[TimeScale]),
        in_time("pingreq-in-time-unscaled", 1, 5),
        only_receiving(),
        zero(),
        pingresp_missing(),
        pingresp_unasked(),
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

fn pingresp_missing() -> Case {
    let statement = "MQTT311-3.1.2.10-1";
    Case::new(
        Level::Should,
        "mqtt/keep-alive/pingresp-missing",
        &[statement],
        "A device that gets no PINGRESP in time closes the connection",
        move |bench: Bench| async move {
            bench.scale_time(10);
            let (mut broker, mut connection) = begin_session(&bench, |mqtt| {
                mqtt.keep_alive_s = 20;
                mqtt.response_timeout_s = 10;
            })
            .await?;
            connection.answer_pings(false);
            let farewell = connection
                .closes(bench.device_time(30.0) + PATIENCE)
                .await?;
            require(
                farewell.packets.contains(&ClientPacket::Pingreq),
                PAUSE,
                "PINGREQ",
                "none before the connection's end",
            )?;
            require(
                farewell.end.is_some(),
                statement,
                "the device closes 10 s of its time after its PINGREQ",
                "the connection is open",
            )?;
            drop(connection);
            lives_on(&bench, &mut broker, statement).await
        },
    )
    .needs(&[Mqtt, Configure, TimeScale])
}

fn pingresp_unasked() -> Case {
    let statement = "FIRMPROOF-MQTT-8";
    Case::new(
        Level::Policy,
        "mqtt/keep-alive/pingresp-unasked",
        &[statement],
        "A PINGRESP that nobody asked for does not stop the device",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            connection.send(&pingresp()).await?;
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}
