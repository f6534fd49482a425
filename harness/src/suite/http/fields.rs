//! Field lines (RFC 9112 §5, RFC 9110 §5).

use super::exchange::{self, Row};
use crate::case::{Case, Level};

pub(super) fn cases() -> Vec<Case> {
    exchange::cases("fields", ROWS).collect()
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
        ..Row::new(Level::Must, name, statement, requirement, request, &[400])
    }
}

const ROWS: &[Row] = &[
    Row::new(
        Level::Must,
        "space-before-colon",
        "RFC9112-5.1-1",
        "A space between field name and colon is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd : 1\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Must,
        "tab-before-colon",
        "RFC9112-5.1-1",
        "A tab between field name and colon is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd\t: 1\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Must,
        "space-before-the-colon-of-content-length",
        "RFC9112-5.1-1",
        "A space before the colon of Content-Length is answered by 400: it has let requests be smuggled",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length : 0\r\n\r\n",
        &[400],
    ),
    either(
        "folded",
        "RFC9112-5.2-1",
        "A folded field line is answered by 400, or the fold is read as spaces",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\r\n 2\r\n\r\n",
    ),
    either(
        "folded-by-a-tab",
        "RFC9112-5.2-1",
        "A field line folded by a tab is answered by 400, or the fold is read as spaces",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\r\n\t2\r\n\r\n",
    ),
    either(
        "nul-in-a-value",
        "RFC9110-5.5-1",
        "NUL within a value leads to refusal or is read as a space",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\x002\r\n\r\n",
    )
    .or_closed(),
    either(
        "carriage-return-in-a-value",
        "RFC9110-5.5-1",
        "CR within a value leads to refusal or is read as a space",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\r2\r\n\r\n",
    )
    .or_closed(),
    Row::new(
        Level::Should,
        "line-without-a-colon",
        "RFC9112-2.2-5",
        "A field line without a colon is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Should,
        "empty-name",
        "RFC9112-2.2-5",
        "A field line without a name is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\n: 1\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Should,
        "name-that-is-no-token",
        "RFC9112-2.2-5",
        "A field name that is no token is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX(Odd): 1\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Must,
        "octets-above-7f",
        "RFC9112-2.2-1",
        "Octets above 0x7F in a value leave the framing intact, or lead to refusal",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: \xC3\xA4\xFF\x80\r\n\r\n",
        // That they be treated as opaque is a SHOULD (RFC 9110 §5.5).
        &[400],
    )
    .or_usual()
    .or_closed(),
    Row::new(
        Level::Should,
        "octets-above-7f-in-a-known-field",
        "RFC9110-5.5-4",
        "Octets above 0x7F are opaque in the value of a field that the server knows, too",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: x-\xFF, keep-alive\r\nUser-Agent: \xC3\x28\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Must,
        "names-in-any-case",
        "RFC9110-5.1-1",
        "Field names are case-insensitive",
        b"GET $PATH HTTP/1.1\r\nhOsT: $HOST\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Must,
        "whitespace-around-a-value",
        "RFC9112-5-1",
        "The white space around a value is no part of it",
        b"GET $PATH HTTP/1.1\r\nHost: \t $HOST \t \r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Must,
        "no-space-after-the-colon",
        "RFC9112-5-1",
        "White space after the colon is optional",
        b"GET $PATH HTTP/1.1\r\nHost:$HOST\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Should,
        "unknown-fields",
        "RFC9110-5.1-2",
        "Unknown fields are ignored",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Firmproof: 1\r\nZ: \r\n!#$%&'*+-.^_`|~: 2\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Should,
        "line-feed-as-a-line-end",
        "RFC9112-2.2-7",
        "A bare LF after a field is taken as its end, or refused",
        // Two empty lines: a reader to whom the LF is no end sees the first only as the end of this field.
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\n\r\n\r\n",
        &[400],
    )
    .or_usual(),
    Row::new(
        Level::Must,
        "line-feed-before-a-second-host",
        "RFC9110-5.5-1",
        "A bare LF hides no field: a second Host behind it is refused with it, or read as a space in the value",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\nHost: elsewhere.example\r\n\r\n",
        &[400],
    )
    .or_usual(),
    Row::new(
        Level::Should,
        "control-character-in-a-value",
        "RFC9110-5.5-5",
        "Another control character in a value leads to refusal or is kept",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\x012\r\n\r\n",
        &[400],
    )
    .or_usual(),
    Row::new(
        Level::Must,
        "two-carriage-returns-at-the-end",
        "RFC9112-2.2-2",
        "A CR before the line end is a bare one: it makes its element invalid or is read as a space",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\r\r\n\r\n",
        &[400],
    )
    .or_usual()
    .or_closed(),
    Row::new(
        Level::Must,
        "fold-of-white-space-only",
        "RFC9112-5.2-1",
        "A fold without text is a fold all the same, and no empty line",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\r\n \r\nX-More: 2\r\n\r\n",
        &[400],
    )
    .or_usual(),
    Row::new(
        Level::Must,
        "folded-host",
        "RFC9112-5.2-1",
        "A fold within Host is refused, or leaves a value with spaces, which no Host has",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\n elsewhere.example\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Should,
        "tab-within-a-value",
        "RFC9112-5-1",
        "A tab within a value is part of it",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\t2\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Should,
        "empty-value",
        "RFC9112-5-1",
        "A field may have no value",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd:\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Should,
        "colons-in-a-value",
        "RFC9112-5-1",
        "The name ends at the first colon",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: a:b::c\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Should,
        "space-within-a-name",
        "RFC9112-2.2-5",
        "A space within a field name is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX Odd: 1\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Should,
        "octets-above-7f-in-a-name",
        "RFC9112-2.2-5",
        "A field name with octets above 0x7F is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-\xC3\xA4: 1\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Should,
        "nul-in-a-name",
        "RFC9112-2.2-5",
        "NUL in a field name is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX\0Odd: 1\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Should,
        "one-name-on-many-lines",
        "RFC9110-5.3-3",
        "Field lines of one name that the server does not know are no mistake",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\r\nX-Odd: 2\r\nx-odd: 3\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Must,
        "content-length-with-an-underscore",
        "RFC9110-5.1-2",
        "A name that merely resembles a known one is another field: no content is waited for",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent_Length: 5\r\n\r\n",
        &[400],
    )
    .or_usual(),
];
