//! The seconds field starts again every 136 years, and 32-bit Unix time ends in between: what the pivot makes of a
//! timestamp, and a clock that runs over such ends (RFC 5905 §6). Leap days, over midnight.
//!
//! The calendar (`ntp/calendar`) has the instants; here are the rules that its rows do not show.

use super::clock::{configure, next_poll, request, unix_s, unsent, until, until_synced};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, require};
use crate::peers::ntp_packet::NtpPacket;
use crate::profile::Capability::{Configure, Ntp, ObserveState, TimeScale};

/// 2036-02-07T06:28:16Z, when era 1 begins (RFC 5905, figure 4).
const ERA_1: i64 = 2_085_978_496;
/// 2024-01-01T00:00:00Z.
const IN_2024: i64 = 1_704_067_200;
/// 2000-01-01T00:00:00Z.
const IN_2000: i64 = 946_684_800;

pub(super) fn cases() -> Vec<Case> {
    let crossings = CROSSINGS.iter().map(|row| {
        let id = format!("ntp/eras/{}", row.name);
        Case::new(
            Level::Policy,
            id,
            row.statements,
            row.requirement,
            move |bench| crossed(bench, row),
        )
        .needs(&[TimeScale])
    });
    let readings = READINGS.iter().map(|row| {
        let id = format!("ntp/eras/{}", row.name);
        Case::must(
            id,
            &["RFC5905-6-1", "RFC5905-6-2"],
            row.requirement,
            move |bench| read(bench, row),
        )
    });
    crossings
        .chain(readings)
        .chain([Case::must(
            "ntp/eras/polls-on-both-sides",
            &["RFC5905-6-1"],
            "A poll in era 0 and the next one in era 1 set the clock to times that follow each other",
            both_sides,
        )
        .needs(&[TimeScale])])
        .map(|case| case.needs(&[Ntp, Configure, ObserveState]))
        .collect()
}

/// A clock that is set before an end of some kind, and runs over it by itself.
struct Crossing {
    name: &'static str,
    statements: &'static [&'static str],
    requirement: &'static str,
    pivot: i64,
    utc_offset_s: i32,
    /// The first second after it, as Unix time and as the device shows it, in the field `shown_as`.
    unix_s: i64,
    shown_as: &'static str,
    minute: &'static str,
}

const CROSSINGS: &[Crossing] = &[
    Crossing {
        name: "clock-runs-into-era-1",
        statements: &["FIRMPROOF-CIVIL-4"],
        requirement: "A clock that was set in era 0 runs on into era 1, without a poll in between",
        pivot: IN_2024,
        utc_offset_s: 0,
        unix_s: ERA_1,
        shown_as: "utc",
        minute: "2036-02-07T06:28",
    },
    Crossing {
        name: "clock-runs-past-32-bit-unix-time",
        statements: &["FIRMPROOF-CIVIL-5"],
        requirement: "A clock that was set before the end of 32-bit Unix time runs on past it",
        pivot: IN_2024,
        utc_offset_s: 0,
        unix_s: 1 << 31,
        shown_as: "utc",
        minute: "2038-01-19T03:14",
    },
    Crossing {
        name: "leap-day-of-every-fourth-year",
        statements: &[
            "FIRMPROOF-CIVIL-2",
            "RFC3339-5.7-1",
            "RFC3339-C-1",
            "RFC3339-5.6-2",
        ],
        requirement: "After 28 February of 2096, which 4 divides, comes 29 February",
        pivot: IN_2024,
        utc_offset_s: 0,
        unix_s: 3_981_312_000,
        shown_as: "utc",
        minute: "2096-02-29T00:00",
    },
    Crossing {
        name: "no-leap-day-in-a-hundredth-year",
        statements: &["FIRMPROOF-CIVIL-2", "RFC3339-5.7-1", "RFC3339-C-1"],
        requirement: "After 28 February of 2100, which 100 divides, comes 1 March",
        pivot: IN_2024,
        utc_offset_s: 0,
        unix_s: 4_107_542_400,
        shown_as: "utc",
        minute: "2100-03-01T00:00",
    },
    Crossing {
        name: "leap-day-of-a-four-hundredth-year",
        statements: &["FIRMPROOF-CIVIL-2", "RFC3339-5.7-1", "RFC3339-C-1"],
        requirement: "After 28 February of 2000, which 400 divides, comes 29 February",
        pivot: IN_2000,
        utc_offset_s: 0,
        unix_s: 951_782_400,
        shown_as: "utc",
        minute: "2000-02-29T00:00",
    },
    Crossing {
        name: "leap-day-ends-at-the-offset",
        statements: &["FIRMPROOF-CIVIL-2", "RFC3339-5.7-1", "RFC3339-4.2-1"],
        requirement: "At -05:00 the leap day of 2024 ends five hours after it has ended in UTC",
        pivot: IN_2024,
        utc_offset_s: -5 * 3600,
        unix_s: 1_709_251_200 + 5 * 3600,
        shown_as: "local",
        minute: "2024-03-01T00:00",
    },
];

