//! Responses of a download server that must not become an image.

use super::download::{NEEDS, SIZE, length};
use super::offer::{Offer, begin, running_slot, unharmed};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level};
use crate::peers::download_server::{chunked, response};

/// A case per row.
pub(super) fn cases() -> Vec<Case> {
    let case = |row: &'static Refusal| {
        let id = format!("http/download/{}", row.name);
        let statements = [row.statement, "FIRMPROOF-UPDATE-14"];
        let body = move |bench| refuses(bench, row);
        Case::new(row.level, id, &statements, row.requirement, body).needs(NEEDS)
    };
    REFUSALS.iter().map(case).collect()
}

/// A response that must not become an image.
struct Refusal {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    reply: fn(&Offer) -> Vec<u8>,
}

const REFUSALS: &[Refusal] = &[
    Refusal {
        level: Level::Policy,
        name: "digest",
        statement: "FIRMPROOF-UPDATE-8",
        requirement: "An image with another digest is refused with a named reason",
        reply: |offer| {
            let mut image = offer.image.clone();
            image[12_345] ^= 1;
            response("200 OK", &length(offer), &image)
        },
    },
    Refusal {
        level: Level::Policy,
        name: "redirect",
        statement: "FIRMPROOF-UPDATE-12",
        requirement: "A redirect is refused with a named reason unless configured",
        reply: |_| {
            response(
                "302 Found",
                "Location: /elsewhere\r\nContent-Length: 0\r\n",
                b"",
            )
        },
    },
    Refusal {
        level: Level::Policy,
        name: "not-found",
        statement: "FIRMPROOF-UPDATE-13",
        requirement: "Status 404 is refused with a named reason, whatever its content",
        reply: |offer| response("404 Not Found", &length(offer), &offer.image),
    },
    Refusal {
        level: Level::Must,
        name: "status-unknown",
        statement: "RFC9110-15-1",
        requirement: "An unknown status of class 4xx counts as 400, whatever its content",
        reply: |offer| response("499 Odd", &length(offer), &offer.image),
    },
    Refusal {
        level: Level::Policy,
        name: "content-length-too-large",
        statement: "FIRMPROOF-UPDATE-7",
        requirement: "An image longer than announced is refused with a named reason",
        reply: |offer| {
            let mut image = offer.image.clone();
            image.push(0);
            response("200 OK", "Content-Length: 20001\r\n", &image)
        },
    },
    Refusal {
        level: Level::Policy,
        name: "content-length-too-small",
        statement: "FIRMPROOF-UPDATE-6",
        requirement: "An image shorter than announced is refused with a named reason",
        reply: |offer| {
            let short = &offer.image[..19_999];
            response("200 OK", "Content-Length: 19999\r\n", short)
        },
    },
    Refusal {
        level: Level::Policy,
        name: "chunks-too-many",
        statement: "FIRMPROOF-UPDATE-7",
        requirement: "An image in chunks longer than announced is refused with a named reason",
        reply: |offer| {
            let mut image = offer.image.clone();
            image.push(0);
            let body = chunked(&image, 4000);
            response("200 OK", "Transfer-Encoding: chunked\r\n", &body)
        },
    },
    Refusal {
        level: Level::Policy,
        name: "chunks-too-few",
        statement: "FIRMPROOF-UPDATE-6",
        requirement: "An image in chunks shorter than announced is refused with a named reason",
        reply: |offer| {
            let body = chunked(&offer.image[..19_999], 4000);
            response("200 OK", "Transfer-Encoding: chunked\r\n", &body)
        },
    },
    Refusal {
        level: Level::Must,
        name: "last-chunk-missing",
        statement: "RFC9112-8-3",
        requirement: "An image in chunks without the last chunk is incomplete",
        reply: |offer| {
            let mut body = chunked(&offer.image, 4000);
            body.truncate(body.len() - 5);
            response("200 OK", "Transfer-Encoding: chunked\r\n", &body)
        },
    },
    Refusal {
        level: Level::Must,
        name: "part-not-asked-for",
        statement: "RFC9110-14.4-2",
        requirement: "A 206 whose Content-Range is invalid is not taken",
        reply: |offer| {
            let fields = format!("{}Content-Range: bytes 5-1/20000\r\n", length(offer));
            response("206 Partial Content", &fields, &offer.image)
        },
    },
];

async fn refuses(bench: Bench, row: &'static Refusal) -> Judged {
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let reply = (row.reply)(&offer);
    let ending = offer
        .install(&bench, &mut server, |_, _| Ok(reply.clone()))
        .await?;
    ending.failed(row.statement)?;
    unharmed(&bench, &slot).await
}
