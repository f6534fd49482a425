//! The head of the response (RFC 9112 §4, §5): what is allowed is read, what is not is refused.

use super::download::length;
use super::download_reply::{self, Outcome, Row};
use super::offer::Reply;
use crate::case::{Case, Level};
use crate::peers::download_server::response;

/// A case per row.
pub(super) fn cases() -> Vec<Case> {
    download_reply::cases(ROWS)
}

const ROWS: &[Row] = &[
    Row {
        level: Level::Should,
        name: "reason-phrase-missing",
        statement: "RFC9112-4-2",
        requirement: "A status line without a reason phrase is read",
        reply: |offer| {
            Reply::closing(raw(
                &format!("HTTP/1.1 200 \r\n{}\r\n", length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Ready,
    },
    Row {
        level: Level::Should,
        name: "reason-phrase-that-lies",
        statement: "RFC9112-4-2",
        requirement: "What the reason phrase says has no influence",
        reply: |offer| {
            Reply::closing(raw(
                &format!("HTTP/1.1 200 404 Not Found\r\n{}\r\n", length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Ready,
    },
    Row {
        level: Level::Must,
        name: "names-in-any-case",
        statement: "RFC9110-5.1-1",
        requirement: "Names of fields are case-insensitive",
        reply: |offer| {
            Reply::closing(raw(
                &format!("HTTP/1.1 200 OK\r\n{}\r\n", length(offer).to_uppercase()),
                &offer.image,
            ))
        },
        outcome: Outcome::Ready,
    },
    Row {
        level: Level::Must,
        name: "white-space-around-values",
        statement: "RFC9110-5.5-2",
        requirement: "White space around a value is no part of it",
        reply: |offer| {
            Reply::closing(raw(
                &format!(
                    "HTTP/1.1 200 OK\r\nContent-Length:\t  {}\t \r\n\r\n",
                    offer.image.len()
                ),
                &offer.image,
            ))
        },
        outcome: Outcome::Ready,
    },
    Row {
        level: Level::Must,
        name: "folded",
        statement: "RFC9112-5.2-3",
        requirement: "A fold in a response is read as spaces",
        reply: |offer| {
            Reply::closing(raw(
                &format!(
                    "HTTP/1.1 200 OK\r\nX-Odd: 1\r\n  2\r\nContent-Length:\r\n  {}\r\n\r\n",
                    offer.image.len()
                ),
                &offer.image,
            ))
        },
        outcome: Outcome::Ready,
    },
    Row {
        level: Level::Policy,
        name: "http-1-0",
        statement: "FIRMPROOF-UPDATE-5",
        requirement: "A response of HTTP/1.0 with a length is read",
        reply: |offer| {
            Reply::closing(raw(
                &format!("HTTP/1.0 200 OK\r\n{}\r\n", length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Ready,
    },
    Row {
        level: Level::Must,
        name: "chunks-in-http-1-0",
        statement: "RFC9112-6.1-4",
        requirement: "Transfer-Encoding in an HTTP/1.0 response is faulty framing: it is refused, or read and the connection closed",
        reply: |offer| {
            Reply::closing(raw(
                "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                &crate::peers::download_server::chunked(&offer.image, 4_000),
            ))
        },
        outcome: Outcome::Either,
    },
    Row {
        level: Level::Must,
        name: "unknown-fields",
        statement: "RFC9110-5.1-2",
        requirement: "Unknown fields are ignored",
        reply: |offer| {
            Reply::closing(response(
                "200 OK",
                &format!(
                    "X-Odd: 1\r\n{}Z:\r\nServer: a/1 (b; c) d\r\nSet-Cookie: a=b; Path=/\r\n",
                    length(offer)
                ),
                &offer.image,
            ))
        },
        outcome: Outcome::Ready,
    },
    Row {
        level: Level::Policy,
        name: "higher-minor-version",
        statement: "RFC9110-6.2-6",
        requirement: "A response of a higher minor version is read as 1.1",
        reply: |offer| {
            Reply::closing(raw(
                &format!("HTTP/1.9 200 OK\r\n{}\r\n", length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Ready,
    },
    Row {
        level: Level::Must,
        name: "another-major-version",
        statement: "RFC9112-2.3-1",
        requirement: "A response of another major version is not read as HTTP/1",
        reply: |offer| {
            Reply::closing(raw(
                &format!("HTTP/2.0 200 OK\r\n{}\r\n", length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "banner-of-another-protocol",
        statement: "FIRMPROOF-UPDATE-23",
        requirement: "What is no HTTP at all is refused with a named reason",
        reply: |_| Reply::closing(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "nul-in-a-value",
        statement: "RFC9110-5.5-1",
        requirement: "NUL within a value leads to refusal or is read as a space",
        reply: |offer| {
            Reply::closing(response(
                "200 OK",
                &format!("X-Odd: 1\02\r\n{}", length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Either,
    },
    Row {
        level: Level::Policy,
        name: "head-of-64-kib",
        statement: "FIRMPROOF-UPDATE-23",
        requirement: "A head larger than the device can hold is refused with a named reason, or read",
        reply: |offer| {
            Reply::closing(response(
                "200 OK",
                &format!("X-Odd: {}\r\n{}", "a".repeat(65_536), length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Either,
    },
    Row {
        level: Level::Policy,
        name: "ten-thousand-fields",
        statement: "FIRMPROOF-UPDATE-23",
        requirement: "More fields than the device can hold are refused with a named reason, or read",
        reply: |offer| {
            Reply::closing(response(
                "200 OK",
                &format!("{}{}", "X-Odd: 1\r\n".repeat(10_000), length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Either,
    },
    Row {
        level: Level::Policy,
        name: "interim-responses-without-end",
        statement: "FIRMPROOF-UPDATE-23",
        requirement: "Interim responses without end end the update",
        reply: |_| Reply::closing("HTTP/1.1 102 Processing\r\n\r\n".repeat(5_000).into_bytes()),
        outcome: Outcome::Failed,
    },
];

/// A head as it is, and the image.
fn raw(head: &str, body: &[u8]) -> Vec<u8> {
    [head.as_bytes(), body].concat()
}
