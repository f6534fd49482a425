//! Where a request's body ends (RFC 9112 §6, §7): what is wrong is refused, and no body becomes a request.
//!
//! Smuggling is judged by the responses: a request that says `close` follows the one in question, so that the
//! end of the connection proves how many requests the server saw.

use super::exchange::{self, REFUSALS, Row, with_host};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::http_prober::Answer;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    exchange::cases("framing", REFUSED)
        .chain(BAD_CHUNKS.iter().map(|row| {
            let id = format!("http/framing/{}", row.name);
            let statements = [row.statement, "FIRMPROOF-HTTP-3"];
            Case::must(id, &statements, row.requirement, move |bench| {
                bad_chunk_refused(bench, row)
            })
            .needs(&[Capability::Http])
        }))
        .chain(FOLLOWED.iter().map(|row| {
            let id = format!("http/framing/{}", row.name);
            let statements = [row.statement, "FIRMPROOF-HTTP-4"];
            Case::must(id, &statements, row.requirement, move |bench| {
                followed(bench, row)
            })
            .needs(&[Capability::Http])
        }))
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
    Row {
        level: Level::Must,
        name,
        statement,
        requirement,
        request,
        allowed,
        usual: false,
        closes: true,
    }
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

const fn bad_chunk(name: &'static str, statement: &'static str, request: &'static [u8]) -> Row {
    closed(
        name,
        statement,
        "A malformed chunk is refused, and the connection closed",
        request,
        REFUSALS,
    )
}

