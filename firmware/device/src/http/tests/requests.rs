//! Requests, each at every split: what is taken, and what is refused with which status.

extern crate std;
use crate::http::MAX_TARGET_LEN;
use std::format;
use std::string::String;
use std::vec::Vec;

use crate::http::reader::{Event, RequestReader, Waiting};

/// What a connection's bytes came to: per request `METHOD target content`, or the refusal's status.
pub(super) fn read(bytes: &[u8], size: usize) -> Vec<String> {
    let mut reader = RequestReader::default();
    let mut found = Vec::new();
    for mut piece in bytes.chunks(size) {
        loop {
            let (used, event) = reader.receive(piece);
            piece = &piece[used..];
            match event {
                Event::More => break,
                Event::Head => {}
                Event::Complete => {
                    let line = reader.request().unwrap().line;
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    found.push(format!(
                        "{} {} {}",
                        text(line.token),
                        text(line.raw_target),
                        text(reader.content())
                    ));
                    reader.next();
                }
                Event::Refused(refusal) => {
                    found.push(format!("{}", refusal.status.code()));
                    return found;
                }
            }
        }
    }
    found
}

fn found(bytes: &str) -> Vec<String> {
    let whole = read(bytes.as_bytes(), bytes.len().max(1));
    for size in 1..bytes.len().min(300) {
        assert_eq!(read(bytes.as_bytes(), size), whole, "{bytes:?} by {size}");
    }
    whole
}

/// A request of these lines.
fn of(lines: &[&str]) -> String {
    format!("{}\r\n\r\n", lines.join("\r\n"))
}

fn status(request: &str) -> String {
    let found = found(request);
    assert_eq!(found.len(), 1, "{request:?}: {found:?}");
    found.into_iter().next().unwrap()
}

#[test]
fn pipelined_requests_of_every_framing_come_one_by_one() {
    let requests = "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n\
        POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nled1=1\
        POST /x?y HTTP/1.1\r\nhost:h:80\r\ntransfer-encoding: , CHUNKED\r\n\r\n3\r\nbee\r\n3 ;a=\"b\"\r\np=3\r\n0\r\nT: v\r\n\r\n\
        \r\nHEAD http://h/p HTTP/1.0\r\n\r\n\
        OPTIONS * HTTP/1.9\r\nHost: [::1]:8080\r\nExpect: 100-Continue\r\n\r\n";
    assert_eq!(
        found(requests),
        [
            "GET / ",
            "POST / led1=1",
            "POST /x?y beep=3",
            "HEAD http://h/p ",
            "OPTIONS * "
        ]
    );
}

#[test]
fn a_malformed_request_line_is_refused() {
    for (line, expected) in [
        ("GET  / HTTP/1.1", "400"),
        ("GET /  HTTP/1.1", "400"),
        (" GET / HTTP/1.1", "400"),
        ("GET / HTTP/1.1 ", "400"),
        ("GET\t/ HTTP/1.1", "400"),
        ("GET / HTTP/1.1 x", "400"),
        ("GET /", "400"),
        ("GET", "400"),
        ("G(T / HTTP/1.1", "400"),
        ("GET x HTTP/1.1", "400"),
        ("GET /a b HTTP/1.1", "400"),
        ("GET /#f HTTP/1.1", "400"),
        ("GET /\" HTTP/1.1", "400"),
        ("GET /%4x HTTP/1.1", "400"),
        ("GET /\u{e9} HTTP/1.1", "400"),
        ("GET * HTTP/1.1", "400"),
        ("GET h:80 HTTP/1.1", "400"),
        ("GET http:/// HTTP/1.1", "400"),
        ("GET http://u@h/ HTTP/1.1", "400"),
        ("GET https://h/ HTTP/1.1", "421"),
        ("CONNECT / HTTP/1.1", "400"),
        ("CONNECT h HTTP/1.1", "400"),
        ("GET / http/1.1", "400"),
        ("GET / HTTP/1", "400"),
        ("GET / HTTP/1.11", "400"),
        ("GET / HTTP/1,1", "400"),
        ("GET / HTTP/2.0", "505"),
        ("GET / HTTP/0.9", "505"),
        ("PRI * HTTP/2.0", "505"),
    ] {
        assert_eq!(status(&of(&[line, "Host: h"])), expected, "{line:?}");
    }
}

