//! Field lines (RFC 9112 §5, RFC 9110 §5).

use super::exchange::{self, Row};
use crate::case::{Case, Level};

pub(super) fn cases() -> Vec<Case> {
    exchange::cases("fields", ROWS).collect()
}

/// A row for one refusal, for the usual answer when `allowed` is empty.
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

/// A row where the specification lets the server refuse, or read on.
const fn either(
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    request: &'static [u8],
) -> Row {
    Row {
        usual: true,
        ..row(Level::Must, name, statement, requirement, request, &[400])
    }
}

const ROWS: &[Row] = &[
    row(
        Level::Must,
        "space-before-colon",
        "RFC9112-5.1-1",
        "A space between field name and colon is answered by 400",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nX-Odd : 1\r\n\r\n",
        &[400],
    ),
    row(
        Level::Must,
        "tab-before-colon",
        "RFC9112-5.1-1",
        "A tab between field name and colon is answered by 400",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nX-Odd\t: 1\r\n\r\n",
        &[400],
    ),
    row(
        Level::Must,
        "space-before-the-colon-of-content-length",
        "RFC9112-5.1-1",
        "A space before the colon of Content-Length is answered by 400: it has let requests be smuggled",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nContent-Length : 0\r\n\r\n",
        &[400],
    ),
    either(
        "folded",
        "RFC9112-5.2-1",
        "A folded field line is answered by 400, or the fold is read as spaces",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\r\n 2\r\n\r\n",
    ),
    either(
        "folded-by-a-tab",
        "RFC9112-5.2-1",
        "A field line folded by a tab is answered by 400, or the fold is read as spaces",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\r\n\t2\r\n\r\n",
    ),
    either(
        "nul-in-a-value",
        "RFC9110-5.5-1",
        "NUL within a value leads to refusal or is read as a space",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\x002\r\n\r\n",
    ),
    either(
        "carriage-return-in-a-value",
        "RFC9110-5.5-1",
        "CR within a value leads to refusal or is read as a space",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\r2\r\n\r\n",
    ),
    row(
        Level::Should,
        "line-without-a-colon",
        "RFC9112-2.2-5",
        "A field line without a colon is answered by 400",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nX-Odd\r\n\r\n",
        &[400],
    ),
    row(
        Level::Should,
        "empty-name",
        "RFC9112-2.2-5",
        "A field line without a name is answered by 400",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\n: 1\r\n\r\n",
        &[400],
    ),
    row(
        Level::Should,
        "name-that-is-no-token",
        "RFC9112-2.2-5",
        "A field name that is no token is answered by 400",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nX(Odd): 1\r\n\r\n",
        &[400],
    ),
    row(
        Level::Must,
        "octets-above-7f",
        "RFC9112-2.2-1",
        "Octets above 0x7F in a value leave the framing intact",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nX-Odd: \xC3\xA4\xFF\x80\r\n\r\n",
        &[],
    ),
    row(
        Level::Must,
        "names-in-any-case",
        "RFC9110-5.1-1",
        "Field names are case-insensitive",
        b"GET / HTTP/1.1\r\nhOsT: $HOST\r\n\r\n",
        &[],
    ),
    row(
        Level::Must,
        "whitespace-around-a-value",
        "RFC9112-5-1",
        "The white space around a value is no part of it",
        b"GET / HTTP/1.1\r\nHost: \t $HOST \t \r\n\r\n",
        &[],
    ),
    row(
        Level::Must,
        "no-space-after-the-colon",
        "RFC9112-5-1",
        "White space after the colon is optional",
        b"GET / HTTP/1.1\r\nHost:$HOST\r\n\r\n",
        &[],
    ),
    row(
        Level::Should,
        "unknown-fields",
        "RFC9110-5.1-2",
        "Unknown fields are ignored",
        b"GET / HTTP/1.1\r\nHost: $HOST\r\nX-Firmproof: 1\r\nZ: \r\n!#$%&'*+-.^_`|~: 2\r\n\r\n",
        &[],
    ),
];
