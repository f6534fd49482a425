//! Statuses that are no image (RFC 9110 §15), whatever comes with them.

use super::download::length;
use super::download_reply::{self, Outcome, Row};
use super::offer::Reply;
use crate::case::{Case, Level};
use crate::peers::download_server::response;

/// A case per row.
pub(super) fn cases() -> Vec<Case> {
    let silent = download_reply::cases(SILENT).into_iter().map(Case::long);
    download_reply::cases(ROWS)
        .into_iter()
        .chain(silent)
        .collect()
}

const ROWS: &[Row] = &[
    Row {
        level: Level::Policy,
        name: "server-error",
        statement: "FIRMPROOF-UPDATE-13",
        requirement: "Status 500 is refused with a named reason, whatever its content",
        reply: |offer| {
            Reply::closing(response(
                "500 Internal Server Error",
                &length(offer),
                &offer.image,
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "unauthorised",
        statement: "FIRMPROOF-UPDATE-13",
        requirement: "Status 401 is refused with a named reason, whatever its content",
        reply: |offer| {
            Reply::closing(response(
                "401 Unauthorized",
                &format!("WWW-Authenticate: Basic realm=\"a\"\r\n{}", length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "no-content",
        statement: "RFC9112-6.3-1",
        requirement: "A 204 ends with its head: what follows is no image",
        reply: |offer| Reply::closing(response("204 No Content", &length(offer), &offer.image)),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "not-modified",
        statement: "RFC9112-6.3-1",
        requirement: "A 304 ends with its head: what follows is no image",
        reply: |offer| Reply::closing(response("304 Not Modified", &length(offer), &offer.image)),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "created",
        statement: "FIRMPROOF-UPDATE-13",
        requirement: "Another success than 200 is refused with a named reason",
        reply: |offer| Reply::closing(response("201 Created", &length(offer), &offer.image)),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "switching-protocols",
        statement: "FIRMPROOF-UPDATE-13",
        requirement: "A 101 that was not asked for is refused",
        reply: |offer| {
            Reply::closing(response(
                "101 Switching Protocols",
                &format!(
                    "Connection: upgrade\r\nUpgrade: firmproof\r\n{}",
                    length(offer)
                ),
                &offer.image,
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Should,
        name: "status-of-no-class",
        statement: "RFC9110-15-2",
        requirement: "A status outside 100 to 599 counts as a server error",
        reply: |offer| Reply::closing(response("999 Odd", &length(offer), &offer.image)),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "status-of-two-digits",
        statement: "FIRMPROOF-UPDATE-23",
        requirement: "A status of two digits is none",
        reply: |offer| Reply::closing(response("20 OK", &length(offer), &offer.image)),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "range-not-satisfiable",
        statement: "FIRMPROOF-UPDATE-13",
        requirement: "A 416 that no range asked for is refused",
        reply: |offer| {
            Reply::closing(response(
                "416 Range Not Satisfiable",
                &format!("Content-Range: bytes */5\r\n{}", length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "multiple-choices",
        statement: "FIRMPROOF-UPDATE-13",
        requirement: "A 300 is no image",
        reply: |offer| {
            Reply::closing(response(
                "300 Multiple Choices",
                &length(offer),
                &offer.image,
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "unavailable-for-ever",
        statement: "FIRMPROOF-UPDATE-10",
        requirement: "A server that is always unavailable is given up, with a named reason",
        reply: |_| {
            Reply::closing(response(
                "503 Service Unavailable",
                "Content-Length: 0\r\n",
                b"",
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "closes-without-an-answer",
        statement: "FIRMPROOF-UPDATE-10",
        requirement: "A server that always closes without an answer is given up, with a named reason",
        reply: |_| Reply::closing(Vec::new()),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "resets-without-an-answer",
        statement: "FIRMPROOF-UPDATE-10",
        requirement: "A server that always resets is given up, with a named reason",
        reply: |_| Reply::resetting(Vec::new()),
        outcome: Outcome::Failed,
    },
];

/// The device's patience ends these.
const SILENT: &[Row] = &[
    Row {
        level: Level::Policy,
        name: "never-answers",
        statement: "FIRMPROOF-UPDATE-18",
        requirement: "A server that takes the request and is silent is given up, with a named reason",
        reply: |_| Reply::holding(Vec::new()),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "stalls-within-the-head",
        statement: "FIRMPROOF-UPDATE-18",
        requirement: "A server that stalls within the head is given up, with a named reason",
        reply: |_| Reply::holding(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "stalls-within-the-image",
        statement: "FIRMPROOF-UPDATE-18",
        requirement: "A server that stalls within the image is given up, with a named reason",
        reply: |offer| Reply::holding(response("200 OK", &length(offer), &offer.image[..7_000])),
        outcome: Outcome::Failed,
    },
];
