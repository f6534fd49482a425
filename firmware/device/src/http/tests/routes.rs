//! What each resource answers, and what the answers look like on the wire.

extern crate std;
use std::format;
use std::string::String;
use std::vec::Vec;

use firmproof_bootconfig::BootConfig;

use crate::Device;
use crate::board::{Beeper, Led};
use crate::http::reader::{Event, RequestReader};
use crate::http::response::{Answer, Content};
use crate::http::routes;
use crate::http::status::Status;
use crate::status::UpdateState;
use crate::update::tests::nor::{Bench, SLOT_SIZE, device};

fn config() -> BootConfig {
    let mut config = BootConfig::safe_default();
    config.update.token = "secret".try_into().unwrap();
    config
}

fn request(line: &str, fields: &[&str], content: &str) -> String {
    let fields: String = fields.iter().map(|f| format!("{f}\r\n")).collect();
    let length = if line.starts_with("POST") {
        format!("Content-Length: {}\r\n", content.len())
    } else {
        String::new()
    };
    format!("{line} HTTP/1.1\r\nHost: h\r\n{fields}{length}\r\n{content}")
}

fn ask(device: &Device<'_, Bench>, line: &str, fields: &[&str], content: &str) -> Answer {
    let bytes = request(line, fields, content);
    let mut reader = RequestReader::default();
    let (used, event) = reader.receive(bytes.as_bytes());
    assert_eq!(event, Event::Head, "{bytes}");
    assert_eq!(
        reader.receive(&bytes.as_bytes()[used..]).1,
        Event::Complete,
        "{bytes}"
    );
    routes::answer(device, &reader.request().unwrap(), reader.content())
}

#[test]
fn every_method_of_every_resource_has_its_answer() {
    let (board, config) = (Bench::new(), config());
    let device = device(&board, &config);
    let page = "GET, HEAD, POST, OPTIONS";
    let state = "GET, HEAD, OPTIONS";
    let update = "POST, OPTIONS";
    for (line, status, allow) in [
        ("GET /", 200, None),
        ("GET /?x", 200, None),
        ("GET http://other/api/state?x", 200, None),
        ("HEAD /api/state", 200, None),
        ("OPTIONS *", 200, Some(page)),
        ("OPTIONS http://h", 200, Some(page)),
        ("OPTIONS /", 200, Some(page)),
        ("OPTIONS /api/state", 200, Some(state)),
        ("OPTIONS /api/update", 200, Some(update)),
        ("OPTIONS /none", 404, None),
        ("PUT /", 405, Some(page)),
        ("DELETE /api/state", 405, Some(state)),
        ("POST /api/state", 405, Some(state)),
        ("TRACE /api/state", 405, Some(state)),
        ("GET /api/update", 405, Some(update)),
        ("HEAD /api/update", 405, Some(update)),
        ("GET /none", 404, None),
        ("POST /none", 404, None),
        ("GET /API/state", 404, None),
        ("get /", 501, None),
        ("BREW /none", 501, None),
        ("CONNECT h:80", 501, None),
    ] {
        let answer = ask(&device, line, &[], "");
        assert_eq!(
            (answer.status.code(), answer.allow),
            (status, allow),
            "{line}"
        );
    }
}

#[test]
fn a_form_drives_the_outputs_and_leads_back_to_the_page() {
    let (board, config) = (Bench::new(), config());
    let device = device(&board, &config);
    let form = "Content-Type: application/x-www-form-urlencoded; charset=UTF-8";
    let answer = ask(&device, "POST /", &[form], "led1=1&beep=3");
    assert_eq!(
        (answer.status, answer.location),
        (Status::SeeOther, Some("/"))
    );
    assert_eq!(device.status.led.get(), Led::On);
    assert_eq!(device.status.beeper.get(), Beeper::On);
    assert!(device.state_changed.signaled());
    assert_eq!(
        *board.console.borrow(),
        ["event=led.set led=on", "event=beeper.set beeper=on"]
    );
    // All of a form or nothing of it.
    let refused = ask(&device, "POST /", &[form], "led1=2&beep=5");
    assert_eq!(
        refused,
        Answer::text(Status::BadRequest, "beep must be 3 or 4")
    );
    assert_eq!(device.status.led.get(), Led::On);
}

#[test]
fn content_of_another_type_is_refused() {
    let (board, config) = (Bench::new(), config());
    let device = device(&board, &config);
    let token = "Authorization: Bearer secret";
    for (line, fields) in [
        ("POST /", &[][..]),
        ("POST /", &["Content-Type: application/json"]),
        (
            "POST /",
            &[
                "Content-Type: application/x-www-form-urlencoded",
                "Content-Encoding: gzip",
            ],
        ),
        ("POST /api/update", &[token]),
        ("POST /api/update", &[token, "Content-Type: text/plain"]),
        (
            "POST /api/update",
            &[
                token,
                "Content-Type: application/json",
                "Content-Type: application/json",
            ],
        ),
    ] {
        let answer = ask(&device, line, fields, "{}");
        assert_eq!(
            answer.status,
            Status::UnsupportedMediaType,
            "{line} {fields:?}"
        );
    }
}

fn offer(length: u32) -> String {
    format!(
        r#"{{"url":"http://h/i","length":{length},"sha256":"{}","signature":"{}","version":1}}"#,
        "0".repeat(64),
        "0".repeat(128)
    )
}

