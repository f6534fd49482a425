//! Downloads: a response's every split, resumption, and each reason to refuse.

extern crate std;
use std::format;
use std::string::String;
use std::vec::Vec;

use embassy_time::Duration;

use crate::update::download::{Download, Event, MAX_ATTEMPTS, Next};
use crate::update::reason::Reason;
use crate::update::url::Url;

const IMAGE: &[u8] = b"0123456789";

/// What a download made of one exchange's bytes.
#[derive(Debug, PartialEq, Eq, Clone)]
enum Ended {
    Complete,
    Moved,
    More,
    Refused(Reason),
}

fn download(max_redirects: u8) -> Download {
    let url = Url::parse("http://h:8080/i.bin").unwrap();
    Download::new(url, IMAGE.len() as u32, max_redirects)
}

fn request(download: &mut Download) -> String {
    let mut text = String::new();
    download.write_request(&mut text).unwrap();
    text
}

/// Feeds `response` in pieces of `size`, as the task does; `slot` is what a slot would hold.
fn feed(download: &mut Download, response: &[u8], size: usize, slot: &mut Vec<u8>) -> Ended {
    request(download);
    for mut piece in response.chunks(size) {
        loop {
            match download.receive(piece) {
                Err(reason) => return Ended::Refused(reason),
                Ok((_, Event::Complete)) => return Ended::Complete,
                Ok((_, Event::Moved)) => return Ended::Moved,
                Ok((used, event)) => {
                    match event {
                        Event::StartOver => slot.clear(),
                        Event::Data(ref range) => slot.extend(&piece[range.clone()]),
                        _ => {}
                    }
                    let more = event == Event::More && used == piece.len();
                    piece = &piece[used..];
                    if more {
                        break;
                    }
                }
            }
        }
    }
    Ended::More
}

fn ended(head: &str, body: &str) -> Ended {
    let response = format!("{head}\r\n\r\n{body}");
    let mut result = None;
    for size in 1..=response.len() {
        let mut slot = Vec::new();
        let found = feed(&mut download(0), response.as_bytes(), size, &mut slot);
        if found == Ended::Complete {
            assert_eq!(slot, IMAGE);
        }
        assert_eq!(
            *result.get_or_insert(found.clone()),
            found,
            "pieces of {size}"
        );
    }
    result.unwrap()
}

#[test]
fn the_request_names_host_and_close_and_asks_for_no_coding() {
    assert_eq!(
        request(&mut download(0)),
        "GET /i.bin HTTP/1.1\r\nHost: h:8080\r\nConnection: close\r\nAccept-Encoding: identity\r\n\r\n"
    );
}

#[test]
fn a_whole_image_is_taken_however_it_is_framed_and_split() {
    for (head, body) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10", "0123456789"),
        ("HTTP/1.0 200\r\nContent-Length: 10", "0123456789rest"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked",
            "3;x=y\r\n012\r\n7\r\n3456789\r\n0\r\nT: u\r\n\r\n",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\nX: a\r\n folded\r\nContent-Length:10 ",
            "0123456789",
        ),
        (
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 10",
            "0123456789",
        ),
    ] {
        assert_eq!(ended(head, body), Ended::Complete, "{head}");
    }
}