const REFUSED: &[Row] = &[
    bad_length(
        "content-length-of-letters",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: abc\r\n\r\nGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-below-zero",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: -1\r\n\r\nGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-with-a-plus",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: +5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-in-hexadecimal",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 0x5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-with-a-space",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 1 2\r\n\r\nhelloGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-empty",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length:\r\n\r\nGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "content-length-list-that-disagrees",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5, 6\r\n\r\nhelloGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_length(
        "two-content-lengths-that-disagree",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhelloGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    closed(
        "content-length-beyond-64-bits",
        "RFC9110-8.6-3",
        "A Content-Length beyond the range of the implementation is an error, never another number",
        b"POST / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 18446744073709551621\r\n\r\nhelloGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        REFUSALS,
    ),
    closed(
        "chunked-not-last",
        "RFC9112-6.3-3",
        "A request whose last transfer coding is not chunked is answered by 400 and closure",
        // 501 too: the other coding is not understood (RFC 9112 §6.1), and both rules meet here.
        b"POST / HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        &[400, 501],
    ),
    closed(
        "chunked-twice",
        "RFC9112-6.1-7",
        "The chunked coding is applied at most once",
        b"POST / HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        &[400, 501],
    ),
    Row {
        level: Level::Should,
        ..closed(
            "unknown-transfer-coding",
            "RFC9112-6.1-2",
            "A transfer coding that is not understood is answered by 501",
            b"POST / HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: firmproof, chunked\r\n\r\n0\r\n\r\n",
            &[501],
        )
    },
];

const BAD_CHUNKS: &[Row] = &[
    bad_chunk(
        "chunk-size-of-letters",
        "RFC9112-7.1-3",
        b"POST / HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_chunk(
        "chunk-size-below-zero",
        "RFC9112-7.1-3",
        b"POST / HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_chunk(
        "chunk-size-with-0x",
        "RFC9112-7.1-3",
        b"POST / HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_chunk(
        "chunk-size-beyond-64-bits",
        "RFC9112-7.1-2",
        b"POST / HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    bad_chunk(
        "chunk-without-its-line-end",
        "RFC9112-7.1-3",
        b"POST / HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
];

async fn bad_chunk_refused(bench: Bench, row: &'static Row) -> Judged {
    bench.start().await?;
    let mut connection = bench.http().await?;
    let bytes = with_host(row.request, &connection.host());
    connection.send(&bytes).await;
    let seen = exchange::response(&mut connection, "POST", row.statement).await?;
    let allowed = row.allowed.contains(&seen.status);
    if !allowed && !exchange::answers_the_head_alone(&bench, row.request, &seen).await? {
        exchange::require_status(&seen, row.allowed, row.statement)?;
    }
    exchange::require_end(&mut connection, row.statement).await?;
    drop(connection);
    exchange::still_serves(&bench).await
}

/// A request whose body looks like a request, or hides one.
struct Followed {
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    /// The head and the body, up to the request that follows; `$HOST` stands for the server's authority.
    request: &'static [u8],
    /// Whether the server has to close without serving what follows (RFC 9112 §6.1).
    closes: bool,
}

const fn body(
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    request: &'static [u8],
) -> Followed {
    Followed {
        name,
        statement,
        requirement,
        request,
        closes: false,
    }
}

const FOLLOWED: &[Followed] = &[
    body(
        "body-of-a-get",
        "RFC9112-6-1",
        "A body exists when Content-Length says so, whatever the method",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5\r\n\r\nhello",
    ),
    body(
        "body-that-looks-like-a-request",
        "RFC9112-9.3-2",
        "After a response the request's body is read to its end or the connection is closed",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    body(
        "body-of-a-refused-request",
        "RFC9112-9.3-2",
        "The body of a refused request is read to its end or the connection is closed",
        b"FIRMPROOF / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    body(
        "no-length-no-body",
        "RFC9112-6.3-8",
        "A request with neither field has no body",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    ),
    body(
        "content-length-list-that-agrees",
        "RFC9110-8.6-4",
        "A Content-Length that repeats one number as a list is refused, or read as that number",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5, 5\r\n\r\nhello",
    ),
    body(
        "chunks",
        "RFC9112-7.1-1",
        "Chunks are decoded by their hexadecimal size, in either case and with leading zeros",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n00a\r\n0123456789\r\nB\r\nhello world\r\n0\r\n\r\n",
    ),
    body(
        "chunks-that-look-like-a-request",
        "RFC9112-6.1-1",
        "The chunked coding is understood",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n26\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n\r\n0\r\n\r\n",
    ),
    body(
        "transfer-coding-in-any-case",
        "RFC9112-7-1",
        "Names of transfer codings are case-insensitive",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ),
    body(
        "chunk-extensions",
        "RFC9112-7.1.1-1",
        "Unknown chunk extensions are ignored",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n5;odd=\"a;b\";x\r\nhello\r\n0;y\r\n\r\n",
    ),
    body(
        "trailers",
        "RFC9112-7.1.2-1",
        "Trailer fields are not merged into the header fields",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Odd: 1\r\nContent-Length: 500\r\n\r\n",
    ),
    Followed {
        closes: true,
        ..body(
            "both-lengths",
            "RFC9112-6.1-3",
            "A request with Transfer-Encoding and Content-Length is refused or read by its Transfer-Encoding; \
             either way the connection is closed",
            b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 43\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
        )
    },
    Followed {
        closes: true,
        ..body(
            "both-lengths-in-the-other-order",
            "RFC9112-6.1-3",
            "The order of Transfer-Encoding and Content-Length changes nothing",
            b"GET / HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        )
    },
    Followed {
        closes: true,
        ..body(
            "chunked-in-http-1-0",
            "RFC9112-6.1-4",
            "Transfer-Encoding in an HTTP/1.0 message is faulty framing: the connection closes after it",
            b"GET / HTTP/1.0\r\nHost: $HOST\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        )
    },
];

async fn followed(bench: Bench, row: &'static Followed) -> Judged {
    const LAST: &[u8] = b"GET / HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    bench.start().await?;
    let usual = exchange::usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let bytes = with_host(&[row.request, LAST].concat(), &connection.host());
    connection.send(&bytes).await;
    let first = exchange::response(&mut connection, "GET", row.statement).await?;
    match connection.answer(PATIENCE, "GET").await {
        // A server may always close instead of reading on (RFC 9112 §9.3).
        Answer::Closed | Answer::Reset => {}
        Answer::Response(second) => {
            let expected = "the connection is closed after the first response";
            require(!row.closes, row.statement, expected, second.to_string())?;
            let expected =
                format!("after {first}, the next response answers the next request: {usual}");
            require(
                second.status == usual,
                row.statement,
                expected,
                second.to_string(),
            )?;
            exchange::require_end(&mut connection, "FIRMPROOF-HTTP-4").await?;
        }
        other => {
            let expected = "a second response, or the end of the connection";
            return Err(Stop::fail(row.statement, expected, other.to_string()));
        }
    }
    drop(connection);
    exchange::still_serves(&bench).await
}
