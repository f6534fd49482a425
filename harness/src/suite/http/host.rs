//! The Host field (RFC 9112 §3.2): the request that lacks, doubles or garbles it is answered by 400.

use super::exchange::{self, Row};
use crate::case::{Case, Level};

pub(super) fn cases() -> Vec<Case> {
    exchange::cases("host", ROWS).collect()
}

const fn refused(
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    request: &'static [u8],
) -> Row {
    Row {
        level: Level::Must,
        name,
        statement,
        requirement,
        request,
        allowed: &[400],
        usual: false,
        closes: false,
    }
}

const fn invalid(name: &'static str, request: &'static [u8]) -> Row {
    refused(
        name,
        "RFC9112-3.2-6",
        "A request whose Host value is invalid is answered by 400",
        request,
    )
}

const ROWS: &[Row] = &[
    refused(
        "missing",
        "RFC9112-3.2-4",
        "An HTTP/1.1 request without Host is answered by 400",
        b"GET / HTTP/1.1\r\n\r\n",
    ),
    refused(
        "missing-with-other-fields",
        "RFC9112-3.2-4",
        "Other fields do not stand in for Host",
        b"GET / HTTP/1.1\r\nX-Host: $HOST\r\nAccept: */*\r\n\r\n",
    ),
    refused(
        "doubled",
        "RFC9112-3.2-5",
        "A request with two different Host field lines is answered by 400",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nHost: elsewhere.example\r\n\r\n",
    ),
    refused(
        "doubled-with-one-value",
        "RFC9112-3.2-5",
        "A request with two equal Host field lines is answered by 400",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nhost: $HOST\r\n\r\n",
    ),
    refused(
        "doubled-in-absolute-form",
        "RFC9112-3.2-5",
        "The absolute form does not excuse a second Host field line",
        b"GET http://$HOST/ HTTP/1.1\r\nHost: $HOST\r\nHost: elsewhere.example\r\n\r\n",
    ),
    invalid("with-a-space", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    invalid("with-a-path", b"GET / HTTP/1.1\r\nHost: $HOST/path\r\n\r\n"),
    invalid(
        "with-a-scheme",
        b"GET / HTTP/1.1\r\nHost: http://$HOST\r\n\r\n",
    ),
    invalid(
        "with-user-information",
        b"GET / HTTP/1.1\r\nHost: user@$HOST\r\n\r\n",
    ),
    invalid(
        "with-a-port-that-is-no-number",
        b"GET / HTTP/1.1\r\nHost: a:port\r\n\r\n",
    ),
    invalid(
        "with-an-open-bracket",
        b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    ),
    invalid("with-a-list", b"GET / HTTP/1.1\r\nHost: [a, b]\r\n\r\n"),
    Row {
        allowed: &[],
        usual: true,
        ..refused(
            "missing-in-http-1-0",
            "RFC9112-3.2-4",
            "An HTTP/1.0 request needs no Host",
            b"GET / HTTP/1.0\r\n\r\n",
        )
    },
];
