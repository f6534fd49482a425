//! What the client sends, how often and to whom (RFC 4330 §4, §10; RFC 9109; RFC 5905 §7.4).

use std::collections::BTreeSet;
use std::time::Duration;

use super::clock::{
    GOOD_TIME, configure, request, require_time, spoilt, synchronise, unix_s, unsent,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::ntp_packet::{HEADER_LENGTH, ntp_seconds};
use crate::peers::ntp_server::Request;
use crate::profile::Capability::{self, Configure, LabAddresses, ObserveState, TimeScale};

pub(super) fn cases() -> Vec<Case> {
    let scaled: &[Capability] = &[Configure, TimeScale];
    let synced: &[Capability] = &[Configure, ObserveState, TimeScale];
    let several: &[Capability] = &[Configure, ObserveState, TimeScale, LabAddresses];
    let mut cases = vec![
        Case::must(
            "ntp/requests/form",
            &["RFC4330-4-1", "RFC4330-4-2", "RFC5905-14-1"],
            "A request has 48 octets, mode 3, version 4 and a transmit timestamp",
            form,
        ),
        // A policy: RFC 4330 §5 asks for it, but RFC 5905, which obsoletes it, lets a client set poll and precision.
        Case::new(
            Level::Policy,
            "ntp/requests/nothing-else-is-set",
            &["RFC4330-5-1", "RFC4330-5-2"],
            "Everything in a request but its first octet and its transmit timestamp is zero",
            nothing_else,
        ),
        Case::new(
            Level::Policy,
            "ntp/requests/transmit-is-unpredictable",
            &["FIRMPROOF-SNTP-1"],
            "The transmit timestamp of a request tells nothing of the clock, and is never used again",
            unpredictable,
        )
        .needs(synced),
        Case::new(
            Level::Should,
            "ntp/requests/source-port",
            &["RFC9109-3-1", "RFC9109-3-2"],
            "The source port of requests is random",
            source_port,
        )
        .needs(scaled),
        Case::must(
            "ntp/requests/poll-interval",
            &["RFC4330-10-1", "FIRMPROOF-SNTP-3"],
            "No poll interval is below 15 seconds, nor outside the configured bounds",
            poll_interval,
        )
        .needs(synced),
        Case::new(
            Level::Should,
            "ntp/requests/backs-off",
            &["RFC4330-10-2", "FIRMPROOF-SNTP-3"],
            "The poll interval grows while a server does not answer",
            backs_off,
        )
        .needs(scaled),
        Case::must(
            "ntp/requests/rate-lengthens-the-interval",
            &["RFC5905-7.4-2", "RFC5905-7.4-4"],
            "RATE makes the client lengthen its poll interval at once, and again each time, and sets no clock",
            rate,
        )
        .needs(synced),
        Case::new(
            Level::Policy,
            "ntp/requests/silent-server-is-passed-over",
            &["FIRMPROOF-SNTP-2", "RFC4330-10-4"],
            "A server that does not answer is passed over for the next",
            passed_over,
        )
        .needs(several),
        Case::new(
            Level::Policy,
            "ntp/requests/clock-runs-on",
            &["FIRMPROOF-SNTP-5"],
            "The clock runs on while no server answers",
            runs_on,
        )
        .needs(synced),
    ];
    cases.extend(
        [
            ("deny-ends-requests", *b"DENY"),
            ("rstr-ends-requests", *b"RSTR"),
        ]
        .map(|(name, code)| {
            Case::must(
                format!("ntp/requests/{name}"),
                &["RFC5905-7.4-1", "RFC5905-7.4-4", "RFC4330-8-1"],
                "DENY and RSTR end the sending to that server, set no clock, and make the client turn to another",
                move |bench| denied(bench, code),
            )
            .needs(several)
        }),
    );
    cases
        .into_iter()
        .map(|case| case.needs(&[Capability::Ntp]))
        .collect()
}

/// Device seconds between two requests.
fn gap_s(bench: &Bench, earlier: &Request, later: &Request) -> f64 {
    let wall = later.at.duration_since(earlier.at).as_secs_f64();
    wall * f64::from(bench.config().time_scale)
}

/// How much a measured interval may be off, in wall time: two processes share a busy machine.
const JITTER: Duration = Duration::from_millis(50);

fn jitter_s(bench: &Bench) -> f64 {
    JITTER.as_secs_f64() * f64::from(bench.config().time_scale)
}

async fn form(bench: Bench) -> Judged {
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, "RFC4330-4-1").await?;
    let seen = asked.packet.to_string();
    let octets = format!("{} octets", asked.raw.len());
    require(
        asked.raw.len() == HEADER_LENGTH,
        "RFC4330-4-1",
        "48 octets",
        octets,
    )?;
    require(
        asked.packet.mode == 3,
        "RFC4330-4-1",
        "mode 3",
        seen.clone(),
    )?;
    require(
        asked.packet.version == 4,
        "RFC4330-4-2",
        "version 4",
        seen.clone(),
    )?;
    let set = asked.packet.transmit != 0;
    require(set, "RFC5905-14-1", "a transmit timestamp", seen)
}