#[test]
fn a_response_that_cannot_be_the_image_is_refused_by_name() {
    for (head, reason) in [
        ("HTTP/1.1 200 OK", Reason::NoLength),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 9",
            Reason::LengthMismatch,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 11",
            Reason::LengthMismatch,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: chunked",
            Reason::AmbiguousLength,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 10",
            Reason::BadResponse,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: +10",
            Reason::BadResponse,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked",
            Reason::BadResponse,
        ),
        (
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked",
            Reason::BadResponse,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10",
            Reason::ContentEncoding,
        ),
        (
            "HTTP/1.1 206 Part\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 10",
            Reason::ContentRange,
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://g/",
            Reason::Redirect,
        ),
        ("HTTP/1.1 404 No\r\nContent-Length: 0", Reason::Status(404)),
        ("HTTP/1.1 101 Up", Reason::Status(101)),
        ("HTTP/2.0 200 OK\r\nContent-Length: 10", Reason::BadResponse),
        (
            "HTTP/1.1  200 OK\r\nContent-Length: 10",
            Reason::BadResponse,
        ),
        (
            "HTTP/1.1 2000 OK\r\nContent-Length: 10",
            Reason::BadResponse,
        ),
        ("HTTP/1.1 099 OK\r\nContent-Length: 10", Reason::BadResponse),
        ("HTTP/1.1 200 OK\nContent-Length: 10", Reason::BadResponse),
        (
            "HTTP/1.1 200 OK\r\nContent-Length : 10",
            Reason::BadResponse,
        ),
    ] {
        assert_eq!(ended(head, ""), Ended::Refused(reason), "{head}");
    }
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked";
    assert_eq!(ended(chunked, "b\r\n"), Ended::Refused(Reason::Oversize));
    assert_eq!(
        ended(chunked, "3\r\n012\r\n0\r\n\r\n"),
        Ended::Refused(Reason::LengthMismatch)
    );
    assert_eq!(ended(chunked, "x\r\n"), Ended::Refused(Reason::BadResponse));
    assert_eq!(Reason::Status(404).name(), "status-404");
}

#[test]
fn endless_interim_responses_and_heads_are_refused() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(9);
    let mut slot = Vec::new();
    assert_eq!(
        feed(&mut download(0), interim.as_bytes(), 7, &mut slot),
        Ended::Refused(Reason::BadResponse)
    );
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(9000));
    assert_eq!(
        feed(&mut download(0), endless.as_bytes(), 512, &mut slot),
        Ended::Refused(Reason::BadResponse)
    );
}

/// A download whose first exchange broke after four bytes.
fn broken(etag: &str) -> (Download, Vec<u8>) {
    let mut download = download(0);
    let mut slot = Vec::new();
    let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n{etag}\r\n0123");
    assert_eq!(
        feed(&mut download, response.as_bytes(), 5, &mut slot),
        Ended::More
    );
    let after = Duration::from_secs(1);
    assert_eq!(download.failed(Reason::Truncated), Next::Retry { after });
    (download, slot)
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let (mut download, mut slot) = broken("ETag: \"v1\"\r\n");
    assert!(request(&mut download).ends_with("Range: bytes=4-\r\nIf-Range: \"v1\"\r\n\r\n"));
    let rest = b"HTTP/1.1 206 P\r\nETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789";
    assert_eq!(feed(&mut download, rest, 3, &mut slot), Ended::Complete);
    assert_eq!(slot, IMAGE);
}

#[test]
fn only_a_strong_etag_stands_in_if_range() {
    for etag in [
        "",
        "ETag: W/\"v1\"\r\n",
        "ETag: v1\r\n",
        "ETag: \"a\"b\"\r\n",
    ] {
        let (mut download, _) = broken(etag);
        assert!(
            request(&mut download).ends_with("Range: bytes=4-\r\n\r\n"),
            "{etag}"
        );
    }
}

#[test]
fn a_changed_image_starts_over() {
    let (mut first, mut slot) = broken("ETag: \"v1\"\r\n");
    let whole = b"HTTP/1.1 200 OK\r\nETag: \"v2\"\r\nContent-Length: 10\r\n\r\n0123456789";
    assert_eq!(feed(&mut first, whole, 4, &mut slot), Ended::Complete);
    assert_eq!(slot, IMAGE);

    let (mut second, mut slot) = broken("ETag: \"v1\"\r\n");
    let part = b"HTTP/1.1 206 P\r\nETag: \"v2\"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n";
    let refused = feed(&mut second, part, 9, &mut slot);
    assert_eq!(refused, Ended::Refused(Reason::Truncated));
    assert!(matches!(
        second.failed(Reason::Truncated),
        Next::Retry { .. }
    ));
    assert!(!request(&mut second).contains("Range"));
    assert_eq!(feed(&mut second, whole, 4, &mut slot), Ended::Complete);
    assert_eq!(slot, IMAGE);
}

