//! Responses of a download server that must not become an image.

use super::download::length;
use super::download_reply::{self, Outcome, Row};
use super::offer::Reply;
use crate::case::{Case, Level};
use crate::peers::download_server::{chunked, response};

/// A case per row.
pub(super) fn cases() -> Vec<Case> {
    download_reply::cases(ROWS)
}

const ROWS: &[Row] = &[
    Row {
        level: Level::Policy,
        name: "digest",
        statement: "FIRMPROOF-UPDATE-8",
        requirement: "An image with another digest is refused with a named reason",
        reply: |offer| {
            let mut image = offer.image.clone();
            image[12_345] ^= 1;
            Reply::closing(response("200 OK", &length(offer), &image))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "redirect",
        statement: "FIRMPROOF-UPDATE-12",
        requirement: "A redirect is refused with a named reason unless configured",
        reply: |_| {
            Reply::closing(response(
                "302 Found",
                "Location: /elsewhere\r\nContent-Length: 0\r\n",
                b"",
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "not-found",
        statement: "FIRMPROOF-UPDATE-13",
        requirement: "Status 404 is refused with a named reason, whatever its content",
        reply: |offer| Reply::closing(response("404 Not Found", &length(offer), &offer.image)),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "status-unknown",
        statement: "RFC9110-15-1",
        requirement: "An unknown status of class 4xx counts as 400, whatever its content",
        reply: |offer| Reply::closing(response("499 Odd", &length(offer), &offer.image)),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "content-length-too-large",
        statement: "FIRMPROOF-UPDATE-7",
        requirement: "An image longer than announced is refused with a named reason",
        reply: |offer| {
            let mut image = offer.image.clone();
            image.push(0);
            Reply::closing(response("200 OK", "Content-Length: 20001\r\n", &image))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "content-length-too-small",
        statement: "FIRMPROOF-UPDATE-6",
        requirement: "An image shorter than announced is refused with a named reason",
        reply: |offer| {
            let short = &offer.image[..19_999];
            Reply::closing(response("200 OK", "Content-Length: 19999\r\n", short))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "chunks-too-many",
        statement: "FIRMPROOF-UPDATE-7",
        requirement: "An image in chunks longer than announced is refused with a named reason",
        reply: |offer| {
            let mut image = offer.image.clone();
            image.push(0);
            let body = chunked(&image, 4000);
            Reply::closing(response("200 OK", "Transfer-Encoding: chunked\r\n", &body))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "chunks-too-few",
        statement: "FIRMPROOF-UPDATE-6",
        requirement: "An image in chunks shorter than announced is refused with a named reason",
        reply: |offer| {
            let body = chunked(&offer.image[..19_999], 4000);
            Reply::closing(response("200 OK", "Transfer-Encoding: chunked\r\n", &body))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "last-chunk-missing",
        statement: "RFC9112-8-3",
        requirement: "An image in chunks without the last chunk is incomplete",
        reply: |offer| {
            let mut body = chunked(&offer.image, 4000);
            body.truncate(body.len() - 5);
            Reply::closing(response("200 OK", "Transfer-Encoding: chunked\r\n", &body))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "part-not-asked-for",
        statement: "RFC9110-14.4-2",
        requirement: "A 206 whose Content-Range is invalid is not taken",
        reply: |offer| {
            let fields = format!("{}Content-Range: bytes 5-1/20000\r\n", length(offer));
            Reply::closing(response("206 Partial Content", &fields, &offer.image))
        },
        outcome: Outcome::Failed,
    },
];
