//! That nobody can guess what binds a reply to its request: the transmit timestamp and the source port of requests, the
//! identifier and the source port of name queries (RFC 9109 §4, RFC 5452 §9.2; RFC 4330 §3 as policy).
//!
//! The judgements are statistical. Each states how often it would blame a client that draws its numbers well.

use std::collections::{BTreeMap, BTreeSet};

use firmproof_bootconfig::Host;
use hickory_proto::op::ResponseCode;

use super::clock::{GOOD_TIME, configure, next_poll, request, synchronise, unsent};
use super::names::{configured, patience, sent};
use crate::bench::{Bench, PATIENCE, text};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::ntp_packet::ntp_seconds;
use crate::peers::ntp_server::Request;
use crate::profile::Capability::{Configure, LabAddresses, Ntp, ObserveState, TimeScale};

/// How many requests are drawn.
const REQUESTS: usize = 128;

pub(super) fn cases() -> Vec<Case> {
    [
        Case::new(
            Level::Policy,
            "ntp/unpredictability/transmit-tells-nothing-of-the-clock",
            &["FIRMPROOF-SNTP-1"],
            "The transmit timestamp of a request lies far from the clock, before and after it is set",
            tells_nothing,
        )
        .needs(&[ObserveState, TimeScale]),
        Case::new(
            Level::Policy,
            "ntp/unpredictability/transmit-timestamps",
            &["FIRMPROOF-SNTP-1", "RFC4330-3-2"],
            "In 128 requests no transmit timestamp comes twice, and each of its 64 bits is set in about half of them; \
             false alarms: below 1 in 100,000",
            timestamps,
        )
        .needs(&[LabAddresses, TimeScale]),
        Case::new(
            Level::Policy,
            "ntp/unpredictability/source-ports",
            &["FIRMPROOF-SNTP-14", "RFC9109-4-1", "RFC9109-4-2"],
            "In 128 requests the source port is drawn anew, without a pattern; false alarms: below 1 in 100,000",
            ports,
        )
        .needs(&[LabAddresses, TimeScale]),
        Case::new(
            Level::Should,
            "ntp/unpredictability/port-of-its-own",
            &["RFC9109-4-3"],
            "The port of a request is closed after the exchange: what comes to it later is not even looked at",
            port_closed,
        )
        .needs(&[ObserveState, TimeScale]),
        Case::must(
            "ntp/unpredictability/name-queries",
            &["RFC5452-9.2-1", "RFC5452-9.2-3"],
            "In 64 queries identifier and source port are drawn anew, without a pattern; false alarms: below 1 in 1,000,000",
            name_queries,
        )
        .needs(&[LabAddresses, TimeScale]),
    ]
    .into_iter()
    .map(|case| case.needs(&[Configure, Ntp]).long())
    .collect()
}

/// How far two timestamps are apart, around the circle of 2^64.
fn distance(a: u64, b: u64) -> u64 {
    a.wrapping_sub(b).min(b.wrapping_sub(a))
}

async fn tells_nothing(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-1";
    /// An hour, as a difference of timestamps: random ones come so near once in 600,000 times.
    const NEAR: u64 = 3600 << 32;
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |ntp| ntp.max_poll_s = 60);
    bench.start().await?;
    let clock = u64::from(ntp_seconds(GOOD_TIME)) << 32;
    let mut before = None;
    for _ in 0..3 {
        let asked = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
        let transmit = asked.packet.transmit;
        let shown =
            format!("{transmit:016x} after {before:016x?}, and the clock is near {clock:016x}");
        let far = distance(transmit, clock) >= NEAR
            && before.is_none_or(|before| distance(transmit, before) >= NEAR);
        let expected = "a timestamp far from the clock and from the one before";
        require(far, STATEMENT, expected, shown)?;
        before = Some(transmit);
        synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    }
    Ok(())
}

/// Many requests: to four servers that do not answer, at the fastest clock.
async fn many(bench: &Bench, statement: &str) -> Judged<Vec<Request>> {
    let mut servers = Vec::new();
    for n in 1..=4 {
        servers.push(bench.ntp_server(n).await?);
    }
    bench.scale_time(100);
    configure(bench, 4, |ntp| {
        ntp.reply_timeout_s = 1;
        ntp.max_poll_s = ntp.min_poll_s;
    });
    bench.start().await?;
    let mut requests = Vec::new();
    while requests.len() < REQUESTS {
        for server in &servers {
            requests.push(request(bench, server, next_poll(bench), statement).await?);
        }
    }
    requests.sort_by_key(|asked| asked.at);
    Ok(requests)
}

