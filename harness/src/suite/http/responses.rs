//! What every response has to be, whatever it answers: its length, its fields, its date, and nothing of the request in it
//! that was not escaped.

use super::exchange::{ask, filled, observe, require_status, still_serves};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::http_message::{Framing, Response, is_imf_fixdate};
use crate::peers::http_prober::Answer;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            Level::Should,
            "http/responses/length-is-stated",
            &["RFC9110-8.6-5", "RFC9112-6.3-12", "RFC9112-6.2-1"],
            "Every response states its length, in one way",
            lengths,
        ),
        Case::must(
            "http/responses/no-field-twice",
            &["RFC9110-5.3-1", "RFC9112-5.2-2", "RFC9112-2.2-8", "RFC9112-2.2-10"],
            "No response has a field twice that is no list, a folded line, a bare CR or white space before its first field",
            fields,
        ),
        Case::new(
            Level::Should,
            "http/responses/errors-explain-themselves",
            &["RFC9110-15.5-1", "RFC9110-8.3-1"],
            "A 4xx says in its content what was wrong, with a media type, and says nothing to HEAD",
            explanations,
        ),
        Case::must(
            "http/responses/date-when-synchronised",
            &["RFC9110-6.6.1-1", "RFC9110-5.6.7-1", "RFC9110-5.6.7-3"],
            "A server with a clock sends Date in every 2xx, 3xx and 4xx, in the one form",
            dates,
        )
        .needs(&[Capability::Ntp, Capability::Configure, Capability::ObserveConsole]),
        Case::new(
            Level::Should,
            "http/responses/date-is-the-time",
            &["RFC9110-6.6.1-3"],
            "Date is the time at which the response was made",
            date_is_now,
        )
        .needs(&[Capability::Ntp, Capability::Configure, Capability::ObserveConsole]),
        Case::new(
            Level::Policy,
            "http/responses/target-is-not-echoed-as-markup",
            &["FIRMPROOF-PAGE-9"],
            "Markup in a target, a query or a field appears escaped, as plain text, or not at all",
            markup,
        ),
        Case::new(
            Level::Policy,
            "http/responses/no-field-from-the-request",
            &["FIRMPROOF-PAGE-9"],
            "An escaped line end in a target makes no field of the response",
            injected_field,
        ),
        Case::new(
            Level::Policy,
            "http/responses/console-is-not-forged",
            &["FIRMPROOF-PAGE-9"],
            "A request makes no console line but its own",
            forged_line,
        )
        .needs(&[Capability::ObserveConsole]),
        Case::new(
            Level::Policy,
            "http/responses/form-is-answered-by-303",
            &["FIRMPROOF-PAGE-13"],
            "A form is answered by 303 to the page, so that a reload does not send it again",
            see_other,
        )
        .needs(&[Capability::Page]),
    ]
    .into_iter()
    .map(|case| case.needs(&[Capability::Http]))
    .collect()
}

