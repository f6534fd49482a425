//! What the cases share: a device that has one time server, and what it says of its clock.

use std::time::Duration;

use firmproof_bootconfig::{Host, Ntp};

use crate::bench::{Bench, PATIENCE};
use crate::case::{Judged, Stop, require};
use crate::lab::LabError;
use crate::peers::ntp_packet::{NtpPacket, ntp_timestamp};
use crate::peers::ntp_server::{NtpServer, Request};
use crate::profile::Capability;

/// 2030-01-01T00:00:00Z: what a well-kept server says, far from any border.
pub(super) const GOOD_TIME: i64 = 1_893_456_000;
/// 2010-01-01T00:00:00Z: what a packet says that must not be taken.
pub(super) const WRONG_TIME: i64 = 1_262_304_000;
/// The pivot at which both lie in one window: 2000-01-01T00:00:00Z.
const PIVOT: i64 = 946_684_800;

/// Configures the device for the time servers at peers 1 to `count`, with the standard pivot.
pub(super) fn configure(bench: &Bench, count: u8, change: impl FnOnce(&mut Ntp)) {
    let servers = (1..=count)
        .map(|n| Host::Address(bench.lab().peer_address(n).octets()))
        .collect();
    bench.configure(|config| {
        config.ntp.servers = servers;
        config.ntp.era_pivot_unix_s = PIVOT;
        config.ntp.min_poll_s = 15;
        config.ntp.max_poll_s = 1024;
        // Long, so that at a fast clock a busy machine's reply is still in time.
        config.ntp.reply_timeout_s = 60;
        change(&mut config.ntp);
    });
}

/// The next request to `server`, which has to come within `deadline` of wall time.
pub(super) async fn request(
    bench: &Bench,
    server: &NtpServer,
    deadline: Duration,
    statement: &str,
) -> Judged<Request> {
    server.next_request(deadline).await.map_err(|error| {
        let expected = format!("a request to {}", server.address());
        Stop::fail(statement, expected, bench.with_console(&error.to_string()))
    })
}

/// The harness could not send.
pub(super) fn unsent(error: LabError) -> Stop {
    Stop::inconclusive(format!("the reply could not be sent: {error}"))
}

/// Answers `request` rightly and waits until the device has taken `unix_s`.
pub(super) async fn synchronise(
    bench: &Bench,
    server: &NtpServer,
    request: &Request,
    unix_s: i64,
    statement: &str,
) -> Judged {
    let reply = request.good_reply(unix_s, 0);
    server.reply(request, &reply).await.map_err(unsent)?;
    until_synced(bench, statement).await
}

/// Answers `asked` rightly, and each request after it, until the device has taken the time.
///
/// A client that has discarded a reply may wait on for another one or ask anew: RFC 5905 §8 leaves
/// that open, so either is served. So is one that ends, where its profile says that it may: it is started again.
pub(super) async fn synchronise_in_the_end(
    bench: &Bench,
    server: &NtpServer,
    asked: &Request,
) -> Judged {
    let answer = async {
        let mut asked = asked.clone();
        loop {
            let reply = asked.good_reply(GOOD_TIME, 0);
            server.reply(&asked, &reply).await.map_err(unsent)?;
            asked = loop {
                if let Ok(next) = server.next_request(PATIENCE).await {
                    break next;
                }
            };
        }
    };
    let synced = async {
        tokio::select! {
            synced = until_shown(bench) => return synced,
            () = bench.until_ended() => (),
        }
        // What it took before its end is on its console, and has to be judged before it is started again.
        if bench.clock().await?.unix_s.is_none() {
            bench.restart_if_ended().await?;
            // To its start and its first request, and to the reply.
            bench.clock_set(2 * PATIENCE).await?;
        }
        until_shown(bench).await
    };
    tokio::select! {
        stopped = answer => stopped,
        synced = synced => synced,
    }
}

/// A server's clock, which runs at the device's pace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeline {
    start: tokio::time::Instant,
    unix_s: i64,
    scale: f64,
}

impl Timeline {
    /// A clock that says `unix_s` now. The bench's time scale has to be set before.
    pub(super) fn starting(bench: &Bench, unix_s: i64) -> Self {
        Self {
            start: tokio::time::Instant::now(),
            unix_s,
            scale: f64::from(bench.config().time_scale),
        }
    }

    /// This clock, `seconds` ahead of it.
    pub(super) fn ahead(self, seconds: i64) -> Self {
        Self {
            unix_s: self.unix_s + seconds,
            ..self
        }
    }

    /// Seconds since the clock's first one.
    pub(super) fn since_start_s(&self, at: tokio::time::Instant) -> f64 {
        at.duration_since(self.start).as_secs_f64() * self.scale
    }

    /// When the clock shows `since_start_s` seconds more than at first.
    pub(super) fn wall(&self, since_start_s: f64) -> tokio::time::Instant {
        self.start + Duration::from_secs_f64((since_start_s / self.scale).max(0.0))
    }

    /// What the clock shows now, in Unix seconds.
    pub(super) fn now_s(&self) -> i64 {
        self.unix_s + self.since_start_s(tokio::time::Instant::now()) as i64
    }

    /// The Unix second that the clock showed first.
    pub(super) fn first_s(&self) -> i64 {
        self.unix_s
    }

    fn timestamp(&self, at: tokio::time::Instant) -> u64 {
        let passed = self.since_start_s(at);
        let nanos = (passed.fract() * 1e9) as u32;
        ntp_timestamp(self.unix_s + passed as i64, nanos)
    }

