//! The control page, its form and the state that it shows.

use super::exchange::{require_status, response, still_serves};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, require};
use crate::peers::http_message::Response;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let forms = FORMS.iter().map(|form| {
        let id = format!("http/page/{}", form.name);
        Case::new(
            form.level,
            id,
            &[form.statement],
            form.requirement,
            move |bench| submitted(bench, form),
        )
    });
    forms
        .chain([
            Case::new(
                Level::Policy,
                "http/page/is-html",
                &["FIRMPROOF-PAGE-1", "FIRMPROOF-PAGE-8"],
                "GET / answers 200 with a page in UTF-8 that needs nothing from elsewhere",
                is_html,
            ),
            Case::new(
                Level::Policy,
                "http/page/state-has-its-keys",
                &["FIRMPROOF-PAGE-6", "FIRMPROOF-PAGE-7"],
                "GET /api/state answers JSON with the documented keys, and a time that is not yet known is null",
                state_keys,
            ),
            Case::must(
                "http/page/a-query-changes-nothing",
                &["RFC9110-9.2.1-1"],
                "A safe method changes nothing, whatever its query says",
                query,
            ),
            Case::must(
                "http/page/no-date-without-a-clock",
                &["RFC9110-6.6.1-2"],
                "A server without a clock sends no Date",
                no_date,
            )
            .needs(&[Capability::Configure]),
        ])
        .map(|case| case.needs(&[Capability::Http, Capability::Page, Capability::ObserveState]))
        .collect()
}

/// A form sent to the device, and what it does to the outputs.
struct Form {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    media_type: &'static str,
    /// Forms sent before, which must be taken.
    before: &'static str,
    body: &'static str,
    /// `None`: refused by a 4xx, and nothing changes.
    led: Option<&'static str>,
    beeper: Option<&'static str>,
}

const URLENCODED: &str = "application/x-www-form-urlencoded";

const fn taken(
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    body: &'static str,
    led: Option<&'static str>,
    beeper: Option<&'static str>,
) -> Form {
    Form {
        level: Level::Policy,
        name,
        statement,
        requirement,
        media_type: URLENCODED,
        before: "",
        body,
        led,
        beeper,
    }
}

const fn refused(name: &'static str, body: &'static str) -> Form {
    taken(
        name,
        "FIRMPROOF-PAGE-4",
        "A form with an unknown value is refused by a 4xx and changes nothing",
        body,
        None,
        None,
    )
}

const FORMS: &[Form] = &[
    taken(
        "led-on",
        "FIRMPROOF-PAGE-2",
        "led1=1 turns the LED on",
        "led1=1",
        Some("on"),
        None,
    ),
    Form {
        before: "led1=1",
        ..taken(
            "led-off",
            "FIRMPROOF-PAGE-2",
            "led1=2 turns the LED off",
            "led1=2",
            Some("off"),
            None,
        )
    },
    taken(
        "beeper-on",
        "FIRMPROOF-PAGE-3",
        "beep=3 turns the beeper on",
        "beep=3",
        None,
        Some("on"),
    ),
    Form {
        before: "beep=3",
        ..taken(
            "beeper-off",
            "FIRMPROOF-PAGE-3",
            "beep=4 turns the beeper off",
            "beep=4",
            None,
            Some("off"),
        )
    },
    Form {
        level: Level::Must,
        ..taken(
            "two-pairs",
            "WHATWG-URL-5.1-1",
            "A form is split at & into pairs",
            "led1=1&beep=3",
            Some("on"),
            Some("on"),
        )
    },
    Form {
        level: Level::Must,
        ..taken(
            "empty-pairs",
            "WHATWG-URL-5.1-4",
            "Empty pairs are passed over",
            "&&led1=1&",
            Some("on"),
            None,
        )
    },
    Form {
        level: Level::Must,
        ..taken(
            "percent-encoded",
            "WHATWG-URL-5.1-3",
            "Percent-encoded octets in a form are decoded",
            "%6Ced1=%31",
            Some("on"),
            None,
        )
    },
    Form {
        media_type: "Application/X-WWW-Form-URLEncoded; charset=utf-8",
        ..taken(
            "media-type-with-a-parameter",
            "FIRMPROOF-PAGE-2",
            "The media type is compared without its case and its parameters (RFC 9110 §8.3.1)",
            "led1=1",
            Some("on"),
            None,
        )
    },
    refused("unknown-led-value", "led1=9"),
    refused("empty-led-value", "led1="),
    refused("led-value-with-a-tail", "led1=1x"),
    refused("led-value-of-the-beeper", "led1=3"),
    Form {
        level: Level::Must,
        statement: "WHATWG-URL-5.1-2",
        requirement: "A plus sign in a form is a space, which is no part of a value that the device knows",
        ..refused("plus-sign", "led1=1+")
    },
    Form {
        statement: "FIRMPROOF-PAGE-5",
        requirement: "A form in another media type is refused and changes nothing",
        media_type: "text/plain",
        ..refused("text-plain", "led1=1")
    },
];

async fn post(bench: &Bench, form: &Form, body: &str) -> Judged<Response> {
    let mut connection = bench.http().await?;
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        connection.host(),
        form.media_type,
        body.len()
    );
    connection.send(request.as_bytes()).await;
    response(&mut connection, "POST", form.statement).await
}

