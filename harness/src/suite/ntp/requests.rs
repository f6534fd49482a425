//! What a request says, field by field (RFC 4330 §4, §5; RFC 5905 §7.3, §14).

use super::clock::{GOOD_TIME, configure, next_poll, request, synchronise};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::lab::Direction;
use crate::peers::ntp_packet::HEADER_LENGTH;
use crate::peers::ntp_server::{NTP_PORT, Request};
use crate::profile::Capability::{Configure, LabFrames, Ntp, ObserveState, TimeScale};

pub(super) fn cases() -> Vec<Case> {
    let fields = FIELDS.iter().map(|row| {
        let id = format!("ntp/requests/{}", row.name);
        Case::new(
            row.level,
            id,
            &[row.statement],
            row.requirement,
            move |bench| field(bench, row),
        )
    });
    fields
        .chain([
            Case::must(
                "ntp/requests/checksum",
                &["RFC5905-8-9"],
                "A request carries a UDP checksum, as its only protection against damage",
                checksum,
            )
            .needs(&[LabFrames]),
            Case::new(
                Level::Policy,
                "ntp/requests/later-ones-repeat-nothing",
                &["FIRMPROOF-SNTP-1"],
                "A later request repeats nothing of the replies before it: only its transmit timestamp is set",
                later_ones,
            )
            .needs(&[Configure, ObserveState, TimeScale]),
        ])
        .map(|case| case.needs(&[Ntp]))
        .collect()
}

struct Field {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    expected: &'static str,
    holds: fn(&Request) -> bool,
}

const fn must(
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    expected: &'static str,
    holds: fn(&Request) -> bool,
) -> Field {
    Field {
        level: Level::Must,
        name,
        statement,
        requirement,
        expected,
        holds,
    }
}

/// A field that is zero, since the server needs nothing of it and the network should learn nothing
/// from it. A policy: RFC 5905 §14, which obsoletes RFC 4330, lets a client fill it.
const fn zero(name: &'static str, requirement: &'static str, holds: fn(&Request) -> bool) -> Field {
    Field {
        level: Level::Policy,
        name,
        statement: "RFC4330-5-1",
        requirement,
        expected: "zero",
        holds,
    }
}

const FIELDS: &[Field] = &[
    must(
        "length",
        "RFC4330-4-1",
        "A request has 48 octets, and behind them an authenticator or extension fields at most",
        "48 octets, or more in whole words of 4",
        |asked| asked.raw.len() >= HEADER_LENGTH && asked.raw.len().is_multiple_of(4),
    ),
    must(
        "mode",
        "RFC5905-14-1",
        "A request has mode 3, client",
        "mode 3",
        |asked| asked.packet.mode == 3,
    ),
    // A policy: RFC 4330 §5 lets a client set any version that its server supports, 1 to 4.
    Field {
        level: Level::Policy,
        name: "version",
        statement: "RFC4330-4-2",
        requirement: "A request has version number 4",
        expected: "version 4",
        holds: |asked| asked.packet.version == 4,
    },
    Field {
        level: Level::Should,
        name: "transmit-timestamp",
        statement: "RFC4330-5-2",
        requirement: "A request has a transmit timestamp, so that the reply can be bound to it",
        expected: "a transmit timestamp that is not zero",
        holds: |asked| asked.packet.transmit != 0,
    },
    Field {
        level: Level::Should,
        name: "leap-indicator",
        statement: "RFC4330-5-1",
        requirement: "The leap indicator of a request is 0 or, as RFC 5905 has it of a client without time, 3",
        expected: "leap indicator 0 or 3",
        holds: |asked| [0, 3].contains(&asked.packet.leap),
    },
    zero("stratum", "The stratum of a request is 0", |asked| {
        asked.packet.stratum == 0
    }),
    zero("poll", "The poll exponent of a request is 0", |asked| {
        asked.packet.poll == 0
    }),
    zero("precision", "The precision of a request is 0", |asked| {
        asked.packet.precision == 0
    }),
    zero("root-delay", "The root delay of a request is 0", |asked| {
        asked.packet.root_delay == 0
    }),
    zero(
        "root-dispersion",
        "The root dispersion of a request is 0",
        |asked| asked.packet.root_dispersion == 0,
    ),
    zero(
        "reference-identifier",
        "The reference identifier of a request is 0",
        |asked| asked.packet.reference_id == [0; 4],
    ),
    zero(
        "reference-timestamp",
        "The reference timestamp of a request is 0",
        |asked| asked.packet.reference == 0,
    ),
    zero(
        "originate-timestamp",
        "The originate timestamp of a first request is 0",
        |asked| asked.packet.originate == 0,
    ),
    zero(
        "receive-timestamp",
        "The receive timestamp of a first request is 0",
        |asked| asked.packet.receive == 0,
    ),
];

async fn field(bench: Bench, row: &'static Field) -> Judged {
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |_| {});
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, row.statement).await?;
    let seen = format!("{} octets: {}", asked.raw.len(), asked.packet);
    require((row.holds)(&asked), row.statement, row.expected, seen)
}

async fn checksum(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC5905-8-9";
    /// Where the checksum stands behind an Ethernet header and an IPv4 header without options.
    const AT: std::ops::Range<usize> = 14 + 20 + 6..14 + 20 + 8;
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |_| {});
    let watch = bench.lab().on_frame(|frame| {
        let udp = frame.udp();
        frame.direction == Direction::FromDut
            && udp.is_some_and(|udp| udp.destination.port() == NTP_PORT)
    });
    let mut watch = watch.map_err(|e| Stop::inconclusive(e.to_string()))?;
    bench.start().await?;
    request(&bench, &server, PATIENCE, STATEMENT).await?;
    let frame = watch.next(PATIENCE).await;
    let frame = frame.map_err(|e| Stop::inconclusive(e.to_string()))?;
    let sum = frame.bytes.get(AT).unwrap_or_default();
    let seen = format!("checksum {sum:02x?}");
    // The lab delivers no datagram whose checksum is wrong; zero says that there is none (RFC 768).
    require(sum != [0, 0], STATEMENT, "a checksum", seen)
}

async fn later_ones(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-1";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |ntp| ntp.max_poll_s = 60);
    bench.start().await?;
    let first = request(&bench, &server, PATIENCE, STATEMENT).await?;
    synchronise(&bench, &server, &first, GOOD_TIME, STATEMENT).await?;
    let later = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
    let between = later.raw.get(1..40).unwrap_or_default();
    let zero = between.iter().all(|&octet| octet == 0);
    let seen = later.packet.to_string();
    require(zero, STATEMENT, "octets 1 to 39 are zero", seen)
}
