//! Where a request's body ends (RFC 9112 §6, §7): what is wrong is refused, and no body becomes a request.

use super::exchange::{self, REFUSALS, Row};
use super::followed::{self, Followed};
use crate::case::{Case, Level};

pub(super) fn cases() -> Vec<Case> {
    exchange::cases("framing", REFUSED)
        .chain(followed::cases("framing", BAD_CHUNKS))
        .chain(followed::cases("framing", FOLLOWED))
        .collect()
}

/// A request whose framing is wrong: refused, and the connection closed, since nobody knows where it ends.
const fn closed(
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    request: &'static [u8],
    allowed: &'static [u16],
) -> Row {
    Row::new(Level::Must, name, statement, requirement, request, allowed).then_closed()
}

const fn bad_length(name: &'static str, request: &'static [u8]) -> Row {
    closed(
        name,
        "RFC9112-6.3-5",
        "An invalid Content-Length is answered by 400 and closure",
        request,
        &[400],
    )
}

/// A body that is malformed: nobody knows where it ends, so that what follows is no request. Whether it is refused,
/// which is a `should` (RFC 9112 §2.2), the cases of `chunks` judge.
const fn bad_chunk(
    name: &'static str,
    statement: &'static str,
    request: &'static [u8],
) -> Followed {
    Followed::new(
        name,
        statement,
        "After a malformed chunk the connection is closed, and nothing behind it is served",
        request,
    )
    .then_closed()
    .or_refused_late()
}

const REFUSED: &[Row] = &[
    bad_length(
        "content-length-of-letters",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: abc\r\n\r\nGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-below-zero",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: -1\r\n\r\nGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-with-a-plus",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: +5\r\n\r\nhelloGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-in-hexadecimal",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 0x5\r\n\r\nhelloGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-with-a-space",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 1 2\r\n\r\nhelloGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-empty",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length:\r\n\r\nGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-list-that-disagrees",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5, 6\r\n\r\nhelloGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "two-content-lengths-that-disagree",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhelloGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    closed(
        "content-length-beyond-64-bits",
        "RFC9110-8.6-3",
        "A Content-Length beyond the range of the implementation is an error, never another number",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 18446744073709551621\r\n\r\nhelloGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        REFUSALS,
    )
    .or_closed()
    .or_waits(),
    closed(
        "chunked-not-last",
        "RFC9112-6.3-3",
        "A request whose last transfer coding is not chunked is answered by 400 and closure",
        // 501 too: the other coding is not understood (RFC 9112 §6.1), and both rules meet here.
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        &[400, 501],
    ),
    Row {
        // No clause has a recipient refuse it: §6.1 forbids the sender to send it.
        level: Level::Policy,
        ..closed(
            "chunked-twice",
            "RFC9112-6.1-7",
            "A request to which the chunked coding is applied twice is refused",
            b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
            &[400, 501],
        )
    },
    Row {
        level: Level::Should,
        ..closed(
            "unknown-transfer-coding",
            "RFC9112-6.1-2",
            "A transfer coding that is not understood is answered by 501",
            b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: firmproof, chunked\r\n\r\n0\r\n\r\n",
            &[501],
        )
    },
    Row::new(
        Level::Must,
        "content-length-list-with-a-word",
        "RFC9112-6.3-15",
        "A list of lengths of which one is none is answered by 400 and closure",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5, x\r\n\r\nhelloGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400],
    )
    .then_closed(),
    Row::new(
        Level::Must,
        "content-length-in-another-alphabet",
        "RFC9112-6.3-5",
        "Digits of another alphabet are none",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: \xD9\xA5\r\n\r\nhelloGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400],
    )
    .then_closed(),
    Row::new(
        Level::Must,
        "content-length-with-a-fraction",
        "RFC9112-6.3-5",
        "A number with a fraction is no length",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5.0\r\n\r\nhelloGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400],
    )
    .then_closed(),
];