async fn nothing_else(bench: Bench) -> Judged {
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, "RFC4330-5-1").await?;
    let between = asked.raw.get(1..40).unwrap_or_default();
    let zero = between.iter().all(|&octet| octet == 0);
    let seen = asked.packet.to_string();
    require(zero, "RFC4330-5-1", "octets 1 to 39 are zero", seen.clone())?;
    require(
        asked.packet.transmit != 0,
        "RFC4330-5-2",
        "a transmit timestamp",
        seen,
    )
}

async fn unpredictable(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-1";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let mut seen: Vec<u64> = Vec::new();
    for _ in 0..4 {
        let longest = bench.device_time(1100.0);
        let asked = request(&bench, &server, longest.max(PATIENCE), STATEMENT).await?;
        let transmit = asked.packet.transmit;
        let shown = format!("{transmit:016x} after {seen:016x?}");
        let distance = |other: u64| {
            transmit
                .wrapping_sub(other)
                .min(other.wrapping_sub(transmit))
        };
        // Random timestamps fall within an hour of a given one once in 600,000 times.
        let near = seen.iter().any(|&other| distance(other) < 3600 << 32);
        require(
            !near,
            STATEMENT,
            "timestamps far apart from each other",
            shown.clone(),
        )?;
        let clock = u64::from(ntp_seconds(GOOD_TIME)) << 32;
        let tells = distance(clock) < 3600 << 32;
        require(!tells, STATEMENT, "a timestamp far from the clock", shown)?;
        seen.push(transmit);
        synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    }
    Ok(())
}

async fn source_port(bench: Bench) -> Judged {
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |ntp| {
        ntp.reply_timeout_s = 10;
        ntp.max_poll_s = ntp.min_poll_s;
    });
    bench.start().await?;
    let mut ports = BTreeSet::new();
    for _ in 0..4 {
        let longest = bench.device_time(1100.0).max(PATIENCE);
        let asked = request(&bench, &server, longest, "RFC9109-3-1").await?;
        ports.insert(asked.from.port());
    }
    let seen = format!("{ports:?}");
    require(
        !ports.contains(&123),
        "RFC9109-3-1",
        "not port 123",
        seen.clone(),
    )?;
    require(
        ports.len() > 1,
        "RFC9109-3-2",
        "several ports in four requests",
        seen,
    )
}

async fn poll_interval(bench: Bench) -> Judged {
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    let (least, most) = (16, 32);
    configure(&bench, 1, |ntp| {
        (ntp.min_poll_s, ntp.max_poll_s) = (least, most)
    });
    bench.start().await?;
    let mut earlier = request(&bench, &server, PATIENCE, "RFC4330-10-1").await?;
    let slack = jitter_s(&bench);
    for _ in 0..3 {
        let reply = earlier.good_reply(GOOD_TIME, 0);
        server.reply(&earlier, &reply).await.map_err(unsent)?;
        let longest = bench.device_time(f64::from(most) * 2.0);
        let later = request(&bench, &server, longest, "FIRMPROOF-SNTP-3").await?;
        let gap = gap_s(&bench, &earlier, &later);
        let seen = format!("{gap:.1} s");
        require(
            gap >= 15.0,
            "RFC4330-10-1",
            "15 s between polls, at least",
            seen.clone(),
        )?;
        let within = (f64::from(least) - slack..=f64::from(most) + slack).contains(&gap);
        let expected = format!("{least} to {most} s between polls");
        require(within, "FIRMPROOF-SNTP-3", expected, seen)?;
        earlier = later;
    }
    Ok(())
}

async fn backs_off(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC4330-10-2";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |ntp| ntp.reply_timeout_s = 1);
    bench.start().await?;
    let mut earlier = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let mut gaps = Vec::new();
    for _ in 0..4 {
        let longest = bench.device_time(1100.0);
        let later = request(&bench, &server, longest, STATEMENT).await?;
        gaps.push(gap_s(&bench, &earlier, &later));
        earlier = later;
    }
    let seen = format!("{gaps:.1?} s between requests");
    let slack = jitter_s(&bench);
    let slow = gaps.iter().all(|&gap| gap >= 15.0 - slack);
    require(
        slow,
        "RFC4330-10-1",
        "15 s between requests, at least",
        seen.clone(),
    )?;
    // Exponential growth at least doubles three intervals on, whatever its factor and its jitter.
    let grows = gaps[3] >= gaps[0] * 2.0;
    require(grows, STATEMENT, "intervals that grow", seen)
}

