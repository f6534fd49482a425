//! What becomes of a clock that was set when its server's time moves: leap seconds (RFC 5905 §7.3, RFC 3339 §5.7),
//! and steps too large for any oscillator.

use super::clock::{
    GOOD_TIME, Timeline, configure, jitter_s, next_poll, request, require_time, spoilt,
    synchronise, unix_s, unsent, until, until_synced,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::profile::Capability::{Configure, Ntp, ObserveState, TimeScale};

/// 2016-12-31T23:59:50Z, ten seconds before the end of a month that ended with a leap second.
const BEFORE_MIDNIGHT: i64 = 1_483_228_790;
const YEAR: i64 = 365 * 86_400;

pub(super) fn cases() -> Vec<Case> {
    let steps = STEPS.iter().map(|row| {
        let id = format!("ntp/steps/{}", row.name);
        let statements = ["FIRMPROOF-SNTP-13"];
        Case::new(
            Level::Policy,
            id,
            &statements,
            row.requirement,
            move |bench| stepped(bench, row),
        )
    });
    let leaps = [1, 2].map(|indicator| {
        let (name, what) = match indicator {
            1 => ("leap-insertion-announced", "1, one second more"),
            _ => ("leap-deletion-announced", "2, one second less"),
        };
        Case::new(
            Level::Should,
            format!("ntp/steps/{name}"),
            &["RFC5905-7.3-2"],
            format!("Leap indicator {what}, is taken over"),
            move |bench| announced(bench, indicator),
        )
    });
    leaps
        .into_iter()
        .chain(steps)
        .chain([
            Case::new(
                Level::Should,
                "ntp/steps/leap-announcement-ends",
                &["RFC5905-7.3-2"],
                "The announcement of a leap second ends with the reply that no longer makes it",
                withdrawn,
            ),
            Case::must(
                "ntp/steps/leap-second-inserted",
                &["RFC3339-5.7-1", "RFC5905-7.3-2"],
                "Over an inserted leap second the clock shows only times that exist, and after the next poll is right",
                |bench| leap_second(bench, 1, -1),
            ),
            Case::must(
                "ntp/steps/leap-second-deleted",
                &["RFC3339-5.7-1", "RFC5905-7.3-2"],
                "Over a deleted leap second the clock shows only times that exist, and after the next poll is right",
                |bench| leap_second(bench, 2, 1),
            ),
            Case::new(
                Level::Policy,
                "ntp/steps/clock-runs-on",
                &["FIRMPROOF-SNTP-5"],
                "The clock runs on while no server answers",
                runs_on,
            ),
        ])
        .map(|case| case.needs(&[Ntp, Configure, ObserveState, TimeScale]))
        .collect()
}

struct Step {
    name: &'static str,
    requirement: &'static str,
    by_s: i64,
}

const STEPS: &[Step] = &[
    Step {
        name: "an-hour-forward",
        requirement: "When the server's time steps an hour forward, the clock follows with the next poll",
        by_s: 3600,
    },
    Step {
        name: "an-hour-back",
        requirement: "When the server's time steps an hour back, the clock follows with the next poll",
        by_s: -3600,
    },
    Step {
        name: "a-year-forward",
        requirement: "When the server's time steps a year forward, the clock follows with the next poll",
        by_s: YEAR,
    },
    Step {
        name: "a-year-back",
        requirement: "When the server's time steps a year back, the clock follows with the next poll",
        by_s: -YEAR,
    },
];

async fn stepped(bench: Bench, row: &'static Step) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-13";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |ntp| ntp.max_poll_s = 30);
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    let next = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    let time = GOOD_TIME + row.by_s;
    let reply = next.good_reply(time, 0);
    server.reply(&next, &reply).await.map_err(unsent)?;
    let near = |state: &serde_json::Value| {
        unix_s(state).is_some_and(|shown| (time..time + 600).contains(&shown))
    };
    let state = until(&bench, PATIENCE, near).await?;
    require_time(&state, time, 600, STATEMENT)
}

async fn announced(bench: Bench, indicator: u8) -> Judged {
    const STATEMENT: &str = "RFC5905-7.3-2";
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let mut reply = asked.good_reply(GOOD_TIME, 0);
    reply.leap = indicator;
    server.reply(&asked, &reply).await.map_err(unsent)?;
    until_synced(&bench, STATEMENT).await?;
    let state = bench.state().await?;
    let seen = state["time"].to_string();
    let same = state["time"]["leap"] == indicator;
    require(same, STATEMENT, format!("leap {indicator}"), seen)
}

async fn withdrawn(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-7.3-2";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |ntp| ntp.max_poll_s = 30);
    bench.start().await?;
    for (indicator, refused) in [(1, false), (1, true), (0, false)] {
        let asked = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
        let mut reply = asked.good_reply(GOOD_TIME, 0);
        reply.leap = indicator;
        if refused {
            // One that is not used announces nothing, and withdraws nothing.
            reply = spoilt(&asked, |reply| (reply.leap, reply.stratum) = (2, 16));
        }
        server.reply(&asked, &reply).await.map_err(unsent)?;
        let shown = |state: &serde_json::Value| state["time"]["leap"] == indicator;
        let state = until(&bench, PATIENCE, shown).await?;
        let seen = state["time"].to_string();
        require(shown(&state), STATEMENT, format!("leap {indicator}"), seen)?;
    }
    Ok(())
}

/// A server whose time is `by_s` seconds further on after midnight than its seconds alone would make it.
async fn leap_second(bench: Bench, indicator: u8, by_s: i64) -> Judged {
    const STATEMENT: &str = "RFC3339-5.7-1";
    let server = bench.ntp_server(1).await?;
    // Slow enough to be watched second by second.
    bench.scale_time(5);
    configure(&bench, 1, |ntp| (ntp.min_poll_s, ntp.max_poll_s) = (20, 20));
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let before = Timeline::starting(&bench, BEFORE_MIDNIGHT);
    let mut reply = before.reply(&asked);
    reply.leap = indicator;
    server.reply(&asked, &reply).await.map_err(unsent)?;
    // Until the next poll, which comes after midnight, every time that is shown has to exist.
    let midnight = BEFORE_MIDNIGHT + 10;
    let passed = until(&bench, PATIENCE, |state| {
        !exists(&state["time"]) || unix_s(state).is_some_and(|shown| shown > midnight + 2)
    });
    let state = passed.await?;
    let seen = state["time"].to_string();
    require(exists(&state["time"]), STATEMENT, "seconds 00 to 59", seen)?;
    let next = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    let after = before.ahead(by_s);
    let reply = after.reply(&next);
    server.reply(&next, &reply).await.map_err(unsent)?;
    let right = |state: &serde_json::Value| {
        let now = after.now_s();
        state["time"]["leap"] == 0
            && unix_s(state).is_some_and(|shown| (now - 1..=now).contains(&shown))
    };
    let state = until(&bench, PATIENCE, right).await?;
    let expected = format!("the server's time, now about {}, and leap 0", after.now_s());
    let seen = state["time"].to_string();
    require(right(&state), "RFC5905-7.3-2", expected, seen)?;
    if after.first_s() == before.first_s() {
        return Err(Stop::inconclusive("the server's time did not move"));
    }
    Ok(())
}

/// Whether both civil times that are shown have seconds from 00 to 59, or are not known yet. Unix time has no second
/// 60, so none can be told from it.
fn exists(time: &serde_json::Value) -> bool {
    ["utc", "local"].iter().all(|key| match time[key].as_str() {
        Some(text) => text.get(17..19).is_some_and(|seconds| seconds < "60"),
        None => time["synced"] == false,
    })
}

async fn runs_on(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-5";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |ntp| ntp.reply_timeout_s = 20);
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let timeline = Timeline::starting(&bench, GOOD_TIME);
    let reply = timeline.reply(&asked);
    server.reply(&asked, &reply).await.map_err(unsent)?;
    until_synced(&bench, STATEMENT).await?;
    // Two polls go unanswered meanwhile.
    for _ in 0..2 {
        request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    }
    let earliest = timeline.now_s();
    let state = bench.state().await?;
    let slack = 4 * jitter_s(&bench).ceil() as i64;
    let span = timeline.now_s() - earliest + 2 * slack;
    require_time(&state, earliest - slack, span, STATEMENT)
}
