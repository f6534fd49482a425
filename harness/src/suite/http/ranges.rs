//! Range requests and conditions (RFC 9110 §13, §14): honoured as the specification says, or ignored, never half of it.

use super::exchange::{ask, observe, require_status, still_serves};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, require};
use crate::peers::http_message::Response;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    ROWS.iter()
        .map(|row| {
            let id = format!("http/ranges/{}", row.name);
            Case::new(
                row.level,
                id,
                &[row.statement],
                row.requirement,
                move |bench| judge(bench, row),
            )
            .needs(row.needs)
        })
        .collect()
}

/// Fields of a request, and what may come of them besides the answer to the request without them.
struct Row {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    needs: &'static [Capability],
    method: &'static str,
    fields: &'static str,
    otherwise: &'static [u16],
}

const HTTP: &[Capability] = &[Capability::Http];
const PAGE: &[Capability] = &[Capability::Http, Capability::Page];

const fn get(
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    fields: &'static str,
    otherwise: &'static [u16],
) -> Row {
    Row {
        level: Level::Must,
        name,
        statement,
        requirement,
        needs: HTTP,
        method: "GET",
        fields,
        otherwise,
    }
}

const ROWS: &[Row] = &[
    get(
        "first-octets",
        "RFC9110-14.2-2",
        "A range is ignored, or served as exactly that part",
        "Range: bytes=0-9\r\n",
        &[206],
    ),
    get(
        "in-an-unknown-unit",
        "RFC9110-14.2-3",
        "A range in a unit that the server does not know is ignored",
        "Range: firmproof=0-9\r\n",
        &[416],
    ),
    Row {
        method: "HEAD",
        ..get(
            "of-a-head",
            "RFC9110-14.2-1",
            "Range is ignored unless the method is GET",
            "Range: bytes=0-9\r\n",
            &[],
        )
    },
    Row {
        method: "POST",
        needs: PAGE,
        ..get(
            "of-a-form",
            "RFC9110-14.2-1",
            "Range does not change what a form does",
            "Range: bytes=0-1\r\n",
            &[],
        )
    },
    get(
        "backwards",
        "RFC9110-14.2-5",
        "A range whose last octet comes before its first is ignored or rejected",
        "Range: bytes=9-5\r\n",
        &[400, 416],
    ),
    get(
        "past-the-end",
        "RFC9110-14.2-10",
        "A range past the end is ignored, or answered by 416",
        "Range: bytes=100000000-\r\n",
        &[416],
    ),
    get(
        "many-that-overlap",
        "RFC9110-14.2-5",
        "Many ranges that overlap are ignored, rejected or joined",
        "Range: bytes=0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-,0-\r\n",
        &[206, 400, 416],
    ),
    get(
        "beyond-64-bits",
        "RFC9110-14.2-5",
        "A position beyond 64 bits is no other position",
        "Range: bytes=18446744073709551616-18446744073709551617\r\n",
        &[400, 416],
    ),
    get(
        "if-range-without-a-range",
        "RFC9110-13.1.5-4",
        "If-Range without Range is ignored",
        "If-Range: \"firmproof\"\r\n",
        &[],
    ),
    get(
        "if-range-of-another-image",
        "RFC9110-13.1.5-5",
        "With an If-Range that does not fit, or for a resource without ranges, the whole is sent",
        "Range: bytes=0-9\r\nIf-Range: \"firmproof\"\r\n",
        &[],
    ),
    get(
        "content-range-in-a-request",
        "RFC9110-14.4-4",
        "Content-Range in a request is ignored where its method knows none",
        "Content-Range: bytes 0-9/100\r\n",
        &[],
    ),
    get(
        "modified-since-no-date",
        "RFC9110-13.1.3-2",
        "An If-Modified-Since that is no date is ignored",
        "If-Modified-Since: yesterday\r\n",
        &[],
    ),
    Row {
        method: "POST",
        needs: PAGE,
        ..get(
            "modified-since-on-a-form",
            "RFC9110-13.1.3-2",
            "If-Modified-Since is ignored unless the method is GET or HEAD",
            "If-Modified-Since: Fri, 31 Dec 2100 23:59:59 GMT\r\n",
            &[],
        )
    },
    get(
        "modified-since-a-page-without-a-date",
        "RFC9110-13.1.3-3",
        "If-Modified-Since is ignored for what has no modification date",
        "If-Modified-Since: Fri, 31 Dec 2100 23:59:59 GMT\r\n",
        &[304],
    ),
    get(
        "accept-what-is-not-offered",
        "RFC9110-12.5.1-3",
        "Whoever accepts only what is not offered gets it all the same, or 406",
        "Accept: application/x-firmproof;q=1, text/html;q=0\r\n",
        &[406],
    ),
];

async fn judge(bench: Bench, row: &'static Row) -> Judged {
    bench.start().await?;
    let plain = send(&bench, row, "").await?;
    let seen = send(&bench, row, row.fields).await?;
    let mut allowed = row.otherwise.to_vec();
    allowed.push(plain.status);
    require_status(&seen, &allowed, row.statement)?;
    if allowed.len() > 1 {
        observe(&bench, &seen.status.to_string());
    }
    match seen.status {
        206 => part(&seen, row)?,
        304 => {
            // Only a resource that told its date may be found unmodified since.
            let dated = plain.field("last-modified").is_some();
            let expected = format!("{plain}, for it has no Last-Modified");
            require(dated, row.statement, expected, seen.to_string())?;
        }
        _ => {}
    }
    still_serves(&bench).await
}

/// A part has the length that its Content-Range says, or is in several parts.
fn part(seen: &Response, row: &Row) -> Judged {
    let several = seen
        .field("content-type")
        .is_some_and(|value| value.starts_with("multipart/byteranges"));
    let range = seen.field("content-range").unwrap_or_default();
    let counted = range
        .strip_prefix("bytes ")
        .and_then(|range| range.split_once('/'))
        .and_then(|(range, _)| range.split_once('-'))
        .and_then(|(first, last)| {
            let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
            last.checked_sub(first)?.checked_add(1)
        });
    let shown = format!("Content-Range: {range} with {} octets", seen.body.len());
    require(
        several || counted == Some(seen.body.len()),
        row.statement,
        "as many octets as Content-Range says",
        shown,
    )
}

async fn send(bench: &Bench, row: &Row, fields: &str) -> Judged<Response> {
    let content = match row.method {
        "POST" => "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n",
        _ => "",
    };
    let body = if content.is_empty() { "" } else { "led1=1" };
    let request = format!(
        "{} $PATH HTTP/1.1\r\nHost: $HOST\r\n{content}{fields}Connection: close\r\n\r\n{body}",
        row.method
    );
    ask(bench, request.as_bytes(), row.method, row.statement).await
}
