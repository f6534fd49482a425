//! The remaining length (§2.2.3), and packets in whatever segments (§4.2).

use std::time::Duration;

use super::flight::{next_message, published};
use super::hostile::{Hostile, hostile_raw};
use super::scene::{
    PROBE, SUBSCRIBES, acknowledges, begin, begin_session, command, takes_message, told,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop};
use crate::peers::mqtt_bytes::{
    pingresp, puback, publish, pubrel, remaining_length, remaining_length_padded,
};
use crate::peers::mqtt_packet::ClientPacket;
use crate::peers::scripted_broker::Connection;
use crate::profile::Capability::{Command, MaxInboundPacket, Mqtt, ObserveConsole, Setting};
use crate::profile::Setting::KeepAlive;

const BOUNDARIES: &str = "MQTT311-2.2.3-2";

/// Where the encoding grows by a byte, and its end (table 2.4). 0 has a case of its own.
const INBOUND: [usize; 7] = [127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455];
const OUTBOUND: [usize; 6] = [127, 128, 16_383, 16_384, 2_097_151, 2_097_152];
/// What a device without `max_inbound_packet` takes all the same.
const SMALL: usize = 128;
/// For the largest packet there is, over a virtual wire.
const STREAMING: Duration = Duration::from_secs(120);

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![inbound_zero()];
    let [.., longest] = INBOUND;
    cases.extend(INBOUND.map(|length| {
        let case = inbound(length);
        if length == longest { case.long() } else { case }
    }));
    cases.extend(OUTBOUND.map(outbound));
    cases.extend(
        overlong()
            .into_iter()
            .map(|row| row.in_session("remaining-length")),
    );
    cases.extend([non_minimal(), every_split(), header_splits(), joined()]);
    cases.extend([0, 1, 2].map(read_past));
    cases
}

/// The device's own PINGREQ is answered by two bytes, with a message right behind them.
fn inbound_zero() -> Case {
    Case::must(
        "mqtt/remaining-length/inbound-0",
        &[BOUNDARIES],
        "The device takes a packet of remaining length 0 and what follows it at once",
        |bench: Bench| async move {
            bench.scale_time(20);
            let mut broker = begin(&bench, |mqtt| mqtt.keep_alive_s = 20).await?;
            let mut connection = broker.serve_session(PATIENCE).await?;
            connection.answer_pings(false);
            let in_time = bench.device_time(20.0) + PATIENCE;
            connection
                .expect("MQTT-3.1.2-23", "PINGREQ", in_time, |p| {
                    *p == ClientPacket::Pingreq
                })
                .await?;
            // A busy machine may see the next PINGREQ before the answer.
            connection.answer_pings(true);
            let message = publish(PROBE, 1, 1, false, false, b"behind");
            connection.send(&[pingresp(), message].concat()).await?;
            acknowledges(&mut connection, BOUNDARIES, 1, PATIENCE).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Setting(KeepAlive)])
}

/// The head of a QoS 1 PUBLISH of remaining length `n`, and how many bytes of payload it has.
fn head(n: usize, qos: u8, id: u16) -> (Vec<u8>, usize) {
    let mut bytes = vec![0x30 | qos << 1];
    bytes.extend(remaining_length(n));
    bytes.extend((PROBE.len() as u16).to_be_bytes());
    bytes.extend_from_slice(PROBE.as_bytes());
    let mut rest = n - 2 - PROBE.len();
    if qos > 0 {
        bytes.extend(id.to_be_bytes());
        rest -= 2;
    }
    (bytes, rest)
}

fn inbound(n: usize) -> Case {
    let needs: &[_] = if n > SMALL {
        &[Mqtt, SUBSCRIBES, MaxInboundPacket]
    } else {
        &[Mqtt, SUBSCRIBES]
    };
    Case::must(
        format!("mqtt/remaining-length/inbound-{n}"),
        &[BOUNDARIES, "MQTT-4.3.2-2"],
        format!("The device takes a PUBLISH of remaining length {n}, answers it, and is in step with what follows"),
        move |bench: Bench| async move {
            if n > SMALL && (bench.profile().max_inbound_packet as usize) < n {
                return Err(Stop::Skip(MaxInboundPacket));
            }
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let (head, payload) = head(n, 1, 1);
            connection.send_streamed(&head, payload, STREAMING).await?;
            acknowledges(&mut connection, BOUNDARIES, 1, PATIENCE).await?;
            takes_message(&mut connection, BOUNDARIES, 2).await?;
            bench.alive(BOUNDARIES).await
        },
    )
    .needs(needs)
}

fn outbound(n: usize) -> Case {
    Case::must(
        format!("mqtt/remaining-length/outbound-{n}"),
        &[BOUNDARIES],
        format!("The device encodes the remaining length {n} of its own PUBLISH"),
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            // Two bytes of topic length, `fp/dut/data`, two bytes of packet identifier.
            let message = published(&mut connection, n - 15, 1).await?;
            connection
                .send(&puback(message.id.unwrap_or_default()))
                .await?;
            takes_message(&mut connection, BOUNDARIES, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command])
}

