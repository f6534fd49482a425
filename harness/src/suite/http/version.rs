//! The protocol version (RFC 9112 §2.3, RFC 9110 §6.2).

use super::exchange::{self, Row, ask, observe};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, Stop, require};
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let of_responses = [
        Case::new(
            Level::Should,
            "http/version/highest-in-every-response",
            &["RFC9110-6.2-4", "RFC9112-2.3-4"],
            "A response states the highest version that the server knows, to a request of 1.0 too",
            highest,
        ),
        Case::new(
            Level::Should,
            "http/version/505-explains",
            &["RFC9110-15.6.6-1"],
            "A 505 says in its content why, and what is supported",
            explained,
        ),
    ];
    let of_responses = of_responses.map(|case| case.needs(&[Capability::Http]));
    exchange::cases("version", ROWS)
        .chain(of_responses)
        .collect()
}

const ROWS: &[Row] = &[
    Row::new(
        Level::Should,
        "without-a-minor-digit",
        "RFC9112-2.2-5",
        "A version without its minor digit is answered by 400 or 505",
        b"GET $PATH HTTP/1\r\nHost: $HOST\r\n\r\n",
        &[400, 505],
    ),
    Row::new(
        Level::Should,
        "with-a-two-digit-major",
        "RFC9112-2.2-5",
        "A major version of two digits is none, and is answered by 400 or 505",
        b"GET $PATH HTTP/11.1\r\nHost: $HOST\r\n\r\n",
        &[400, 505],
    ),
    Row::new(
        Level::Should,
        "with-a-space",
        "RFC9112-3.2-3",
        "A version with a space in it is answered by 400, 301 or 505",
        b"GET $PATH HTTP/ 1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 301, 505],
    ),
    Row::new(
        Level::Should,
        "of-another-protocol",
        "RFC9112-2.3-1",
        "The name of another protocol is no version of HTTP",
        b"GET / RTSP/1.0\r\nHost: $HOST\r\n\r\n",
        &[400, 505],
    ),
    // A policy: a server *can* refuse a major version by 505 (RFC 9110 §6.2), and no clause has it do so.
    Row::new(
        Level::Policy,
        "major-version-0",
        "RFC9110-15.6.6-1",
        "Major version 0 is not supported either",
        b"GET $PATH HTTP/0.9\r\nHost: $HOST\r\n\r\n",
        &[400, 505],
    )
    .or_closed(),
    Row::new(
        Level::Should,
        "with-a-letter",
        "RFC9112-2.2-5",
        "A letter in the place of a digit is answered by 400 or 505",
        b"GET $PATH HTTP/1.x\r\nHost: $HOST\r\n\r\n",
        &[400, 505],
    ),
];

async fn highest(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-6.2-4";
    bench.start().await?;
    // Which is its highest, a server says itself: one that answers HTTP/1.0 to both conforms to no higher one.
    let request = b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    let highest = ask(&bench, request, "GET", STATEMENT).await?.version;
    observe(&bench, &highest);
    let request = b"GET $PATH HTTP/1.0\r\nHost: $HOST\r\n\r\n";
    let seen = ask(&bench, request, "GET", STATEMENT).await?;
    let expected = format!("{highest}, as to a request of 1.1");
    require(
        seen.version == highest,
        STATEMENT,
        expected,
        seen.to_string(),
    )
}

async fn explained(bench: Bench) -> Judged {
    bench.start().await?;
    let request = b"GET $PATH HTTP/3.0\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    let seen = ask(&bench, request, "GET", "RFC9110-15.6.6-1").await?;
    // Whether 505 answers it is judged by `request-line/major-version-2`; another answer has nothing to explain here.
    if seen.status != 505 {
        return Err(Stop::Skip(Capability::VersionNotSupported));
    }
    let says = String::from_utf8_lossy(&seen.body).into_owned();
    require(
        !says.trim().is_empty(),
        "RFC9110-15.6.6-1",
        "content that explains",
        "none",
    )
}
