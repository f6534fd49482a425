//! Request smuggling: what one reader takes for a body another may take for a request (RFC 9112 §11.2). Judged by what
//! the next request on the connection gets.

use super::followed::{self, Followed};
use crate::case::Case;

pub(super) fn cases() -> Vec<Case> {
    followed::cases("smuggling", ROWS).collect()
}

const ROWS: &[Followed] = &[
    Followed::new(
        "chunked-after-a-space-before-its-colon",
        "RFC9112-5.1-1",
        "Transfer-Encoding with a space before its colon is answered by 400, and its body is no request",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 43\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    )
    .answered(&[400]),
    Followed::new(
        "chunked-misspelt",
        "RFC9112-6.3-3",
        "A coding that is not chunked is refused, and neither reading of the body becomes a request",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 43\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    )
    .answered(&[400, 501])
    .then_closed(),
    Followed::new(
        "chunked-in-a-fold",
        "RFC9112-5.2-1",
        "A fold hides no Transfer-Encoding",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\r\n Transfer-Encoding: chunked\r\nContent-Length: 43\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "chunked-after-a-line-feed",
        "RFC9110-5.5-1",
        "A bare LF hides no Transfer-Encoding: both fields are seen, or the value has a space",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\nTransfer-Encoding: chunked\r\nContent-Length: 43\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "chunked-after-a-carriage-return",
        "RFC9112-2.2-2",
        "A bare CR hides no Transfer-Encoding",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\rTransfer-Encoding: chunked\r\nContent-Length: 43\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "chunked-after-a-nul",
        "RFC9110-5.5-1",
        "NUL hides no Transfer-Encoding",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\0\r\nTransfer-Encoding: chunked\0\r\nContent-Length: 43\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "length-in-a-fold",
        "RFC9112-5.2-1",
        "A fold hides no Content-Length",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\r\n Content-Length: 38\r\n\r\n",
    ),
    Followed::new(
        "section-ended-by-a-line-feed",
        "RFC9112-2.2-7",
        "A bare LF ends the header section, or the request is refused",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd: 1\n\n",
    ),
    Followed::new(
        "length-named-as-a-connection-option",
        "RFC9112-6-1",
        "Content-Length counts though Connection names it",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: content-length\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "body-of-a-head",
        "RFC9112-6-1",
        "HEAD may have a body, which is no request",
        b"HEAD $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "body-of-an-options",
        "RFC9112-6-1",
        "OPTIONS may have a body, which is no request",
        b"OPTIONS $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 38\r\nContent-Type: text/plain\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "body-for-no-resource",
        "RFC9112-9.3-2",
        "The body of a request to nowhere is read to its end, or the connection is closed",
        b"POST /no/such HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "body-for-a-method-not-allowed",
        "RFC9112-9.3-2",
        "The body of a method that is not allowed is read to its end, or the connection is closed",
        b"DELETE $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "body-in-a-type-not-taken",
        "RFC9112-9.3-2",
        "The body of a type that is not taken is read to its end, or the connection is closed",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: message/http\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "body-sent-in-spite-of-an-expectation",
        "RFC9110-10.1.1-4",
        "A body that comes without waiting for 100 is no request",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
    Followed::new(
        "upgrade-with-a-body",
        "RFC9112-9.3-2",
        "The body of a request to upgrade is no request of the new protocol",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: abcd\r\n\r\n",
    ),
];
