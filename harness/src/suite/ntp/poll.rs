//! How often a client asks, in device time: the poll interval, its bounds, and back-off (RFC 4330 §10).

use super::clock::{
    GOOD_TIME, configure, gap_s, jitter_s, next_poll, request, spoilt, synchronise, unsent,
    until_told,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::ntp_server::NtpServer;
use crate::profile::Capability::{
    Configure, LabFrames, Ntp, ObserveConsole, ObserveState, TimeScale,
};

/// How long a reply is awaited, in device time: at the fast clocks here long enough for a slow machine to learn the
/// server's hardware address first, without which no request leaves.
const TIMEOUT_S: u8 = 15;

pub(super) fn cases() -> Vec<Case> {
    [
        Case::must(
            "ntp/poll/interval",
            &["RFC4330-10-1", "FIRMPROOF-SNTP-3"],
            "No poll interval is below 15 seconds, nor outside the configured bounds",
            |bench| interval(bench, 20, 16, 3),
        )
        .needs(&[TimeScale]),
        Case::must(
            "ntp/poll/interval-at-scale-1",
            &["RFC4330-10-1", "FIRMPROOF-SNTP-3"],
            "No poll interval is below 15 seconds of the wall, when the device's clock is not sped up",
            |bench| interval(bench, 1, 15, 1),
        ),
        Case::new(
            Level::Policy,
            "ntp/poll/one-request-a-poll",
            &["FIRMPROOF-SNTP-8"],
            "A server that answers gets one request a poll, never a burst",
            no_burst,
        )
        .needs(&[TimeScale, ObserveState]),
        Case::new(
            Level::Should,
            "ntp/poll/backs-off",
            &["RFC4330-10-2", "FIRMPROOF-SNTP-3"],
            "The poll interval grows while a server does not answer",
            |bench| backs_off(bench, false),
        )
        .needs(&[TimeScale]),
        Case::new(
            Level::Should,
            "ntp/poll/backs-off-from-refused-replies",
            &["RFC4330-10-2"],
            "The poll interval grows while a server answers what cannot be used",
            |bench| backs_off(bench, true),
        )
        .needs(&[TimeScale]),
        Case::new(
            Level::Policy,
            "ntp/poll/back-off-is-capped",
            &["FIRMPROOF-SNTP-3"],
            "Back-off ends at the longest poll interval: a server that comes back is found within it",
            capped,
        )
        .needs(&[TimeScale]),
        Case::new(
            Level::Policy,
            "ntp/poll/back-off-ends-with-a-reply",
            &["FIRMPROOF-SNTP-3"],
            "After the first good reply the poll interval is the ordinary one again, and the next outage backs off anew",
            reset,
        )
        .needs(&[TimeScale, ObserveState]),
        Case::must(
            "ntp/poll/no-storm-after-an-outage",
            &["RFC4330-10-1", "FIRMPROOF-SNTP-8"],
            "When a cut wire comes back, requests come no faster than before, and none that was held back",
            no_storm,
        )
        .needs(&[TimeScale, ObserveState, ObserveConsole, LabFrames]),
    ]
    .into_iter()
    .map(|case| case.needs(&[Ntp, Configure]).long())
    .collect()
}

async fn interval(bench: Bench, scale: u16, least: u32, times: usize) -> Judged {
    let server = bench.ntp_server(1).await?;
    bench.scale_time(scale);
    let most = 32;
    configure(&bench, 1, |ntp| {
        (ntp.min_poll_s, ntp.max_poll_s) = (least, most);
    });
    bench.start().await?;
    let mut earlier = request(&bench, &server, PATIENCE, "RFC4330-10-1").await?;
    let slack = jitter_s(&bench);
    for _ in 0..times {
        let reply = earlier.good_reply(GOOD_TIME, 0);
        server.reply(&earlier, &reply).await.map_err(unsent)?;
        let later = request(&bench, &server, next_poll(&bench), "FIRMPROOF-SNTP-3").await?;
        let gap = gap_s(&bench, &earlier, &later);
        let seen = format!("{gap:.2} s");
        let expected = "15 s between polls, at least";
        require(gap >= 15.0 - slack, "RFC4330-10-1", expected, seen.clone())?;
        let within = (f64::from(least) - slack..=f64::from(most) + slack).contains(&gap);
        let expected = format!("{least} to {most} s between polls");
        require(within, "FIRMPROOF-SNTP-3", expected, seen)?;
        earlier = later;
    }
    Ok(())
}

async fn no_burst(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-8";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |ntp| {
        (ntp.min_poll_s, ntp.max_poll_s) = (60, 120)
    });
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    // Most of the interval; the first poll is as well answered as any.
    let quiet = bench.device_time(45.0).saturating_sub(asked.at.elapsed());
    match server.next_request(quiet).await {
        Ok(next) => {
            let seen = format!("another one after {:.1} s", gap_s(&bench, &asked, &next));
            Err(Stop::fail(STATEMENT, "no request within 45 s of 60", seen))
        }
        Err(_) => {
            request(&bench, &server, next_poll(&bench), STATEMENT).await?;
            Ok(())
        }
    }
}

