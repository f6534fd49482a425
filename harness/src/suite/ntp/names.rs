//! A time server by name: which answers of a resolver count (RFC 1035, RFC 5452).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use firmproof_bootconfig::Host;
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::bench::{Bench, PATIENCE, text};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::evidence::console::Line;
use crate::lab::LabError;
use crate::peers::dns_server::{DNS_PORT, DnsError, DnsQuery, DnsServer};
use crate::peers::ntp_server::NtpServer;
use crate::profile::Capability;

const NAME: &str = "time.example";
/// Any time will do: 2026-01-01T00:00:00Z.
pub(super) const UNIX_S: i64 = 1_767_225_600;
/// Fast enough for several polls, and slow enough that the 5 s for which a resolver waits are a second of a busy
/// machine.
pub(super) const SCALE: u16 = 5;
/// A poll after an interval that has grown, in device time.
const NEXT_POLL_S: f64 = 40.0;
pub(super) const NEEDS: &[Capability] = &[
    Capability::Ntp,
    Capability::Configure,
    Capability::ObserveConsole,
    Capability::LabAddresses,
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::must(
            "ntp/names/resolved",
            &["RFC1035-4.1.4-1"],
            "A time server given by name is asked at the address that DNS gives, with the name compressed in the answer",
            resolved,
        ),
        Case::must(
            "ntp/names/no-such-name",
            &["RFC1035-4.1.1-1"],
            "A name that does not exist yields no address; it is told, and later asked for again",
            |bench| no_address(bench, Useless::Code(ResponseCode::NXDomain)),
        ),
        Case::must(
            "ntp/names/server-failure",
            &["RFC1035-4.1.1-1"],
            "A response code SERVFAIL yields no address; it is told, and the name is later asked for again",
            |bench| no_address(bench, Useless::Code(ResponseCode::ServFail)),
        ),
        Case::must(
            "ntp/names/no-records",
            &["RFC1035-4.1.1-1"],
            "An answer without any record yields no address, though its response code is 0",
            |bench| no_address(bench, Useless::Empty),
        ),
        Case::must(
            "ntp/names/records-of-another-type",
            &["RFC1035-4.1.1-1"],
            "An answer with nothing but addresses of another type (AAAA) yields no address",
            |bench| no_address(bench, Useless::OtherType),
        ),
        Case::new(
            Level::Policy,
            "ntp/names/address-of-nobody",
            &["FIRMPROOF-SNTP-4"],
            "An answer with the address 0.0.0.0 yields no address",
            |bench| no_address(bench, Useless::Nobody),
        ),
        Case::new(
            Level::Should,
            "ntp/names/alias",
            &["RFC1034-3.6.2-1"],
            "An alias (CNAME) is followed to the address that stands beside it",
            alias,
        ),
        Case::new(
            Level::Should,
            "ntp/names/no-reply",
            &["RFC1035-7.2-1"],
            "A query without a reply is repeated, given up by a time limit, and that is told",
            no_reply,
        ),
        Case::must(
            "ntp/names/another-identifier",
            &["RFC5452-9.1-1"],
            "An answer with another identifier than the query's does not count",
            |bench| forged(bench, "RFC5452-9.1-1", Forgery::Identifier),
        ),
        Case::new(
            Level::Should,
            "ntp/names/response-bit",
            &["RFC1035-7.3-2"],
            "An answer without the response bit does not count",
            |bench| forged(bench, "RFC1035-7.3-2", Forgery::ResponseBit),
        ),
        Case::must(
            "ntp/names/another-question",
            &["RFC5452-9.1-1"],
            "An answer to another question than the one asked does not count",
            |bench| forged(bench, "RFC5452-9.1-1", Forgery::Question),
        ),
        Case::must(
            "ntp/names/from-another-address",
            &["RFC5452-9.1-1", "RFC5452-9.1-2"],
            "An answer from another address than the query went to does not count",
            |bench| forged(bench, "RFC5452-9.1-1", Forgery::Source),
        ),
        Case::new(
            Level::Policy,
            "ntp/names/compression-loop",
            &["FIRMPROOF-SNTP-15"],
            "An answer whose compressed name points at itself does no harm",
            compression_loop,
        ),
    ];
    for case in &mut cases {
        case.needs.extend_from_slice(NEEDS);
    }
    cases
}

