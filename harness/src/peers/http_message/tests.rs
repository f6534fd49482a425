//! Whole responses, and the rule that each broken one breaks.

use super::*;

fn parsed(bytes: &[u8], method: &str, closed: bool) -> (Response, usize) {
    match parse(bytes, method, closed) {
        Ok(Some(response)) => response,
        other => panic!("{}: {other:?}", shown(bytes)),
    }
}

#[test]
fn each_framing_ends_the_body_where_it_must() {
    for (method, closed, bytes, framing, body, left) in [
        (
            "GET",
            false,
            &b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP"[..],
            Framing::ContentLength,
            &b"abc"[..],
            4,
        ),
        (
            "GET",
            false,
            b"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n",
            Framing::ContentLength,
            b"",
            0,
        ),
        (
            "GET",
            false,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP",
            Framing::Chunked,
            b"abc",
            4,
        ),
        (
            "GET",
            true,
            b"HTTP/1.1 200 OK\r\n\r\nabc",
            Framing::UntilClose,
            b"abc",
            0,
        ),
        (
            "GET",
            true,
            b"HTTP/1.0 404 \r\n\r\n",
            Framing::UntilClose,
            b"",
            0,
        ),
        (
            "HEAD",
            false,
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
            Framing::None,
            b"",
            0,
        ),
        (
            "HEAD",
            false,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            Framing::None,
            b"",
            0,
        ),
        (
            "GET",
            false,
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n",
            Framing::None,
            b"",
            0,
        ),
        (
            "POST",
            false,
            b"HTTP/1.1 204 No Content\r\n\r\n",
            Framing::None,
            b"",
            0,
        ),
        (
            "POST",
            false,
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
            Framing::None,
            b"",
            17,
        ),
        (
            "CONNECT",
            false,
            b"HTTP/1.1 200 OK\r\n\r\n",
            Framing::None,
            b"",
            0,
        ),
    ] {
        let (response, taken) = parsed(bytes, method, closed);
        assert_eq!(response.framing, framing, "{}", shown(bytes));
        assert_eq!(response.body, body, "{}", shown(bytes));
        assert_eq!(bytes.len() - taken, left, "{}", shown(bytes));
    }
}

#[test]
fn every_part_of_a_response_is_read() {
    let bytes = b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nX-Empty:\r\nset-cookie:\ta=b \t\r\n\
        Set-Cookie: c\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\nX-End: 1\r\n\r\n";
    let (response, _) = parsed(bytes, "PUT", false);
    assert_eq!(response.version, "HTTP/1.1");
    assert_eq!(response.status, 405);
    assert_eq!(response.reason, "Method Not Allowed");
    assert_eq!(response.field("ALLOW"), Some("GET, HEAD"));
    assert_eq!(response.field("x-empty"), Some(""));
    assert_eq!(response.field("date"), None);
    assert_eq!(response.all("set-cookie").collect::<Vec<_>>(), ["a=b", "c"]);
    assert_eq!(response.trailers, [("X-End".to_owned(), "1".to_owned())]);
    assert_eq!(
        response.to_string(),
        "HTTP/1.1 405 reason=\"Method Not Allowed\" framing=chunked bytes=1"
    );
}

#[test]
fn only_a_status_from_100_to_199_but_101_is_interim() {
    for (line, expected) in [
        ("100 Continue", true),
        ("103 Early Hints", true),
        ("101 Switching", false),
        ("204 ", false),
    ] {
        let bytes = format!("HTTP/1.1 {line}\r\n\r\n");
        assert_eq!(
            parsed(bytes.as_bytes(), "GET", false).0.is_interim(),
            expected,
            "{line}"
        );
    }
}

#[test]
fn a_date_must_be_there_once_and_in_its_form() {
    let good = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    for (fields, expected) in [
        (good.to_owned(), true),
        (String::new(), false),
        (format!("{good}{good}"), false),
        ("Date: Sun Nov  6 08:49:37 1994\r\n".to_owned(), false),
    ] {
        let bytes = format!("HTTP/1.1 204 \r\n{fields}\r\n");
        assert_eq!(
            parsed(bytes.as_bytes(), "GET", false)
                .0
                .date_is_imf_fixdate(),
            expected,
            "{fields}"
        );
    }
}

