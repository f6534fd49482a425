//! Replies that are not to be taken (RFC 4330 §5, RFC 5905 §7.3, §8), and those that are.
//!
//! Each wrong reply is followed by the right one to the same request: that the device takes it proves that it had
//! the wrong one before, since datagrams keep their order on this wire, and that it did not take that one.

use super::clock::{
    GOOD_TIME, WRONG_TIME, configure, request, require_clock, spoilt, synchronise,
    synchronise_in_the_end, unsent, until_synced,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, require};
use crate::peers::ntp_packet::NtpPacket;
use crate::peers::ntp_server::{NTP_PORT, NtpServer, Request};
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let spoilt = SPOILT.iter().map(|row| {
        let id = format!("ntp/replies/{}", row.name);
        let statements = [row.statement, "RFC5905-8-6", "FIRMPROOF-SNTP-4"];
        Case::new(row.level, id, &statements, row.requirement, move |bench| {
            discarded(bench, row)
        })
        .needs(row.needs)
    });
    spoilt
        .chain([
            Case::must(
                "ntp/replies/late",
                &["RFC5905-8-3"],
                "A reply to a request that the device has given up is discarded",
                late,
            )
            .needs(&[Capability::Configure, Capability::TimeScale]),
            Case::must(
                "ntp/replies/duplicate",
                &["RFC5905-8-2"],
                "A second reply to one request is discarded",
                duplicate,
            )
            .needs(&[Capability::ObserveState, Capability::TimeScale]),
            Case::must(
                "ntp/replies/with-an-authenticator",
                &["RFC5905-7.5-1"],
                "What follows the header does not hinder a reply",
                with_authenticator,
            ),
            Case::new(
                Level::Should,
                "ntp/replies/leap-announced",
                &["RFC5905-7.3-2"],
                "Leap indicators 1 and 2 announce a leap second and are taken over",
                leap,
            )
            .needs(&[Capability::ObserveState]),
        ])
        .map(|case| case.needs(&[Capability::Ntp, Capability::ObserveClock]))
        .collect()
}

/// What is wrong with a reply.
enum Wrong {
    /// Its header.
    Header(fn(&mut NtpPacket)),
    /// Its length: the first so many bytes of it.
    Length(usize),
    /// Where it comes from: another peer, another port.
    Source(u8, u16),
}

struct Spoilt {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    needs: &'static [Capability],
    wrong: Wrong,
}

const fn header(
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    change: fn(&mut NtpPacket),
) -> Spoilt {
    Spoilt {
        level,
        name,
        statement,
        requirement,
        needs: &[],
        wrong: Wrong::Header(change),
    }
}

const ORIGINATE: &str =
    "A reply whose originate timestamp differs from the request's transmit timestamp is discarded";
const MODE: &str = "A reply in a mode other than 4 is discarded";
const UNSYNCHRONISED: &str = "The time of a server that is not synchronised is not used";

const fn short(name: &'static str, length: usize) -> Spoilt {
    Spoilt {
        level: Level::Must,
        name,
        statement: "RFC5905-8-4",
        requirement: "A reply too short to hold the header is discarded",
        needs: &[],
        wrong: Wrong::Length(length),
    }
}

const SPOILT: &[Spoilt] = &[
    header(
        Level::Must,
        "wrong-originate",
        "RFC4330-5-3",
        ORIGINATE,
        |reply| reply.originate ^= 1,
    ),
    header(
        Level::Must,
        "originate-of-zero",
        "RFC4330-5-3",
        ORIGINATE,
        |reply| reply.originate = 0,
    ),
    header(
        Level::Must,
        "originate-in-the-wrong-place",
        "RFC4330-5-3",
        ORIGINATE,
        |reply| {
            (reply.reference, reply.originate) = (reply.originate, reply.reference);
        },
    ),
    header(
        Level::Should,
        "mode-of-a-client",
        "RFC4330-5-7",
        MODE,
        |reply| reply.mode = 3,
    ),
    header(
        Level::Should,
        "mode-of-a-broadcast",
        "RFC4330-5-7",
        MODE,
        |reply| reply.mode = 5,
    ),
    header(
        Level::Should,
        "mode-of-a-peer",
        "RFC4330-5-7",
        MODE,
        |reply| reply.mode = 2,
    ),
    header(
        Level::Policy,
        "version-0",
        "FIRMPROOF-SNTP-4",
        "A reply of a version that does not exist is discarded",
        |reply| reply.version = 0,
    ),
    header(
        Level::Must,
        "leap-3",
        "RFC5905-7.3-1",
        UNSYNCHRONISED,
        |reply| reply.leap = 3,
    ),
    header(
        Level::Must,
        "stratum-16",
        "RFC5905-7.3-1",
        UNSYNCHRONISED,
        |reply| reply.stratum = 16,
    ),
    header(
        Level::Must,
        "stratum-255",
        "RFC5905-7.3-1",
        UNSYNCHRONISED,
        |reply| reply.stratum = 255,
    ),
    header(
        Level::Must,
        "unknown-kiss-code",
        "RFC5905-7.4-3",
        "An unknown kiss code has no effect but that its packet is discarded",
        |reply| (reply.stratum, reply.reference_id) = (0, *b"XFUN"),
    ),
    header(
        Level::Must,
        "deny-that-answers-nothing",
        "RFC5905-7.4-5",
        "A kiss packet that does not answer a request is discarded",
        |reply| {
            (reply.stratum, reply.reference_id) = (0, *b"DENY");
            reply.originate ^= 1;
        },
    ),
    header(
        Level::Must,
        "transmit-of-zero",
        "RFC5905-6-2",
        "A transmit timestamp of all zeros means unknown: the reply is discarded",
        |reply| reply.transmit = 0,
    ),
    header(
        Level::Should,
        "receive-of-zero",
        "RFC5905-8-5",
        "A reply whose receive timestamp is zero is not used",
        |reply| reply.receive = 0,
    ),
    header(
        Level::Should,
        "root-delay-of-40-seconds",
        "RFC5905-8-1",
        "A reply with a root distance of 16 seconds or more is not used",
        |reply| reply.root_delay = 40 << 16,
    ),
    header(
        Level::Should,
        "root-dispersion-of-20-seconds",
        "RFC5905-8-1",
        "A reply with a root distance of 16 seconds or more is not used",
        |reply| reply.root_dispersion = 20 << 16,
    ),
    header(
        Level::Policy,
        "transmit-before-receive",
        "FIRMPROOF-SNTP-6",
        "A reply whose transmit precedes its receive timestamp is not used",
        |reply| reply.transmit -= 10 << 32,
    ),
    short("empty", 0),
    short("one-byte", 1),
    short("one-byte-too-short", 47),
    Spoilt {
        level: Level::Should,
        name: "from-another-address",
        statement: "RFC4330-5-4",
        requirement: "A reply from another address than the request went to is discarded",
        needs: &[Capability::LabAddresses],
        wrong: Wrong::Source(3, NTP_PORT),
    },
    Spoilt {
        level: Level::Should,
        name: "from-another-port",
        statement: "RFC4330-5-5",
        requirement: "A reply from another port than the request went to is discarded",
        needs: &[Capability::LabAddresses],
        wrong: Wrong::Source(1, 12_300),
    },
];

