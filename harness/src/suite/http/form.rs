//! The page's form as bytes: percent-encoding, plus signs, fields that are unknown, repeated or misspelt, in charsets and
//! media types of all kinds (WHATWG URL §5.1).

use super::exchange::{observe, response, still_serves};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, require};
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    FORMS
        .iter()
        .map(|form| {
            let id = format!("http/form/{}", form.name);
            Case::new(
                form.level,
                id,
                &[form.statement],
                form.requirement,
                move |bench| judge(bench, form),
            )
            .needs(&[Capability::Http, Capability::Page, Capability::ObserveState])
        })
        .collect()
}

/// What the form may do to the LED, which is off before.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    /// It is taken, and turns the LED on.
    On,
    /// It is refused by a 4xx, and changes nothing.
    Refused,
    /// Whether it is taken or refused, it changes nothing.
    Nothing,
    /// It turns the LED on, or is refused by a 4xx and changes nothing: nothing in between.
    Either,
}

struct Form {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    /// Field lines that describe the content, and the request's target.
    head: &'static str,
    target: &'static str,
    body: &'static [u8],
    chunk: Option<usize>,
    outcome: Outcome,
}

const URLENCODED: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

const fn form(
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    body: &'static [u8],
    outcome: Outcome,
) -> Form {
    Form {
        level,
        name,
        statement,
        requirement,
        head: URLENCODED,
        target: "/",
        body,
        chunk: None,
        outcome,
    }
}

const FORMS: &[Form] = &[
    form(
        Level::Policy,
        "unknown-fields-beside",
        "FIRMPROOF-PAGE-10",
        "Fields of other names are passed over",
        b"x=1&led1=1&y=2",
        Outcome::On,
    ),
    form(
        Level::Policy,
        "unknown-field-alone",
        "FIRMPROOF-PAGE-10",
        "A form without a field that the page knows changes nothing",
        b"led2=1",
        Outcome::Nothing,
    ),
    form(
        Level::Policy,
        "field-twice",
        "FIRMPROOF-PAGE-11",
        "A field given twice with two values is refused, and neither value counts",
        b"led1=2&led1=1",
        Outcome::Refused,
    ),
    form(
        Level::Must,
        "escape-in-lower-case",
        "RFC3986-2.1-1",
        "The digits of a percent-escape may be in either case",
        b"%6c%65d1=1",
        Outcome::On,
    ),
    form(
        Level::Must,
        "escape-cut-short",
        "WHATWG-URL-5.1-3",
        "A percent sign without two digits is no escape: the value is another",
        b"led1=%3",
        Outcome::Refused,
    ),
    form(
        Level::Must,
        "escaped-ampersand",
        "WHATWG-URL-5.1-1",
        "Pairs are split before they are decoded: an escaped ampersand is part of the value",
        b"led1=1%26x=2",
        Outcome::Refused,
    ),
    form(
        Level::Must,
        "escaped-equals-sign",
        "WHATWG-URL-5.1-1",
        "Names and values are split before they are decoded: an escaped equals sign is part of the name",
        b"led1%3D1",
        Outcome::Nothing,
    ),
    form(
        Level::Must,
        "no-equals-sign",
        "WHATWG-URL-5.1-4",
        "A pair without an equals sign has an empty value",
        b"led1",
        Outcome::Refused,
    ),
    form(
        Level::Must,
        "two-equals-signs",
        "WHATWG-URL-5.1-1",
        "The value begins after the first equals sign",
        b"led1==1",
        Outcome::Refused,
    ),
    form(
        Level::Must,
        "semicolon",
        "WHATWG-URL-5.1-1",
        "A semicolon separates nothing",
        b"x=1;led1=1",
        Outcome::Nothing,
    ),
    form(
        Level::Must,
        "plus-in-the-name",
        "WHATWG-URL-5.1-2",
        "A plus sign is a space in a name too, and makes it another name",
        b"led1+=1",
        Outcome::Nothing,
    ),
    form(
        Level::Must,
        "escaped-plus",
        "WHATWG-URL-5.1-3",
        "An escaped plus sign is a plus sign and no space",
        b"led1=%2B1",
        Outcome::Refused,
    ),
    form(
        Level::Policy,
        "escaped-nul",
        "FIRMPROOF-PAGE-4",
        "An escaped NUL ends no value",
        b"led1=1%00",
        Outcome::Refused,
    ),
    form(
        Level::Policy,
        "digit-of-another-script",
        "FIRMPROOF-PAGE-4",
        "A full-width digit is not the digit",
        b"led1=%EF%BC%91",
        Outcome::Refused,
    ),
    form(
        Level::Policy,
        "name-in-upper-case",
        "FIRMPROOF-PAGE-10",
        "Names of fields are case-sensitive",
        b"LED1=1",
        Outcome::Nothing,
    ),
    form(
        Level::Policy,
        "no-utf-8-beside",
        "FIRMPROOF-PAGE-10",
        "What is no UTF-8 in a field of another name does no harm",
        b"x=%FF%C0%AF&led1=1",
        Outcome::On,
    ),
    Form {
        head: "Content-Type: application/x-www-form-urlencoded; charset=utf-16\r\n",
        ..form(
            Level::Policy,
            "charset-of-another-name",
            "FIRMPROOF-PAGE-12",
            "A form that claims another charset is taken as it stands or refused",
            b"led1=1",
            Outcome::Either,
        )
    },
    form(
        Level::Policy,
        "in-utf-16",
        "FIRMPROOF-PAGE-12",
        "A form in UTF-16 is none",
        b"l\0e\0d\x001\0=\x001\0",
        Outcome::Nothing,
    ),
    Form {
        head: "Content-Type: multipart/form-data; boundary=x\r\n",
        ..form(
            Level::Policy,
            "multipart",
            "FIRMPROOF-PAGE-5",
            "A form in several parts is refused, since the page sends none",
            b"--x\r\nContent-Disposition: form-data; name=\"led1\"\r\n\r\n1\r\n--x--\r\n",
            Outcome::Refused,
        )
    },
    Form {
        head: "Content-Type: application/json\r\n",
        ..form(
            Level::Policy,
            "json",
            "FIRMPROOF-PAGE-5",
            "A form as JSON is refused",
            b"{\"led1\":1}",
            Outcome::Refused,
        )
    },
    Form {
        head: "",
        ..form(
            Level::Must,
            "no-media-type",
            "RFC9110-8.3-2",
            "Without Content-Type the content is looked at, or refused as of no known type",
            b"led1=1",
            Outcome::Either,
        )
    },
    Form {
        head: "Content-Type: text/plain\r\nContent-Type: application/x-www-form-urlencoded\r\n",
        ..form(
            Level::Policy,
            "two-media-types",
            "FIRMPROOF-PAGE-5",
            "With two media types the form is taken or refused, and nothing in between",
            b"led1=1",
            Outcome::Either,
        )
    },
    form(
        Level::Policy,
        "nothing-at-all",
        "FIRMPROOF-PAGE-10",
        "An empty form changes nothing",
        b"",
        Outcome::Nothing,
    ),
    Form {
        chunk: Some(1),
        ..form(
            Level::Must,
            "in-chunks",
            "RFC9112-6.1-1",
            "A form in chunks of one octet is taken",
            b"led1=1",
            Outcome::On,
        )
    },
    Form {
        target: "/?led1=2",
        ..form(
            Level::Policy,
            "query-beside",
            "FIRMPROOF-PAGE-2",
            "The form is the content, and the query is not",
            b"led1=1",
            Outcome::On,
        )
    },
    Form {
        target: "/index.html",
        ..form(
            Level::Must,
            "to-another-resource",
            "RFC9110-15.5.5-1",
            "A form sent to no resource changes nothing",
            b"led1=1",
            Outcome::Refused,
        )
    },
];

