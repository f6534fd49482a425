//! The second part of a download that broke off (RFC 9110 §14, §15.3.7): only the part that was asked for, of the same
//! image, goes behind the first.

use super::download::{NEEDS, SIZE, etagged, length, part};
use super::download_reply::{Outcome, settle};
use super::offer::{Offer, begin, running_slot};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, require};
use crate::peers::download_server::{byte_range, response};
use crate::peers::http_request::Request;

pub(super) fn cases() -> Vec<Case> {
    let parts = ROWS.iter().map(|row| {
        let id = format!("http/download/{}", row.name);
        let body = move |bench| judge(bench, row);
        Case::new(
            row.level,
            id,
            &[row.statement, "FIRMPROOF-UPDATE-8"],
            row.requirement,
            body,
        )
    });
    parts
        .chain([
            Case::must(
                "http/download/weak-tag-is-not-sent-back",
                &["RFC9110-13.1.5-2"],
                "A weak entity tag is not sent in If-Range",
                |bench| validator(bench, "ETag: W/\"one\"\r\n"),
            ),
            Case::must(
                "http/download/date-is-not-sent-back",
                &["RFC9110-13.1.5-3"],
                "A date that is no strong validator is not sent in If-Range",
                |bench| validator(bench, "Last-Modified: Thu, 15 Jan 2026 12:00:00 GMT\r\n"),
            ),
            Case::new(
                Level::Policy,
                "http/download/another-image-without-a-tag",
                &["FIRMPROOF-UPDATE-8"],
                "When the image changes between two parts and no tag tells, the digest does",
                changed_without_a_tag,
            ),
            Case::new(
                Level::Policy,
                "http/download/resumed-four-times",
                &["FIRMPROOF-UPDATE-10"],
                "A download that breaks off four times is resumed four times, each time from the byte reached",
                four_times,
            ),
        ])
        .map(|case| case.needs(NEEDS))
        .collect()
}

const ETAG: &str = "\"one\"";
const CUT: usize = 9_000;

/// An answer to the resumption that is not the part asked for.
struct Row {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    second: fn(&Offer) -> Vec<u8>,
}

fn partial(offer: &Offer, fields: &str, from: usize) -> Vec<u8> {
    let rest = &offer.image[from..];
    let fields = format!("Content-Length: {}\r\nETag: {ETAG}\r\n{fields}", rest.len());
    response("206 Partial Content", &fields, rest)
}

const ROWS: &[Row] = &[
    Row {
        level: Level::Must,
        name: "resumed-elsewhere",
        statement: "RFC9110-15.3.7-1",
        requirement: "A part that begins elsewhere than asked is not put where it was asked for",
        second: |offer| partial(offer, "Content-Range: bytes 8000-19999/20000\r\n", 8_000),
    },
    Row {
        level: Level::Must,
        name: "resumed-without-content-range",
        statement: "RFC9110-15.3.7-1",
        requirement: "A 206 that does not say which part it is is not combined",
        second: |offer| partial(offer, "", CUT),
    },
    Row {
        level: Level::Must,
        name: "resumed-in-an-unknown-unit",
        statement: "RFC9110-14.4-1",
        requirement: "A part in a unit that the client does not know is not combined",
        second: |offer| partial(offer, "Content-Range: pages 9000-19999/20000\r\n", CUT),
    },
    Row {
        level: Level::Must,
        name: "resumed-of-another-length",
        statement: "RFC9110-14.4-2",
        requirement: "A part of an image of another length is not combined",
        second: |offer| partial(offer, "Content-Range: bytes 9000-19999/30000\r\n", CUT),
    },
    Row {
        level: Level::Must,
        name: "resumed-backwards",
        statement: "RFC9110-14.4-2",
        requirement: "A Content-Range whose last octet comes before its first is invalid",
        second: |offer| partial(offer, "Content-Range: bytes 19999-9000/20000\r\n", CUT),
    },
    Row {
        level: Level::Must,
        name: "resumed-in-several-parts",
        statement: "RFC9110-15.3.7.2-1",
        requirement: "A 206 in several parts is read part by part, or refused",
        second: |offer| {
            let mut body = b"--x\r\nContent-Range: bytes 9000-19999/20000\r\n\r\n".to_vec();
            body.extend_from_slice(&offer.image[CUT..]);
            body.extend_from_slice(b"\r\n--x--\r\n");
            let fields = format!(
                "Content-Type: multipart/byteranges; boundary=x\r\nContent-Length: {}\r\nETag: {ETAG}\r\n",
                body.len()
            );
            response("206 Partial Content", &fields, &body)
        },
    },
    Row {
        level: Level::Must,
        name: "resumption-not-satisfiable",
        statement: "FIRMPROOF-UPDATE-13",
        requirement: "A 416 to the resumption ends the update, or has it begin anew",
        second: |_| {
            let fields = "Content-Range: bytes */20000\r\nContent-Length: 0\r\n";
            response("416 Range Not Satisfiable", fields, b"")
        },
    },
    Row {
        level: Level::Must,
        name: "resumed-too-short",
        statement: "RFC9112-6.3-7",
        requirement: "A part cut short is incomplete",
        second: |offer| {
            let whole = partial(offer, "Content-Range: bytes 9000-19999/20000\r\n", CUT);
            whole[..whole.len() - 1_000].to_vec()
        },
    },
];

