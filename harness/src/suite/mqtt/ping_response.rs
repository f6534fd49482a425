//! PINGRESP (§3.13): missing, late, unasked and doubled, in the device's own time.

use tokio::time::Instant;

use super::keep_alive::{PAUSE, TRANSPORT};
use super::scene::{PROBE, SUBSCRIBES, begin_session, lives_on, takes_message};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Level, require};
use crate::peers::mqtt_bytes::{pingresp, publish};
use crate::peers::mqtt_packet::ClientPacket;
use crate::profile::Capability::{Configure, Mqtt, Setting, TimeScale};
use crate::profile::Setting::KeepAlive;

pub(super) fn cases() -> Vec<Case> {
    vec![
        pingresp_missing(),
        pingresp_unasked(),
        pingresp_late(),
        pingresp_twice(),
        pingresp_missing_while_receiving(),
    ]
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

fn pingresp_late() -> Case {
    let statement = "MQTT311-3.1.2.10-1";
    Case::new(
        Level::Should,
        "mqtt/keep-alive/pingresp-late",
        &[statement],
        "A PINGRESP that comes late, but within the time that the device was told to wait, keeps the connection",
        move |bench: Bench| async move {
            bench.scale_time(10);
            let (_broker, mut connection) = begin_session(&bench, |mqtt| {
                mqtt.keep_alive_s = 8;
                mqtt.response_timeout_s = 40;
            })
            .await?;
            connection.answer_pings(false);
            connection
                .expect(PAUSE, "PINGREQ", bench.device_time(8.0) + TRANSPORT, |p| {
                    *p == ClientPacket::Pingreq
                })
                .await?;
            let early = connection.closes(bench.device_time(15.0)).await?;
            require(
                early.end.is_none(),
                statement,
                "the device waits for PINGRESP for 40 s of its time",
                format!("after 15 s or less: {:?}", early.end),
            )?;
            let pinged = 1 + early.packets.len();
            connection.send(&pingresp().repeat(pinged)).await?;
            connection.answer_pings(true);
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Configure, TimeScale])
}

fn pingresp_twice() -> Case {
    let statement = "FIRMPROOF-MQTT-8";
    Case::new(
        Level::Policy,
        "mqtt/keep-alive/pingresp-twice",
        &[statement, PAUSE],
        "A PINGREQ that is answered twice is followed by the next one in time",
        move |bench: Bench| async move {
            bench.scale_time(10);
            let (_broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.keep_alive_s = 8).await?;
            connection.answer_pings(false);
            for _ in 0..3 {
                connection
                    .expect(PAUSE, "PINGREQ", bench.device_time(8.0) + TRANSPORT, |p| {
                        *p == ClientPacket::Pingreq
                    })
                    .await?;
                connection.send(&pingresp().repeat(2)).await?;
            }
            takes_message(&mut connection, statement, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Setting(KeepAlive), TimeScale])
}

/// Traffic from the server shows that it lives, but a server that never answers PINGREQ breaks MQTT-3.12.4-1.
fn pingresp_missing_while_receiving() -> Case {
    let statement = "MQTT311-3.1.2.10-1";
    Case::new(
        Level::Should,
        "mqtt/keep-alive/pingresp-missing-while-receiving",
        &[statement],
        "Messages are no PINGRESP: a device that receives all the time closes all the same when none comes",
        move |bench: Bench| async move {
            bench.scale_time(10);
            let (mut broker, mut connection) = begin_session(&bench, |mqtt| {
                mqtt.keep_alive_s = 8;
                mqtt.response_timeout_s = 10;
            })
            .await?;
            connection.answer_pings(false);
            let until = Instant::now() + bench.device_time(60.0) + PATIENCE;
            loop {
                connection
                    .send(&publish(PROBE, 0, 0, false, false, b"chatter"))
                    .await?;
                let farewell = connection.closes(bench.device_time(1.0)).await?;
                if farewell.end.is_some() {
                    break;
                }
                require(
                    Instant::now() < until,
                    statement,
                    "the device closes 10 s of its time after its PINGREQ",
                    "the connection is open",
                )?;
            }
            drop(connection);
            lives_on(&bench, &mut broker, statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Configure, TimeScale])
}
