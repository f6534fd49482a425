//! Replies that are right, or were: which of several counts, what may follow the header, what the border values are
//! (RFC 5905 §7.3, §7.5, §8).

use super::clock::{
    GOOD_TIME, configure, next_poll, request, spoilt, synchronise, unsent, until_synced,
};
use super::replies::took_the_good_one;
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::lab::{Action, Matcher, Protocol, Which};
use crate::peers::ntp_packet::NtpPacket;
use crate::peers::ntp_server::{NTP_PORT, Request};
use crate::profile::Capability::{Configure, LabFrames, Ntp, ObserveState, TimeScale};

pub(super) fn cases() -> Vec<Case> {
    let followed = FOLLOWED.iter().map(|row| {
        let id = format!("ntp/datagrams/{}", row.name);
        Case::must(id, &["RFC5905-7.5-1"], row.requirement, move |bench| {
            followed_by(bench, row)
        })
        .needs(&[TimeScale])
    });
    let border = BORDERS.iter().map(|row| {
        let id = format!("ntp/datagrams/{}", row.name);
        Case::new(
            row.level,
            id,
            &[row.statement],
            row.requirement,
            move |bench| taken(bench, row),
        )
    });
    followed
        .chain(border)
        .chain([
            Case::new(
                Level::Should,
                "ntp/datagrams/late",
                &["RFC5905-8-3"],
                "A reply to a request that the device has given up is discarded",
                late,
            )
            .needs(&[TimeScale]),
            Case::new(
                Level::Should,
                "ntp/datagrams/duplicate",
                &["RFC5905-8-2"],
                "A second reply to one request is discarded",
                duplicate,
            )
            .needs(&[TimeScale]),
            Case::new(
                Level::Should,
                "ntp/datagrams/second-after-a-refused-one",
                &["RFC5905-8-7"],
                "A request is spent by the first reply that echoes it, used or not: a second one is discarded",
                spent,
            )
            .needs(&[TimeScale]),
            Case::must(
                "ntp/datagrams/damaged-on-the-way",
                &["RFC5905-8-9"],
                "A reply whose UDP checksum is wrong is discarded",
                damaged,
            )
            .needs(&[TimeScale, LabFrames]),
            Case::new(
                Level::Policy,
                "ntp/datagrams/longer-than-any-buffer",
                &["FIRMPROOF-SNTP-4"],
                "A reply as long as a frame allows does no harm, taken or not",
                longest,
            )
            .needs(&[TimeScale]),
        ])
        .map(|case| case.needs(&[Ntp, Configure, ObserveState]))
        .collect()
}

/// What stands behind the header of a good reply.
struct Followed {
    name: &'static str,
    requirement: &'static str,
    bytes: &'static [&'static [u8]],
    /// Whether the specification has it mean something, so that the reply has to be taken.
    sound: bool,
}