/// Sends the wrong reply.
async fn send_spoilt(server: &NtpServer, asked: &Request, wrong: &Wrong) -> Judged {
    let sent = match wrong {
        Wrong::Header(change) => server.reply(asked, &spoilt(asked, change)).await,
        Wrong::Length(length) => {
            let whole = spoilt(asked, |_| {}).encode();
            server.reply_raw(asked, &whole[..*length]).await
        }
        Wrong::Source(peer, port) => {
            let source = std::net::SocketAddrV4::new(server.peer(*peer), *port);
            server
                .reply_from(source, asked, &spoilt(asked, |_| {}))
                .await
        }
    };
    sent.map_err(unsent)
}

/// The device has taken one reply, and its clock stands near the good time.
async fn took_the_good_one(bench: &Bench, statement: &str, span_s: i64) -> Judged {
    require_clock(bench, GOOD_TIME, span_s, statement).await?;
    if bench.need(Capability::ObserveState).is_ok() {
        let taken = &bench.state().await?["counters"]["ntp_taken"];
        let seen = format!("{taken} replies taken");
        let expected = "one reply is taken, the good one";
        require(*taken == 1, statement, expected, seen)?;
    }
    bench.alive(statement).await
}

async fn discarded(bench: Bench, row: &'static Spoilt) -> Judged {
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, row.statement).await?;
    send_spoilt(&server, &asked, &row.wrong).await?;
    synchronise_in_the_end(&bench, &server, &asked, row.statement).await?;
    took_the_good_one(&bench, row.statement, 600).await
}

async fn late(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-8-3";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |ntp| ntp.reply_timeout_s = 30);
    bench.start().await?;
    let first = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let second = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let old = spoilt(&first, |_| {});
    server.reply(&first, &old).await.map_err(unsent)?;
    // To where the device listens now, too: only the originate timestamp tells it from a right one.
    server.reply(&second, &old).await.map_err(unsent)?;
    synchronise(&bench, &server, &second, GOOD_TIME, STATEMENT).await?;
    took_the_good_one(&bench, STATEMENT, 600).await
}

async fn duplicate(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-8-2";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(50);
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let good = asked.good_reply(GOOD_TIME, 0);
    server.reply(&asked, &good).await.map_err(unsent)?;
    server.reply(&asked, &good).await.map_err(unsent)?;
    let wrong = spoilt(&asked, |_| {});
    server.reply(&asked, &wrong).await.map_err(unsent)?;
    until_synced(&bench, STATEMENT).await?;
    // That the device asks again proves that it has passed over whatever came before.
    request(&bench, &server, bench.device_time(1100.0), STATEMENT).await?;
    took_the_good_one(&bench, STATEMENT, 2000).await
}

async fn with_authenticator(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-7.5-1";
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let mut reply = asked.good_reply(GOOD_TIME, 0).encode().to_vec();
    // A key identifier and a digest of 128 bits (RFC 5905 §7.3).
    reply.extend_from_slice(&[0, 0, 0, 1]);
    reply.extend_from_slice(&[0x5A; 16]);
    server.reply_raw(&asked, &reply).await.map_err(unsent)?;
    // A client without a key takes the reply, or holds it to be one that it cannot verify and goes on
    // (RFC 5905 appendix A.5.1): then it takes the one without.
    synchronise_in_the_end(&bench, &server, &asked, STATEMENT).await?;
    require_clock(&bench, GOOD_TIME, 15, STATEMENT).await?;
    bench.alive(STATEMENT).await
}

async fn leap(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-7.3-2";
    for indicator in [1, 2] {
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
        require(same, STATEMENT, format!("leap {indicator}"), seen)?;
    }
    Ok(())
}

// Both times lie in the standard pivot's window, so that a wrong reply is refused for what it says alone.
const _: () = assert!(WRONG_TIME < GOOD_TIME);