#[test]
fn an_update_is_taken_once_and_only_with_the_token() {
    let (board, config) = (Bench::new(), config());
    let device = device(&board, &config);
    let json = "Content-Type: application/json";
    let token = "Authorization: Bearer secret";
    for fields in [
        &[json][..],
        &[json, "Authorization: Bearer wrong"],
        &[json, token, token],
    ] {
        let answer = ask(&device, "POST /api/update", fields, &offer(5));
        assert_eq!(answer.status, Status::Unauthorized, "{fields:?}");
    }
    for (content, status) in [
        (String::from("{"), Status::BadRequest),
        (offer(0), Status::BadRequest),
        (offer(SLOT_SIZE + 1), Status::ContentTooLarge),
        (offer(SLOT_SIZE), Status::Accepted),
        (offer(SLOT_SIZE), Status::Conflict),
    ] {
        let answer = ask(&device, "POST /api/update", &[json, token], &content);
        assert_eq!(answer.status, status, "{content}");
    }
    assert_eq!(
        device.status.update.get(),
        UpdateState::Downloading { received: 0 }
    );
    // The task has taken the first, which still runs.
    assert_eq!(
        device.update_requests.try_receive().unwrap().length,
        SLOT_SIZE
    );
    let answer = ask(&device, "POST /api/update", &[json, token], &offer(5));
    assert_eq!(answer.status, Status::Conflict);
}

#[test]
fn without_a_configured_token_no_update_is_taken() {
    let (board, config) = (Bench::new(), BootConfig::safe_default());
    let device = device(&board, &config);
    for value in ["Authorization: Bearer ", "Authorization: Bearer x"] {
        let fields = ["Content-Type: application/json", value];
        let answer = ask(&device, "POST /api/update", &fields, &offer(5));
        assert_eq!(answer.status, Status::Unauthorized);
    }
}

#[test]
fn what_a_head_decides_is_known_before_the_content() {
    let (board, config) = (Bench::new(), config());
    let device = device(&board, &config);
    let form = "Content-Type: application/x-www-form-urlencoded";
    for (line, field, status) in [
        ("POST /", form, None),
        ("POST /", "X: y", Some(Status::UnsupportedMediaType)),
        ("POST /none", form, Some(Status::NotFound)),
        ("POST /api/state", form, Some(Status::MethodNotAllowed)),
        ("POST /api/update", form, Some(Status::Unauthorized)),
    ] {
        let bytes = request(line, &[field, "Expect: 100-continue"], "led1=1");
        let mut reader = RequestReader::default();
        reader.receive(bytes.as_bytes());
        let answer = routes::answer_to_head(&device, &reader.request().unwrap());
        assert_eq!(answer.map(|a| a.status), status, "{line} {field}");
    }
}

#[test]
fn an_answers_head_carries_what_its_status_calls_for() {
    let written = |answer: Answer, date: Option<&str>, close| {
        let mut out = String::new();
        let date = date.as_ref().map(|d| d as &dyn core::fmt::Display);
        answer.write_head(7, date, close, &mut out).unwrap();
        out
    };
    assert_eq!(
        written(Answer::ok(Content::State), Some("D"), false),
        "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: 7\r\n\r\n"
    );
    assert_eq!(
        written(Answer::text(Status::Unauthorized, ""), None, true),
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
    );
    let refused = Answer::text(Status::MethodNotAllowed, "").allowing("GET");
    assert!(written(refused, None, false).contains("\r\nAllow: GET\r\n"));
}

#[test]
fn the_state_object_has_its_keys_in_order_and_within_its_bound() {
    let (board, mut config) = (Bench::new(), config());
    config.device_id = "d".repeat(32).as_str().try_into().unwrap();
    let device = device(&board, &config);
    device
        .status
        .update
        .set(UpdateState::Failed("version-replay"));
    let counters = &device.status.counters;
    for counter in [
        &counters.mqtt_connects,
        &counters.mqtt_received,
        &counters.mqtt_sent,
        &counters.mqtt_oversize,
        &counters.http_requests,
        &counters.ntp_taken,
        &counters.ntp_refused,
        &device.status.boots,
    ] {
        counter.set(u32::MAX);
    }
    let mut json = String::new();
    crate::status_json::write(&device, &mut json).unwrap();
    // The clock is not set here; a set one takes three texts more.
    assert!(
        json.len() + 80 <= crate::status_json::MAX_LEN,
        "{}",
        json.len()
    );
    let keys = [
        "version",
        "board",
        "device_id",
        "slot",
        "boots",
        "uptime_s",
        "time",
        "synced",
        "unix_s",
        "utc",
        "local",
        "leap",
        "led",
        "beeper",
        "mqtt",
        "update",
        "state",
        "received",
        "reason",
        "counters",
        "mqtt_connects",
        "mqtt_received",
        "mqtt_sent",
        "mqtt_oversize",
        "http_requests",
        "ntp_taken",
        "ntp_refused",
    ];
    let places: Vec<_> = keys
        .iter()
        .map(|key| json.find(&format!("\"{key}\":")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{json}");
    for part in [
        r#""device_id":"dddddddddddddddddddddddddddddddd","slot":"a","boots":4294967295,"#,
        r#""time":{"synced":false,"unix_s":null,"utc":null,"local":null,"leap":"#,
        r#""led":"off","beeper":"off","mqtt":"off","#,
        r#""update":{"state":"failed","received":0,"reason":"version-replay"}"#,
    ] {
        assert!(json.contains(part), "{part} in {json}");
    }
}
