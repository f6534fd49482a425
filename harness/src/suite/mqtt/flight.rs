//! Messages of the device in flight: made by command, and found again after a reconnect.

use std::time::Duration;

use super::scene::{DATA, command};
use crate::bench::PATIENCE;
use crate::case::{Judged, Stop, require};
use crate::peers::mqtt_bytes::suback;
use crate::peers::mqtt_packet::{ClientPacket, Publish};
use crate::peers::scripted_broker::Connection;

/// The payload that the device makes on command: byte i is i mod 251.
pub(super) fn pattern(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

/// Makes the device publish `size` bytes; the message, which nobody has acknowledged.
pub(super) async fn published(
    connection: &mut Connection,
    size: usize,
    qos: u8,
) -> Judged<Publish> {
    command(connection, "publish", &format!("size={size} qos={qos}")).await?;
    // No specification bounds how long megabytes take on a busy machine: a second for each 100 kB.
    let deadline = PATIENCE + Duration::from_secs(size as u64 / 100_000);
    let message = message_within(connection, "MQTT-4.1.0-1", deadline).await?;
    require(
        message.qos == qos && !message.dup && !message.retain,
        "MQTT-3.3.1-1",
        format!("a first PUBLISH at QoS {qos}, DUP 0 and RETAIN 0"),
        ClientPacket::Publish(message.clone()).to_string(),
    )?;
    // Compared here, not in a message: payloads of megabytes are no evidence for people.
    require(
        message.payload == pattern(size),
        "MQTT-7.0.0-2",
        format!("a payload of {size} bytes, byte i being i mod 251"),
        format!("{} bytes, other ones", message.payload.len()),
    )?;
    Ok(message)
}

/// The device's next PUBLISH to its data topic.
pub(super) async fn next_message(connection: &mut Connection, statement: &str) -> Judged<Publish> {
    message_within(connection, statement, PATIENCE).await
}

async fn message_within(
    connection: &mut Connection,
    statement: &str,
    deadline: Duration,
) -> Judged<Publish> {
    let is_data = |p: &ClientPacket| matches!(p, ClientPacket::Publish(m) if m.topic == DATA);
    let what = format!("PUBLISH topic={DATA}");
    match connection
        .expect(statement, &what, deadline, is_data)
        .await?
    {
        ClientPacket::Publish(message) => Ok(message),
        other => Err(Stop::fail(statement, what, other.to_string())),
    }
}

/// On a resumed session: the next packet that is no SUBSCRIBE, which is granted (a client may
/// subscribe again, §3.8.4).
pub(super) async fn next_but_subscribe(
    connection: &mut Connection,
    statement: &str,
    what: &str,
    wanted: impl Fn(&ClientPacket) -> bool,
) -> Judged<ClientPacket> {
    // A client that we do not know may do so later, too.
    connection.expects_no_subscribe();
    let is_awaited = |p: &ClientPacket| wanted(p) || matches!(p, ClientPacket::Subscribe { .. });
    loop {
        let packet = connection
            .expect(statement, what, PATIENCE, is_awaited)
            .await?;
        let ClientPacket::Subscribe { id, filters } = &packet else {
            return Ok(packet);
        };
        let codes: Vec<u8> = filters.iter().map(|(_, qos)| *qos).collect();
        connection.send(&suback(*id, &codes)).await?;
    }
}

/// On a resumed session: the device sends `message` again with its identifier and DUP
/// (MQTT-4.4.0-1, MQTT-3.3.1-1).
pub(super) async fn sent_again(connection: &mut Connection, message: &Publish) -> Judged {
    let expected = Publish {
        dup: true,
        ..message.clone()
    };
    let what = ClientPacket::Publish(expected.clone()).to_string();
    next_but_subscribe(
        connection,
        "MQTT-4.4.0-1",
        &what,
        |p| matches!(p, ClientPacket::Publish(seen) if *seen == expected),
    )
    .await?;
    Ok(())
}