const BAD_CHUNKS: &[Followed] = &[
    bad_chunk(
        "chunk-size-of-letters",
        "RFC9112-7.1-3",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ),
    bad_chunk(
        "chunk-size-below-zero",
        "RFC9112-7.1-3",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    ),
    bad_chunk(
        "chunk-size-with-0x",
        "RFC9112-7.1-3",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
    ),
    bad_chunk(
        "chunk-size-beyond-64-bits",
        "RFC9112-7.1-2",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
    )
    .not_ended(),
    bad_chunk(
        "chunk-without-its-line-end",
        "RFC9112-7.1-3",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n",
    ),
];

const FOLLOWED: &[Followed] = &[
    Followed::new(
        "body-of-a-get",
        "RFC9112-6-1",
        "A body exists when Content-Length says so, whatever the method",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5\r\n\r\nhello",
    ),
    Followed::new(
        "content-length-beyond-32-bits",
        "RFC9110-8.6-3",
        "A Content-Length beyond 32 bits is not cut to them",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 4294967301\r\n\r\nhello",
    )
    .not_ended(),
    Followed::new(
        "body-that-looks-like-a-request",
        "RFC9112-9.3-2",
        "After a response the request's body is read to its end or the connection is closed",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "body-of-a-refused-request",
        "RFC9112-9.3-2",
        "The body of a refused request is read to its end or the connection is closed",
        b"FIRMPROOF $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "no-length-no-body",
        "RFC9112-6.3-8",
        "A request with neither field has no body",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    Followed::new(
        "content-length-list-that-agrees",
        "RFC9110-8.6-4",
        "A Content-Length that repeats one number as a list is refused, or read as that number",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5, 5\r\n\r\nhello",
    ),
    Followed::new(
        "chunks",
        "RFC9112-7.1-1",
        "Chunks are decoded by their hexadecimal size, in either case and with leading zeros",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n00a\r\n0123456789\r\nB\r\nhello world\r\n0\r\n\r\n",
    ),
    Followed::new(
        "chunks-that-look-like-a-request",
        "RFC9112-6.1-1",
        "The chunked coding is understood",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n26\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n\r\n0\r\n\r\n",
    ),
    Followed::new(
        "transfer-coding-in-any-case",
        "RFC9112-7-1",
        "Names of transfer codings are case-insensitive",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ),
    Followed::new(
        "chunk-extensions",
        "RFC9112-7.1.1-1",
        "Unknown chunk extensions are ignored",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n5;odd=\"a;b\";x\r\nhello\r\n0;y\r\n\r\n",
    ),
    Followed::new(
        "trailers",
        "RFC9112-7.1.2-1",
        "Trailer fields are not merged into the header fields; a Content-Length among them may be refused",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Odd: 1\r\nContent-Length: 500\r\n\r\n",
    )
    .or_refused_late(),
    Followed::new(
        "both-lengths",
        "RFC9112-6.1-3",
        "A request with Transfer-Encoding and Content-Length is refused or read by its Transfer-Encoding; \
         either way the connection is closed",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 43\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    )
    .then_closed(),
    Followed::new(
        "both-lengths-in-the-other-order",
        "RFC9112-6.1-3",
        "The order of Transfer-Encoding and Content-Length changes nothing",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    )
    .then_closed(),
    Followed::new(
        "chunked-in-http-1-0",
        "RFC9112-6.1-4",
        "Transfer-Encoding in an HTTP/1.0 message is faulty framing: the connection closes after it",
        b"GET $PATH HTTP/1.0\r\nHost: $HOST\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    )
    .then_closed(),
    Followed::new(
        "two-content-lengths-that-agree",
        "RFC9110-8.6-4",
        "Two equal Content-Length lines are refused, or read as one",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    ),
    Followed::new(
        "content-length-with-leading-zeros",
        "RFC9110-8.6-3",
        "Leading zeros make no other number of a length",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 0005\r\n\r\nhello",
    ),
    Followed::new(
        "content-length-zero",
        "RFC9112-6-1",
        "A length of 0 is a body of no octets",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 0\r\n\r\n",
    ),
];