async fn judge(bench: Bench, form: &'static Form) -> Judged {
    bench.start().await?;
    let before = bench.state().await?;
    let mut connection = bench.http().await?;
    let (framing, body) = match form.chunk {
        Some(size) => (
            "Transfer-Encoding: chunked\r\n".to_owned(),
            crate::peers::download_server::chunked(form.body, size),
        ),
        None => (
            format!("Content-Length: {}\r\n", form.body.len()),
            form.body.to_vec(),
        ),
    };
    let mut request = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\n{}{framing}Connection: close\r\n\r\n",
        form.target,
        connection.host(),
        form.head
    )
    .into_bytes();
    request.extend_from_slice(&body);
    connection.send(&request).await;
    let seen = response(&mut connection, "POST", form.statement).await?;
    let refused = (400..500).contains(&seen.status);
    let fits = match form.outcome {
        Outcome::On => (200..400).contains(&seen.status),
        Outcome::Refused => refused,
        Outcome::Nothing | Outcome::Either => refused || (200..400).contains(&seen.status),
    };
    let expected = match form.outcome {
        Outcome::On => "the form is taken",
        Outcome::Refused => "a 4xx",
        Outcome::Nothing | Outcome::Either => "the form is taken, or a 4xx",
    };
    require(fits, form.statement, expected, seen.to_string())?;
    if matches!(form.outcome, Outcome::Nothing | Outcome::Either) {
        observe(&bench, &seen.status.to_string());
    }
    let after = bench.state().await?;
    let turned_on = match form.outcome {
        Outcome::On => true,
        Outcome::Refused | Outcome::Nothing => false,
        Outcome::Either => !refused,
    };
    let led = if turned_on {
        "on".into()
    } else {
        before["led"].clone()
    };
    for (output, wanted) in [("led", &led), ("beeper", &before["beeper"])] {
        require(
            after[output] == *wanted,
            form.statement,
            format!("{output} is {wanted} after {seen}"),
            format!("{output} is {} in /api/state", after[output]),
        )?;
    }
    still_serves(&bench).await
}
