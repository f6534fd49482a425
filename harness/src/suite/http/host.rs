//! The Host field (RFC 9112 §3.2): the request that lacks, doubles or garbles it is answered by 400.

use super::exchange::{self, MISDIRECTED, Row};
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
    Row::new(Level::Must, name, statement, requirement, request, &[400])
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
        b"GET $PATH HTTP/1.1\r\n\r\n",
    ),
    refused(
        "missing-with-other-fields",
        "RFC9112-3.2-4",
        "Other fields do not stand in for Host",
        b"GET $PATH HTTP/1.1\r\nX-Host: $HOST\r\nAccept: */*\r\n\r\n",
    ),
    refused(
        "doubled",
        "RFC9112-3.2-5",
        "A request with two different Host field lines is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nHost: elsewhere.example\r\n\r\n",
    ),
    refused(
        "doubled-with-one-value",
        "RFC9112-3.2-5",
        "A request with two equal Host field lines is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nhost: $HOST\r\n\r\n",
    ),
    refused(
        "doubled-in-absolute-form",
        "RFC9112-3.2-5",
        "The absolute form does not excuse a second Host field line",
        b"GET http://$HOST$PATH HTTP/1.1\r\nHost: $HOST\r\nHost: elsewhere.example\r\n\r\n",
    ),
    invalid("with-a-space", b"GET $PATH HTTP/1.1\r\nHost: a b\r\n\r\n"),
    invalid(
        "with-a-path",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST/path\r\n\r\n",
    ),
    invalid(
        "with-a-scheme",
        b"GET $PATH HTTP/1.1\r\nHost: http://$HOST\r\n\r\n",
    ),
    invalid(
        "with-user-information",
        b"GET $PATH HTTP/1.1\r\nHost: user@$HOST\r\n\r\n",
    ),
    invalid(
        "with-a-port-that-is-no-number",
        b"GET $PATH HTTP/1.1\r\nHost: a:port\r\n\r\n",
    ),
    invalid(
        "with-an-open-bracket",
        b"GET $PATH HTTP/1.1\r\nHost: [::1\r\n\r\n",
    ),
    invalid("with-a-list", b"GET $PATH HTTP/1.1\r\nHost: [a, b]\r\n\r\n"),
    Row {
        allowed: &[],
        usual: true,
        ..refused(
            "missing-in-http-1-0",
            "RFC9112-3.2-4",
            "An HTTP/1.0 request needs no Host",
            b"GET $PATH HTTP/1.0\r\n\r\n",
        )
    },
    Row::new(
        Level::Must,
        "empty",
        "RFC9112-3.2-6",
        "An empty Host is refused as no authority of http, or passes as the grammar lets it",
        b"GET $PATH HTTP/1.1\r\nHost:\r\n\r\n",
        MISDIRECTED,
    )
    .or_usual()
    .or_closed(),
    Row::new(
        Level::Should,
        "with-an-empty-port",
        "RFC9112-3.2-6",
        "A Host whose port is empty is valid",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST:\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Must,
        "with-a-port-beyond-65535",
        "RFC9112-3.2-6",
        "A port that no connection can have is refused, or passes as digits",
        b"GET $PATH HTTP/1.1\r\nHost: a:65616\r\n\r\n",
        MISDIRECTED,
    )
    .or_usual()
    .or_closed(),
    Row::new(
        Level::Must,
        "with-another-name",
        "RFC9110-7.4-1",
        "A valid Host that names another server is served, or refused as misdirected",
        b"GET $PATH HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n",
        MISDIRECTED,
    )
    .or_usual()
    .or_closed(),
    Row::new(
        Level::Must,
        "with-an-ipv6-address",
        "RFC9112-3.2-6",
        "An IPv6 address in brackets is a valid Host: it is served, or refused as misdirected",
        b"GET $PATH HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n",
        MISDIRECTED,
    )
    .or_usual()
    .or_closed(),
    Row::new(
        Level::Must,
        "with-octets-above-7f",
        "RFC9112-3.2-6",
        "A Host with octets above 0x7F is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: \xC3\xA4.example\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Must,
        "with-a-percent-sign-alone",
        "RFC9112-3.2-6",
        "A percent sign without two digits is invalid in a Host too",
        b"GET $PATH HTTP/1.1\r\nHost: a%zz\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Must,
        "with-two-ports",
        "RFC9112-3.2-6",
        "A Host with two ports is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: a:80:80\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Must,
        "with-a-literal-that-is-no-address",
        "RFC9112-3.2-6",
        "Brackets around what is no address are answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: [1::2::3]\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Must,
        "doubled-in-http-1-0",
        "RFC9112-3.2-5",
        "Two Host field lines are answered by 400 in HTTP/1.0 too",
        b"GET $PATH HTTP/1.0\r\nHost: $HOST\r\nHost: $HOST\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Must,
        "invalid-in-http-1-0",
        "RFC9112-3.2-6",
        "An invalid Host is answered by 400 in HTTP/1.0 too",
        b"GET $PATH HTTP/1.0\r\nHost: a b\r\n\r\n",
        &[400],
    ),
];
