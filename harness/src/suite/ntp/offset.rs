//! How well the clock agrees with the server's: the four timestamps, their sign, and a stated bound (RFC 4330 §5,
//! RFC 5905 §8).
//!
//! The device shows whole seconds. When it turns from one to the next is narrowed down by asking around that moment;
//! the wall runs at scale 1, so that a busy machine's milliseconds stay milliseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::clock::{GOOD_TIME, Timeline, configure, request, unix_s, unsent, until_synced};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::lab::{Action, Direction, Matcher, Protocol};
use crate::peers::ntp_packet::NtpPacket;
use crate::peers::ntp_server::NTP_PORT;
use crate::profile::Capability::{Configure, LabFrames, Ntp, ObserveState};

/// How far the clock may be from what the four timestamps make of it, in seconds.
const BOUND_S: f64 = 0.1;
/// How far a path is slowed down, or a request held.
const SLOW: Duration = Duration::from_millis(600);
/// How often a task asks for its turn, to see how busy the machine is.
const TURN: Duration = Duration::from_millis(10);
/// A machine on which that takes longer cannot tell 0.1 s.
const SLUGGISH: Duration = Duration::from_millis(40);
/// How long the turn of a second is looked for.
const SEARCH: Duration = Duration::from_secs(12);

pub(super) fn cases() -> Vec<Case> {
    ROWS.iter()
        .map(|row| {
            let id = format!("ntp/offset/{}", row.name);
            let case = Case::new(
                row.level,
                id,
                &[row.statement],
                row.requirement,
                move |bench| agrees(bench, row),
            );
            let case = case.needs(&[Ntp, Configure, ObserveState]);
            match row.slowed {
                [] => case,
                _ => case.needs(&[LabFrames]),
            }
        })
        .collect()
}

struct Row {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    /// The ways that take 0.6 s.
    slowed: &'static [Direction],
    /// How long the server keeps the request.
    held: Duration,
    change: fn(&mut NtpPacket),
    /// How far the device's clock is then ahead of the server's, in seconds.
    lead_s: f64,
}

const ORDINARY: Row = Row {
    level: Level::Policy,
    name: "accuracy",
    statement: "FIRMPROOF-SNTP-10",
    requirement: "After a reply over a fast wire the clock is within 0.1 s of the server's",
    slowed: &[],
    held: Duration::ZERO,
    change: |_| {},
    lead_s: 0.0,
};

const ROWS: &[Row] = &[
    ORDINARY,
    Row {
        level: Level::Should,
        name: "both-ways-slow",
        statement: "RFC4330-5-9",
        requirement: "When both ways take 0.6 s, half of the round trip is added, and the clock is right",
        slowed: &[Direction::ToDut, Direction::FromDut],
        ..ORDINARY
    },
    Row {
        level: Level::Should,
        name: "slow-request",
        statement: "RFC4330-5-9",
        requirement: "When only the request takes 0.6 s, the clock is ahead by half of that",
        slowed: &[Direction::FromDut],
        lead_s: 0.3,
        ..ORDINARY
    },
    Row {
        level: Level::Should,
        name: "slow-reply",
        statement: "RFC4330-5-9",
        requirement: "When only the reply takes 0.6 s, the clock is behind by half of that",
        slowed: &[Direction::ToDut],
        lead_s: -0.3,
        ..ORDINARY
    },
    Row {
        level: Level::Should,
        name: "held-by-the-server",
        statement: "RFC4330-5-9",
        requirement: "When the server keeps the request for 0.6 s, that is no part of the way",
        held: SLOW,
        ..ORDINARY
    },
    Row {
        level: Level::Should,
        name: "delay-below-zero",
        statement: "RFC5905-8-8",
        requirement: "A server that says it kept the request for longer than the exchange took makes no negative delay",
        change: |reply| {
            reply.receive -= 100 << 32;
            reply.reference = reply.receive;
        },
        ..ORDINARY
    },
];

