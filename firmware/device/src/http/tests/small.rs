//! Forms, tokens, paths and patience.

use embassy_time::{Duration, Instant};

use crate::board::{Beeper, Led};
use crate::http::bearer::authorizes;
use crate::http::form::{Controls, FormError};
use crate::http::patience::{CONTENT, HEAD, IDLE, Patience};
use crate::http::reader::Waiting;
use crate::http::target::path_is;

#[test]
fn a_form_sets_what_it_names() {
    let parsed = |form: &str| Controls::parse(form.as_bytes()).map(|c| (c.led, c.beeper));
    for (form, expected) in [
        ("", (None, None)),
        ("led1=1", (Some(Led::On), None)),
        ("led1=2&beep=3", (Some(Led::Off), Some(Beeper::On))),
        ("beep=4&&other=%00&x", (None, Some(Beeper::Off))),
        ("%6ced1=%31", (Some(Led::On), None)),
        ("LED1=1&led1+=9&led12345678=7", (None, None)),
    ] {
        assert_eq!(parsed(form), Ok(expected), "{form}");
    }
}

#[test]
fn a_form_with_a_wrong_value_is_refused_by_the_fields_name() {
    for (form, detail) in [
        ("led1=3", "led1 must be 1 or 2"),
        ("led1", "led1 must be 1 or 2"),
        ("led1=", "led1 must be 1 or 2"),
        ("led1=1+", "led1 must be 1 or 2"),
        ("led1=11111111111", "led1 must be 1 or 2"),
        ("beep=1", "beep must be 3 or 4"),
        ("led1=1&led1=2", "led1 must be given once"),
        ("beep=3&beep=3", "beep must be given once"),
        ("led1=%", "the form has a malformed percent-escape"),
        ("x=%4", "the form has a malformed percent-escape"),
        ("%gg=1", "the form has a malformed percent-escape"),
    ] {
        assert_eq!(
            Controls::parse(form.as_bytes()),
            Err(FormError(detail)),
            "{form}"
        );
    }
}

#[test]
fn only_the_configured_token_authorizes() {
    for (value, token, expected) in [
        ("Bearer secret", "secret", true),
        ("bEARER   secret", "secret", true),
        ("Bearer secret2", "secret", false),
        ("Bearer secre", "secret", false),
        ("Bearer", "secret", false),
        ("Bearer ", "", false),
        ("Bearer ", "secret", false),
        ("Bearersecret", "secret", false),
        ("Basic secret", "secret", false),
        ("secret", "secret", false),
        ("", "", false),
    ] {
        assert_eq!(authorizes(value.as_bytes(), token), expected, "{value:?}");
    }
}

#[test]
fn a_path_is_the_same_with_needless_escapes() {
    for (path, expected) in [
        ("/api/state", true),
        ("/api/%73tate", true),
        ("/%61pi/stat%65", true),
        ("/api%2Fstate", false),
        ("/api/state/", false),
        ("/api/stat", false),
        ("/API/state", false),
        ("//api/state", false),
    ] {
        assert_eq!(path_is(path.as_bytes(), "/api/state"), expected, "{path}");
    }
}

#[test]
fn each_wait_has_its_deadline() {
    let start = Instant::from_secs(100);
    let after = |s| start + Duration::from_secs(s);
    let mut patience = Patience::new(start);
    assert_eq!(patience.deadline(), start + IDLE);
    // Nothing came yet: still idle.
    patience.received(Waiting::Request, after(3));
    assert_eq!(patience.deadline(), start + IDLE);
    patience.received(Waiting::Head, after(5));
    assert_eq!(patience.deadline(), after(5) + HEAD);
    patience.received(Waiting::Head, after(12));
    assert_eq!(patience.deadline(), after(5) + HEAD, "drip-fed");
    patience.received(Waiting::Content, after(13));
    assert_eq!(patience.deadline(), after(13) + CONTENT);
    patience.received(Waiting::Content, after(20));
    assert_eq!(patience.deadline(), after(20) + CONTENT);
    patience.restart(after(21));
    assert_eq!(patience.deadline(), after(21) + IDLE);
}