/// The device seconds between the next `count` requests, which `refused` answers with what cannot be
/// used and which otherwise go unanswered.
async fn gaps(
    bench: &Bench,
    server: &NtpServer,
    refused: bool,
    count: usize,
    statement: &str,
) -> Judged<Vec<f64>> {
    let mut earlier = request(bench, server, next_poll(bench), statement).await?;
    let mut gaps = Vec::new();
    while gaps.len() < count {
        if refused {
            let reply = spoilt(&earlier, |reply| reply.leap = 3);
            server.reply(&earlier, &reply).await.map_err(unsent)?;
        }
        let later = request(bench, server, next_poll(bench), statement).await?;
        gaps.push(gap_s(bench, &earlier, &later));
        earlier = later;
    }
    Ok(gaps)
}

async fn backs_off(bench: Bench, refused: bool) -> Judged {
    const STATEMENT: &str = "RFC4330-10-2";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |ntp| {
        ntp.reply_timeout_s = if refused { 60 } else { TIMEOUT_S }
    });
    bench.start().await?;
    let gaps = gaps(&bench, &server, refused, 4, STATEMENT).await?;
    let seen = format!("{gaps:.1?} s between requests");
    let slack = jitter_s(&bench);
    let slow = gaps.iter().all(|&gap| gap >= 15.0 - slack);
    let expected = "15 s between requests, at least";
    require(slow, "RFC4330-10-1", expected, seen.clone())?;
    // Exponential growth at least doubles three intervals on, whatever its factor and its jitter.
    let grows = gaps[3] >= gaps[0] * 2.0;
    require(grows, STATEMENT, "intervals that grow", seen)
}

async fn capped(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-3";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(30);
    configure(&bench, 1, |ntp| {
        ntp.max_poll_s = 60;
        ntp.reply_timeout_s = TIMEOUT_S;
    });
    bench.start().await?;
    let gaps = gaps(&bench, &server, false, 4, STATEMENT).await?;
    let seen = format!("{gaps:.1?} s between requests");
    // 60 s and the time for which the reply was awaited; doubled once more it would be 120 s.
    let most = 60.0 + f64::from(TIMEOUT_S) + 25.0;
    let capped = gaps.iter().all(|&gap| gap <= most);
    require(
        capped,
        STATEMENT,
        "no interval beyond 60 s, and the wait for the reply",
        seen,
    )
}

async fn reset(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-3";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |ntp| ntp.reply_timeout_s = TIMEOUT_S);
    bench.start().await?;
    gaps(&bench, &server, false, 3, STATEMENT).await?;
    // Its back-off is at 60 s or more now; a late reply would not count, a good one to the next request does.
    let asked = loop {
        let asked = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
        let good = asked.good_reply(GOOD_TIME, 0);
        server.reply(&asked, &good).await.map_err(unsent)?;
        if bench.state().await?["time"]["synced"] == true {
            break asked;
        }
    };
    let next = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    let after = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    let gaps = [gap_s(&bench, &asked, &next), gap_s(&bench, &next, &after)];
    let seen = format!("{gaps:.1?} s");
    // Still backed off it would be 60 s at least; between the two there is room for a busy machine.
    let most = 15.0 + f64::from(TIMEOUT_S) + 25.0;
    let ordinary = gaps.iter().all(|&gap| gap <= most);
    require(ordinary, STATEMENT, "intervals of 15 s again", seen)
}

async fn no_storm(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC4330-10-1";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |ntp| {
        ntp.max_poll_s = 60;
        ntp.reply_timeout_s = TIMEOUT_S;
    });
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    let cut = |e| Stop::inconclusive(format!("the wire: {e}"));
    bench.lab().cut().map_err(cut)?;
    // Five requests get lost.
    until_told(
        &bench,
        "ntp.timeout",
        5,
        bench.device_time(600.0) + PATIENCE,
    )
    .await?;
    bench.lab().restore().map_err(cut)?;
    let mut earlier = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    let mut gaps = Vec::new();
    for _ in 0..4 {
        let good = earlier.good_reply(GOOD_TIME, 0);
        server.reply(&earlier, &good).await.map_err(unsent)?;
        let later = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
        gaps.push(gap_s(&bench, &earlier, &later));
        earlier = later;
    }
    let seen = format!("{gaps:.1?} s between requests");
    let slow = gaps.iter().all(|&gap| gap >= 15.0 - jitter_s(&bench));
    let expected = "15 s between requests, at least";
    require(slow, STATEMENT, expected, seen)?;
    bench.alive(STATEMENT).await
}