/// Requests whose answers cover the statuses that a server gives, with the method of each.
const REQUESTS: &[(&str, &[u8])] = &[
    (
        "GET",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n",
    ),
    (
        "HEAD",
        b"HEAD $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n",
    ),
    (
        "OPTIONS",
        b"OPTIONS $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n",
    ),
    (
        "GET",
        b"GET /firmproof/no/such/thing HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n",
    ),
    (
        "HEAD",
        b"HEAD /firmproof/no/such/thing HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n",
    ),
    (
        "DELETE",
        b"DELETE $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n",
    ),
    ("GET", b"GET $PATH HTTP/1.1\r\nConnection: close\r\n\r\n"),
    (
        "FIRMPROOF",
        b"FIRMPROOF $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n",
    ),
    ("GET", b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd : 1\r\n\r\n"),
    (
        "POST",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
          Content-Length: 6\r\nConnection: close\r\n\r\nled1=1",
    ),
    (
        "POST",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: text/csv\r\n\
          Content-Length: 6\r\nConnection: close\r\n\r\nled1=1",
    ),
];

async fn answers(bench: &Bench, statement: &str) -> Judged<Vec<(&'static str, Response)>> {
    let mut all = Vec::new();
    for (method, request) in REQUESTS {
        // The reader refuses bare CRs, folds and white space where none may be (RFC 9112 §2.2, §5.2).
        let mut connection = bench.http().await?;
        let bytes = filled(request, &connection);
        connection.send(&bytes).await;
        match connection.answer(PATIENCE, method).await {
            Answer::Response(response) => all.push((*method, response)),
            // A server may close instead: then there is no response to judge.
            Answer::Closed | Answer::Reset if !all.is_empty() => {
                observe(bench, &format!("{method} is closed upon"));
            }
            other => {
                let expected = "a well-formed response";
                return Err(Stop::fail(statement, expected, other.to_string()));
            }
        }
    }
    Ok(all)
}

async fn lengths(bench: Bench) -> Judged {
    bench.start().await?;
    for (_, seen) in answers(&bench, "RFC9110-8.6-5").await? {
        let stated = seen.framing != Framing::UntilClose;
        require(
            stated,
            "RFC9112-6.3-12",
            "a stated length",
            seen.to_string(),
        )?;
        let both =
            seen.field("content-length").is_some() && seen.field("transfer-encoding").is_some();
        require(!both, "RFC9112-6.2-1", "one of the two", seen.to_string())?;
    }
    Ok(())
}

async fn fields(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-5.3-1";
    // Those of RFC 9110 and RFC 9111 that a response may have and that are no lists. What another field is, its own
    // definition says.
    const SINGLE: [&str; 12] = [
        "age",
        "content-length",
        "content-location",
        "content-range",
        "content-type",
        "date",
        "etag",
        "expires",
        "last-modified",
        "location",
        "retry-after",
        "server",
    ];
    bench.start().await?;
    for (_, seen) in answers(&bench, STATEMENT).await? {
        for name in SINGLE {
            let values: Vec<&str> = seen.all(name).collect();
            let shown = format!("{name}: {}", values.join(" and "));
            require(values.len() <= 1, STATEMENT, format!("{name} once"), shown)?;
        }
    }
    Ok(())
}

async fn explanations(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-15.5-1";
    bench.start().await?;
    for (method, seen) in answers(&bench, STATEMENT).await? {
        if !(400..500).contains(&seen.status) || method == "HEAD" {
            continue;
        }
        let says = !String::from_utf8_lossy(&seen.body).trim().is_empty();
        require(says, STATEMENT, "content that explains", seen.to_string())?;
        let typed = seen.field("content-type").is_some();
        require(typed, "RFC9110-8.3-1", "Content-Type", seen.to_string())?;
    }
    Ok(())
}

/// A device whose clock a time server has set to `unix_s`.
async fn synchronised(bench: &Bench, unix_s: i64) -> Judged {
    use firmproof_bootconfig::Host;
    let server = bench.ntp_server(1).await?;
    let address = bench.lab().peer_address(1).octets();
    bench.configure(|config| {
        config.ntp.servers.clear();
        // One always fits: the list has room for several.
        let _ = config.ntp.servers.push(Host::Address(address));
    });
    bench.start().await?;
    let synced = bench.event(PATIENCE, |line| line.is("ntp.sync"));
    let serving = async {
        loop {
            let Ok(request) = server.next_request(PATIENCE).await else {
                return;
            };
            let reply = request.good_reply(unix_s, 0);
            if server.reply(&request, &reply).await.is_err() {
                return;
            }
        }
    };
    let told = tokio::select! {
        told = synced => told?,
        () = serving => None,
    };
    match told {
        Some(_) => Ok(()),
        None => Err(Stop::inconclusive(
            bench.with_console("the device's clock is not synchronised"),
        )),
    }
}

/// Thursday, 2026-01-15 12:00:00 UTC, from GNU date.
const NOON: i64 = 1_768_478_400;
const NOON_DAY: &str = "Thu, 15 Jan 2026 12:0";

async fn dates(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-6.6.1-1";
    synchronised(&bench, NOON).await?;
    for (_, seen) in answers(&bench, STATEMENT).await? {
        let date = seen.field("date");
        if seen.status < 500 {
            require(date.is_some(), STATEMENT, "Date", seen.to_string())?;
        }
        if let Some(date) = date {
            let form = is_imf_fixdate(date);
            require(form, "RFC9110-5.6.7-1", "the form of IMF-fixdate", date)?;
        }
    }
    Ok(())
}

async fn date_is_now(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-6.6.1-3";
    synchronised(&bench, NOON).await?;
    let (_, request) = REQUESTS[0];
    let seen = ask(&bench, request, "GET", STATEMENT).await?;
    let date = seen.field("date").unwrap_or_default();
    let near = date.starts_with(NOON_DAY) && date.ends_with(" GMT");
    let expected = "Thu, 15 Jan 2026 12:00:00 GMT and the seconds since";
    require(near, STATEMENT, expected, format!("Date: {date}"))
}

async fn markup(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-PAGE-9";
    const MARK: &str = "<script>firmproof()</script>";
    bench.start().await?;
    for request in [
        "GET /<script>firmproof()</script> HTTP/1.1\r\nHost: $HOST\r\n",
        "GET /%3Cscript%3Efirmproof()%3C/script%3E HTTP/1.1\r\nHost: $HOST\r\n",
        "GET /?q=%3Cscript%3Efirmproof()%3C/script%3E HTTP/1.1\r\nHost: $HOST\r\n",
        "GET $PATH HTTP/1.1\r\nHost: $HOST\r\nReferer: <script>firmproof()</script>\r\n",
        "<script>firmproof()</script> $PATH HTTP/1.1\r\nHost: $HOST\r\n",
    ] {
        let whole = format!("{request}Connection: close\r\n\r\n");
        let seen = ask(&bench, whole.as_bytes(), "GET", STATEMENT).await?;
        let body = String::from_utf8_lossy(&seen.body);
        // Plain text has no markup, whatever stands in it.
        let plain = seen
            .field("content-type")
            .is_some_and(|value| value.starts_with("text/plain"));
        require(
            plain || !body.contains(MARK),
            STATEMENT,
            "no markup of the request in the content",
            format!("{seen} with {MARK}"),
        )?;
    }
    still_serves(&bench).await
}

async fn injected_field(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-PAGE-9";
    bench.start().await?;
    for target in [
        "/%0d%0aX-Injected:%201",
        "/?a=%0d%0aX-Injected:%201",
        "//elsewhere.example/%0d%0aX-Injected:%201",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n");
        let seen = ask(&bench, request.as_bytes(), "GET", STATEMENT).await?;
        let injected = seen.field("x-injected").is_some();
        require(
            !injected,
            STATEMENT,
            "no field X-Injected",
            seen.to_string(),
        )?;
    }
    still_serves(&bench).await
}

async fn forged_line(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-PAGE-9";
    bench.start().await?;
    let before = bench.console().len();
    let request = b"GET /x%0Aevent=led.set+led=on%20event=panic HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    ask(&bench, request, "GET", STATEMENT).await?;
    let told = bench
        .event(PATIENCE, |line| line.is("http.request"))
        .await?
        .is_some();
    require(
        told,
        STATEMENT,
        "event=http.request",
        bench.with_console("none"),
    )?;
    let forged = bench
        .console()
        .into_iter()
        .skip(before)
        .find(|line| line.is("led.set") || line.is("panic") || line.field("led").is_some());
    let seen = forged.map(|line| line.text);
    require(
        seen.is_none(),
        STATEMENT,
        "one line, of the request",
        seen.unwrap_or_default(),
    )
}

async fn see_other(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-PAGE-13";
    bench.start().await?;
    let request =
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
        Content-Length: 6\r\nConnection: close\r\n\r\nled1=1";
    let seen = ask(&bench, request, "POST", STATEMENT).await?;
    require_status(&seen, &[303], STATEMENT)?;
    let location = seen.field("location").unwrap_or_default();
    let shown = format!("Location: {location}");
    require(location == "/", STATEMENT, "Location: /", shown)
}
