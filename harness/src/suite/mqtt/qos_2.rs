//! The steps of a QoS 2 flow (§4.3.3), in both directions, and the end of any flow of the device.

use super::flight::next_but_subscribe;
use super::scene::{PROBE, told};
use crate::bench::{Bench, PATIENCE};
use crate::case::Judged;
use crate::peers::mqtt_bytes::{publish, pubrel};
use crate::peers::mqtt_packet::{ClientPacket, Publish};
use crate::peers::scripted_broker::Connection;

/// What a receiver at QoS 2 does.
pub(super) const EXACTLY_ONCE: &str = "MQTT-4.3.3-2";
/// What a sender at QoS 2 does.
pub(super) const SENDER: &str = "MQTT-4.3.3-1";

/// The packet identifier; the decoder has made sure that QoS 1 and 2 have one.
pub(super) fn id_of(message: &Publish) -> u16 {
    message.id.unwrap_or_default()
}

/// The next packet is the PUBREC of `id`.
pub(super) async fn recorded(connection: &mut Connection, id: u16) -> Judged {
    connection
        .expect(EXACTLY_ONCE, &format!("PUBREC id={id}"), PATIENCE, |p| {
            *p == ClientPacket::Pubrec(id)
        })
        .await?;
    Ok(())
}

/// Sends QoS 2 and awaits PUBREC.
pub(super) async fn sends_qos_2(
    connection: &mut Connection,
    id: u16,
    dup: bool,
    payload: &[u8],
) -> Judged {
    connection
        .send(&publish(PROBE, 2, id, dup, false, payload))
        .await?;
    recorded(connection, id).await
}

/// Sends PUBREL and awaits PUBCOMP.
pub(super) async fn completes(connection: &mut Connection, id: u16) -> Judged {
    connection.send(&pubrel(id)).await?;
    completed(connection, id).await
}

/// The next packet but a SUBSCRIBE is the PUBCOMP of `id`.
pub(super) async fn completed(connection: &mut Connection, id: u16) -> Judged {
    next_but_subscribe(connection, EXACTLY_ONCE, &format!("PUBCOMP id={id}"), |p| {
        *p == ClientPacket::Pubcomp(id)
    })
    .await?;
    Ok(())
}

/// Sends a QoS 2 message again on a resumed session, and completes its flow.
pub(super) async fn repeated(connection: &mut Connection, id: u16, payload: &[u8]) -> Judged {
    connection
        .send(&publish(PROBE, 2, id, true, false, payload))
        .await?;
    next_but_subscribe(connection, EXACTLY_ONCE, &format!("PUBREC id={id}"), |p| {
        *p == ClientPacket::Pubrec(id)
    })
    .await?;
    completes(connection, id).await
}

/// The device's next packet but a SUBSCRIBE is the PUBREL of `id`.
pub(super) async fn released(connection: &mut Connection, id: u16) -> Judged {
    next_but_subscribe(connection, SENDER, &format!("PUBREL id={id}"), |p| {
        *p == ClientPacket::Pubrel(id)
    })
    .await?;
    Ok(())
}

/// The device tells that the flow of `message` is over.
pub(super) async fn acknowledged(bench: &Bench, statement: &str, message: &Publish) -> Judged {
    let id = id_of(message).to_string();
    told(
        bench,
        statement,
        &format!("event=mqtt.acked id={id}"),
        |line| line.is("mqtt.acked") && line.field("id") == Some(&id),
    )
    .await?;
    Ok(())
}
