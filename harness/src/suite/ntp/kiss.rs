//! Kiss-o'-death: what a server's refusal makes a client do, and what it does not (RFC 5905 §7.4, RFC 4330 §8).

use super::clock::{
    GOOD_TIME, configure, gap_s, jitter_s, next_poll, request, require_unset, spoilt, synchronise,
    unix_s, unsent,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::ntp_packet::NtpPacket;
use crate::peers::ntp_server::{NTP_PORT, NtpServer, Request};
use crate::profile::Capability::{Configure, LabAddresses, Ntp, ObserveState, TimeScale};

pub(super) fn cases() -> Vec<Case> {
    let ends = ENDS.iter().map(|row| {
        let id = format!("ntp/kiss/{}", row.name);
        let statements = [
            "RFC5905-7.4-1",
            "RFC5905-7.4-4",
            "RFC5905-7.4-6",
            "RFC4330-8-1",
            "RFC4330-10-8",
        ];
        Case::must(id, &statements, row.requirement, move |bench| {
            denied(bench, row)
        })
        .needs(&[LabAddresses])
    });
    let ignored = IGNORED.iter().map(|row| {
        let id = format!("ntp/kiss/{}", row.name);
        let mut case = Case::must(id, &["RFC5905-7.4-5"], row.requirement, move |bench| {
            ignored(bench, row)
        });
        if row.source.is_some() {
            case = case.needs(&[LabAddresses]);
        }
        case
    });
    ends.chain(ignored)
        .chain([
            Case::must(
                "ntp/kiss/deny-by-the-only-server",
                &["RFC5905-7.4-1"],
                "After DENY nothing more is sent to a server, though there is no other: for 20 poll intervals",
                denied_for_good,
            ),
            Case::must(
                "ntp/kiss/rate-lengthens-the-interval",
                &["RFC5905-7.4-2", "RFC5905-7.4-4"],
                "RATE makes the client lengthen its poll interval at once, and again each time, and sets no clock",
                rate,
            ),
            Case::new(
                Level::Policy,
                "ntp/kiss/rate-is-remembered",
                &["RFC5905-7.4-2", "FIRMPROOF-SNTP-3"],
                "The longer interval stays after the server has given the time again, and within its bound",
                rate_stays,
            ),
            Case::new(
                Level::Policy,
                "ntp/kiss/rate-binds-one-server",
                &["RFC5905-7.4-2", "FIRMPROOF-SNTP-2"],
                "RATE of one server leaves the interval of the other as it is",
                rate_of_one,
            )
            .needs(&[LabAddresses]),
            Case::must(
                "ntp/kiss/unknown-code",
                &["RFC5905-7.4-3", "RFC5905-7.4-4"],
                "A code that begins with X has no effect but that its packet is discarded: the server is asked again",
                |bench| without_effect(bench, UNKNOWN),
            ),
            Case::must(
                "ntp/kiss/codes-for-information",
                &["RFC5905-7.4-3", "RFC5905-7.4-4"],
                "The eleven codes of RFC 5905, figure 13, that ask for nothing have no effect",
                |bench| without_effect(bench, FOR_INFORMATION),
            ),
            Case::must(
                "ntp/kiss/no-code-at-all",
                &["RFC5905-7.4-3"],
                "A kiss packet with a code of zeros or of control characters has no effect",
                |bench| without_effect(bench, NO_CODE),
            ),
            Case::must(
                "ntp/kiss/leaves-a-set-clock",
                &["RFC5905-7.4-4"],
                "A kiss with a time in it moves no clock that was set",
                leaves_clock,
            ),
        ])
        .map(|case| case.needs(&[Ntp, Configure, ObserveState, TimeScale]).long())
        .collect()
}

/// The codes of RFC 5905, figure 13, but for DENY, RSTR and RATE.
const FOR_INFORMATION: &[[u8; 4]] = &[
    *b"ACST", *b"AUTH", *b"AUTO", *b"BCST", *b"CRYP", *b"DROP", *b"INIT", *b"MCST", *b"NKEY",
    *b"RMOT", *b"STEP",
];

/// One for experiments (RFC 5905 §7.4).
const UNKNOWN: &[[u8; 4]] = &[*b"XFUN"];
const NO_CODE: &[[u8; 4]] = &[[0; 4], *b"\x1b[2J", [0xff; 4]];

fn kiss(asked: &Request, code: [u8; 4]) -> NtpPacket {
    spoilt(asked, |reply| {
        (reply.stratum, reply.reference_id) = (0, code);
    })
}

/// A kiss that ends the sending to its server.
struct End {
    name: &'static str,
    requirement: &'static str,
    code: [u8; 4],
    /// As servers send it: not synchronised, without any time.
    bare: bool,
}

const ENDS: &[End] = &[
    End {
        name: "deny-ends-requests",
        requirement: "DENY ends the sending to that server, sets no clock, and makes the client turn to another",
        code: *b"DENY",
        bare: false,
    },
    End {
        name: "rstr-ends-requests",
        requirement: "RSTR ends the sending to that server, sets no clock, and makes the client turn to another",
        code: *b"RSTR",
        bare: false,
    },
    End {
        name: "deny-without-times",
        requirement: "DENY is obeyed though it has leap indicator 3 and no timestamps: they have no meaning in a kiss",
        code: *b"DENY",
        bare: true,
    },
];

async fn denied(bench: Bench, row: &'static End) -> Judged {
    const STATEMENT: &str = "RFC5905-7.4-1";
    let first = bench.ntp_server(1).await?;
    let second = bench.ntp_server(2).await?;
    bench.scale_time(20);
    configure(&bench, 2, |ntp| ntp.max_poll_s = 32);
    bench.start().await?;
    let asked = request(&bench, &first, PATIENCE, STATEMENT).await?;
    let mut refusal = kiss(&asked, row.code);
    if row.bare {
        refusal.leap = 3;
        (refusal.reference, refusal.receive, refusal.transmit) = (0, 0, 0);
    }
    first.reply(&asked, &refusal).await.map_err(unsent)?;
    // Three polls of the other server are the window in which nothing may come to this one.
    for poll in 0..3 {
        tokio::select! {
            Ok(_) = first.next_request(next_poll(&bench)) => {
                let expected = "no further request to the server that refused";
                return Err(Stop::fail(STATEMENT, expected, "another request to it"));
            }
            next = request(&bench, &second, next_poll(&bench), "RFC4330-8-1") => {
                let next = next?;
                if poll == 0 {
                    require_unset(&bench.state().await?, "RFC5905-7.4-4")?;
                }
                synchronise(&bench, &second, &next, GOOD_TIME, STATEMENT).await?;
            }
        }
    }
    bench.alive("FIRMPROOF-SNTP-4").await
}

async fn denied_for_good(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-7.4-1";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(100);
    configure(&bench, 1, |ntp| ntp.max_poll_s = ntp.min_poll_s);
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let refusal = kiss(&asked, *b"DENY");
    server.reply(&asked, &refusal).await.map_err(unsent)?;
    let interval = f64::from(bench.config().ntp.min_poll_s);
    let window = bench.device_time(20.0 * interval);
    if server.next_request(window).await.is_ok() {
        let expected = "no further request to the server that refused";
        return Err(Stop::fail(STATEMENT, expected, "another request to it"));
    }
    require_unset(&bench.state().await?, STATEMENT)?;
    bench.alive(STATEMENT).await
}

/// A kiss that anybody could have sent, or that is no server's reply.
struct Ignored {
    name: &'static str,
    requirement: &'static str,
    code: [u8; 4],
    change: fn(&mut NtpPacket),
    source: Option<(u8, u16)>,
}

const IGNORED: &[Ignored] = &[
    Ignored {
        name: "deny-that-answers-nothing",
        requirement: "DENY with another originate timestamp than the request's ends nothing",
        code: *b"DENY",
        change: |reply| reply.originate ^= 1,
        source: None,
    },
    Ignored {
        name: "rate-that-answers-nothing",
        requirement: "RATE with another originate timestamp than the request's lengthens nothing",
        code: *b"RATE",
        change: |reply| reply.originate ^= 1,
        source: None,
    },
    Ignored {
        name: "deny-from-another-address",
        requirement: "DENY from another address than the server's ends nothing",
        code: *b"DENY",
        change: |_| {},
        source: Some((3, NTP_PORT)),
    },
    Ignored {
        name: "deny-in-the-mode-of-a-broadcast",
        requirement: "DENY in another mode than 4 is no server's reply, and ends nothing",
        code: *b"DENY",
        change: |reply| reply.mode = 5,
        source: None,
    },
];

async fn ignored(bench: Bench, row: &'static Ignored) -> Judged {
    const STATEMENT: &str = "RFC5905-7.4-5";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    // Had RATE been obeyed, the next request would come after 200 s.
    configure(&bench, 1, |ntp| {
        (ntp.min_poll_s, ntp.max_poll_s) = (100, 1000);
    });
    bench.start().await?;
    let first = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let mut forged = kiss(&first, row.code);
    (row.change)(&mut forged);
    match row.source {
        Some((peer, port)) => {
            let from = std::net::SocketAddrV4::new(server.peer(peer), port);
            server.reply_from(from, &first, &forged).await
        }
        None => server.reply(&first, &forged).await,
    }
    .map_err(unsent)?;
    let good = first.good_reply(GOOD_TIME, 0);
    server.reply(&first, &good).await.map_err(unsent)?;
    // A client of which the first packet has spent the request asks again.
    let second = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    let gap = gap_s(&bench, &first, &second);
    let seen = format!("{gap:.1} s");
    let expected = "the next request after 100 s, as without the kiss";
    require(gap <= 170.0, STATEMENT, expected, seen)?;
    synchronise(&bench, &server, &second, GOOD_TIME, STATEMENT).await?;
    bench.alive("FIRMPROOF-SNTP-4").await
}

async fn refuse(server: &NtpServer, asked: &Request, code: [u8; 4]) -> Judged {
    server
        .reply(asked, &kiss(asked, code))
        .await
        .map_err(unsent)
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
        refuse(&server, &earlier, *b"RATE").await?;
        let later = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
        gaps.push(gap_s(&bench, &earlier, &later));
        earlier = later;
    }
    let seen = format!("{gaps:.1?} s between requests");
    let longer = gaps[0] > 15.0 + jitter_s(&bench) && gaps.windows(2).all(|pair| pair[1] > pair[0]);
    let expected = "intervals that grow with each RATE, from above 15 s";
    require(longer, STATEMENT, expected, seen)?;
    require_unset(&bench.state().await?, "RFC5905-7.4-4")?;
    synchronise(&bench, &server, &earlier, GOOD_TIME, STATEMENT).await?;
    bench.alive("FIRMPROOF-SNTP-4").await
}