async fn crossed(bench: Bench, row: &'static Crossing) -> Judged {
    let statement = row.statements[0];
    let server = bench.ntp_server(1).await?;
    bench.scale_time(5);
    configure(&bench, 1, |ntp| {
        ntp.era_pivot_unix_s = row.pivot;
        ntp.utc_offset_s = row.utc_offset_s;
        // No poll comes in between.
        ntp.min_poll_s = 1000;
    });
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, statement).await?;
    let reply = asked.good_reply(row.unix_s - 4, 500_000_000);
    server.reply(&asked, &reply).await.map_err(unsent)?;
    let reached = |state: &serde_json::Value| unix_s(state).is_some_and(|now| now >= row.unix_s);
    let state = until(&bench, PATIENCE, reached).await?;
    let time = &state["time"];
    let seen = bench.with_console(&time.to_string());
    require(reached(&state), statement, "a clock that runs on", seen)?;
    let now = unix_s(&state).unwrap_or_default();
    // The second of the minute goes on with the clock, as long as the minute lasts.
    let since_minute = row.unix_s.rem_euclid(60) + now - row.unix_s;
    let expected = format!("{}:{since_minute:02} in `{}`", row.minute, row.shown_as);
    let beginning = format!("{}:{since_minute:02}", row.minute);
    let shown = time[row.shown_as].as_str().unwrap_or_default();
    let zone = if row.utc_offset_s == 0 { "Z" } else { "-05:00" };
    let right = since_minute < 60 && shown.strip_prefix(&beginning) == Some(zone);
    require(right, statement, expected, time.to_string())
}

/// One timestamp, and the instant that a pivot makes of it.
struct Reading {
    name: &'static str,
    requirement: &'static str,
    pivot: i64,
    change: fn(&mut NtpPacket),
    unix_s: i64,
}

const READINGS: &[Reading] = &[
    Reading {
        name: "at-the-pivot",
        requirement: "The pivot's own second is the first of the window",
        pivot: IN_2024,
        change: |reply| all_times(reply, 3_913_056_000 << 32 | 1),
        unix_s: IN_2024,
    },
    Reading {
        name: "just-before-the-pivot",
        requirement: "The second before the pivot's is read as the last of the window, 136 years on",
        pivot: IN_2024,
        change: |reply| all_times(reply, 3_913_055_999 << 32 | 1),
        unix_s: IN_2024 + (1 << 32) - 1,
    },
    Reading {
        name: "first-second-of-an-era",
        requirement: "Zero seconds with a fraction are the first second of an era, not the unknown time of all zeros",
        pivot: IN_2024,
        change: |reply| all_times(reply, 1 << 31),
        unix_s: ERA_1,
    },
    Reading {
        name: "request-in-one-era-reply-in-the-next",
        requirement: "A server that got the request in era 0 and answers in era 1 has answered after it was asked",
        pivot: IN_2024,
        change: |reply| {
            all_times(reply, 1 << 30);
            reply.receive = u64::MAX - (1 << 30);
            reply.reference = reply.receive;
        },
        unix_s: ERA_1,
    },
];

/// Sets every time of the server.
fn all_times(reply: &mut NtpPacket, time: u64) {
    (reply.reference, reply.receive, reply.transmit) = (time, time, time);
}

async fn read(bench: Bench, row: &'static Reading) -> Judged {
    const STATEMENT: &str = "RFC5905-6-1";
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |ntp| ntp.era_pivot_unix_s = row.pivot);
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let mut reply = asked.good_reply(0, 0);
    (row.change)(&mut reply);
    server.reply(&asked, &reply).await.map_err(unsent)?;
    until_synced(&bench, STATEMENT).await?;
    let state = bench.state().await?;
    super::clock::require_time(&state, row.unix_s, 30, STATEMENT)
}

async fn both_sides(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-6-1";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |ntp| {
        ntp.era_pivot_unix_s = IN_2024;
        ntp.max_poll_s = 30;
    });
    bench.start().await?;
    for time in [ERA_1 - 1000, ERA_1 + 1000] {
        let asked = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
        let reply = asked.good_reply(time, 0);
        server.reply(&asked, &reply).await.map_err(unsent)?;
        let near = |state: &serde_json::Value| {
            unix_s(state).is_some_and(|shown| (time..time + 600).contains(&shown))
        };
        let state = until(&bench, PATIENCE, near).await?;
        super::clock::require_time(&state, time, 600, STATEMENT)?;
    }
    Ok(())
}
