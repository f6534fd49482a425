//! Redirections of a download (RFC 9110 §15.4): followed as far as the configuration lets it, never without end.

use super::download::{NEEDS, SIZE, length};
use super::download_reply::{Outcome, settle};
use super::offer::{Offer, begin, exchange_of, running_slot, send};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::download_server::{DownloadServer, HTTP_PORT, response};
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = ROWS
        .iter()
        .map(|row| {
            let id = format!("http/download/{}", row.name);
            let body = move |bench| refused(bench, row);
            Case::new(
                row.level,
                id,
                &[row.statement, "FIRMPROOF-UPDATE-14"],
                row.requirement,
                body,
            )
        })
        .collect();
    cases.push(Case::new(
        Level::Policy,
        "http/download/redirected-by-a-relative-reference",
        &["FIRMPROOF-UPDATE-12", "RFC9110-15.4-3"],
        "A relative Location is resolved against the URL that was asked for",
        relative,
    ));
    cases.push(
        Case::new(
            Level::Policy,
            "http/download/redirected-to-another-host",
            &["FIRMPROOF-UPDATE-12", "RFC9112-3.2-2"],
            "A redirect to another host is followed there, with its name in Host",
            another_host,
        )
        .needs(&[Capability::LabAddresses]),
    );
    cases.into_iter().map(|case| case.needs(NEEDS)).collect()
}

/// Redirects that the device may follow, and that lead to no image.
struct Row {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    /// The field that leads on, by the number of the request.
    location: fn(usize) -> String,
}

const ROWS: &[Row] = &[
    Row {
        level: Level::Should,
        name: "redirected-to-itself",
        statement: "RFC9110-15.4-1",
        requirement: "A redirect to the URL that was asked for is noticed and ended",
        location: |_| "Location: /image.bin\r\n".into(),
    },
    Row {
        level: Level::Should,
        name: "redirected-in-a-circle",
        statement: "RFC9110-15.4-1",
        requirement: "Redirects in a circle are noticed and ended",
        location: |n| format!("Location: /{}\r\n", n % 2),
    },
    Row {
        level: Level::Should,
        name: "redirected-without-end",
        statement: "RFC9110-15.4-1",
        requirement: "Redirects to ever new URLs are ended",
        location: |n| format!("Location: /{n}\r\n"),
    },
    Row {
        level: Level::Policy,
        name: "redirected-nowhere",
        statement: "FIRMPROOF-UPDATE-12",
        requirement: "A redirect without Location is refused with a named reason",
        location: |_| String::new(),
    },
    Row {
        level: Level::Policy,
        name: "redirected-to-another-scheme",
        statement: "FIRMPROOF-UPDATE-20",
        requirement: "A redirect to a scheme that the client cannot fetch is refused with a named reason",
        location: |_| "Location: ftp://192.0.2.7/image.bin\r\n".into(),
    },
    Row {
        level: Level::Policy,
        name: "redirected-to-what-is-no-url",
        statement: "FIRMPROOF-UPDATE-12",
        requirement: "A Location that is no URL is refused with a named reason",
        location: |_| "Location: http://[::1\r\n".into(),
    },
];

async fn refused(bench: Bench, row: &'static Row) -> Judged {
    bench.configure(|config| config.update.max_redirects = 3);
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let ending = offer
        .install(&bench, &mut server, |_, n| {
            let fields = format!("{}Content-Length: 0\r\n", (row.location)(n));
            Ok(response("302 Found", &fields, b""))
        })
        .await?;
    settle(
        &bench,
        &slot,
        &offer,
        &ending,
        row.statement,
        Outcome::Failed,
    )
    .await
}

async fn relative(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-12";
    bench.configure(|config| config.update.max_redirects = 2);
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer {
        url: Some(server.url("/a/b/image.bin?x=y")),
        ..Offer::good(&bench, SIZE, 1)
    };
    let ending = offer
        .install(&bench, &mut server, |request, n| {
            if n == 0 {
                let fields = "Location: ../c/./next.bin?z\r\nContent-Length: 0\r\n";
                return Ok(response("301 Moved Permanently", fields, b""));
            }
            let target = &request.target;
            // RFC 3986 §5.2.
            let expected = "/a/c/next.bin?z";
            require(target == expected, STATEMENT, expected, target)?;
            Ok(response("200 OK", &length(&offer), &offer.image))
        })
        .await?;
    // A client may know absolute references and paths only, if it says so.
    settle(&bench, &slot, &offer, &ending, STATEMENT, Outcome::Either).await
}

async fn another_host(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-12";
    bench.configure(|config| config.update.max_redirects = 1);
    let mut server = begin(&bench).await?;
    let mut other = DownloadServer::listen_at(bench.lab(), bench.evidence(), 2, HTTP_PORT)
        .await
        .map_err(|e| {
            Stop::inconclusive(format!("the second download server cannot listen: {e}"))
        })?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let (elsewhere, host) = (other.url("/moved.bin"), other.host());
    let serving = async {
        let exchange = exchange_of(other.next(PATIENCE).await)?;
        let sent = exchange.request.field("host").unwrap_or_default();
        require(sent == host, "RFC9112-3.2-2", format!("Host: {host}"), sent)?;
        send(
            &exchange,
            &response("200 OK", &length(&offer), &offer.image),
        )
        .await
    };
    let installing = offer.install(&bench, &mut server, |_, _| {
        let fields = format!("Location: {elsewhere}\r\nContent-Length: 0\r\n");
        Ok(response("302 Found", &fields, b""))
    });
    let (served, ending) = tokio::join!(serving, installing);
    let ending = ending?;
    served?;
    let ready = ending.ready(STATEMENT, 1)?;
    require(ready != slot, STATEMENT, "the other slot", ready)
}