    /// The reply of a well-kept server with this clock, if it is sent at once.
    pub(super) fn reply(&self, asked: &Request) -> NtpPacket {
        let mut reply = asked.good_reply(self.unix_s, 0);
        let arrived = self.timestamp(asked.at);
        (reply.reference, reply.receive) = (arrived, arrived);
        reply.transmit = self.timestamp(tokio::time::Instant::now());
        reply
    }
}

/// Answers each request to `server` with what `answer` makes of it. Ends only when it cannot send.
pub(super) async fn serve(server: &NtpServer, answer: impl Fn(&Request) -> NtpPacket) -> Judged {
    loop {
        if let Ok(asked) = server.next_request(PATIENCE).await {
            let reply = answer(&asked);
            server.reply(&asked, &reply).await.map_err(unsent)?;
        }
    }
}

/// Waits until a device that is not ours shows a clock. No clause says after how many good replies, and how soon, a
/// client sets it (RFC 5905 §10 has it weigh several): without a clock to look at, there is no verdict.
async fn until_shown(bench: &Bench) -> Judged {
    let clock = bench.clock_set(PATIENCE).await?;
    if clock.unix_s.is_some() {
        return Ok(());
    }
    Err(Stop::inconclusive(format!(
        "good replies, and no clock to see by the profile's `observe.clock` within {} s (a client that weighs several \
         replies needs a line that tells of each): {}",
        PATIENCE.as_secs(),
        clock.shown
    )))
}

/// Waits until the device says that its clock is set.
pub(super) async fn until_synced(bench: &Bench, statement: &str) -> Judged {
    let clock = bench.clock_set(PATIENCE).await?;
    let seen = bench.with_console(&clock.shown);
    let expected = "the good reply sets the clock";
    require(clock.unix_s.is_some(), statement, expected, seen)
}

/// Asks for the state until `wanted` holds or the deadline passes; the last state either way.
pub(super) async fn until(
    bench: &Bench,
    deadline: Duration,
    wanted: impl Fn(&serde_json::Value) -> bool,
) -> Judged<serde_json::Value> {
    let until = tokio::time::Instant::now() + deadline;
    // The device does not tell when its clock passes a second: it is asked, this often at most.
    let mut turns = tokio::time::interval(Duration::from_millis(100));
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let state = bench.state().await?;
        if wanted(&state) || tokio::time::Instant::now() >= until {
            return Ok(state);
        }
    }
}

/// Waits until so many lines of `event` stand on the device's console.
pub(super) async fn until_told(
    bench: &Bench,
    event: &str,
    times: usize,
    deadline: Duration,
) -> Judged {
    bench.need(Capability::ObserveConsole)?;
    let until = tokio::time::Instant::now() + deadline;
    let mut turns = tokio::time::interval(Duration::from_millis(50));
    loop {
        turns.tick().await;
        let told = bench.console().iter().filter(|line| line.is(event)).count();
        if told >= times {
            return Ok(());
        }
        if tokio::time::Instant::now() >= until {
            let seen = format!("{event} stands {told} times on the console, and not {times}");
            return Err(Stop::inconclusive(bench.with_console(&seen)));
        }
    }
}

/// Fails unless the device says that it knows no time.
pub(super) fn require_unset(state: &serde_json::Value, statement: &str) -> Judged {
    let unset = state["time"]["synced"] == false;
    let seen = state["time"].to_string();
    require(unset, statement, "a clock that is not set", seen)
}

/// Device seconds between two requests.
pub(super) fn gap_s(bench: &Bench, earlier: &Request, later: &Request) -> f64 {
    let wall = later.at.duration_since(earlier.at).as_secs_f64();
    wall * f64::from(bench.config().time_scale)
}

/// How much a measured interval may be off, in wall time: two processes share a busy machine.
const JITTER: Duration = Duration::from_millis(100);

/// How much a measured interval may be off, in device seconds.
pub(super) fn jitter_s(bench: &Bench) -> f64 {
    JITTER.as_secs_f64() * f64::from(bench.config().time_scale)
}

/// How long the next poll may take at the longest, in wall time.
pub(super) fn next_poll(bench: &Bench) -> Duration {
    PATIENCE + bench.device_time(f64::from(bench.config().ntp.max_poll_s) + 60.0)
}

/// The Unix second that the device's clock shows.
pub(super) fn unix_s(state: &serde_json::Value) -> Option<i64> {
    state["time"]["unix_s"].as_i64()
}

/// Fails when the clock stands anywhere but in the `span_s` device seconds from `from`.
pub(super) fn require_time(
    state: &serde_json::Value,
    from: i64,
    span_s: i64,
    statement: &str,
) -> Judged {
    let fits = unix_s(state).is_some_and(|shown| (from..=from + span_s).contains(&shown));
    let expected = format!("a clock within {span_s} s from {from}");
    require(fits, statement, expected, state["time"].to_string())
}

/// [`require_time`] for a device of any kind.
pub(super) async fn require_clock(
    bench: &Bench,
    from: i64,
    span_s: i64,
    statement: &str,
) -> Judged {
    let clock = bench.clock().await?;
    let fits = clock
        .unix_s
        .is_some_and(|shown| (from..=from + span_s).contains(&shown));
    let expected = format!("a clock within {span_s} s from {from}");
    require(fits, statement, expected, clock.shown)
}

/// A packet like a good reply, whose time is wrong and whose fields `change` spoils.
pub(super) fn spoilt(request: &Request, change: impl FnOnce(&mut NtpPacket)) -> NtpPacket {
    let mut packet = request.good_reply(WRONG_TIME, 0);
    change(&mut packet);
    packet
}