/// An extension field of 16 octets: type 0x0104, unique identifier (RFC 8915 §5.3), a length and zeros.
const FIELD: [u8; 16] = [1, 4, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// A key identifier and a digest of 128 bits (RFC 5905 §7.3).
const MAC: [u8; 20] = [
    0, 0, 0, 1, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90,
];
const FOLLOWED: &[Followed] = &[
    Followed {
        name: "with-an-authenticator",
        requirement: "An authenticator after the header does not hinder a reply",
        bytes: &[&MAC],
        sound: true,
    },
    Followed {
        name: "with-an-extension-field",
        requirement: "An extension field and an authenticator after the header do not hinder a reply",
        bytes: &[&FIELD, &MAC],
        sound: true,
    },
    Followed {
        name: "with-a-field-that-never-ends",
        requirement: "An extension field of length 0 does no harm, whether its reply is taken or not",
        bytes: &[&[1, 4, 0, 0, 0, 0, 0, 0]],
        sound: false,
    },
    Followed {
        name: "with-a-field-past-the-end",
        requirement: "An extension field longer than the datagram does no harm, whether its reply is taken or not",
        bytes: &[&[1, 4, 0xff, 0xfc, 0, 0, 0, 0]],
        sound: false,
    },
    Followed {
        name: "with-a-crypto-nak",
        requirement: "A crypto-NAK (RFC 5905 §9.2) does no harm, whether its reply is taken or not",
        bytes: &[&[0, 0, 0, 0]],
        sound: false,
    },
];

async fn followed_by(bench: Bench, row: &'static Followed) -> Judged {
    const STATEMENT: &str = "RFC5905-7.5-1";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let mut long = asked.good_reply(GOOD_TIME, 0).encode().to_vec();
    long.extend(row.bytes.concat());
    server.reply_raw(&asked, &long).await.map_err(unsent)?;
    if row.sound {
        until_synced(&bench, STATEMENT).await?;
        return took_the_good_one(&bench, STATEMENT, 600).await;
    }
    // The next request proves that the device is through with it.
    let next = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    synchronise(&bench, &server, &next, GOOD_TIME, STATEMENT).await?;
    bench.alive(STATEMENT).await
}

/// A value that lies just inside what may be used.
struct Border {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    change: fn(&mut NtpPacket),
}

const BORDERS: &[Border] = &[
    Border {
        level: Level::Should,
        name: "stratum-15",
        statement: "RFC5905-7.3-1",
        requirement: "A server of stratum 15 is synchronised: its time is used",
        change: |reply| (reply.stratum, reply.reference_id) = (15, [192, 0, 2, 99]),
    },
    Border {
        level: Level::Should,
        name: "receive-equals-transmit",
        statement: "RFC4330-5-9",
        requirement: "A server that answers in no time at all is believed",
        change: |reply| reply.receive = reply.transmit,
    },
    Border {
        level: Level::Should,
        name: "reference-never-set",
        statement: "RFC5905-6-2",
        requirement: "A reference timestamp of zero means unknown, not 1900: the reply is used",
        change: |reply| reply.reference = 0,
    },
    Border {
        level: Level::Policy,
        name: "poll-and-precision-of-any-value",
        statement: "FIRMPROOF-SNTP-12",
        requirement: "Poll exponent and precision of a reply are ignored",
        change: |reply| (reply.poll, reply.precision) = (-128, 127),
    },
];

async fn taken(bench: Bench, row: &'static Border) -> Judged {
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, row.statement).await?;
    let mut reply = asked.good_reply(GOOD_TIME, 0);
    (row.change)(&mut reply);
    server.reply(&asked, &reply).await.map_err(unsent)?;
    until_synced(&bench, row.statement).await?;
    took_the_good_one(&bench, row.statement, 30).await
}

async fn late(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-8-3";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
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
    bench.scale_time(20);
    configure(&bench, 1, |ntp| ntp.max_poll_s = 60);
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let good = asked.good_reply(GOOD_TIME, 0);
    server.reply(&asked, &good).await.map_err(unsent)?;
    server.reply(&asked, &good).await.map_err(unsent)?;
    let wrong = spoilt(&asked, |_| {});
    server.reply(&asked, &wrong).await.map_err(unsent)?;
    until_synced(&bench, STATEMENT).await?;
    // That the device asks again proves that it has passed over whatever came before.
    request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    took_the_good_one(&bench, STATEMENT, 2000).await
}

async fn spent(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-8-7";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let refused = spoilt(&asked, |reply| reply.leap = 3);
    server.reply(&asked, &refused).await.map_err(unsent)?;
    let second = spoilt(&asked, |_| {});
    server.reply(&asked, &second).await.map_err(unsent)?;
    let next = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    synchronise(&bench, &server, &next, GOOD_TIME, STATEMENT).await?;
    took_the_good_one(&bench, STATEMENT, 600).await
}

async fn damaged(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-8-9";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |_| {});
    let faults = bench.lab().faults().ok_or(Stop::Skip(LabFrames))?;
    let first = Matcher::protocol(Protocol::Udp)
        .to_dut()
        .port(NTP_PORT)
        .which(Which::First(1));
    let rule = faults.add(first, Action::CorruptBit);
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let good = asked.good_reply(GOOD_TIME, 0);
    server.reply(&asked, &good).await.map_err(unsent)?;
    if faults.applied(rule) != Some(1) {
        return Err(Stop::inconclusive("the lab did not damage the reply"));
    }
    // Whichever bit it was, the reply is dropped without a word, so that this one is the first to be judged.
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    let refused = &bench.state().await?["counters"]["ntp_refused"];
    let seen = format!("{refused} replies refused for what they say");
    require(*refused == 0, STATEMENT, "a reply dropped unread", seen)?;
    took_the_good_one(&bench, STATEMENT, 600).await
}

async fn longest(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-4";
    /// A frame's 1,500 octets less the headers of IPv4 and UDP.
    const LONGEST: usize = 1472;
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked: Request = request(&bench, &server, PATIENCE, STATEMENT).await?;
    let mut long = asked.good_reply(GOOD_TIME, 0).encode().to_vec();
    long.resize(LONGEST, 0);
    server.reply_raw(&asked, &long).await.map_err(unsent)?;
    synchronise(&bench, &server, &asked, GOOD_TIME, STATEMENT).await?;
    took_the_good_one(&bench, STATEMENT, 600).await
}