async fn rate_stays(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-7.4-2";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |ntp| {
        (ntp.min_poll_s, ntp.max_poll_s) = (20, 100)
    });
    bench.start().await?;
    let mut asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    for _ in 0..4 {
        refuse(&server, &asked, *b"RATE").await?;
        let next = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
        let gap = gap_s(&bench, &asked, &next);
        let expected = "no interval beyond the longest, 100 s";
        let within = gap <= 100.0 + jitter_s(&bench) + f64::from(bench.config().time_scale);
        require(within, "FIRMPROOF-SNTP-3", expected, format!("{gap:.1} s"))?;
        asked = next;
    }
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    let next = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    let gap = gap_s(&bench, &asked, &next);
    let expected = "an interval that is still longer than 20 s";
    require(gap > 40.0, STATEMENT, expected, format!("{gap:.1} s"))
}

async fn rate_of_one(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-2";
    let first = bench.ntp_server(1).await?;
    let second = bench.ntp_server(2).await?;
    bench.scale_time(50);
    configure(&bench, 2, |ntp| {
        (ntp.min_poll_s, ntp.max_poll_s) = (40, 800)
    });
    bench.start().await?;
    let asked = request(&bench, &first, PATIENCE, STATEMENT).await?;
    refuse(&first, &asked, *b"RATE").await?;
    let earlier = request(&bench, &second, next_poll(&bench), STATEMENT).await?;
    synchronise(&bench, &second, &earlier, GOOD_TIME, STATEMENT).await?;
    let later = request(&bench, &second, next_poll(&bench), STATEMENT).await?;
    let gap = gap_s(&bench, &earlier, &later);
    let expected = "40 s between requests to the other server";
    let slack = jitter_s(&bench) + 20.0;
    require(
        (gap - 40.0).abs() <= slack,
        STATEMENT,
        expected,
        format!("{gap:.1} s"),
    )
}

async fn without_effect(bench: Bench, codes: &'static [[u8; 4]]) -> Judged {
    const STATEMENT: &str = "RFC5905-7.4-3";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |ntp| ntp.max_poll_s = 30);
    bench.start().await?;
    let mut asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    for code in codes {
        refuse(&server, &asked, *code).await?;
        asked = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    }
    require_unset(&bench.state().await?, "RFC5905-7.4-4")?;
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    bench.alive("FIRMPROOF-SNTP-4").await
}

async fn leaves_clock(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-7.4-4";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |ntp| ntp.max_poll_s = 60);
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    for code in [*b"RATE", *b"INIT"] {
        let next = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
        refuse(&server, &next, code).await?;
    }
    request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    let state = bench.state().await?;
    let kept = unix_s(&state).is_some_and(|shown| shown >= GOOD_TIME);
    let seen = state["time"].to_string();
    require(kept, STATEMENT, "the clock that the reply set", seen)
}