#[test]
fn a_part_that_was_not_asked_for_is_refused() {
    for range in [
        "",
        "Content-Range: bytes 3-9/10\r\n",
        "Content-Range: bytes 4-8/10\r\n",
        "Content-Range: bytes 4-9/11\r\n",
        "Content-Range: bytes 4-9/*\r\n",
        "Content-Range: bytes */10\r\n",
        "Content-Range: lines 4-9/10\r\n",
    ] {
        let (mut download, mut slot) = broken("");
        let part = format!("HTTP/1.1 206 P\r\nContent-Length: 6\r\n{range}\r\n456789");
        assert_eq!(
            feed(&mut download, part.as_bytes(), 8, &mut slot),
            Ended::Refused(Reason::ContentRange),
            "{range}"
        );
    }
}

#[test]
fn a_last_chunk_that_never_came_costs_the_whole_image() {
    let mut download = download(0);
    let mut slot = Vec::new();
    let cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n";
    assert_eq!(feed(&mut download, cut, 6, &mut slot), Ended::More);
    assert!(matches!(
        download.failed(Reason::Truncated),
        Next::Retry { .. }
    ));
    assert!(!request(&mut download).contains("Range"));
}

#[test]
fn attempts_back_off_and_end() {
    let mut download = download(0);
    for seconds in [1, 2, 4, 8] {
        let after = Duration::from_secs(seconds);
        assert_eq!(download.failed(Reason::Connect), Next::Retry { after });
    }
    assert_eq!(MAX_ATTEMPTS, 5);
    assert_eq!(
        download.failed(Reason::Timeout),
        Next::GiveUp(Reason::Timeout)
    );
    assert_eq!(
        self::download(0).failed(Reason::LengthMismatch),
        Next::GiveUp(Reason::LengthMismatch)
    );
}

#[test]
fn retry_after_is_obeyed_up_to_its_bound() {
    for (field, seconds) in [
        ("Retry-After: 7\r\n", 7),
        ("Retry-After: 61\r\n", 60),
        ("Retry-After: 99999999999999999999999\r\n", 1),
        ("Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", 1),
        ("", 1),
    ] {
        let mut download = download(0);
        let response = format!("HTTP/1.1 503 Busy\r\n{field}\r\n");
        let mut slot = Vec::new();
        assert_eq!(
            feed(&mut download, response.as_bytes(), 11, &mut slot),
            Ended::Refused(Reason::Status(503))
        );
        let after = Duration::from_secs(seconds);
        assert_eq!(
            download.failed(Reason::Status(503)),
            Next::Retry { after },
            "{field}"
        );
        // The wait was this failure's only.
        assert!(matches!(
            download.failed(Reason::Connect),
            Next::Retry { after } if after == Duration::from_secs(2)
        ));
    }
}

#[test]
fn redirects_are_followed_as_often_as_configured() {
    let moved = b"HTTP/1.1 307 T\r\nLocation: /j.bin\r\nContent-Length: 0\r\n\r\n";
    let mut download = download(1);
    let mut slot = Vec::new();
    assert_eq!(feed(&mut download, moved, 5, &mut slot), Ended::Moved);
    assert_eq!(download.url().as_str(), "http://h:8080/j.bin");
    assert!(request(&mut download).starts_with("GET /j.bin "));
    assert_eq!(
        feed(&mut download, moved, 5, &mut slot),
        Ended::Refused(Reason::Redirect)
    );
    for location in ["", "Location: https://h/\r\n", "Location: ftp:x\r\n"] {
        let response = format!("HTTP/1.1 302 F\r\n{location}\r\n");
        assert_eq!(
            feed(&mut self::download(5), response.as_bytes(), 5, &mut slot),
            Ended::Refused(Reason::Redirect),
            "{location}"
        );
    }
}
