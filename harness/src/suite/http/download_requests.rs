//! What the device asks for (RFC 9112 §3, RFC 9110 §7), and what was signed.

use super::download::{NEEDS, SIZE, length};
use super::download_reply::{Outcome, settle};
use super::offer::{Offer, begin, running_slot};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::download_server::{DownloadServer, response};
use crate::peers::http_request::Request;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let urls = URLS.iter().map(|row| {
        let id = format!("http/download/{}", row.name);
        let body = move |bench| asked(bench, row);
        Case::must(id, row.statements, row.requirement, body)
    });
    urls.chain([
        Case::must(
            "http/download/url-with-an-empty-port",
            EMPTY_PORT.statements,
            EMPTY_PORT.requirement,
            |bench| asked(bench, &EMPTY_PORT),
        )
        .needs(&[Capability::LabAddresses]),
        Case::must(
            "http/download/request-is-well-formed",
            &[
                "RFC9112-2.2-6",
                "RFC9112-3.2-1",
                "RFC9112-5.2-2",
                "RFC9112-2.2-8",
                "RFC9112-2.2-10",
                "RFC9110-7.2-2",
                "RFC9110-5.3-1",
                "RFC9110-10.1.1-7",
                "RFC9112-7.4-1",
                "RFC9112-7.4-3",
                "RFC9112-9.3-6",
                "RFC9112-9.6-6",
                "RFC9110-13.1.5-1",
                "RFC9110-15.3.7.2-8",
            ],
            "The request is a GET with Host, without what no such request may have, and nothing follows it",
            well_formed,
        ),
        Case::new(
            Level::Should,
            "http/download/request-is-as-it-should-be",
            &["RFC9110-7.2-1", "RFC9110-9.3.1-1", "RFC9110-8.6-8", "RFC9110-6.2-1"],
            "Host comes first, and a GET has neither content nor Content-Length",
            as_it_should_be,
        ),
        Case::must(
            "http/download/connection-is-used-once",
            &["RFC9112-9.6-5", "RFC9112-9.6-8", "RFC9112-9.2-1", "RFC9112-9.2-2", "RFC9112-6.3-11", "RFC9112-9.3-5"],
            "After a response with close nothing more is asked on the connection, and what follows the image is not read as a response",
            used_once,
        ),
        Case::new(
            Level::Policy,
            "http/download/signature-of-another-image",
            &["FIRMPROOF-UPDATE-9", "FIRMPROOF-UPDATE-14"],
            "The right signature of another image is refused, and nothing is downloaded",
            signature_of_another,
        ),
        Case::new(
            Level::Policy,
            "http/download/digest-of-another-image",
            &["FIRMPROOF-UPDATE-8", "FIRMPROOF-UPDATE-14"],
            "Another image of the same length than the one that was signed is refused",
            digest_of_another,
        ),
    ])
    .map(|case| case.needs(NEEDS))
    .collect()
}

/// A URL, and the target that it makes.
struct Url {
    name: &'static str,
    statements: &'static [&'static str],
    requirement: &'static str,
    after_authority: &'static str,
    target: &'static str,
}

const URLS: &[Url] = &[
    Url {
        name: "url-without-a-path",
        statements: &["RFC9112-3.2.1-2"],
        requirement: "For a URL without a path the target is /",
        after_authority: "",
        target: "/",
    },
    Url {
        name: "url-with-a-query",
        statements: &["RFC9112-3.2.1-1"],
        requirement: "The target has path and query, as they stand in the URL",
        after_authority: "/a%20b/image.bin?slot=b&c=%2F",
        target: "/a%20b/image.bin?slot=b&c=%2F",
    },
    Url {
        name: "url-with-a-fragment",
        statements: &["RFC9110-7.1-1"],
        requirement: "The fragment of a URL is not sent",
        after_authority: "/image.bin#part",
        target: "/image.bin",
    },
];

/// For a server on HTTP's own port, which not every lab has.
const EMPTY_PORT: Url = Url {
    name: "url-with-an-empty-port",
    statements: &["RFC3986-3.2.3-1"],
    requirement: "A URL without a port, or with an empty one, means port 80",
    after_authority: ":/image.bin",
    target: "/image.bin",
};

async fn asked(bench: Bench, row: &'static Url) -> Judged {
    let statement = row.statements[0];
    let mut server = begin(&bench).await?;
    let offer = Offer {
        url: Some(server.url(row.after_authority)),
        ..Offer::good(&bench, SIZE, 1)
    };
    let ending = offer
        .install(&bench, &mut server, |request, _| {
            let target = &request.target;
            require(target == row.target, statement, row.target, target)?;
            Ok(response("200 OK", &length(&offer), &offer.image))
        })
        .await?;
    ending.ready(statement, 1).map(drop)
}