async fn timestamps(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-1";
    /// Each bit's count has the binomial distribution of 128 coins: 64, give or take 5.66. Beyond 29 from 64 one
    /// bit lies once in 4 million times, one of 64 once in 60,000; beyond 32 (5.66 standard deviations) one of 64
    /// once in 500,000.
    const MOST_OFF: usize = 32;
    let requests = many(&bench, STATEMENT).await?;
    let distinct: BTreeSet<u64> = requests.iter().map(|asked| asked.packet.transmit).collect();
    // Two of 128 random numbers of 64 bits are equal once in 2 * 10^15 times.
    let seen = format!("{} of {} differ", distinct.len(), requests.len());
    let all = distinct.len() == requests.len();
    require(all, STATEMENT, "no timestamp twice", seen)?;
    let half = requests.len() / 2;
    for bit in 0..64 {
        let set = |asked: &&Request| asked.packet.transmit >> bit & 1 == 1;
        let ones = requests.iter().filter(set).count();
        let expected = format!("bit {bit} set in {half} of them, give or take {MOST_OFF}");
        let fits = ones.abs_diff(half) <= MOST_OFF;
        require(fits, STATEMENT, expected, format!("set in {ones}"))?;
    }
    Ok(())
}

async fn ports(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9109-4-1";
    let requests = many(&bench, STATEMENT).await?;
    let ports: Vec<u16> = requests.iter().map(|asked| asked.from.port()).collect();
    // From the smallest range in use, 16,384 ports, a draw of 128 has 28 values that came before less than once in 10^40
    // times, and one step from port to port four times below once in 400,000.
    without_pattern("ports", &ports, 100, "FIRMPROOF-SNTP-14", STATEMENT)?;
    let seen = format!("{ports:?}");
    // 123 is open to everyone who guesses.
    require(!ports.contains(&123), STATEMENT, "not port 123", seen)
}

/// At least `distinct` of the numbers differ, and no step from one to the next comes more than three times, as a counter's
/// does.
fn without_pattern(
    what: &str,
    drawn: &[u16],
    distinct: usize,
    differ: &'static str,
    pattern: &'static str,
) -> Judged {
    let seen = format!("{drawn:?}");
    let different: BTreeSet<u16> = drawn.iter().copied().collect();
    let expected = format!("at least {distinct} different {what} of {}", drawn.len());
    require(different.len() >= distinct, differ, expected, seen.clone())?;
    let mut steps: BTreeMap<u16, usize> = BTreeMap::new();
    for pair in drawn.windows(2) {
        *steps.entry(pair[1].wrapping_sub(pair[0])).or_default() += 1;
    }
    let most = steps.values().max().copied().unwrap_or_default();
    let expected = format!("{what} of which no step to the next comes more than 3 times");
    require(most <= 3, pattern, expected, seen)
}

async fn port_closed(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9109-4-3";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |ntp| ntp.max_poll_s = 60);
    bench.start().await?;
    let first = request(&bench, &server, PATIENCE, STATEMENT).await?;
    synchronise(&bench, &server, &first, GOOD_TIME, STATEMENT).await?;
    let second = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    let before = bench.state().await?["counters"]["ntp_refused"].clone();
    let late = first.good_reply(GOOD_TIME, 0);
    server.reply(&first, &late).await.map_err(unsent)?;
    // Datagrams keep their order: the second reply is taken after the late one was dropped.
    synchronise(&bench, &server, &second, GOOD_TIME, STATEMENT).await?;
    request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    let after = bench.state().await?["counters"]["ntp_refused"].clone();
    let seen = format!("{before} replies refused before it, {after} after it");
    require(before == after, STATEMENT, "a port that is closed", seen)
}

async fn name_queries(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5452-9.2-3";
    const QUERIES: usize = 64;
    let dns = configured(&bench, &[1]).await?;
    bench.scale_time(100);
    bench.configure(|config| {
        config.ntp.max_poll_s = config.ntp.min_poll_s;
        config.ntp.servers.clear();
        for n in 1..=4 {
            // Four is what there is room for.
            let _ = config
                .ntp
                .servers
                .push(Host::Name(text(&format!("time{n}.example"))));
        }
    });
    bench.start().await?;
    let (mut ids, mut ports) = (Vec::new(), Vec::new());
    while ids.len() < QUERIES {
        let query = dns.next_query(patience(&bench)).await.map_err(|e| {
            Stop::fail(
                STATEMENT,
                "queries for four names",
                bench.with_console(&e.to_string()),
            )
        })?;
        ids.push(query.message.metadata.id);
        ports.push(query.from.port());
        let refusal = query.refusal(ResponseCode::NXDomain);
        sent(dns.reply(&query, &refusal).await)?;
    }
    // From 16,384 ports or more a draw of 64 has five values that came before once in 4 million times; from 65,536
    // identifiers far more seldom. One step from each to the next four times: once in 7 million.
    without_pattern("identifiers", &ids, QUERIES - 4, STATEMENT, STATEMENT)?;
    without_pattern(
        "source ports",
        &ports,
        QUERIES - 4,
        "RFC5452-9.2-1",
        "RFC5452-9.2-1",
    )
}
