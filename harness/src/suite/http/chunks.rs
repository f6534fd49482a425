//! The chunked coding of a request's body (RFC 9112 §7.1): what is malformed is refused, and the connection closed.

use super::exchange::{self, Row};
use super::followed::{self, Followed};
use crate::case::{Case, Level};

pub(super) fn cases() -> Vec<Case> {
    exchange::content_cases("chunks", REFUSED)
        .chain(followed::cases("chunks", FOLLOWED))
        .collect()
}

const REFUSED: &[Row] = &[
    Row::new(
        Level::Should,
        "size-missing",
        "RFC9112-7.1-3",
        "A chunk without a size is refused, and the connection closed",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
        &[400, 413],
    )
    .then_closed(),
    Row::new(
        Level::Should,
        "size-after-a-space",
        "RFC9112-7.1-3",
        "A space before the size is refused",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n",
        &[400, 413],
    )
    .then_closed(),
    Row::new(
        Level::Must,
        "size-beyond-32-bits",
        "RFC9112-7.1-2",
        "A size beyond 32 bits is not cut to them",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n100000005\r\nhello\r\n0\r\n\r\n",
        &[400, 413],
    )
    .then_closed()
    .or_waits(),
    Row::new(
        Level::Should,
        "size-with-an-underscore",
        "RFC9112-7.1-3",
        "An underscore is no digit",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
        &[400, 413],
    )
    .then_closed(),
    Row::new(
        Level::Should,
        "data-too-short",
        "RFC9112-7.1-3",
        "Data that ends before its size is no chunk",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nhello\r\n0\r\n\r\n",
        &[400, 413],
    )
    .then_closed(),
    Row::new(
        Level::Should,
        "line-feed-after-the-data",
        "RFC9112-7.1-3",
        "A bare LF does not end a chunk",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n",
        &[400, 413],
    )
    .then_closed(),
    Row::new(
        Level::Should,
        "line-feed-after-the-size",
        "RFC9112-7.1-3",
        "A bare LF does not end the line of a size",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
        &[400, 413],
    )
    .then_closed(),
    Row::new(
        Level::Should,
        "carriage-return-after-the-size",
        "RFC9112-7.1-3",
        "A bare CR does not end the line of a size",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\rhello\r\n0\r\n\r\n",
        &[400, 413],
    )
    .then_closed(),
    Row::new(
        Level::Should,
        "line-feed-in-an-extension",
        "RFC9112-7.1-3",
        "A bare LF in an extension is refused: two readers would see two chunks",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n",
        &[400, 413],
    )
    .then_closed(),
    Row::new(
        Level::Should,
        "trailer-without-a-colon",
        "RFC9112-2.2-5",
        "A trailer line without a colon is refused",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Odd\r\n\r\n",
        &[400, 413],
    )
    .then_closed(),
    Row::new(
        Level::Should,
        "trailer-with-a-space-before-its-colon",
        "RFC9112-2.2-5",
        "A trailer line is read as strictly as a header line",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Odd : 1\r\n\r\n",
        &[400, 413],
    )
    .then_closed(),
];

const FOLLOWED: &[Followed] = &[
    Followed::new(
        "size-with-many-zeros",
        "RFC9112-7.1-2",
        "Leading zeros beyond any number of digits are read or refused, and nothing overflows",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000005\r\nhello\r\n0\r\n\r\n",
    )
    .or_refused_late(),
    Followed::new(
        "size-before-a-space",
        "RFC9112-7.1-3",
        "A space after the size is passed over or refused",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
    )
    .or_refused_late(),
    Followed::new(
        "extension-without-a-name",
        "RFC9112-7.1.1-1",
        "An extension without a name is ignored or refused",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n5;\r\nhello\r\n0\r\n\r\n",
    )
    .or_refused_late(),
    Followed::new(
        "nul-in-an-extension",
        "RFC9112-7.1.1-1",
        "NUL in an extension is ignored or refused",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n5;a\0b\r\nhello\r\n0\r\n\r\n",
    )
    .or_refused_late(),
    Followed::new(
        "last-chunk-of-several-zeros",
        "RFC9112-7.1-1",
        "Several zeros are a last chunk",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n000\r\n\r\n",
    ),
    Followed::new(
        "no-chunk-but-the-last",
        "RFC9112-7.1-1",
        "A chunked body may be empty",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    Followed::new(
        "end-of-the-trailers-missing",
        "RFC9112-7.1-1",
        "Without the empty line at its end a chunked body goes on: what follows is no request",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    )
    .not_ended(),
    Followed::new(
        "host-in-the-trailers",
        "RFC9112-7.1.2-1",
        "A Host in the trailers is not merged into the header fields",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nHost: elsewhere.example\r\n\r\n",
    )
    .or_refused_late(),
];
