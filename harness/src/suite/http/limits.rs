//! What is too large, too little, or of the wrong kind (RFC 9110 §15.5, RFC 6585 §5).

use super::exchange::{
    filled, observe, require_status, status_of_nothing, still_serves, usual_status_of,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop};
use crate::peers::http_prober::Answer;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    LIMITS
        .iter()
        .map(|limit| {
            let id = format!("http/limits/{}", limit.name);
            let statements = [limit.statement, "FIRMPROOF-HTTP-3"];
            Case::new(
                limit.level,
                id,
                &statements,
                limit.requirement,
                move |bench| judge(bench, limit),
            )
            .needs(limit.needs)
        })
        .collect()
}

/// A request of a size, and what may answer it.
struct Limit {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    needs: &'static [Capability],
    /// Makes the request; `$HOST` stands for the server's authority, `$PATH` for the resource.
    request: fn() -> Vec<u8>,
    allowed: &'static [u16],
    /// Whether a server with room for it may answer as it does to `GET /`.
    usual: bool,
    /// Whether it may close without an answer (RFC 9110 §15.5.14, RFC 6585 §5).
    or_closed: bool,
}

const HTTP: &[Capability] = &[Capability::Http];
const PAGE: &[Capability] = &[Capability::Http, Capability::Page];

/// What may be called an appropriate 4xx for fields that are too large (RFC 9110 §5.4).
const TOO_LARGE: &[u16] = &[400, 403, 404, 413, 414, 422, 431];