async fn rate(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-7.4-2";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let mut earlier = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let mut gaps = Vec::new();
    for _ in 0..3 {
        let kiss = spoilt(&earlier, |reply| {
            (reply.stratum, reply.reference_id) = (0, *b"RATE");
        });
        server.reply(&earlier, &kiss).await.map_err(unsent)?;
        let longest = bench.device_time(1100.0);
        let later = request(&bench, &server, longest, STATEMENT).await?;
        gaps.push(gap_s(&bench, &earlier, &later));
        earlier = later;
    }
    let seen = format!("{gaps:.1?} s between requests");
    let slack = jitter_s(&bench);
    let longer = gaps[0] > 15.0 + slack && gaps.windows(2).all(|pair| pair[1] > pair[0]);
    let expected = "intervals that grow with each RATE, from above 15 s";
    require(longer, STATEMENT, expected, seen)?;
    let state = bench.state().await?;
    let unset = state["time"]["synced"] == false;
    require(
        unset,
        "RFC5905-7.4-4",
        "a clock that is not set",
        state["time"].to_string(),
    )?;
    synchronise(&bench, &server, &earlier, GOOD_TIME, STATEMENT).await?;
    bench.alive("FIRMPROOF-SNTP-4").await
}

async fn passed_over(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-2";
    let first = bench.ntp_server(1).await?;
    let second = bench.ntp_server(2).await?;
    bench.scale_time(20);
    configure(&bench, 2, |ntp| ntp.reply_timeout_s = 20);
    bench.start().await?;
    request(&bench, &first, PATIENCE, STATEMENT).await?;
    let longest = bench.device_time(120.0);
    let asked = request(&bench, &second, longest, STATEMENT).await?;
    synchronise(&bench, &second, &asked, GOOD_TIME, STATEMENT).await?;
    let state = bench.state().await?;
    require_time(&state, GOOD_TIME, 600, STATEMENT)
}

async fn denied(bench: Bench, code: [u8; 4]) -> Judged {
    const STATEMENT: &str = "RFC5905-7.4-1";
    let first = bench.ntp_server(1).await?;
    let second = bench.ntp_server(2).await?;
    bench.scale_time(50);
    configure(&bench, 2, |ntp| ntp.max_poll_s = 32);
    bench.start().await?;
    let asked = request(&bench, &first, PATIENCE, STATEMENT).await?;
    let kiss = spoilt(&asked, |reply| {
        (reply.stratum, reply.reference_id) = (0, code)
    });
    first.reply(&asked, &kiss).await.map_err(unsent)?;
    // Three polls of the other server are the window in which nothing may come to this one.
    for poll in 0..3 {
        let longest = bench.device_time(120.0).max(PATIENCE);
        tokio::select! {
            Ok(_) = first.next_request(longest) => {
                let expected = "no further request to the server that refused";
                return Err(Stop::fail(STATEMENT, expected, "another request to it"));
            }
            next = request(&bench, &second, longest, "RFC4330-8-1") => {
                let next = next?;
                if poll == 0 {
                    let state = bench.state().await?;
                    let unset = state["time"]["synced"] == false;
                    let seen = state["time"].to_string();
                    require(unset, "RFC5905-7.4-4", "a clock that is not set", seen)?;
                }
                synchronise(&bench, &second, &next, GOOD_TIME, STATEMENT).await?;
            }
        }
    }
    bench.alive("FIRMPROOF-SNTP-4").await
}

async fn runs_on(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-5";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |ntp| ntp.reply_timeout_s = 30);
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    let before = bench.state().await?;
    let started = tokio::time::Instant::now();
    // Two polls go unanswered meanwhile.
    for _ in 0..2 {
        request(&bench, &server, bench.device_time(1100.0), STATEMENT).await?;
    }
    let after = bench.state().await?;
    let passed = started.elapsed().as_secs_f64() * f64::from(bench.config().time_scale);
    let (Some(from), Some(to)) = (unix_s(&before), unix_s(&after)) else {
        let seen = after["time"].to_string();
        return Err(Stop::fail(STATEMENT, "a clock that runs", seen));
    };
    let ran = (to - from) as f64;
    let slack = 2.0 * jitter_s(&bench) + 1.0;
    let expected = format!("{passed:.1} s on the clock, give or take {slack:.1} s");
    require(
        (ran - passed).abs() <= slack,
        STATEMENT,
        expected,
        format!("{ran} s"),
    )
}