async fn submitted(bench: Bench, form: &'static Form) -> Judged {
    bench.start().await?;
    if !form.before.is_empty() {
        let seen = post(&bench, form, form.before).await?;
        require(
            seen.status < 400,
            form.statement,
            "the first form is taken",
            seen.to_string(),
        )?;
    }
    let earlier = bench.state().await?;
    let seen = post(&bench, form, form.body).await?;
    let refused = form.led.is_none() && form.beeper.is_none();
    let (fits, expected) = if refused {
        ((400..500).contains(&seen.status), "a 4xx")
    } else {
        ((200..400).contains(&seen.status), "the form is taken")
    };
    require(fits, form.statement, expected, seen.to_string())?;
    let state = bench.state().await?;
    for (output, wanted, event) in [
        ("led", form.led, "led.set"),
        ("beeper", form.beeper, "beeper.set"),
    ] {
        let expected = wanted.map_or_else(|| earlier[output].clone(), Into::into);
        require(
            state[output] == expected,
            form.statement,
            format!("{output} is {expected}"),
            format!("{output} is {} in /api/state", state[output]),
        )?;
        if let Some(value) = wanted
            && bench.need(Capability::ObserveConsole).is_ok()
        {
            let on_console = bench
                .event(PATIENCE, |line| {
                    line.is(event) && line.field(output) == Some(value)
                })
                .await?;
            require(
                on_console.is_some(),
                form.statement,
                format!("a console line event={event} {output}={value}"),
                bench.with_console("none"),
            )?;
        }
    }
    still_serves(&bench).await
}

async fn page(bench: &Bench) -> Judged<Response> {
    let request = b"GET / HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    super::exchange::ask(bench, request, "GET", "FIRMPROOF-PAGE-1").await
}

async fn is_html(bench: Bench) -> Judged {
    bench.start().await?;
    let seen = page(&bench).await?;
    require_status(&seen, &[200], "FIRMPROOF-PAGE-1")?;
    let media_type = seen
        .field("content-type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let html = media_type.starts_with("text/html") && media_type.contains("utf-8");
    require(
        html,
        "FIRMPROOF-PAGE-1",
        "text/html; charset=utf-8",
        media_type,
    )?;
    let text = String::from_utf8(seen.body)
        .map_err(|error| crate::case::Stop::fail("FIRMPROOF-PAGE-1", "UTF-8", error.to_string()))?;
    for control in ["led1", "beep"] {
        let present = text.contains(control);
        require(
            present,
            "FIRMPROOF-PAGE-1",
            format!("a control {control}"),
            "none",
        )?;
    }
    let elsewhere = ["http://", "https://", "src=\"//", "href=\"//"]
        .into_iter()
        .find(|mark| text.contains(mark));
    let shown = format!("{elsewhere:?} in the page");
    require(
        elsewhere.is_none(),
        "FIRMPROOF-PAGE-8",
        "nothing from elsewhere",
        shown,
    )
}

async fn state_keys(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-PAGE-6";
    bench.start().await?;
    let state = bench.state().await?;
    for key in [
        "/version",
        "/board",
        "/device_id",
        "/slot",
        "/boots",
        "/uptime_s",
        "/time/synced",
        "/time/unix_s",
        "/time/utc",
        "/time/local",
        "/time/leap",
        "/led",
        "/beeper",
        "/mqtt",
        "/update/state",
        "/update/received",
        "/update/reason",
        "/counters/mqtt_connects",
        "/counters/mqtt_received",
        "/counters/mqtt_sent",
        "/counters/mqtt_oversize",
        "/counters/http_requests",
        "/counters/ntp_taken",
        "/counters/ntp_refused",
    ] {
        let present = state.pointer(key).is_some();
        require(
            present,
            STATEMENT,
            format!("the key {key}"),
            state.to_string(),
        )?;
    }
    if state["time"]["synced"] == false {
        let unknown = state["time"]["utc"].is_null() && state["time"]["local"].is_null();
        let seen = state["time"].to_string();
        require(unknown, "FIRMPROOF-PAGE-7", "utc and local are null", seen)?;
    }
    if bench.need(Capability::ObserveConsole).is_ok() {
        let ready = bench.event(PATIENCE, |line| line.is("ready")).await?;
        let version = ready.as_ref().and_then(|line| line.field("version"));
        let agrees = version.is_some() && state["version"].as_str() == version;
        let expected = format!("the console's version {version:?}");
        require(agrees, STATEMENT, expected, state["version"].to_string())?;
    }
    Ok(())
}

async fn query(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-9.2.1-1";
    bench.start().await?;
    let before = bench.state().await?;
    let wanted = if before["led"] == "on" { "2" } else { "1" };
    for method in ["GET", "HEAD", "OPTIONS"] {
        let request = format!(
            "{method} /?led1={wanted}&beep=3 HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n"
        );
        super::exchange::ask(&bench, request.as_bytes(), method, STATEMENT).await?;
        let after = bench.state().await?;
        for output in ["led", "beeper"] {
            let same = before[output] == after[output];
            let expected = format!("{output} stays {}", before[output]);
            require(
                same,
                STATEMENT,
                expected,
                format!("{} after {method}", after[output]),
            )?;
        }
    }
    Ok(())
}

async fn no_date(bench: Bench) -> Judged {
    bench.start().await?;
    // The standard configuration has no time server, so nothing can have set the clock.
    let seen = page(&bench).await?;
    let shown = format!("Date: {}", seen.field("date").unwrap_or_default());
    require(
        seen.field("date").is_none(),
        "RFC9110-6.6.1-2",
        "no Date",
        shown,
    )
}