#[test]
fn what_never_ends_is_refused_before_it_does() {
    let long = "x".repeat(MAX_TARGET_LEN);
    assert_eq!(found(&format!("GET /{long}")), ["414"]);
    assert_eq!(
        status(&of(&[&format!("GET /{long} HTTP/1.1"), "Host: h"])),
        "414"
    );
    assert_eq!(
        status(&of(&[&format!("GET /{} HTTP/1.1", &long[1..]), "Host: h"])),
        format!("GET /{} ", &long[1..])
    );
    assert_eq!(found(&long), ["501"]);
    assert_eq!(found(&"(".repeat(100)), ["400"]);
    assert_eq!(found(&format!("GET / {long}")), ["400"]);
    assert_eq!(found(&"\r\n".repeat(9)), ["400"]);
    let endless = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}", "y".repeat(5000));
    assert_eq!(read(endless.as_bytes(), 7), ["431"]);
    let many = format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(65));
    assert_eq!(read(many.as_bytes(), 7), ["431"]);
    let enough = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(63));
    assert_eq!(read(enough.as_bytes(), 7), ["GET / "]);
}

#[test]
fn a_malformed_field_is_refused() {
    for field in [
        "Name : v",
        " Name: v",
        "\tName: v",
        ": v",
        "Name",
        "Na me: v",
        "Na\u{e9}: v",
        "Name: a\0b",
        "Name: a\x7fb",
        "Name: a\x01b",
        "Name: a\rb",
        "Name: a\nb",
        "Name: a\r\n folded",
        "Name: a\r\n\tfolded",
    ] {
        assert_eq!(
            status(&of(&["GET / HTTP/1.1", "Host: h", field])),
            "400",
            "{field:?}"
        );
        assert_eq!(
            status(&of(&["GET / HTTP/1.1", field, "Host: h"])),
            "400",
            "{field:?}"
        );
    }
    assert_eq!(status("GET / HTTP/1.1\nHost: h\n\n"), "400");
    assert_eq!(status("GET / HTTP/1.1\r\nHost: h\n\r\n"), "400");
    assert_eq!(status("GET / HTTP/1.1\r\nHost: h\r\n\n"), "400");
    assert_eq!(status("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), "400");
}

#[test]
fn any_field_that_the_grammar_allows_is_taken() {
    for field in [
        "X:",
        "X: \t ",
        "X:\tv\t",
        "!#$%&'*+-.^_`|~0aZ: v",
        "X: \u{e9}\u{4f60}",
        "X: a:b,\"c",
    ] {
        assert_eq!(
            status(&of(&["GET / HTTP/1.1", "Host: h", field])),
            "GET / ",
            "{field:?}"
        );
    }
}

#[test]
fn http_1_1_needs_one_valid_host() {
    for fields in [
        &["X: y"][..],
        &["Host: h", "Host: h"],
        &["Host: h", "hOST: g"],
        &["Host:"],
        &["Host: a b"],
        &["Host: h/"],
        &["Host: u@h"],
        &["Host: h:x"],
        &["Host: h:65536"],
        &["Host: h:80:80"],
        &["Host: [::1"],
        &["Host: [x]"],
        &["Host: \u{e9}"],
    ] {
        let lines = [&["GET / HTTP/1.1"], fields].concat();
        assert_eq!(status(&of(&lines)), "400", "{fields:?}");
    }
    assert_eq!(status(&of(&["GET / HTTP/1.0", "X: y"])), "GET / ");
    assert_eq!(status(&of(&["GET / HTTP/1.0", "Host: a b"])), "400");
    assert_eq!(
        status(&of(&["GET / HTTP/1.0", "Host: a", "Host: a"])),
        "400"
    );
}

#[test]
fn doubtful_framing_is_refused() {
    for (fields, expected) in [
        (&["Content-Length: x"][..], "400"),
        (&["Content-Length:"], "400"),
        (&["Content-Length: +1"], "400"),
        (&["Content-Length: -1"], "400"),
        (&["Content-Length: 0x1"], "400"),
        (&["Content-Length: 1 1"], "400"),
        (&["Content-Length: 1.0"], "400"),
        (&["Content-Length: 18446744073709551616"], "400"),
        (&["Content-Length: 5, 5"], "400"),
        (&["Content-Length: 5, 6"], "400"),
        (&["Content-Length: 5", "Content-Length: 5"], "400"),
        (&["Content-Length: 5", "Content-Length: 6"], "400"),
        (&["Content-Length: 5", "Transfer-Encoding: chunked"], "400"),
        (&["Transfer-Encoding: chunked", "Content-Length: 5"], "400"),
        (&["Transfer-Encoding: gzip"], "400"),
        (&["Transfer-Encoding: identity"], "400"),
        (&["Transfer-Encoding:"], "400"),
        (&["Transfer-Encoding: xchunked"], "400"),
        (&["Transfer-Encoding: chunked;a=b"], "400"),
        (&["Transfer-Encoding: chunked, gzip"], "400"),
        (&["Transfer-Encoding: chunked, chunked"], "400"),
        (
            &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
            "400",
        ),
        (
            &["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
            "400",
        ),
        (&["Transfer-Encoding: gzip, chunked"], "501"),
        (&["Content-Length: 2049"], "413"),
        (&["Content-Length: 18446744073709551615"], "413"),
        (&["X: y"], "411"),
        (&["Content-Length: 1", "Expect: 200-ok"], "417"),
        (&["Content-Length: 1", "Expect: 100-continue, x"], "417"),
    ] {
        let lines = [&["POST / HTTP/1.1", "Host: h"], fields].concat();
        assert_eq!(status(&of(&lines)), expected, "{fields:?}");
    }
    assert_eq!(
        status(&of(&["POST / HTTP/1.0", "Transfer-Encoding: chunked"])),
        "400"
    );
}

#[test]
fn content_up_to_the_limit_is_taken_and_no_more() {
    for (len, expected) in [(2048, "POST"), (2049, "413")] {
        let content = "z".repeat(len);
        let sized = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {len}\r\n\r\n{content}");
        let halves = (len / 2, len - len / 2);
        let chunked = format!(
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
            halves.0,
            &content[..halves.0],
            halves.1,
            &content[..halves.1]
        );
        for request in [sized, chunked] {
            let found = read(request.as_bytes(), 100);
            assert!(found[0].starts_with(expected), "{len}");
        }
    }
}

#[test]
fn a_head_tells_whether_to_close_and_whether_to_continue() {
    let parsed = |lines: &[&str]| {
        let mut reader = RequestReader::default();
        let (_, event) = reader.receive(of(lines).as_bytes());
        assert_eq!(event, Event::Head);
        let request = reader.request().unwrap();
        (request.close, request.expects_continue)
    };
    let post = ["POST / HTTP/1.1", "Host: h", "Content-Length: 1"];
    assert_eq!(parsed(&post), (false, false));
    for (field, expected) in [
        ("Connection: close", (true, false)),
        ("Connection: keep-alive, CLOSE", (true, false)),
        ("Connection: closed", (false, false)),
        ("Expect: 100-continue", (false, true)),
    ] {
        assert_eq!(parsed(&[&post[..], &[field]].concat()), expected, "{field}");
    }
    assert_eq!(
        parsed(&["GET / HTTP/1.0", "Connection: keep-alive"]),
        (true, false)
    );
    // RFC 9110 §10.1.1: ignored in HTTP/1.0; and nothing to wait for without content.
    let old = [
        "POST / HTTP/1.0",
        "Content-Length: 1",
        "Expect: 100-continue",
    ];
    assert_eq!(parsed(&old), (true, false));
    let empty = [
        "POST / HTTP/1.1",
        "Host: h",
        "Content-Length: 0",
        "Expect: 100-continue",
    ];
    assert_eq!(parsed(&empty), (false, false));
}

#[test]
fn a_reader_tells_what_it_waits_for() {
    let mut reader = RequestReader::default();
    assert_eq!(reader.waiting(), Waiting::Request);
    reader.receive(b"\r\n");
    assert_eq!(reader.waiting(), Waiting::Head);
    reader.receive(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n");
    assert_eq!(reader.waiting(), Waiting::Head);
    assert_eq!(reader.receive(b"\r\n").1, Event::Head);
    assert_eq!(reader.receive(b"a"), (1, Event::More));
    assert_eq!(reader.waiting(), Waiting::Content);
    assert_eq!(reader.receive(b"bc"), (1, Event::Complete));
    reader.next();
    assert_eq!(reader.waiting(), Waiting::Request);
}
