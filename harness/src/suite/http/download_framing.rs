//! How the image is framed in the response (RFC 9112 §6): what is doubtful does not become an image.

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
        level: Level::Must,
        name: "no-length",
        statement: "RFC9112-6.3-9",
        requirement: "Without a length an image that ends with the connection is taken, or refused as doubtful",
        reply: |offer| Reply::closing(response("200 OK", "", &offer.image)),
        outcome: Outcome::Either,
    },
    Row {
        level: Level::Must,
        name: "length-twice",
        statement: "RFC9110-8.6-4",
        requirement: "Two equal Content-Length lines are read as one, or refused",
        reply: |offer| {
            Reply::closing(response(
                "200 OK",
                &format!("{0}{0}", length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Either,
    },
    Row {
        level: Level::Must,
        name: "length-twice-and-different",
        statement: "RFC9112-6.3-6",
        requirement: "A response with two different lengths is discarded",
        reply: |offer| {
            Reply::closing(response(
                "200 OK",
                &format!("{}Content-Length: 5\r\n", length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "length-of-letters",
        statement: "RFC9112-6.3-6",
        requirement: "A response whose length is no number is discarded",
        reply: |offer| Reply::closing(response("200 OK", "Content-Length: abc\r\n", &offer.image)),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "length-below-zero",
        statement: "RFC9112-6.3-6",
        requirement: "A response with a length below zero is discarded",
        reply: |offer| {
            Reply::closing(response(
                "200 OK",
                "Content-Length: -20000\r\n",
                &offer.image,
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "length-beyond-32-bits",
        statement: "RFC9110-8.6-3",
        requirement: "A length beyond 32 bits is not cut to them",
        reply: |offer| {
            Reply::closing(response(
                "200 OK",
                "Content-Length: 4294987296\r\n",
                &offer.image,
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "length-and-chunks",
        statement: "RFC9112-6.3-2",
        requirement: "With both, Transfer-Encoding overrides Content-Length, or the response is refused",
        reply: |offer| {
            let body = chunked(&offer.image, 4000);
            Reply::closing(response(
                "200 OK",
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                &body,
            ))
        },
        outcome: Outcome::Either,
    },
    Row {
        level: Level::Policy,
        name: "empty",
        statement: "FIRMPROOF-UPDATE-6",
        requirement: "An image without an octet is refused",
        reply: |_| Reply::closing(response("200 OK", "Content-Length: 0\r\n", b"")),
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "empty-in-chunks",
        statement: "FIRMPROOF-UPDATE-6",
        requirement: "An image of no chunk but the last is refused",
        reply: |_| {
            Reply::closing(response(
                "200 OK",
                "Transfer-Encoding: chunked\r\n",
                b"0\r\n\r\n",
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "chunk-extensions",
        statement: "RFC9112-7.1.1-1",
        requirement: "Chunk extensions around an image are ignored",
        reply: |offer| {
            let body = extended(&offer.image);
            Reply::closing(response("200 OK", "Transfer-Encoding: chunked\r\n", &body))
        },
        outcome: Outcome::Ready,
    },
    Row {
        level: Level::Must,
        name: "trailers",
        statement: "RFC9112-7.1.2-1",
        requirement: "Trailers behind an image are not merged into its header fields",
        reply: |offer| {
            let body = trailed(&offer.image);
            Reply::closing(response("200 OK", "Transfer-Encoding: chunked\r\n", &body))
        },
        outcome: Outcome::Ready,
    },
    Row {
        level: Level::Must,
        name: "chunk-size-of-letters",
        statement: "RFC9112-7.1-3",
        requirement: "An image in chunks whose size is no number is refused",
        reply: |_| {
            let body = b"zz\r\nabc\r\n0\r\n\r\n".to_vec();
            Reply::closing(response("200 OK", "Transfer-Encoding: chunked\r\n", &body))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "chunk-size-beyond-64-bits",
        statement: "RFC9112-7.1-2",
        requirement: "A chunk size beyond 64 bits is no other size",
        reply: |offer| {
            let body = oversized(&offer.image);
            Reply::closing(response("200 OK", "Transfer-Encoding: chunked\r\n", &body))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "chunk-without-its-line-end",
        statement: "RFC9112-7.1-3",
        requirement: "Chunk data that is not followed by its line end is malformed",
        reply: |offer| {
            let body = unended(&offer.image);
            Reply::closing(response("200 OK", "Transfer-Encoding: chunked\r\n", &body))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Must,
        name: "unknown-transfer-coding",
        statement: "RFC9112-6.3-4",
        requirement: "A coding that is not chunked lasts until the close, and is not understood",
        reply: |offer| {
            Reply::closing(response(
                "200 OK",
                "Transfer-Encoding: firmproof\r\n",
                &offer.image,
            ))
        },
        outcome: Outcome::Failed,
    },
    Row {
        level: Level::Policy,
        name: "content-coding",
        statement: "FIRMPROOF-UPDATE-8",
        requirement: "An image in a content coding that was not asked for is refused",
        reply: |offer| {
            Reply::closing(response(
                "200 OK",
                &format!("{}Content-Encoding: gzip\r\n", length(offer)),
                &offer.image,
            ))
        },
        outcome: Outcome::Failed,
    },
];

/// Three chunks with extensions, one of them quoted.
fn extended(image: &[u8]) -> Vec<u8> {
    let (first, rest) = image.split_at(1_000);
    let mut body = b"3e8;odd=\"a;b\";x\r\n".to_vec();
    body.extend_from_slice(first);
    body.extend_from_slice(b"\r\n");
    body.extend_from_slice(&chunked(rest, 9_500));
    body
}

/// Chunks with trailers, of which one would be another length.
fn trailed(image: &[u8]) -> Vec<u8> {
    let mut body = chunked(image, 7_001);
    body.truncate(body.len() - 2);
    body.extend_from_slice(b"X-Odd: 1\r\nContent-Length: 5\r\n\r\n");
    body
}

/// A first chunk whose size is that of the image beyond 64 bits.
fn oversized(image: &[u8]) -> Vec<u8> {
    let mut body = format!("1{:016x}\r\n", image.len()).into_bytes();
    body.extend_from_slice(image);
    body.extend_from_slice(b"\r\n0\r\n\r\n");
    body
}

/// Two chunks of which the first lacks its line end.
fn unended(image: &[u8]) -> Vec<u8> {
    let mut body = b"3e8\r\n".to_vec();
    body.extend_from_slice(&image[..1_000]);
    body.extend_from_slice(&chunked(&image[1_000..], 4_000));
    body
}
