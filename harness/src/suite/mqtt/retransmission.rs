//! Sending again without a reconnect (§4.4): MQTT 3.1.1 asks for it on resumption only, and does not forbid it
//! otherwise. Over TCP it gains nothing, and floods a server that is slow.

use super::flight::published;
use super::qos_2::{acknowledged, id_of, released};
use super::scene::{SUBSCRIBES, begin_session};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, require};
use crate::peers::mqtt_bytes::{puback, pubcomp, pubrec};
use crate::peers::mqtt_packet::ClientPacket;
use crate::peers::scripted_broker::Connection;
use crate::profile::Capability::{Command, Configure, Mqtt, ObserveConsole, TimeScale};

const STATEMENT: &str = "FIRMPROOF-MQTT-10";
/// How long the server is silent, in seconds of the device's time.
const SILENCE_S: f64 = 60.0;

pub(super) fn cases() -> Vec<Case> {
    vec![
        silent("publish-at-qos-1", "a QoS 1 PUBLISH", 1, false),
        silent("publish-at-qos-2", "a QoS 2 PUBLISH", 2, false),
        silent("pubrel", "a PUBREL", 2, true),
    ]
}

fn silent(name: &str, what: &str, qos: u8, release: bool) -> Case {
    Case::new(
        Level::Policy,
        format!("mqtt/retransmission/{name}"),
        &[STATEMENT],
        format!("On a connection that lives, {what} that is not acknowledged for a minute is not sent again"),
        move |bench: Bench| async move {
            bench.scale_time(60);
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let message = published(&mut connection, 21, qos).await?;
            let id = id_of(&message);
            if release {
                connection.send(&pubrec(id)).await?;
                released(&mut connection, id).await?;
            }
            let farewell = connection.closes(bench.device_time(SILENCE_S)).await?;
            let again = farewell.packets.iter().any(|packet| {
                matches!(packet, ClientPacket::Publish(_) | ClientPacket::Pubrel(_))
            });
            bench.observed(if again { "sends it again" } else { "waits" });
            require(
                !again && farewell.end.is_none(),
                STATEMENT,
                "nothing sent again, and an open connection",
                format!("{farewell:?}"),
            )?;
            ends(&mut connection, qos, release, id).await?;
            acknowledged(&bench, STATEMENT, &message).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Configure, Command, ObserveConsole, TimeScale])
}

/// The acknowledgement comes after all.
async fn ends(connection: &mut Connection, qos: u8, released_before: bool, id: u16) -> Judged {
    if qos == 1 {
        return Ok(connection.send(&puback(id)).await?);
    }
    if !released_before {
        connection.send(&pubrec(id)).await?;
        released(connection, id).await?;
    }
    Ok(connection.send(&pubcomp(id)).await?)
}
