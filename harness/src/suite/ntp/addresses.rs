//! The addresses of a time server's name, over time: which is used, for how long, and how often it is asked for
//! (RFC 4330 §10, RFC 1035 §3.2.1).

use std::net::Ipv4Addr;
use std::time::Duration;

use firmproof_bootconfig::Host;
use hickory_proto::op::ResponseCode;

use super::names::{NEEDS, UNIX_S, configured, patience, query, sent, synchronises, told};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, Stop, require};

pub(super) fn cases() -> Vec<Case> {
    [
        Case::new(
            Level::Should,
            "ntp/addresses/changed-address",
            &["RFC1035-3.2.1-1"],
            "After its time to live an address is asked for again, and a new one is followed",
            changed_address,
        ),
        Case::new(
            Level::Should,
            "ntp/addresses/many-addresses",
            &["RFC4330-10-6"],
            "Of a name with several addresses one is asked, and only one in a poll",
            many_addresses,
        ),
        Case::new(
            Level::Should,
            "ntp/addresses/time-to-live-is-used-up",
            &["RFC4330-10-7"],
            "Before its time to live has passed an address is not asked for again",
            kept,
        ),
        Case::new(
            Level::Policy,
            "ntp/addresses/no-storm-of-queries",
            &["FIRMPROOF-SNTP-8"],
            "A name that does not exist is asked for no more than four times in 15 seconds",
            no_storm,
        ),
        Case::new(
            Level::Policy,
            "ntp/addresses/unknown-name-is-passed-over",
            &["FIRMPROOF-SNTP-2"],
            "A server whose name does not exist is passed over for the next",
            passed_over,
        ),
    ]
    .into_iter()
    .map(|case| case.needs(NEEDS).long())
    .collect()
}

async fn changed_address(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC1035-3.2.1-1";
    let dns = configured(&bench, &[1]).await?;
    let servers = [bench.ntp_server(2).await?, bench.ntp_server(3).await?];
    bench.start().await?;
    for (server, n) in servers.iter().zip([2, 3]) {
        let query = query(&bench, &dns, STATEMENT).await?;
        let answer = query.answer(&[server.peer(n)], 1);
        sent(dns.reply(&query, &answer).await)?;
        synchronises(&bench, server, STATEMENT).await?;
    }
    bench.alive(STATEMENT).await
}

async fn many_addresses(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC4330-10-6";
    let dns = configured(&bench, &[1]).await?;
    let servers = [bench.ntp_server(2).await?, bench.ntp_server(3).await?];
    bench.start().await?;
    let query = query(&bench, &dns, STATEMENT).await?;
    let addresses: Vec<Ipv4Addr> = (2..=7).map(|n| bench.lab().peer_address(n)).collect();
    sent(dns.reply(&query, &query.answer(&addresses[..2], 60)).await)?;
    let wait = patience(&bench);
    let (server, other, asked) = tokio::select! {
        Ok(asked) = servers[0].next_request(wait) => (&servers[0], &servers[1], asked),
        Ok(asked) = servers[1].next_request(wait) => (&servers[1], &servers[0], asked),
        else => {
            let seen = bench.with_console("none came");
            return Err(Stop::fail(STATEMENT, "a request for the time at either address", seen));
        }
    };
    let reply = asked.good_reply(UNIX_S, 0);
    let replied = server.reply(&asked, &reply).await;
    replied.map_err(|e| Stop::inconclusive(format!("time server: {e}")))?;
    told(&bench, STATEMENT, "event=ntp.sync", |line| {
        line.is("ntp.sync")
    })
    .await?;
    // Both datagrams would be here: what was asked at once came before the reply was taken.
    match other.next_request(Duration::ZERO).await {
        Ok(_) => Err(Stop::fail(
            STATEMENT,
            "one address in a poll",
            "both were asked",
        )),
        Err(_) => Ok(()),
    }
}

async fn kept(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC4330-10-7";
    let dns = configured(&bench, &[1]).await?;
    let server = bench.ntp_server(2).await?;
    bench.start().await?;
    let query = query(&bench, &dns, STATEMENT).await?;
    sent(
        dns.reply(&query, &query.answer(&[server.peer(2)], 3600))
            .await,
    )?;
    synchronises(&bench, &server, STATEMENT).await?;
    for _ in 0..2 {
        tokio::select! {
            again = dns.next_query(patience(&bench)) => {
                let seen = again.map_or_else(|e| e.to_string(), |_| "the name is asked for again".into());
                return Err(Stop::fail(STATEMENT, "a poll at the address that is known", seen));
            }
            asked = server.next_request(patience(&bench)) => match asked {
                Ok(asked) => {
                    let reply = asked.good_reply(UNIX_S, 0);
                    let replied = server.reply(&asked, &reply).await;
                    replied.map_err(|e| Stop::inconclusive(format!("time server: {e}")))?;
                }
                Err(_) => return Err(Stop::fail(STATEMENT, "a poll", bench.with_console("none came"))),
            },
        }
    }
    Ok(())
}

async fn no_storm(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-8";
    /// How many queries may come in 15 s.
    const MOST: usize = 4;
    let dns = configured(&bench, &[1]).await?;
    bench.scale_time(20);
    bench.start().await?;
    let mut times = Vec::new();
    while times.len() < 2 * MOST + 1 {
        let query = query(&bench, &dns, STATEMENT).await?;
        times.push(tokio::time::Instant::now());
        let refusal = query.refusal(ResponseCode::NXDomain);
        sent(dns.reply(&query, &refusal).await)?;
    }
    let least = bench
        .device_time(15.0)
        .saturating_sub(Duration::from_millis(100));
    let slow = times.windows(MOST + 1).all(|window| match window {
        [first, .., last] => last.duration_since(*first) >= least,
        _ => false,
    });
    let expected = "no more than 4 queries in 15 s of device time";
    let seen: Vec<_> = times.iter().map(|at| at.duration_since(times[0])).collect();
    require(
        slow,
        STATEMENT,
        expected,
        format!("queries at {seen:.2?} of wall time"),
    )
}

async fn passed_over(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-2";
    let dns = configured(&bench, &[1]).await?;
    let server = bench.ntp_server(2).await?;
    bench.configure(|config| {
        // There is room: the name is the only one so far.
        let _ = config
            .ntp
            .servers
            .push(Host::Address(server.peer(2).octets()));
    });
    bench.start().await?;
    let answering = async {
        loop {
            let query = query(&bench, &dns, STATEMENT).await?;
            let refusal = query.refusal(ResponseCode::NXDomain);
            sent(dns.reply(&query, &refusal).await)?;
        }
    };
    tokio::select! {
        ended = answering => ended,
        synchronised = synchronises(&bench, &server, STATEMENT) => synchronised,
    }
}