/// How long anything here may take, in wall time: the device may first have to wait for its next poll.
pub(super) fn patience(bench: &Bench) -> Duration {
    PATIENCE + bench.device_time(NEXT_POLL_S)
}

/// A device that asks `dns` for its one time server, with a clock that runs fast enough for its next poll.
pub(super) async fn configured(bench: &Bench, dns: &[u8]) -> Judged<DnsServer> {
    let servers: Vec<[u8; 4]> = dns
        .iter()
        .map(|n| bench.lab().peer_address(*n).octets())
        .collect();
    bench.configure(|config| {
        config.dns.clear();
        // There is room: no case names more than two.
        let _ = config.dns.extend_from_slice(&servers);
        config.ntp.servers.clear();
        let _ = config.ntp.servers.push(Host::Name(text(NAME)));
        config.ntp.min_poll_s = 15;
        config.ntp.max_poll_s = 30;
        // Far off, so that a slow machine does not make the device give up.
        config.ntp.reply_timeout_s = 60;
    });
    bench.scale_time(SCALE);
    DnsServer::bind(bench.lab(), bench.evidence(), 1)
        .await
        .map_err(|e| Stop::inconclusive(format!("no DNS server: {e}")))
}

/// The device's next query, which is for the time server's name.
pub(super) async fn query(bench: &Bench, dns: &DnsServer, statement: &str) -> Judged<DnsQuery> {
    let expected = format!("a DNS query for {NAME}");
    match dns.next_query(patience(bench)).await {
        Ok(query) => {
            let right = query.name().eq_ignore_ascii_case(NAME);
            require(right, statement, expected, query.name())?;
            Ok(query)
        }
        Err(DnsError::Lab(LabError::Timeout(_))) => Err(Stop::fail(
            statement,
            expected,
            bench.with_console("none came"),
        )),
        Err(DnsError::Malformed(seen)) => Err(Stop::fail(statement, expected, seen)),
        Err(DnsError::Lab(error)) => Err(Stop::inconclusive(format!("DNS server: {error}"))),
    }
}

pub(super) fn sent(result: Result<(), DnsError>) -> Judged {
    result.map_err(|e| Stop::inconclusive(format!("DNS server: {e}")))
}

/// The device asks `server` for the time, gets it, and takes it.
pub(super) async fn synchronises(bench: &Bench, server: &NtpServer, statement: &str) -> Judged {
    let at = server.address().ip().to_string();
    let request = server.next_request(patience(bench)).await.map_err(|_| {
        let seen = bench.with_console("none came");
        Stop::fail(statement, format!("a request for the time at {at}"), seen)
    })?;
    let reply = request.good_reply(UNIX_S, 0);
    let replied = server.reply(&request, &reply).await;
    replied.map_err(|e| Stop::inconclusive(format!("time server: {e}")))?;
    told(
        bench,
        statement,
        &format!("event=ntp.sync server={at}"),
        |line| line.is("ntp.sync") && line.field("server") == Some(&at),
    )
    .await
    .map(drop)
}

pub(super) async fn told(
    bench: &Bench,
    statement: &str,
    what: &str,
    wanted: impl Fn(&Line) -> bool,
) -> Judged<Line> {
    let found = bench.event(patience(bench), wanted).await?;
    found.ok_or_else(|| Stop::fail(statement, what, bench.with_console("no such console line")))
}

