//! Replies that are not to be taken (RFC 4330 §5, RFC 5905 §7.3, §8), and those that are.
//!
//! No more than `should`, where nothing but the server's word on its time is read: RFC 4330 §5 calls its checks "not
//! required in a conforming SNTP client", and RFC 5905 §14 lets a client use "only the transmit timestamp of the server
//! packet", ignoring all other fields. That timestamp has to be there, and to be a time.
//!
//! Datagrams keep their order on this wire: what is taken later proves that the device had the wrong reply before,
//! and did not take that one. One that answers no request ends nothing, so the right reply to the same request is
//! taken after it. One that echoes the request spends it (RFC5905-8-7), so the next request is answered rightly.

use super::clock::{
    GOOD_TIME, WRONG_TIME, configure, next_poll, request, require_clock, spoilt, synchronise,
    synchronise_in_the_end, unsent,
};
use crate::bench::{Bench, Clock, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::ntp_packet::NtpPacket;
use crate::peers::ntp_server::{NTP_PORT, NtpServer, Request};
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let spoilt = SPOILT.iter().map(|row| {
        let id = format!("ntp/replies/{}", row.name);
        let mut statements = vec![row.statement, "FIRMPROOF-SNTP-4"];
        if row.wrong.answers_nothing() {
            statements.push("RFC5905-8-6");
        }
        Case::new(row.level, id, &statements, row.requirement, move |bench| {
            discarded(bench, row)
        })
        .needs(row.needs)
    });
    spoilt
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
    /// It echoes another request, or none.
    Originate(fn(&mut NtpPacket)),
}

impl Wrong {
    /// Whether anybody could have sent it who has not seen the request.
    fn answers_nothing(&self) -> bool {
        !matches!(self, Self::Header(_))
    }
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

const fn originate(name: &'static str, change: fn(&mut NtpPacket)) -> Spoilt {
    Spoilt {
        level: Level::Should,
        name,
        statement: "RFC4330-5-3",
        requirement: ORIGINATE,
        needs: &[],
        wrong: Wrong::Originate(change),
    }
}

const ORIGINATE: &str =
    "A reply whose originate timestamp differs from the request's transmit timestamp is discarded";
const MODE: &str = "A reply in a mode other than 4 is discarded";
const VERSION: &str = "A reply of another version than the request is discarded";
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
    originate("wrong-originate", |reply| reply.originate ^= 1),
    originate("originate-of-zero", |reply| reply.originate = 0),
    originate("originate-in-the-wrong-place", |reply| {
        (reply.reference, reply.originate) = (reply.originate, reply.reference);
    }),
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
        Level::Should,
        "mode-reserved",
        "RFC4330-5-7",
        MODE,
        |reply| reply.mode = 0,
    ),
    header(
        Level::Should,
        "mode-symmetric-active",
        "RFC4330-5-7",
        MODE,
        |reply| reply.mode = 1,
    ),
    header(
        Level::Should,
        "mode-of-a-control-message",
        "RFC4330-5-7",
        MODE,
        |reply| reply.mode = 6,
    ),
    header(
        Level::Should,
        "mode-private",
        "RFC4330-5-7",
        MODE,
        |reply| reply.mode = 7,
    ),
    header(
        Level::Should,
        "version-0",
        "RFC4330-5-12",
        VERSION,
        |reply| reply.version = 0,
    ),
    header(
        // A policy: RFC 5905 appendix A.5.1, which obsoletes RFC 4330, drops newer versions only.
        Level::Policy,
        "version-older",
        "RFC4330-5-12",
        VERSION,
        |reply| reply.version = 3,
    ),
    header(
        Level::Should,
        "version-newer",
        "RFC4330-5-12",
        VERSION,
        |reply| reply.version = 5,
    ),
    header(
        Level::Should,
        "leap-3",
        "RFC5905-7.3-1",
        UNSYNCHRONISED,
        |reply| reply.leap = 3,
    ),
    header(
        Level::Should,
        "stratum-16",
        "RFC5905-7.3-1",
        UNSYNCHRONISED,
        |reply| reply.stratum = 16,
    ),
    header(
        Level::Should,
        "stratum-255",
        "RFC5905-7.3-1",
        UNSYNCHRONISED,
        |reply| reply.stratum = 255,
    ),
    header(
        Level::Should,
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
        |reply| {
            reply.transmit -= 10 << 32;
            reply.reference = reply.transmit;
        },
    ),
    header(
        Level::Policy,
        "transmit-before-reference",
        "FIRMPROOF-SNTP-7",
        "A reply whose transmit precedes its reference timestamp is not used",
        |reply| reply.reference += 10 << 32,
    ),
    header(
        Level::Should,
        "root-delay-negative",
        "RFC4330-5-8",
        "A reply whose root delay is negative is not used",
        |reply| reply.root_delay = (-1_i32 << 16).cast_unsigned(),
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
        Wrong::Header(change) | Wrong::Originate(change) => {
            server.reply(asked, &spoilt(asked, change)).await
        }
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
pub(super) async fn took_the_good_one(bench: &Bench, statement: &str, span_s: i64) -> Judged {
    require_clock(bench, GOOD_TIME, span_s, statement).await?;
    // A client that took both shows the good one last.
    let is_wrong = |clock: &&Clock| {
        let unix_s = clock.unix_s.unwrap_or(GOOD_TIME);
        (unix_s - WRONG_TIME).abs() <= span_s
    };
    if let Some(wrong) = bench.clock_history().iter().find(is_wrong) {
        let expected = "no clock set by the reply that is to be discarded";
        return Err(Stop::fail(statement, expected, wrong.shown.clone()));
    }
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
    let mut asked = request(&bench, &server, PATIENCE, row.statement).await?;
    send_spoilt(&server, &asked, &row.wrong).await?;
    if bench.need(Capability::TimeScale).is_err() {
        // Its next request may be minutes away, or it asks once: whichever it does is served.
        synchronise_in_the_end(&bench, &server, &asked).await?;
        return took_the_good_one(&bench, row.statement, 600).await;
    }
    if !row.wrong.answers_nothing() {
        asked = request(&bench, &server, next_poll(&bench), row.statement).await?;
    }
    synchronise(&bench, &server, &asked, GOOD_TIME, row.statement).await?;
    took_the_good_one(&bench, row.statement, 600).await
}

// Both times lie in the standard pivot's window, so that a wrong reply is refused for what it says alone.
const _: () = assert!(WRONG_TIME < GOOD_TIME);