fn overlong() -> Vec<Hostile> {
    let statement: &[&str] = &["MQTT311-2.2.3-1", "MQTT-4.8.0-1"];
    let never_ending = [&[0x30][..], &[0x80; 64]].concat();
    let zero = [vec![0xD0], remaining_length_padded(0, 5)].concat();
    vec![
        hostile_raw(
            "five-bytes",
            statement,
            "a remaining length of 268,435,456, which takes five bytes",
            &[0x30, 0x80, 0x80, 0x80, 0x80, 0x01],
        ),
        hostile_raw(
            "five-bytes-largest",
            statement,
            "five bytes of remaining length with all value bits set",
            &[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        ),
        hostile_raw(
            "five-bytes-for-0",
            statement,
            "a PINGRESP whose remaining length 0 takes five bytes",
            &zero,
        ),
        hostile_raw(
            "fourth-byte-continues",
            statement,
            "a fourth byte of remaining length that asks for a fifth, which never comes",
            &[0x30, 0x80, 0x80, 0x80, 0x80],
        )
        // The specification does not say that the fifth byte may not be awaited.
        .policy(),
        hostile_raw(
            "never-ending",
            statement,
            "a remaining length that never ends",
            &never_ending,
        ),
    ]
}

fn non_minimal() -> Case {
    let statement = "FIRMPROOF-MQTT-1";
    Case::new(
        Level::Policy,
        "mqtt/remaining-length/non-minimal",
        &[statement],
        "The device reads a remaining length by its value, though it takes more bytes than needed",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            for length_bytes in 2..=4_u16 {
                let minimal = publish(PROBE, 1, length_bytes, false, false, b"padded");
                let mut bytes = vec![minimal[0]];
                bytes.extend(remaining_length_padded(
                    minimal.len() - 2,
                    length_bytes.into(),
                ));
                bytes.extend_from_slice(&minimal[2..]);
                connection.send(&bytes).await?;
                acknowledges(&mut connection, statement, length_bytes, PATIENCE).await?;
            }
            takes_message(&mut connection, statement, 9).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

const SEGMENTS: &str = "MQTT311-4.2-1";

async fn split(connection: &mut Connection, size: usize, id: u16, cuts: &[usize]) -> Judged {
    let bytes = publish(PROBE, 1, id, false, false, &vec![0x55; size]);
    connection.send_split(&bytes, cuts).await?;
    acknowledges(connection, SEGMENTS, id, PATIENCE).await
}

fn every_split() -> Case {
    Case::must(
        "mqtt/remaining-length/split-at-every-byte",
        &[SEGMENTS],
        "The device reads a packet wherever it is split, and byte by byte",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            // Topic, packet identifier, payload; as much as any device holds, or a third byte of fixed header.
            let around = 2 + PROBE.len() + 2;
            let holds = (bench.profile().max_inbound_packet as usize).max(SMALL - 1);
            let size = holds.min(around + 200) - around;
            let whole = publish(PROBE, 1, 1, false, false, &vec![0x55; size]).len();
            for (id, cut) in (1..).zip(1..whole) {
                split(&mut connection, size, id, &[cut]).await?;
            }
            let every: Vec<usize> = (1..whole).collect();
            split(&mut connection, size, 9_999, &every).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

fn header_splits() -> Case {
    Case::must(
        "mqtt/remaining-length/large-split-at-every-header-byte",
        &[SEGMENTS],
        "The device reads a packet of 16,384 bytes wherever its header is split",
        |bench: Bench| async move {
            if bench.profile().max_inbound_packet < 16_384 {
                return Err(Stop::Skip(MaxInboundPacket));
            }
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let header = 4 + 2 + PROBE.len() + 2;
            let size = 16_384 - (header - 4);
            for (id, cut) in (1..).zip(1..=header) {
                split(&mut connection, size, id, &[cut]).await?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, MaxInboundPacket])
}

fn joined() -> Case {
    Case::must(
        "mqtt/remaining-length/many-in-one-segment",
        &[SEGMENTS, "MQTT-4.6.0-2"],
        "The device reads every packet of one segment, and answers in their order",
        |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let messages: Vec<u8> = (1..=8)
                .flat_map(|id| publish(PROBE, 1, id, false, false, b"together"))
                .collect();
            connection.send(&messages).await?;
            for id in 1..=8 {
                acknowledges(&mut connection, "MQTT-4.6.0-2", id, PATIENCE).await?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES])
}

/// A packet that no small device holds: read past and counted, or taken.
fn read_past(qos: u8) -> Case {
    let statement = "FIRMPROOF-MQTT-3";
    let n: usize = 300_000;
    Case::new(
        Level::Policy,
        format!("mqtt/remaining-length/read-past-at-qos-{qos}"),
        &[statement],
        format!("A PUBLISH at QoS {qos} of {n} bytes is read past and counted, or delivered, and the connection stays usable"),
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let (head, payload) = head(n, qos, 1);
            connection.send_streamed(&head, payload, STREAMING).await?;
            match qos {
                1 => acknowledges(&mut connection, statement, 1, PATIENCE).await?,
                2 => {
                    connection
                        .expect(statement, "PUBREC id=1", PATIENCE, |p| *p == ClientPacket::Pubrec(1))
                        .await?;
                    connection.send(&pubrel(1)).await?;
                    connection
                        .expect(statement, "PUBCOMP id=1", PATIENCE, |p| *p == ClientPacket::Pubcomp(1))
                        .await?;
                }
                _ => (),
            }
            takes_message(&mut connection, statement, 2).await?;
            let size = n.to_string();
            told(&bench, statement, "event=mqtt.oversize, or event=mqtt.message", |line| {
                line.is("mqtt.oversize") && line.field("bytes") == Some(&size)
                    || line.is("mqtt.message") && line.field("bytes") == Some(&payload.to_string())
            })
            .await?;
            command(&mut connection, "publish", "size=3 qos=0").await?;
            next_message(&mut connection, statement).await?;
            bench.alive(statement).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, ObserveConsole, MaxInboundPacket])
}