async fn resolved(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC1035-4.1.4-1";
    let dns = configured(&bench, &[1]).await?;
    let server = bench.ntp_server(2).await?;
    bench.start().await?;
    let query = query(&bench, &dns, STATEMENT).await?;
    sent(
        dns.reply(&query, &query.answer(&[server.peer(2)], 60))
            .await,
    )?;
    synchronises(&bench, &server, STATEMENT).await?;
    bench.alive(STATEMENT).await
}

/// What is wrong with an answer that yields no address.
#[derive(Clone, Copy)]
enum Useless {
    /// Its response code, although there are addresses beside it.
    Code(ResponseCode),
    Empty,
    OtherType,
    Nobody,
}

impl Useless {
    fn answer(self, query: &DnsQuery, address: Ipv4Addr) -> Message {
        match self {
            Self::Code(code) => {
                let mut message = query.answer(&[address], 60);
                message.metadata.response_code = code;
                message
            }
            Self::Empty => query.answer(&[], 60),
            Self::OtherType => {
                let mut message = query.answer(&[], 60);
                if let Some(question) = query.message.queries.first() {
                    let data = RData::AAAA(AAAA(address.to_ipv6_mapped()));
                    message.add_answer(Record::from_rdata(question.name.clone(), 60, data));
                }
                message
            }
            Self::Nobody => query.answer(&[Ipv4Addr::UNSPECIFIED], 60),
        }
    }
}

async fn no_address(bench: Bench, useless: Useless) -> Judged {
    const STATEMENT: &str = "RFC1035-4.1.1-1";
    let dns = configured(&bench, &[1]).await?;
    let server = bench.ntp_server(2).await?;
    bench.start().await?;
    // A resolver may ask for the name more than once.
    let answering = async {
        loop {
            let query = query(&bench, &dns, STATEMENT).await?;
            let refusal = useless.answer(&query, server.peer(2));
            sent(dns.reply(&query, &refusal).await)?;
        }
    };
    tokio::select! {
        ended = answering => return ended,
        line = failure(&bench, STATEMENT) => { line?; }
        request = server.next_request(patience(&bench)) => if request.is_ok() {
            let seen = "a request for the time";
            return Err(Stop::fail(STATEMENT, "no address from this answer", seen));
        },
    }
    bench.alive(STATEMENT).await?;
    let query = query(&bench, &dns, STATEMENT).await?;
    sent(
        dns.reply(&query, &query.answer(&[server.peer(2)], 60))
            .await,
    )?;
    synchronises(&bench, &server, STATEMENT).await
}

/// The device tells that the name has no address.
async fn failure(bench: &Bench, statement: &str) -> Judged {
    let line = told(bench, statement, "event=dns.failed with the name", |line| {
        line.is("dns.failed") && line.field("name") == Some(NAME)
    })
    .await?;
    let named = line.field("reason").is_some_and(|r| !r.is_empty());
    require(named, statement, "a reason", line.text)
}

async fn no_reply(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC1035-7.2-1";
    let dns = configured(&bench, &[1]).await?;
    let server = bench.ntp_server(2).await?;
    bench.start().await?;
    query(&bench, &dns, STATEMENT).await?;
    query(&bench, &dns, STATEMENT).await?;
    failure(&bench, STATEMENT).await?;
    // It is asked for again with the next poll; queries that came meanwhile wait in line, and are too old to answer.
    let serving = async {
        loop {
            let query = query(&bench, &dns, STATEMENT).await?;
            sent(
                dns.reply(&query, &query.answer(&[server.peer(2)], 60))
                    .await,
            )?;
        }
    };
    tokio::select! {
        ended = serving => ended,
        synchronised = synchronises(&bench, &server, STATEMENT) => synchronised,
    }
}

#[derive(Clone, Copy)]
enum Forgery {
    Identifier,
    ResponseBit,
    Question,
    Source,
}

