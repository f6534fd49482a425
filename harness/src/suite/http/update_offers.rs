//! Offers of an image that are wrong in themselves: refused at once, and nothing is started.

use super::update::{Row, malformed};

/// Each is sent with the right token, so that only the offer can be wrong.
pub(super) const OFFERS: &[Row] = &[
    malformed(
        "length-zero",
        "An image of no octets is refused at once",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":0,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    ),
    malformed(
        "length-beyond-32-bits",
        "A length beyond 32 bits is not cut to them",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":4294967312,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    ),
    malformed(
        "length-larger-than-the-slot",
        "An image larger than the slot is refused at once, by 413 or another 4xx",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":4000000000,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    )
    .answered(&[400, 413, 422]),
    malformed(
        "length-as-a-text",
        "A length in quotes is none",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":"16","sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    ),
    malformed(
        "length-with-a-fraction",
        "A length with a fraction is none",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":16.5,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    ),
    malformed(
        "version-missing",
        "A request without one of its keys is answered by 400",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":16,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"}"#,
    ),
    malformed(
        "key-twice",
        "A key given twice is answered by 400",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":16,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9,"version":10}"#,
    ),
    malformed(
        "key-unknown",
        "A key that the device does not know is answered by 400",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":16,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9,"force":true}"#,
    ),
    malformed(
        "nested-deeply",
        "A value nested a hundred deep is answered by 400",
        r#"{"url":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}"#,
    ),
    malformed(
        "tail-after-the-object",
        "Something after the object is answered by 400",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":16,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9} {}"#,
    ),
    malformed(
        "digest-not-hexadecimal",
        "A digest with other letters is answered by 400",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":16,"sha256":"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    ),
    malformed(
        "url-of-another-scheme",
        "A URL that the client cannot fetch is answered by 400",
        r#"{"url":"ftp://192.0.2.7/image.bin","length":16,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    ),
    malformed(
        "url-without-a-host",
        "A URL without a host is answered by 400",
        r#"{"url":"http:///image.bin","length":16,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    ),
    malformed(
        "url-with-user-information",
        "A URL with user information is answered by 400",
        r#"{"url":"http://user:secret@192.0.2.7/image.bin","length":16,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    ),
    malformed(
        "url-with-a-line-end",
        "A URL with a line end, which would end the request line, is answered by 400",
        r#"{"url":"http://192.0.2.7/a\r\nHost: b","length":16,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    ),
    malformed(
        "url-of-2000-octets",
        "A URL longer than the device keeps is answered by 400 or another 4xx",
        r#"{"url":"http://192.0.2.7/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","length":16,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    )
    .answered(&[400, 413, 422]),
];
