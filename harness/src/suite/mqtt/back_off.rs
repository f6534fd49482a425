//! The waits between attempts to connect: growth, bounds, jitter, and when they begin anew.
//!
//! Measured from the moment the harness ends a connection to the moment the next one is there, in the device's time.
//! The harness sees an attempt late, never early: so a wait may seem longer by [`LATE`] of wall time, and shorter by
//! [`EARLY`], because the harness ends a connection a little after the device has learnt that it must.

use std::time::Duration;

use tokio::time::Instant;

use super::scene::{SUBSCRIBES, begin, prepare, takes_message};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::lab::{Direction, Frame, TcpSegment};
use crate::peers::mqtt_bytes::connack;
use crate::peers::scripted_broker::ScriptedBroker;
use crate::profile::Capability::{
    Configure, LabFrames, Mqtt, ObserveConsole, Reconnects, TimeScale,
};

const BACK_OFF: &str = "FIRMPROOF-MQTT-2";
/// Of wall time: a busy machine, and a SYN that the device's own stack held back.
const LATE: Duration = Duration::from_millis(500);
/// Of wall time.
const EARLY: Duration = Duration::from_millis(25);
/// The bounds of the device's back-off in these cases, in milliseconds of its time.
const SHORTEST: u32 = 400;
const LONGEST: u32 = 3_200;
/// The device's clock runs so many times faster.
const SCALE: u16 = 8;

pub(super) fn cases() -> Vec<Case> {
    vec![
        grows(
            "grows-when-the-server-closes-after-connack",
            "accepts each connection and closes it",
            Ending::AfterConnack,
        ),
        grows(
            "grows-when-the-server-refuses",
            "refuses each CONNECT by code 3",
            Ending::Refusal,
        ),
        grows(
            "grows-when-the-server-resets",
            "resets each connection before CONNECT",
            Ending::Reset,
        ),
        nothing_listens(),
        has_jitter(),
        begins_anew(),
        equal_bounds(),
    ]
}

/// How the server ends each connection.
#[derive(Clone, Copy)]
enum Ending {
    AfterConnack,
    Refusal,
    Reset,
}

/// The device's waits, after each of so many connections that end like this.
async fn waits(
    bench: &Bench,
    broker: &mut ScriptedBroker,
    ending: Ending,
    count: usize,
) -> Judged<Vec<Duration>> {
    let mut waits = Vec::new();
    let mut connection = broker.accept(PATIENCE).await?;
    while waits.len() < count {
        match ending {
            Ending::Reset => (),
            Ending::Refusal => {
                connection.expect_connect(PATIENCE).await?;
                connection.send(&connack(0, 3)).await?;
                // It has taken the refusal in when it ends the connection.
                connection.closes(PATIENCE).await?;
            }
            Ending::AfterConnack => {
                connection.expect_connect(PATIENCE).await?;
                connection.accepted(false).await?;
                // It has taken CONNACK in when it subscribes.
                connection.expect_subscribe(PATIENCE).await?;
            }
        }
        connection.reset();
        let ended = Instant::now();
        connection = broker.accept(PATIENCE).await.map_err(|e| {
            Stop::fail(
                BACK_OFF,
                "another attempt",
                format!("{e}, after {} waits", waits.len()),
            )
        })?;
        waits.push(ended.elapsed());
    }
    let seen: Vec<String> = waits.iter().map(|w| in_device_ms(bench, *w)).collect();
    bench.observed(format!("waits of {} ms of its time", seen.join(", ")));
    Ok(waits)
}

fn in_device_ms(bench: &Bench, wall: Duration) -> String {
    let scale = f64::from(bench.config().time_scale);
    format!("{:.0}", wall.as_secs_f64() * 1000.0 * scale)
}

fn bounds(mqtt: &mut firmproof_bootconfig::Mqtt) {
    mqtt.backoff_min_ms = SHORTEST;
    mqtt.backoff_max_ms = LONGEST;
}

/// Each wait within the bounds, and the late ones longer than the first.
fn judge(bench: &Bench, waits: &[Duration]) -> Judged {
    let shortest = bench.device_time(f64::from(SHORTEST) / 1000.0);
    let longest = bench.device_time(f64::from(LONGEST) / 1000.0);
    for wait in waits {
        require(
            *wait + EARLY >= shortest && *wait <= longest + LATE,
            BACK_OFF,
            format!("waits from {SHORTEST} to {LONGEST} ms"),
            format!("{} ms", in_device_ms(bench, *wait)),
        )?;
    }
    // The cap is eight times the shortest wait: after five doublings any jitter of up to a half leaves four times.
    let (first, last) = (waits[0], waits[waits.len() - 1]);
    require(
        last + EARLY >= first.min(shortest * 2) * 2,
        BACK_OFF,
        "a last wait of at least twice the first, or of four times the shortest one",
        format!(
            "{} ms after {} ms",
            in_device_ms(bench, last),
            in_device_ms(bench, first)
        ),
    )
}

fn grows(name: &str, what: &str, ending: Ending) -> Case {
    Case::new(
        Level::Policy,
        format!("mqtt/back-off/{name}"),
        &[BACK_OFF],
        format!("While the server {what}, the waits grow to their bound and never pass it"),
        move |bench: Bench| async move {
            bench.scale_time(SCALE);
            let mut broker = begin(&bench, bounds).await?;
            let waits = waits(&bench, &mut broker, ending, 6).await?;
            judge(&bench, &waits)?;
            bench.alive(BACK_OFF).await
        },
    )
    .needs(&[Mqtt, Configure, Reconnects, TimeScale])
}