/// A wrong answer before the right one: only the right one leads to a time server.
async fn forged(bench: Bench, statement: &'static str, forgery: Forgery) -> Judged {
    let dns = configured(&bench, &[1]).await?;
    let (right, wrong) = (bench.ntp_server(2).await?, bench.ntp_server(3).await?);
    bench.start().await?;
    let query = query(&bench, &dns, statement).await?;
    let mut forged = query.answer(&[wrong.peer(3)], 60);
    match forgery {
        Forgery::Identifier => forged.metadata.id ^= 1,
        Forgery::ResponseBit => {
            forged.metadata.message_type = hickory_proto::op::MessageType::Query;
        }
        Forgery::Question => {
            let other = Name::from_ascii("other.example.")
                .map_err(|e| Stop::inconclusive(e.to_string()))?;
            forged.queries = vec![Query::query(other.clone(), RecordType::A)];
            for record in &mut forged.answers {
                record.name = other.clone();
            }
        }
        Forgery::Source => {}
    }
    if let Forgery::Source = forgery {
        let elsewhere = SocketAddrV4::new(bench.lab().peer_address(5), DNS_PORT);
        sent(dns.reply_from(elsewhere, &query, &forged).await)?;
    } else {
        sent(dns.reply(&query, &forged).await)?;
    }
    sent(dns.reply(&query, &query.answer(&[right.peer(2)], 60)).await)?;
    tokio::select! {
        asked = wrong.next_request(patience(&bench)) => match asked {
            Ok(_) => Err(Stop::fail(statement, "the wrong answer is ignored", "a request to its address")),
            Err(error) => Err(Stop::inconclusive(format!("time server: {error}"))),
        },
        synchronised = synchronises(&bench, &right, statement) => synchronised,
    }?;
    bench.alive(statement).await
}

async fn compression_loop(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-SNTP-15";
    let dns = configured(&bench, &[1]).await?;
    let server = bench.ntp_server(2).await?;
    bench.start().await?;
    let first = query(&bench, &dns, STATEMENT).await?;
    let answer = first.answer(&[server.peer(2)], 60).to_vec();
    let mut bytes = answer.map_err(|e| Stop::inconclusive(e.to_string()))?;
    // The name of the answer follows header and question; let its pointer lead to itself.
    let at = 12 + NAME.len() + 2 + 4;
    if bytes.get(at) != Some(&0xc0) {
        return Err(Stop::inconclusive("the answer's name is not compressed"));
    }
    bytes[at + 1] = u8::try_from(at).unwrap_or_default();
    sent(
        dns.reply_raw(&first, "RESPONSE whose name points at itself", &bytes)
            .await,
    )?;
    let serving = async {
        loop {
            let query = query(&bench, &dns, STATEMENT).await?;
            sent(
                dns.reply(&query, &query.answer(&[server.peer(2)], 60))
                    .await,
            )?;
        }
    };
    tokio::select! {
        ended = serving => ended,
        synchronised = synchronises(&bench, &server, STATEMENT) => synchronised,
    }?;
    bench.alive(STATEMENT).await
}

async fn alias(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC1034-3.6.2-1";
    let dns = configured(&bench, &[1]).await?;
    let server = bench.ntp_server(2).await?;
    bench.start().await?;
    let query = query(&bench, &dns, STATEMENT).await?;
    let mut answer = query.answer(&[], 60);
    let canonical =
        Name::from_ascii("clock.example.").map_err(|e| Stop::inconclusive(e.to_string()))?;
    if let Some(question) = query.message.queries.first() {
        let alias = RData::CNAME(CNAME(canonical.clone()));
        answer.add_answer(Record::from_rdata(question.name.clone(), 60, alias));
    }
    let address = RData::A(A(server.peer(2)));
    answer.add_answer(Record::from_rdata(canonical, 60, address));
    sent(dns.reply(&query, &answer).await)?;
    synchronises(&bench, &server, STATEMENT).await?;
    bench.alive(STATEMENT).await
}
