//! The request line (RFC 9112 §2.2, §2.3, §3).

use super::exchange::{self, Row, observe, require_end, require_status, still_serves};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop};
use crate::peers::http_prober::Answer;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let preface = Case::new(
        Level::Should,
        "http/request-line/http-2-preface",
        &["RFC9112-2.2-5", "FIRMPROOF-HTTP-3"],
        "The preface of HTTP/2 is answered by an error, closed upon, or answered as HTTP/2 has it",
        http_2_preface,
    )
    .needs(&[Capability::Http]);
    exchange::cases("request-line", ROWS)
        .chain([preface])
        .collect()
}

const ROWS: &[Row] = &[
    Row::new(
        Level::Should,
        "empty-line-first",
        "RFC9112-2.2-3",
        "An empty line before the request line is passed over",
        b"\r\nGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[],
    ),
    Row {
        usual: true,
        ..Row::new(
            Level::Must,
            "whitespace-before-first-field",
            "RFC9112-2.2-4",
            "White space between start line and first field leads to refusal, or its line is ignored",
            b"GET $PATH HTTP/1.1\r\n X-Odd: 1\r\nHost: $HOST\r\n\r\n",
            &[400],
        )
        .or_closed()
    },
    Row::new(
        Level::Should,
        "method-in-lower-case",
        "RFC9112-3.1-1",
        "The method is case-sensitive: get is not GET",
        b"get $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 405, 501],
    ),
    Row::new(
        Level::Should,
        "unknown-method",
        "RFC9110-9.1-2",
        "A method that the server does not know is answered by 501",
        b"FIRMPROOF $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[501],
    ),
    Row::new(
        Level::Should,
        "long-method",
        "RFC9112-3-1",
        "A method longer than any implemented is answered by 501",
        b"FIRMPROOFFIRMPROOFFIRMPROOFFIRMPROOFFIRMPROOFFIRMPROOFFIRMPROOF $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[501],
    ),
    Row::new(
        Level::Should,
        "method-that-is-no-token",
        "RFC9112-2.2-5",
        "A method that is no token is answered by 400, or by 501 as one that is not known",
        b"G@T $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 501],
    ),
    Row::new(
        Level::Should,
        "version-in-lower-case",
        "RFC9112-2.3-1",
        "The version is case-sensitive: http/1.1 is none",
        b"GET $PATH http/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 505],
    ),
    Row::new(
        Level::Should,
        "version-with-two-digits",
        "RFC9112-2.2-5",
        "A version of more digits than the grammar has is answered by 400",
        b"GET $PATH HTTP/1.10\r\nHost: $HOST\r\n\r\n",
        &[400],
    ),
    // A policy: a server *can* refuse a major version by 505 (RFC 9110 §6.2), and no clause has it do so.
    Row::new(
        Level::Policy,
        "major-version-2",
        "RFC9110-15.6.6-1",
        "A major version that the server does not support is answered by 505, 400 or a close",
        b"GET $PATH HTTP/2.0\r\nHost: $HOST\r\n\r\n",
        &[400, 505],
    )
    .or_closed(),
    Row::new(
        Level::Should,
        "higher-minor-version",
        "RFC9110-6.2-6",
        "A higher minor version is handled as the highest that the server knows",
        b"GET $PATH HTTP/1.9\r\nHost: $HOST\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Should,
        "no-version",
        "RFC9112-2.2-5",
        "A request line without a version is answered by 400",
        b"GET $PATH\r\nHost: $HOST\r\n\r\n",
        &[400, 505],
    ),
    Row::new(
        Level::Should,
        "no-target",
        "RFC9112-2.2-5",
        "A request line without a target is answered by 400",
        b"GET HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Should,
        "target-with-a-space",
        "RFC9112-3.2-3",
        "A target with a space is answered by 400 or 301",
        b"GET /a b HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 301],
    ),
    Row::new(
        Level::Should,
        "target-without-a-slash",
        "RFC9112-2.2-5",
        "A target in none of the four forms is answered by 400",
        b"GET firmproof HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Should,
        "percent-without-digits",
        "RFC3986-2.1-1",
        "A percent sign without two hexadecimal digits is invalid: no resource has such a name",
        b"GET /%zz HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 404],
    )
    .or_nothing(),
    Row::new(
        Level::Must,
        "absolute-form",
        "RFC9112-3.2.2-1",
        "The absolute form of the target is accepted",
        b"GET http://$HOST$PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Must,
        "absolute-form-over-host",
        "RFC9112-3.2.2-2",
        "With the absolute form the Host value is ignored",
        b"GET http://$HOST$PATH HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n",
        &[],
    ),
    Row {
        usual: true,
        ..Row::new(
            Level::Must,
            "bare-carriage-return",
            "RFC9112-2.2-2",
            "A bare CR in the request line makes it invalid or is read as a space",
            b"GET $PATH HTTP/1.1\rX\r\nHost: $HOST\r\n\r\n",
            &[400],
        )
        .or_closed()
    },
    Row::new(
        Level::Should,
        "two-spaces-after-the-method",
        "RFC9112-3-4",
        "Two spaces after the method lead to refusal or count as one",
        b"GET  $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 301],
    )
    .or_usual(),
    Row::new(
        Level::Should,
        "two-spaces-before-the-version",
        "RFC9112-3-4",
        "Two spaces before the version lead to refusal or count as one",
        b"GET $PATH  HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 301],
    )
    .or_usual(),
    Row::new(
        Level::Should,
        "tabs-between-the-parts",
        "RFC9112-3-4",
        "Tabs between the parts lead to refusal or count as spaces",
        b"GET\t$PATH\tHTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 301],
    )
    .or_usual(),
    Row::new(
        Level::Should,
        "space-before-the-method",
        "RFC9112-3-4",
        "A space before the method leads to refusal or is ignored",
        b" GET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 301, 501],
    )
    .or_usual(),
    Row::new(
        Level::Should,
        "space-after-the-version",
        "RFC9112-3-4",
        "A space after the version leads to refusal or is ignored",
        b"GET $PATH HTTP/1.1 \r\nHost: $HOST\r\n\r\n",
        &[400, 301],
    )
    .or_usual(),
    Row::new(
        Level::Should,
        "line-feed-as-the-line-end",
        "RFC9112-2.2-7",
        "A bare LF after the request line is taken as its end, or refused",
        b"GET $PATH HTTP/1.1\nHost: $HOST\r\n\r\n",
        &[400],
    )
    .or_usual(),
    Row::new(
        Level::Should,
        "many-empty-lines-first",
        "RFC9112-2.2-3",
        "Of many empty lines before the request line, all are passed over or the request is refused",
        b"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400],
    )
    .or_usual()
    .or_closed(),
    Row::new(
        Level::Should,
        "nul-in-the-method",
        "RFC9112-2.2-5",
        "NUL in the method is answered by 400, or by 501 as a method that is not known",
        b"G\0ET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 501],
    ),
    Row::new(
        Level::Should,
        "word-after-the-version",
        "RFC9112-3.2-3",
        "A fourth word in the request line is answered by 400 or 301",
        b"GET $PATH HTTP/1.1 now\r\nHost: $HOST\r\n\r\n",
        &[400, 301],
    ),
    Row::new(
        Level::Should,
        "byte-order-mark-first",
        "RFC9112-2.2-5",
        "A byte order mark before the request line is answered by 400, or by 501 as a part of the method",
        b"\xEF\xBB\xBFGET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 501],
    ),
    Row::new(
        Level::Should,
        "tls-client-hello",
        "RFC9112-2.2-5",
        "A TLS handshake is no request, and is answered by 400 or closed upon",
        b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\x00\x00\x04\x13\x01\x13\x02\x01\x00\r\n\r\n",
        &[400],
    )
    .or_closed()
    .then_closed(),
];