async fn agrees(bench: Bench, row: &'static Row) -> Judged {
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |_| {});
    for direction in row.slowed {
        let faults = bench.lab().faults().ok_or(Stop::Skip(LabFrames))?;
        let matcher = Matcher::protocol(Protocol::Udp).port(NTP_PORT);
        let matcher = match direction {
            Direction::ToDut => matcher.to_dut(),
            Direction::FromDut => matcher.from_dut(),
        };
        faults.add(matcher, Action::Delay(SLOW));
    }
    bench.start().await?;
    let lag = Lag::watch();
    let timeline = Timeline::starting(&bench, GOOD_TIME);
    let asked = request(&bench, &server, PATIENCE, row.statement).await?;
    if !row.held.is_zero() {
        // The server's own time passes: nothing is waited for.
        tokio::time::sleep(row.held).await;
    }
    let mut reply = timeline.reply(&asked);
    (row.change)(&mut reply);
    server.reply(&asked, &reply).await.map_err(unsent)?;
    until_synced(&bench, row.statement).await?;
    let lead = lead(&bench, timeline, row.lead_s).await?;
    let (least, most) = (row.lead_s - BOUND_S, row.lead_s + BOUND_S);
    let expected = format!("a clock that leads the server's by {least:.1} to {most:.1} s");
    let seen = format!("it leads by {:.3} to {:.3} s", lead.least_s, lead.most_s);
    bench
        .evidence()
        .metrics
        .set("clock_lead_least_s", lead.least_s);
    bench
        .evidence()
        .metrics
        .set("clock_lead_most_s", lead.most_s);
    if least <= lead.least_s && lead.most_s <= most {
        return Ok(());
    }
    let outside = lead.most_s < least || most < lead.least_s;
    // Where a ready task waits so long for its turn, the device's emulator or process did, too.
    let late = lag.worst();
    require(
        !outside || late > SLUGGISH,
        row.statement,
        expected,
        seen.clone(),
    )?;
    Err(Stop::inconclusive(format!(
        "the machine is too slow: a task waited {} ms for its turn, and {seen}",
        late.as_millis()
    )))
}

/// The longest time that a task which was ready has waited on this machine.
struct Lag {
    worst_us: Arc<AtomicU64>,
    _watch: JoinSet<()>,
}

impl Lag {
    fn watch() -> Self {
        let worst_us = Arc::new(AtomicU64::new(0));
        let mut watch = JoinSet::new();
        let worst = worst_us.clone();
        watch.spawn(async move {
            loop {
                let due = tokio::time::Instant::now() + TURN;
                tokio::time::sleep_until(due).await;
                let late = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
                worst.fetch_max(late, Ordering::Relaxed);
            }
        });
        Self {
            worst_us,
            _watch: watch,
        }
    }

    fn worst(&self) -> Duration {
        Duration::from_micros(self.worst_us.load(Ordering::Relaxed))
    }
}

/// How far the device's clock is ahead of the server's, in seconds, as far as it is known.
struct Lead {
    least_s: f64,
    most_s: f64,
}

/// Narrows down by how much the device's clock leads `timeline`, until it is known whether that is within
/// [`BOUND_S`] of `expected_s`.
async fn lead(bench: &Bench, timeline: Timeline, expected_s: f64) -> Judged<Lead> {
    let until = tokio::time::Instant::now() + SEARCH;
    let first = timeline.first_s();
    let mut lead = Lead {
        least_s: f64::NEG_INFINITY,
        most_s: f64::INFINITY,
    };
    loop {
        let before = timeline.since_start_s(tokio::time::Instant::now());
        let state = bench.state().await?;
        let after = timeline.since_start_s(tokio::time::Instant::now());
        let Some(shown) = unix_s(&state) else {
            return Err(Stop::inconclusive("the clock is no longer set"));
        };
        // Somewhere between the two the clock showed this second: at its start, or just before its end.
        let shown = (shown - first) as f64;
        lead.least_s = lead.least_s.max(shown - after);
        lead.most_s = lead.most_s.min(shown + 1.0 - before);
        let (from, to) = (lead.least_s - expected_s, lead.most_s - expected_s);
        let decided = -BOUND_S <= from && to <= BOUND_S || to < -BOUND_S || from > BOUND_S;
        let now = tokio::time::Instant::now();
        if decided || now >= until || lead.most_s < lead.least_s {
            return Ok(lead);
        }
        // The clock turns to a whole second within the next window of this width: it is asked in eight steps there.
        let width = lead.most_s - lead.least_s;
        let at = timeline.since_start_s(now);
        let turn = (at + lead.least_s).ceil();
        let window = turn - lead.most_s;
        let next = timeline.wall(window.max(at) + width / 8.0);
        // No event tells when a second turns.
        tokio::time::sleep_until(next).await;
    }
}
