//! How fast the device is, by this machine's clock.

use std::time::Instant;

use super::{Samples, cost, shows_its_memory};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Judged, Stop};
use crate::peers::http_prober::{Answer, HttpConnection};
use crate::peers::mqtt_bytes::{puback, pubcomp, publish, pubrec};
use crate::peers::mqtt_packet::ClientPacket;
use crate::peers::scripted_broker::Connection;
use crate::profile::Capability;

/// Where the device publishes on command.
const DATA: &str = "fp/dut/data";
/// Bytes of each message.
const PAYLOAD: u32 = 16;

/// One sample of each figure of speed, and of the stack's depth where it can be seen.
pub(super) async fn measure(bench: &Bench, operations: u32, samples: &mut Samples) -> Judged {
    let began = Instant::now();
    let mut connection = start(bench).await?;
    let ready = bench.evidence().metrics.all().remove("start_to_ready_ms");
    let Some(ready) = ready else {
        return Err(Stop::inconclusive("the device has no moment of its start"));
    };
    let up = began.elapsed().as_secs_f64() * 1000.0;
    samples.add("start to ready line", "start_to_ready_ms", "ms", ready);
    samples.add("start to MQTT session", "start_to_session_ms", "ms", up);
    let rate = |began: Instant| f64::from(operations) / began.elapsed().as_secs_f64();
    for (asked, what, name) in [
        (
            PAGE,
            "HTTP pages, one connection",
            "http_keep_alive_requests_per_s",
        ),
        (
            NOTHING,
            "HTTP refusals, one connection",
            "http_keep_alive_refusals_per_s",
        ),
    ] {
        let began = Instant::now();
        keep_alive(bench, operations, asked).await?;
        samples.add(what, name, "/s", rate(began));
    }
    let began = Instant::now();
    connection_each(bench, operations).await?;
    samples.add(
        "HTTP pages, a connection each",
        "http_connection_requests_per_s",
        "/s",
        rate(began),
    );
    for (qos, what, name) in [
        (0, "MQTT publishes, QoS 0", "mqtt_qos_0_publishes_per_s"),
        (1, "MQTT publishes, QoS 1", "mqtt_qos_1_publishes_per_s"),
        (2, "MQTT publishes, QoS 2", "mqtt_qos_2_publishes_per_s"),
    ] {
        let began = Instant::now();
        publishes(&mut connection, qos, operations).await?;
        samples.add(what, name, "/s", rate(began));
    }
    let began = Instant::now();
    for _ in 0..operations {
        publishes(&mut connection, 0, 1).await?;
    }
    let each = began.elapsed().as_secs_f64() * 1000.0 / f64::from(operations);
    samples.add("command to its effect", "command_round_trip_ms", "ms", each);
    if shows_its_memory(bench.profile()) {
        let deepest = cost::stack_peak(bench).await?;
        samples.add("peak stack", "stack_peak_bytes", "bytes", deepest);
    }
    bench.alive("benchmark").await
}

/// Starts the device, and gives it its session.
pub(super) async fn start(bench: &Bench) -> Judged<Connection> {
    bench.need(Capability::Command)?;
    bench.configure_mqtt(|mqtt| {
        mqtt.keep_alive_s = 1200;
        mqtt.response_timeout_s = 120;
    });
    let mut broker = bench.broker().await?;
    bench.start().await?;
    Ok(broker.serve_session(PATIENCE).await?)
}

/// What is asked for, and the status that answers it.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    path: &'static str,
    status: u16,
}

/// The control page: some kilobytes, for a reference device.
pub(super) const PAGE: Asked = Asked {
    path: "/",
    status: 200,
};
/// What no server has: its answer is short, so that the cost is that of a request.
pub(super) const NOTHING: Asked = Asked {
    path: "/firmproof-benchmark",
    status: 404,
};

/// Requests on one connection, or on as few as the server allows.
pub(super) async fn keep_alive(bench: &Bench, requests: u32, asked: Asked) -> Judged {
    let mut connection = bench.http().await?;
    let host = connection.host();
    let request = format!("GET {} HTTP/1.1\r\nHost: {host}\r\n\r\n", asked.path);
    for _ in 0..requests {
        if is_last(&mut connection, &request, asked).await? {
            connection = bench.http().await?;
        }
    }
    Ok(())
}

/// Requests of the page, each on a connection of its own, one after the other.
pub(super) async fn connection_each(bench: &Bench, requests: u32) -> Judged {
    for _ in 0..requests {
        let mut connection = bench.http().await?;
        let host = connection.host();
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        is_last(&mut connection, &request, PAGE).await?;
    }
    Ok(())
}

/// Sends a request; whether the server closes the connection after its answer.
async fn is_last(connection: &mut HttpConnection, request: &str, asked: Asked) -> Judged<bool> {
    connection.send(request.as_bytes()).await;
    match connection.answer(PATIENCE, "GET").await {
        Answer::Response(response) if response.status == asked.status => {
            let mut options = response.all("connection");
            Ok(options.any(|option| option.eq_ignore_ascii_case("close")))
        }
        other => Err(Stop::inconclusive(format!(
            "GET {} was answered by {other}",
            asked.path
        ))),
    }
}

/// The device publishes `count` messages on one command, and each is acknowledged to its end.
pub(super) async fn publishes(connection: &mut Connection, qos: u8, count: u32) -> Judged {
    let arguments = format!("size={PAYLOAD} qos={qos} count={count}");
    let command = publish(
        "fp/dut/cmd/publish",
        0,
        0,
        false,
        false,
        arguments.as_bytes(),
    );
    connection.send(&command).await?;
    let mut done = 0;
    while done < count {
        let Some(packet) = connection.next(PATIENCE).await? else {
            return Err(Stop::inconclusive("the device ended its connection"));
        };
        let answer = match &packet {
            ClientPacket::Publish(message) => {
                done += u32::from(message.topic == DATA && qos < 2);
                match (message.qos, message.id) {
                    (1, Some(id)) => puback(id),
                    (2, Some(id)) => pubrec(id),
                    _ => continue,
                }
            }
            ClientPacket::Pubrel(id) => {
                done += 1;
                pubcomp(*id)
            }
            other => {
                return Err(Stop::inconclusive(format!("the device sent {other}")));
            }
        };
        connection.send(&answer).await?;
    }
    Ok(())
}