/// Nobody listens on the broker's port: each SYN is answered by RST. The frames tell the times.
fn nothing_listens() -> Case {
    Case::new(
        Level::Policy,
        "mqtt/back-off/grows-when-nothing-listens",
        &[BACK_OFF],
        "While the broker's port is closed, the waits between the device's SYNs grow within their bounds",
        |bench: Bench| async move {
            bench.scale_time(SCALE);
            // The address is there, its port closed.
            drop(prepare(&bench, bounds).await?);
            let syns = |frame: &Frame| {
                frame.direction == Direction::FromDut
                    && frame.tcp().is_some_and(|tcp| {
                        tcp.has(TcpSegment::SYN) && tcp.destination.port() == 1883
                    })
            };
            let mut watch = bench
                .lab()
                .on_frame(syns)
                .map_err(|e| Stop::inconclusive(e.to_string()))?;
            bench.start().await?;
            let mut waits = Vec::new();
            let mut last: Option<Duration> = None;
            let mut port = None;
            while waits.len() < 6 {
                let syn = watch.next(PATIENCE).await.map_err(|e| {
                    Stop::fail(BACK_OFF, "another SYN", format!("{e}, after {} waits", waits.len()))
                })?;
                let from = syn.tcp().map(|tcp| tcp.source.port());
                if std::mem::replace(&mut port, from) == from {
                    // TCP's own repetition of a SYN whose answer is late is no attempt of the client.
                    continue;
                }
                if let Some(last) = last.replace(syn.at) {
                    waits.push(syn.at - last);
                }
            }
            judge(&bench, &waits)?;
            bench.alive(BACK_OFF).await
        },
    )
    .needs(&[Mqtt, Configure, Reconnects, TimeScale, LabFrames])
}

/// Without jitter a fleet that lost its broker comes back in step. The device tells its waits exactly.
fn has_jitter() -> Case {
    Case::new(
        Level::Policy,
        "mqtt/back-off/jitter",
        &[BACK_OFF],
        "At their bound the waits differ from each other, by a tenth of the bound at least over eight of them",
        |bench: Bench| async move {
            bench.scale_time(40);
            let mut broker = begin(&bench, bounds).await?;
            waits(&bench, &mut broker, Ending::Reset, 12).await?;
            let told: Vec<u32> = bench
                .console()
                .iter()
                .filter(|line| line.is("mqtt.backoff"))
                .filter_map(|line| line.field("ms")?.parse().ok())
                .collect();
            // The first four are below the bound.
            let at_bound = told.get(4..12).ok_or_else(|| {
                Stop::fail(BACK_OFF, "event=mqtt.backoff for each wait", format!("{told:?}"))
            })?;
            let least = at_bound.iter().min().copied().unwrap_or_default();
            let most = at_bound.iter().max().copied().unwrap_or_default();
            require(
                most - least >= LONGEST / 10,
                BACK_OFF,
                format!("waits that differ by {} ms or more", LONGEST / 10),
                format!("{told:?}"),
            )?;
            require(
                told.iter().all(|ms| (SHORTEST..=LONGEST).contains(ms)),
                BACK_OFF,
                format!("waits from {SHORTEST} to {LONGEST} ms"),
                format!("{told:?}"),
            )
        },
    )
    .needs(&[Mqtt, Configure, Reconnects, TimeScale, ObserveConsole])
}

fn begins_anew() -> Case {
    Case::new(
        Level::Policy,
        "mqtt/back-off/begins-anew-after-a-stable-connection",
        &[BACK_OFF],
        "After a connection that was used for a minute of its time, the device's waits begin anew",
        |bench: Bench| async move {
            bench.scale_time(40);
            let mut broker = begin(&bench, bounds).await?;
            waits(&bench, &mut broker, Ending::Reset, 5).await?;
            // `waits` leaves the last connection to be forgotten: the next one lasts.
            let mut connection = broker.serve_session(PATIENCE).await?;
            takes_message(&mut connection, BACK_OFF, 1).await?;
            let farewell = connection.closes(bench.device_time(60.0)).await?;
            require(
                farewell.end.is_none(),
                BACK_OFF,
                "an open connection",
                "its end",
            )?;
            // The first wait after this end: a busy harness may see more of them.
            let console = &bench.evidence().console;
            let mark = console.mark();
            connection.reset();
            let told = console
                .wait(mark, PATIENCE, |line| line.is("mqtt.backoff"))
                .await;
            let wait = told.as_ref().and_then(|line| line.field("ms"));
            let anew = wait
                .and_then(|ms| ms.parse().ok())
                .is_some_and(|ms: u32| ms <= 2 * SHORTEST);
            require(
                anew,
                BACK_OFF,
                format!("a first wait of at most {} ms", 2 * SHORTEST),
                format!("{wait:?} ms"),
            )
        },
    )
    .needs(&[
        Mqtt,
        SUBSCRIBES,
        Configure,
        Reconnects,
        TimeScale,
        ObserveConsole,
    ])
}

fn equal_bounds() -> Case {
    Case::new(
        Level::Policy,
        "mqtt/back-off/equal-bounds",
        &[BACK_OFF],
        "With equal bounds every wait is that long",
        |bench: Bench| async move {
            bench.scale_time(SCALE);
            let mut broker = begin(&bench, |mqtt| {
                mqtt.backoff_min_ms = SHORTEST;
                mqtt.backoff_max_ms = SHORTEST;
            })
            .await?;
            let wanted = bench.device_time(f64::from(SHORTEST) / 1000.0);
            for wait in waits(&bench, &mut broker, Ending::Reset, 4).await? {
                require(
                    wait + EARLY >= wanted && wait <= wanted + LATE,
                    BACK_OFF,
                    format!("waits of {SHORTEST} ms"),
                    format!("{} ms", in_device_ms(&bench, wait)),
                )?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, Configure, Reconnects, TimeScale])
}
