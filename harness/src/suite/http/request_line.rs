//! The request line (RFC 9112 §2.2, §2.3, §3).

use super::exchange::{self, Row};
use crate::case::{Case, Level};

pub(super) fn cases() -> Vec<Case> {
    exchange::cases("request-line", ROWS).collect()
}

/// A row that asks for exactly one refusal, or for the usual answer when `allowed` is empty.
const fn row(
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    request: &'static [u8],
    allowed: &'static [u16],
) -> Row {
    Row {
        level,
        name,
        statement,
        requirement,
        request,
        allowed,
        usual: allowed.is_empty(),
        closes: false,
    }
}

const ROWS: &[Row] = &[
    row(
        Level::Should,
        "empty-line-first",
        "RFC9112-2.2-3",
        "An empty line before the request line is passed over",
        b"\r\nGET / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[],
    ),
    Row {
        usual: true,
        ..row(
            Level::Must,
            "whitespace-before-first-field",
            "RFC9112-2.2-4",
            "White space between start line and first field leads to refusal, or its line is ignored",
            b"GET / HTTP/1.1\r\n X-Odd: 1\r\nHost: $HOST\r\n\r\n",
            &[400],
        )
    },
    row(
        Level::Must,
        "method-in-lower-case",
        "RFC9112-3.1-1",
        "The method is case-sensitive: get is not GET",
        b"get / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 405, 501],
    ),
    row(
        Level::Should,
        "unknown-method",
        "RFC9110-9.1-2",
        "A method that the server does not know is answered by 501",
        b"FIRMPROOF / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[501],
    ),
    row(
        Level::Should,
        "long-method",
        "RFC9112-3-1",
        "A method longer than any implemented is answered by 501",
        b"FIRMPROOFFIRMPROOFFIRMPROOFFIRMPROOFFIRMPROOFFIRMPROOFFIRMPROOF / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[501],
    ),
    row(
        Level::Should,
        "method-that-is-no-token",
        "RFC9112-2.2-5",
        "A method that is no token is answered by 400, or by 501 as one that is not known",
        b"G@T / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 501],
    ),
    row(
        Level::Must,
        "version-in-lower-case",
        "RFC9112-2.3-1",
        "The version is case-sensitive: http/1.1 is none",
        b"GET / http/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 505],
    ),
    row(
        Level::Should,
        "version-with-two-digits",
        "RFC9112-2.2-5",
        "A version of more digits than the grammar has is answered by 400",
        b"GET / HTTP/1.10\r\nHost: $HOST\r\n\r\n",
        &[400],
    ),
    row(
        Level::Should,
        "major-version-2",
        "RFC9110-15.6.6-1",
        "A major version that the server does not support is answered by 505",
        b"GET / HTTP/2.0\r\nHost: $HOST\r\n\r\n",
        &[505],
    ),
    row(
        Level::Should,
        "higher-minor-version",
        "RFC9110-2.5-2",
        "A higher minor version is handled as the highest that the server knows",
        b"GET / HTTP/1.9\r\nHost: $HOST\r\n\r\n",
        &[],
    ),
    row(
        Level::Should,
        "no-version",
        "RFC9112-2.2-5",
        "A request line without a version is answered by 400",
        b"GET /\r\nHost: $HOST\r\n\r\n",
        &[400, 505],
    ),
    row(
        Level::Should,
        "no-target",
        "RFC9112-2.2-5",
        "A request line without a target is answered by 400",
        b"GET HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400],
    ),
    row(
        Level::Should,
        "target-with-a-space",
        "RFC9112-3.2-3",
        "A target with a space is answered by 400 or 301",
        b"GET /a b HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 301],
    ),
    row(
        Level::Should,
        "target-without-a-slash",
        "RFC9112-2.2-5",
        "A target in none of the four forms is answered by 400",
        b"GET firmproof HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400],
    ),
    row(
        Level::Must,
        "percent-without-digits",
        "RFC3986-2.1-1",
        "A percent sign without two hexadecimal digits is invalid: no resource has such a name",
        b"GET /%zz HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 404],
    ),
    row(
        Level::Must,
        "absolute-form",
        "RFC9112-3.2.2-1",
        "The absolute form of the target is accepted",
        b"GET http://$HOST/ HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[],
    ),
    row(
        Level::Must,
        "absolute-form-over-host",
        "RFC9112-3.2.2-2",
        "With the absolute form the Host value is ignored",
        b"GET http://$HOST/ HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n",
        &[],
    ),
    Row {
        usual: true,
        ..row(
            Level::Must,
            "bare-carriage-return",
            "RFC9112-2.2-2",
            "A bare CR in the request line makes it invalid or is read as a space",
            b"GET / HTTP/1.1\rX\r\nHost: $HOST\r\n\r\n",
            &[400],
        )
    },
];