/// An update whose one request `judge` looks at.
async fn request(bench: &Bench, judge: impl Fn(&Request) -> Judged) -> Judged {
    // Another port than HTTP's own, so that Host has to name it.
    let mut server = DownloadServer::listen_at(bench.lab(), bench.evidence(), 1, 8080)
        .await
        .map_err(|e| Stop::inconclusive(format!("the download server cannot listen: {e}")))?;
    let _usual = begin(bench).await?;
    let host = server.host();
    let offer = Offer {
        url: Some(server.url("/image.bin")),
        ..Offer::good(bench, SIZE, 1)
    };
    let ending = offer
        .install(bench, &mut server, |request, _| {
            let sent = request.field("host").unwrap_or_default();
            require(sent == host, "RFC9112-3.2-2", format!("Host: {host}"), sent)?;
            judge(request)?;
            Ok(response("200 OK", &length(&offer), &offer.image))
        })
        .await?;
    ending.ready("FIRMPROOF-UPDATE-5", 1).map(drop)
}

async fn well_formed(bench: Bench) -> Judged {
    // The server has refused folds, bare CRs, a missing or doubled Host, and octets behind the request.
    request(&bench, |request| {
        require(
            request.method == "GET",
            "RFC9110-7.2-2",
            "GET",
            &request.method,
        )?;
        for (field, statement) in [
            ("expect", "RFC9110-10.1.1-7"),
            ("if-range", "RFC9110-13.1.5-1"),
            ("range", "RFC9110-15.3.7.2-8"),
            ("transfer-encoding", "RFC9112-2.2-6"),
        ] {
            let absent = request.field(field).is_none();
            require(
                absent,
                statement,
                format!("no {field}"),
                request.to_string(),
            )?;
        }
        let te_is_listed = request.field("te").is_none()
            || request
                .all("connection")
                .any(|list| list.to_ascii_lowercase().contains("te"));
        require(
            te_is_listed,
            "RFC9112-7.4-3",
            "TE in Connection",
            request.to_string(),
        )?;
        let chunked = request
            .all("te")
            .any(|list| list.to_ascii_lowercase().contains("chunked"));
        require(
            !chunked,
            "RFC9112-7.4-1",
            "no chunked in TE",
            request.to_string(),
        )?;
        for (name, _) in &request.fields {
            let once = request.all(name).count() == 1;
            require(
                once,
                "RFC9110-5.3-1",
                format!("{name} once"),
                request.to_string(),
            )?;
        }
        Ok(())
    })
    .await
}

async fn as_it_should_be(bench: Bench) -> Judged {
    request(&bench, |request| {
        let first = request.fields.first().map_or("", |(name, _)| name);
        let is_host = first.eq_ignore_ascii_case("host");
        require(is_host, "RFC9110-7.2-1", "Host first", first)?;
        let bytes = format!("{} octets", request.body.len());
        require(
            request.body.is_empty(),
            "RFC9110-9.3.1-1",
            "no content",
            bytes,
        )?;
        let stated = request.field("content-length").is_some();
        require(
            !stated,
            "RFC9110-8.6-8",
            "no Content-Length",
            request.to_string(),
        )?;
        let version = &request.version;
        require(version == "HTTP/1.1", "RFC9110-6.2-1", "HTTP/1.1", version)
    })
    .await
}

async fn used_once(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9112-6.3-11";
    let mut server = begin(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let mut reply = response("200 OK", &length(&offer), &offer.image);
    // Were it read as a response, it would be one that forbids the image.
    reply.extend_from_slice(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n");
    let ending = offer
        .install(&bench, &mut server, |_, _| Ok(reply.clone()))
        .await?;
    ending.ready(STATEMENT, 1)?;
    let seen = format!("{} requests", ending.requests);
    require(ending.requests == 1, "RFC9112-9.6-5", "one request", seen)
}

async fn signature_of_another(bench: Bench) -> Judged {
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let signed = Offer::good(&bench, SIZE, 1);
    let other = Offer::good(&bench, SIZE, 2);
    let offer = Offer {
        version: signed.version,
        signature: signed.signature,
        ..other
    };
    let reply = response("200 OK", &length(&offer), &offer.image);
    let ending = offer
        .install(&bench, &mut server, |_, _| Ok(reply.clone()))
        .await?;
    let seen = format!("{} requests", ending.requests);
    require(
        ending.requests == 0,
        "FIRMPROOF-UPDATE-9",
        "no request",
        seen,
    )?;
    settle(
        &bench,
        &slot,
        &offer,
        &ending,
        "FIRMPROOF-UPDATE-9",
        Outcome::Failed,
    )
    .await
}

async fn digest_of_another(bench: Bench) -> Judged {
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let other = Offer::good(&bench, SIZE, 2);
    let reply = response("200 OK", &length(&offer), &other.image);
    let ending = offer
        .install(&bench, &mut server, |_, _| Ok(reply.clone()))
        .await?;
    settle(
        &bench,
        &slot,
        &offer,
        &ending,
        "FIRMPROOF-UPDATE-8",
        Outcome::Failed,
    )
    .await
}