async fn judge(bench: Bench, row: &'static Row) -> Judged {
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let first = etagged(&offer, ETAG);
    let second = (row.second)(&offer);
    let cut = first.len() - offer.image.len() + CUT;
    let ending = offer
        .install(&bench, &mut server, |request, n| {
            Ok(match (n, byte_range(request)) {
                (0, _) => first[..cut].to_vec(),
                // The odd answer once; whoever asks again is served as it should be.
                (1, Some(_)) => second.clone(),
                (_, Some((from, _))) if from < u64::from(SIZE) => part(&offer, from as usize, ETAG),
                _ => first.clone(),
            })
        })
        .await?;
    if !ending.is_failed() {
        // Right only if what the odd answer lacked was asked for.
        let expected = "a third request, or a failure";
        let seen = format!("ready after {} requests", ending.requests);
        require(ending.requests > 2, row.statement, expected, seen)?;
    }
    settle(
        &bench,
        &slot,
        &offer,
        &ending,
        row.statement,
        Outcome::Either,
    )
    .await
}

/// Breaks off after `fields`, and judges the resumption's If-Range.
async fn validator(bench: Bench, fields: &'static str) -> Judged {
    let statement = if fields.starts_with("ETag") {
        "RFC9110-13.1.5-2"
    } else {
        "RFC9110-13.1.5-3"
    };
    let mut server = begin(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let whole = response(
        "200 OK",
        &format!("{}{fields}", length(&offer)),
        &offer.image,
    );
    let cut = whole.len() - offer.image.len() + CUT;
    let ending = offer
        .install(&bench, &mut server, |request, n| {
            if n == 0 {
                return Ok(whole[..cut].to_vec());
            }
            let sent = request.field("if-range").unwrap_or_default();
            require(sent.is_empty(), statement, "no If-Range", sent)?;
            Ok(match byte_range(request) {
                Some((from, _)) if from < u64::from(SIZE) => {
                    part(&offer, from as usize, "W/\"one\"")
                }
                _ => whole.clone(),
            })
        })
        .await?;
    ending.ready(statement, 1).map(drop)
}

async fn changed_without_a_tag(bench: Bench) -> Judged {
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let other = Offer::good(&bench, SIZE, 2);
    let first = response("200 OK", &length(&offer), &offer.image);
    let cut = first.len() - offer.image.len() + CUT;
    let ending = offer
        .install(&bench, &mut server, |request, n| {
            Ok(match (n, byte_range(request)) {
                (0, _) => first[..cut].to_vec(),
                (_, Some((from, last)))
                    if from < u64::from(SIZE) && last.is_none_or(|l| l >= from) =>
                {
                    let rest = &other.image[from as usize..];
                    let fields = format!(
                        "Content-Length: {}\r\nContent-Range: bytes {from}-19999/20000\r\n",
                        rest.len()
                    );
                    response("206 Partial Content", &fields, rest)
                }
                _ => response("200 OK", &length(&other), &other.image),
            })
        })
        .await?;
    settle(
        &bench,
        &slot,
        &offer,
        &ending,
        "FIRMPROOF-UPDATE-8",
        Outcome::Failed,
    )
    .await
}

async fn four_times(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-10";
    const STEP: usize = 4_000;
    let mut server = begin(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let cut_to = |bytes: Vec<u8>, left: usize| {
        let keep = bytes.len() - left.saturating_sub(STEP);
        bytes[..keep].to_vec()
    };
    let ending = offer
        .install(&bench, &mut server, |request: &Request, n| {
            let reached = n * STEP;
            let left = offer.image.len() - reached;
            if n == 0 {
                return Ok(cut_to(etagged(&offer, ETAG), left));
            }
            let asked = byte_range(request).map(|(from, _)| from);
            let expected = format!("Range: bytes={reached}-");
            require(
                asked == Some(reached as u64),
                STATEMENT,
                expected,
                request.to_string(),
            )?;
            Ok(cut_to(part(&offer, reached, ETAG), left))
        })
        .await?;
    ending.ready(STATEMENT, 1)?;
    let seen = format!("{} requests", ending.requests);
    require(ending.requests == 5, STATEMENT, "five requests", seen)
}
