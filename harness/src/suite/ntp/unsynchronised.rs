//! A device that knows no time: what it says of that, and what it leaves out (RFC 9110 §6.6.1).

use super::clock::{
    GOOD_TIME, configure, next_poll, request, require_unset, spoilt, synchronise, unsent,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::http_prober::Answer;
use crate::profile::Capability::{Configure, Http, Ntp, ObserveState, Power, TimeScale};

pub(super) fn cases() -> Vec<Case> {
    [
        Case::new(
            Level::Policy,
            "ntp/unsynchronised/state",
            &["FIRMPROOF-SNTP-11"],
            "Before the first good reply the state says that no time is known, with leap indicator 3 and without any time",
            state,
        ),
        Case::must(
            "ntp/unsynchronised/no-date",
            &["RFC9110-6.6.1-2"],
            "Before the clock is set no HTTP response has a Date field; after it every one has",
            no_date,
        ),
        Case::new(
            Level::Policy,
            "ntp/unsynchronised/refused-replies-only",
            &["FIRMPROOF-SNTP-11"],
            "Replies that cannot be used leave the device without time, however many come",
            refused_only,
        )
        .needs(&[TimeScale]),
        Case::new(
            Level::Policy,
            "ntp/unsynchronised/after-a-power-cut",
            &["FIRMPROOF-SNTP-11"],
            "A power cut takes the time: after it the device knows none until a server gives it",
            power_cut,
        )
        .needs(&[Power]),
    ]
    .into_iter()
    .map(|case| case.needs(&[Ntp, Configure, ObserveState]))
    .collect()
}

const STATEMENT: &str = "FIRMPROOF-SNTP-11";

async fn state(bench: Bench) -> Judged {
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |_| {});
    bench.start().await?;
    request(&bench, &server, PATIENCE, STATEMENT).await?;
    let state = bench.state().await?;
    require_unset(&state, STATEMENT)?;
    let time = &state["time"];
    let none = ["unix_s", "utc", "local"]
        .iter()
        .all(|key| time[key].is_null());
    require(none, STATEMENT, "no time", time.to_string())?;
    let leap = time["leap"] == 3;
    require(leap, STATEMENT, "leap indicator 3", time.to_string())
}

/// The Date field of an answer to `target`.
async fn date(bench: &Bench, target: &str) -> Judged<Option<String>> {
    let mut connection = bench.http().await?;
    let host = connection.host();
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    connection.send(request.as_bytes()).await;
    match connection.answer(PATIENCE, "GET").await {
        Answer::Response(response) => Ok(response.field("Date").map(str::to_owned)),
        other => Err(Stop::inconclusive(bench.with_console(&other.to_string()))),
    }
}

async fn no_date(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-6.6.1-2";
    bench.need(Http)?;
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    for target in ["/", "/api/state", "/nothing-is-here"] {
        let date = date(&bench, target).await?;
        let seen = format!("{date:?} in the answer to {target}");
        require(date.is_none(), STATEMENT, "no Date field", seen)?;
    }
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    for target in ["/", "/api/state", "/nothing-is-here"] {
        let date = date(&bench, target).await?;
        // GOOD_TIME is midnight of a Tuesday.
        let right = date
            .as_ref()
            .is_some_and(|date| date.starts_with("Tue, 01 Jan 2030 00:0"));
        let seen = format!("{date:?} in the answer to {target}");
        require(
            right,
            "RFC9110-6.6.1-1",
            "the Date of the server's time",
            seen,
        )?;
    }
    Ok(())
}

async fn refused_only(bench: Bench) -> Judged {
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |ntp| ntp.max_poll_s = 20);
    bench.start().await?;
    for leap in [3, 0, 3, 0] {
        let asked = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
        let reply = spoilt(&asked, |reply| (reply.leap, reply.stratum) = (leap, 16));
        server.reply(&asked, &reply).await.map_err(unsent)?;
    }
    request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    require_unset(&bench.state().await?, STATEMENT)?;
    bench.alive(STATEMENT).await
}

async fn power_cut(bench: Bench) -> Judged {
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    bench.cut_power().await?;
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    require_unset(&bench.state().await?, STATEMENT)?;
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await
}