const LIMITS: &[Limit] = &[
    Limit {
        level: Level::Must,
        name: "target-of-64-kib",
        statement: "RFC9112-3-2",
        requirement: "A request target longer than the server will parse is answered by 414",
        needs: HTTP,
        request: || head_with(&format!("GET /{} HTTP/1.1", "a".repeat(65_536)), "", ""),
        // 404: the server parses such a target, and has no such resource.
        allowed: &[414, 404],
        usual: false,
        or_closed: false,
    },
    Limit {
        level: Level::Should,
        name: "request-line-of-8000-octets",
        statement: "RFC9112-3-3",
        requirement: "Request lines of at least 8000 octets are supported",
        needs: HTTP,
        request: || {
            let around = "GET /? HTTP/1.1".len();
            let query = "a".repeat(8000 - around);
            head_with(&format!("GET /?{query} HTTP/1.1"), "", "")
        },
        allowed: &[],
        usual: true,
        or_closed: false,
    },
    Limit {
        level: Level::Must,
        name: "field-of-64-kib",
        statement: "RFC9110-5.4-1",
        requirement: "A field line that is too large is answered by a 4xx",
        needs: HTTP,
        request: || {
            let field = format!("X-Odd: {}\r\n", "a".repeat(65_536));
            head_with("GET $PATH HTTP/1.1", &field, "")
        },
        allowed: TOO_LARGE,
        usual: true,
        or_closed: false,
    },
    Limit {
        // RFC 6585 has no keyword here, and RFC 9110 §5.4 asks for a fitting 4xx only.
        level: Level::Policy,
        name: "field-of-64-kib-is-431",
        statement: "RFC6585-5-1",
        requirement: "A header section that is too large is answered by 431",
        needs: HTTP,
        request: || {
            let field = format!("X-Odd: {}\r\n", "a".repeat(65_536));
            head_with("GET $PATH HTTP/1.1", &field, "")
        },
        allowed: &[431],
        usual: true,
        or_closed: true,
    },
    Limit {
        level: Level::Must,
        name: "ten-thousand-fields",
        statement: "RFC9110-5.4-1",
        requirement: "A header section that is too large is answered by a 4xx",
        needs: HTTP,
        request: || head_with("GET $PATH HTTP/1.1", &"X-Odd: 1\r\n".repeat(10_000), ""),
        allowed: TOO_LARGE,
        usual: true,
        or_closed: false,
    },
    Limit {
        level: Level::Must,
        name: "a-hundred-fields",
        statement: "RFC9110-5.4-1",
        requirement: "A hundred fields are read, or answered by a 4xx",
        needs: HTTP,
        request: || {
            let fields: String = (0..100).map(|n| format!("X-{n}: 1\r\n")).collect();
            head_with("GET $PATH HTTP/1.1", &fields, "")
        },
        allowed: TOO_LARGE,
        usual: true,
        or_closed: false,
    },
    Limit {
        level: Level::Must,
        name: "name-of-64-kib",
        statement: "RFC9110-5.4-1",
        requirement: "A field name that is too large is answered by a 4xx",
        needs: HTTP,
        request: || {
            let field = format!("X-{}: 1\r\n", "a".repeat(65_536));
            head_with("GET $PATH HTTP/1.1", &field, "")
        },
        allowed: TOO_LARGE,
        usual: true,
        or_closed: false,
    },
    Limit {
        level: Level::Must,
        name: "trailers-of-64-kib",
        statement: "RFC9110-5.4-1",
        requirement: "A trailer section that is too large is answered by a 4xx, or passed over",
        needs: HTTP,
        request: || {
            let trailer = format!("5\r\nhello\r\n0\r\nX-Odd: {}\r\n\r\n", "a".repeat(65_536));
            head_with(
                "GET $PATH HTTP/1.1",
                "Transfer-Encoding: chunked\r\n",
                &trailer,
            )
        },
        // Chunked may be refused as such, too: 411 (RFC 9112 §6.3), or 501 (§6.1).
        allowed: &[400, 411, 413, 422, 431, 501],
        usual: true,
        or_closed: false,
    },
    Limit {
        level: Level::Must,
        name: "query-of-64-kib",
        statement: "RFC9112-3-2",
        requirement: "A query counts as part of the target: one longer than the server will parse is answered by 414",
        needs: HTTP,
        request: || head_with(&format!("GET /?{} HTTP/1.1", "a".repeat(65_536)), "", ""),
        allowed: &[414],
        usual: true,
        or_closed: false,
    },
    Limit {
        level: Level::Should,
        name: "content-of-a-gigabyte-announced",
        statement: "RFC9110-15.5.14-1",
        requirement: "Content larger than the server will process is answered by 413",
        needs: PAGE,
        request: || form("Content-Length: 1073741824\r\n", "led1=1"),
        allowed: &[413],
        usual: false,
        or_closed: true,
    },
    Limit {
        level: Level::Should,
        name: "content-of-64-kib",
        statement: "RFC9110-15.5.14-1",
        requirement: "Content larger than the server will process is answered by 413, whether or not it was sent",
        needs: PAGE,
        request: || form("Content-Length: 65536\r\n", &"a".repeat(65_536)),
        allowed: &[413],
        usual: false,
        or_closed: true,
    },
    Limit {
        level: Level::Should,
        name: "chunks-of-64-kib",
        statement: "RFC9110-15.5.14-1",
        requirement: "Chunked content larger than the server will process is answered by 413",
        needs: PAGE,
        request: || {
            let chunks = format!("400\r\n{}\r\n", "a".repeat(1024)).repeat(64);
            form(
                "Transfer-Encoding: chunked\r\n",
                &format!("{chunks}0\r\n\r\n"),
            )
        },
        allowed: &[413],
        usual: false,
        or_closed: true,
    },
    Limit {
        level: Level::Should,
        name: "chunk-extensions-of-64-kib",
        statement: "RFC9112-7.1.1-2",
        requirement: "The total length of chunk extensions is limited, by a 4xx",
        needs: PAGE,
        request: || {
            let chunk = format!("1;x={}\r\na\r\n", "y".repeat(65_536));
            form(
                "Transfer-Encoding: chunked\r\n",
                &format!("{chunk}0\r\n\r\n"),
            )
        },
        allowed: TOO_LARGE,
        usual: false,
        or_closed: true,
    },
    Limit {
        level: Level::Should,
        name: "form-without-a-length",
        statement: "RFC9112-6.3-10",
        requirement: "A request that needs a body and declares none may be answered by 411",
        needs: PAGE,
        request: || form("", ""),
        allowed: &[400, 411, 422],
        usual: false,
        or_closed: false,
    },
    Limit {
        level: Level::Should,
        name: "form-in-another-media-type",
        statement: "RFC9110-15.5.16-1",
        requirement: "Content in a media type that the resource does not take is answered by 415",
        needs: PAGE,
        request: || {
            let fields = "Content-Type: application/xml\r\nContent-Length: 6\r\n";
            head_with("POST $PATH HTTP/1.1", fields, "led1=1")
        },
        allowed: &[415],
        usual: false,
        or_closed: false,
    },
    Limit {
        level: Level::Should,
        name: "form-in-a-content-coding",
        statement: "RFC9110-15.5.16-1",
        requirement: "Content in a coding that the resource does not take is answered by 415",
        needs: PAGE,
        request: || form("Content-Encoding: gzip\r\nContent-Length: 6\r\n", "led1=1"),
        allowed: &[415],
        usual: false,
        or_closed: false,
    },
    Limit {
        level: Level::Should,
        name: "unknown-expectation",
        statement: "RFC9110-10.1.1-5",
        requirement: "An expectation other than 100-continue may be answered by 417",
        needs: HTTP,
        request: || head_with("GET $PATH HTTP/1.1", "Expect: 200-ok\r\n", ""),
        allowed: &[417],
        usual: true,
        or_closed: false,
    },
];

fn head_with(line: &str, fields: &str, body: &str) -> Vec<u8> {
    format!("{line}\r\nHost: $HOST\r\n{fields}\r\n{body}").into_bytes()
}

fn form(fields: &str, body: &str) -> Vec<u8> {
    let fields = format!("Content-Type: application/x-www-form-urlencoded\r\n{fields}");
    head_with("POST $PATH HTTP/1.1", &fields, body)
}

async fn judge(bench: Bench, limit: &'static Limit) -> Judged {
    bench.start().await?;
    let mut allowed = limit.allowed.to_vec();
    if limit.usual {
        allowed.push(usual_status_of(&bench, &(limit.request)()).await?);
    }
    if limit.allowed.contains(&404) {
        allowed.push(status_of_nothing(&bench).await?);
        allowed.dedup();
    }
    let mut connection = bench.http().await?;
    let bytes = filled(&(limit.request)(), &connection);
    connection.send(&bytes).await;
    match connection.answer(PATIENCE, "GET").await {
        Answer::Response(seen) => {
            require_status(&seen, &allowed, limit.statement)?;
            observe(&bench, &seen.status.to_string());
        }
        Answer::Closed | Answer::Reset if limit.or_closed => observe(&bench, "closed"),
        other => {
            let expected = "an answer to what is too large";
            return Err(Stop::fail(limit.statement, expected, other.to_string()));
        }
    }
    drop(connection);
    still_serves(&bench).await
}
