//! Transfer codings of a request (RFC 9112 §6.1, §6.3): what does not end in one chunked has no known end.

use super::exchange::{self, Row};
use super::followed::{self, Followed};
use crate::case::{Case, Level};

pub(super) fn cases() -> Vec<Case> {
    exchange::cases("transfer-encoding", REFUSED)
        .chain(followed::cases("transfer-encoding", FOLLOWED))
        .collect()
}

const REFUSED: &[Row] = &[
    Row::new(
        Level::Must,
        "empty",
        "RFC9112-6.3-3",
        "A Transfer-Encoding without a coding does not end in chunked",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: \r\n\r\n0\r\n\r\n",
        &[400, 501],
    )
    .then_closed(),
    Row::new(
        Level::Must,
        "identity",
        "RFC9112-6.3-3",
        "The coding identity is gone, and does not end in chunked",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        &[400, 501],
    )
    .then_closed(),
    Row::new(
        Level::Should,
        "chunked-with-a-parameter",
        "RFC9112-7.1-4",
        "A parameter of chunked is treated as an error",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n",
        &[400, 501],
    )
    .then_closed(),
    Row::new(
        Level::Must,
        "chunked-in-quotes",
        "RFC9112-6.3-3",
        "A quoted chunked is not the coding",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        &[400, 501],
    )
    .then_closed(),
    Row::new(
        Level::Must,
        "word-that-begins-with-chunked",
        "RFC9112-6.3-3",
        "A coding whose name begins with chunked is another",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n",
        &[400, 501],
    )
    .then_closed(),
    Row::new(
        Level::Must,
        "word-that-ends-with-chunked",
        "RFC9112-6.3-3",
        "A coding whose name ends with chunked is another",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        &[400, 501],
    )
    .then_closed(),
    Row::new(
        Level::Must,
        "vertical-tab-before-chunked",
        "RFC9112-6.3-3",
        "A vertical tab is no white space around a coding",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        &[400, 501],
    )
    .then_closed(),
    Row::new(
        Level::Should,
        "other-coding-on-a-line-before",
        "RFC9112-6.1-2",
        "Two lines make one list: the coding before chunked is not understood",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: firmproof\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[400, 501],
    )
    .then_closed(),
    Row::new(
        Level::Must,
        "other-coding-on-a-line-after",
        "RFC9112-6.3-3",
        "Two lines make one list: chunked is not its last",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: firmproof\r\n\r\n0\r\n\r\n",
        &[400, 501],
    )
    .then_closed(),
    Row::new(
        Level::Policy,
        "chunked-on-two-lines",
        "RFC9112-6.1-7",
        "A request to which the chunked coding is applied twice, on two lines, is refused",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[400, 501],
    )
    .then_closed(),
    Row::new(
        Level::Must,
        "space-before-the-colon",
        "RFC9112-5.1-1",
        "A space before the colon of Transfer-Encoding is answered by 400",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        &[400],
    )
    .then_closed(),
    Row::new(
        Level::Must,
        "other-coding-beside-a-length",
        "RFC9112-6.3-3",
        "A Content-Length does not excuse codings that do not end in chunked",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5\r\nTransfer-Encoding: firmproof\r\n\r\nhello",
        &[400, 501],
    )
    .then_closed(),
];

const FOLLOWED: &[Followed] = &[
    Followed::new(
        "empty-elements",
        "RFC9112-6.1-1",
        "Empty elements of the list are passed over, or refused",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: , chunked ,\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ),
    Followed::new(
        "name-with-an-underscore",
        "RFC9110-5.1-2",
        "A name that merely resembles Transfer-Encoding is another field",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 5\r\nTransfer_Encoding: chunked\r\n\r\nhello",
    ),
    Followed::new(
        "invalid-length-beside-chunked",
        "RFC9112-6.1-3",
        "With a Content-Length that is none the connection closes too",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: abc\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    )
    .then_closed(),
    Followed::new(
        "in-http-1-0-beside-a-length",
        "RFC9112-6.1-4",
        "A Content-Length does not mend Transfer-Encoding in HTTP/1.0",
        b"GET $PATH HTTP/1.0\r\nHost: $HOST\r\nConnection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    )
    .then_closed(),
];