/// A server that knows HTTP/2 by prior knowledge answers its preface by a SETTINGS frame (RFC 9113 §3.4); one that
/// does not reads a request that it cannot serve.
async fn http_2_preface(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9112-2.2-5";
    bench.start().await?;
    let mut connection = bench.http().await?;
    connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    match connection.answer(PATIENCE, "GET").await {
        _ if begins_with_settings(connection.unread()) => observe(&bench, "HTTP/2"),
        Answer::Response(seen) => {
            observe(&bench, &seen.status.to_string());
            require_status(&seen, &[400, 501, 505], STATEMENT)?;
            require_end(&mut connection, STATEMENT).await?;
        }
        Answer::Closed | Answer::Reset => observe(&bench, "closed"),
        other => {
            let expected = "an error, the end of the connection, or the SETTINGS of HTTP/2";
            return Err(Stop::fail(STATEMENT, expected, other.to_string()));
        }
    }
    drop(connection);
    still_serves(&bench).await
}

/// Whether `bytes` begin with a SETTINGS frame: three octets of length, a multiple of six, type 4, no flags, stream 0
/// (RFC 9113 §4.1, §6.5).
fn begins_with_settings(bytes: &[u8]) -> bool {
    match bytes {
        [high, middle, low, 4, 0, 0, 0, 0, 0, ..] => {
            u32::from_be_bytes([0, *high, *middle, *low]).is_multiple_of(6)
        }
        _ => false,
    }
}
