//! The fixed header of what the device sends (§2.2): every packet type that a client has, judged by the strict decoder.

use super::flight::published;
use super::qos_2::{completes, id_of, released, sends_qos_2};
use super::scene::{DATA, SUBSCRIBES, begin_session, command, takes_message};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Level, require};
use crate::peers::mqtt_bytes::{pingresp, puback, pubcomp, pubrec, suback, unsuback};
use crate::peers::mqtt_packet::ClientPacket;
use crate::profile::Capability::{Command, Mqtt, Setting, TimeScale};
use crate::profile::Setting::KeepAlive;

pub(super) fn cases() -> Vec<Case> {
    vec![every_packet_type(), no_more_bytes_than_needed()]
}

fn every_packet_type() -> Case {
    let statement = "MQTT-2.2.2-1";
    Case::must(
        "mqtt/fixed-header/every-packet-type",
        &[statement, "MQTT-3.6.1-1", "MQTT-3.8.1-1", "MQTT-3.10.1-1"],
        "In a session with each of the eleven packets that a client sends, every fixed header has the flags of table 2.2",
        move |bench: Bench| async move {
            bench.scale_time(10);
            let (_broker, mut connection) =
                begin_session(&bench, |mqtt| mqtt.keep_alive_s = 20).await?;
            connection.answer_pings(false);
            // CONNECT and SUBSCRIBE have come; now PUBLISH at each QoS, and PUBREL.
            published(&mut connection, 10, 0).await?;
            let id = id_of(&published(&mut connection, 11, 1).await?);
            connection.send(&puback(id)).await?;
            let id = id_of(&published(&mut connection, 12, 2).await?);
            connection.send(&pubrec(id)).await?;
            released(&mut connection, id).await?;
            connection.send(&pubcomp(id)).await?;
            // PUBACK, PUBREC, PUBCOMP.
            takes_message(&mut connection, statement, 1).await?;
            sends_qos_2(&mut connection, 2, false, b"recorded").await?;
            completes(&mut connection, 2).await?;
            for (name, arguments) in [
                ("subscribe", "filter=a/b qos=1"),
                ("unsubscribe", "filter=a/b"),
            ] {
                command(&mut connection, name, arguments).await?;
                let asked = connection
                    .expect(statement, name, PATIENCE, |p| {
                        matches!(p, ClientPacket::Subscribe { .. } | ClientPacket::Unsubscribe { .. })
                    })
                    .await?;
                match asked {
                    ClientPacket::Subscribe { id, .. } => connection.send(&suback(id, &[1])).await?,
                    ClientPacket::Unsubscribe { id, .. } => connection.send(&unsuback(id)).await?,
                    _ => (),
                }
            }
            connection
                .expect(statement, "PINGREQ", PATIENCE, |p| *p == ClientPacket::Pingreq)
                .await?;
            connection.send(&pingresp()).await?;
            command(&mut connection, "disconnect", "").await?;
            connection
                .expect(statement, "DISCONNECT", PATIENCE, |p| *p == ClientPacket::Disconnect)
                .await?;
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, Setting(KeepAlive), TimeScale])
}

/// A sender may pad, but a longer form than needed is not what other receivers expect.
fn no_more_bytes_than_needed() -> Case {
    let statement = "FIRMPROOF-MQTT-12";
    Case::new(
        Level::Policy,
        "mqtt/fixed-header/shortest-remaining-length",
        &[statement],
        "The remaining length of what the device publishes takes no more bytes than needed, on both sides of 127 bytes",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            // Two bytes of length, the topic name, no identifier.
            let overhead = 2 + DATA.len();
            for (remaining, bytes) in [(127, 1), (128, 2)] {
                published(&mut connection, remaining - overhead, 0).await?;
                let taken = connection.last_length();
                require(
                    taken == 1 + bytes + remaining,
                    statement,
                    format!("a packet of {} bytes", 1 + bytes + remaining),
                    format!("{taken} bytes"),
                )?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}