#[test]
fn every_beginning_asks_for_more_and_is_incomplete_once_closed() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\nabc"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 204 \r\n\r\n",
    ] {
        for end in 1..bytes.len() {
            assert_eq!(
                parse(&bytes[..end], "GET", false),
                Ok(None),
                "{}",
                shown(&bytes[..end])
            );
            let malformed = parse(&bytes[..end], "GET", true).expect_err("closed too early");
            assert_eq!(malformed.clause, "RFC 9112 §8", "{}", shown(&bytes[..end]));
        }
    }
}

#[test]
fn a_connection_closed_without_a_byte_has_no_response() {
    assert_eq!(parse(b"", "GET", true), Ok(None));
    assert_eq!(
        parse(b"HTTP/1.1 200 OK\r\n\r\nabc", "GET", false),
        Ok(None),
        "its end is the close"
    );
}

#[test]
fn malformed_responses_are_refused_by_clause() {
    let status_lines = [
        ("HTTP/2.0 200 OK", "RFC 9112 §2.3"),
        ("http/1.1 200 OK", "RFC 9112 §2.3"),
        ("HTTP/1.1x200 OK", "RFC 9112 §4"),
        ("HTTP/1.1  200 OK", "RFC 9112 §4"),
        ("HTTP/1.1 200", "RFC 9112 §4"),
        ("HTTP/1.1 20 OK", "RFC 9112 §4"),
        ("HTTP/1.1 2000 OK", "RFC 9112 §4"),
        ("HTTP/1.1 2x0 OK", "RFC 9112 §4"),
        ("HTTP/1.1 099 Low", "RFC 9110 §15"),
        ("HTTP/1.1 600 High", "RFC 9110 §15"),
        ("HTTP/1.1 200 O\u{7}K", "RFC 9112 §4"),
        ("HTTP", "RFC 9112 §4"),
        ("", "RFC 9112 §4"),
    ]
    .map(|(line, clause)| (format!("{line}\r\n\r\n"), clause));
    let fields = [
        ("A b: c", "RFC 9110 §5.1"),
        (": c", "RFC 9110 §5.1"),
        ("A : c", "RFC 9112 §5.1"),
        ("A: b\r\n c", "RFC 9112 §5.2"),
        ("no colon", "RFC 9112 §5"),
        ("A: b\u{0}c", "RFC 9110 §5.5"),
        ("A: b\u{1b}c", "RFC 9110 §5.5"),
        ("A: b\u{c}", "RFC 9110 §5.5"),
        ("A: b\nB: c", "RFC 9112 §2.2"),
        ("A: b\rB: c", "RFC 9112 §2.2"),
        ("Content-Length: 3\r\nContent-Length: 3", "RFC 9110 §8.6"),
        ("Content-Length: 3, 3", "RFC 9110 §8.6"),
        ("Content-Length: +3", "RFC 9110 §8.6"),
        ("Content-Length: -3", "RFC 9110 §8.6"),
        ("Content-Length:", "RFC 9110 §8.6"),
        ("Content-Length: 99999999999999999999", "RFC 9110 §8.6"),
        (
            "Content-Length: 3\r\nTransfer-Encoding: chunked",
            "RFC 9112 §6.2",
        ),
        ("Transfer-Encoding: gzip", "RFC 9112 §7"),
        ("Transfer-Encoding: gzip, chunked", "RFC 9112 §7"),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "RFC 9112 §7",
        ),
        ("Transfer-Encoding: identity", "RFC 9112 §7"),
    ]
    .map(|(lines, clause)| (format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n"), clause));
    let bodiless = [
        ("HTTP/1.1 204 \r\nContent-Length: 0", "RFC 9110 §8.6"),
        (
            "HTTP/1.1 100 Continue\r\nContent-Length: 0",
            "RFC 9110 §8.6",
        ),
        (
            "HTTP/1.1 204 \r\nTransfer-Encoding: chunked",
            "RFC 9112 §6.1",
        ),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
            "RFC 9112 §6.1",
        ),
    ]
    .map(|(head, clause)| (format!("{head}\r\n\r\n"), clause));
    for (text, clause) in status_lines.into_iter().chain(fields).chain(bodiless) {
        match parse(text.as_bytes(), "GET", false) {
            Err(malformed) => assert_eq!(malformed.clause, clause, "{text:?}: {malformed}"),
            accepted => panic!("{text:?}: {accepted:?}"),
        }
    }
}
