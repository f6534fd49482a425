use super::*;
use crate::case::{Finding, Level};
use crate::evidence::{Direction, Entry, Line};
use crate::report::comparison::comparison;
use crate::result::{Attempt, RecordFile, RunFolder, SUITE_VERSION};

/// A message of peer and connection.
fn message(
    peer: &str,
    connection: u32,
    direction: Direction,
    summary: &str,
    bytes: &[u8],
) -> Entry {
    Entry {
        at_us: 0,
        peer: peer.into(),
        direction,
        summary: summary.into(),
        bytes: hex::encode(bytes),
        length: bytes.len() as u64,
        connection: Some(connection),
        aside: false,
    }
}

fn from_device(summary: &str) -> Entry {
    message("broker", 1, Direction::FromDevice, summary, b"")
}

/// A run of one device, one case for each item.
struct Run {
    dir: tempfile::TempDir,
}

impl Run {
    fn of(dut: &str, cases: &[(&str, Verdict, Vec<Entry>)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::join(dir.path(), Some([7; 32])).unwrap();
        let mut records = Vec::new();
        for (id, verdict, transcript) in cases {
            let mut record = record(dut, id, *verdict);
            let evidence = EvidenceFile {
                id: (*id).into(),
                transcript: transcript.clone(),
                console: vec![Line {
                    at_us: 0,
                    text: format!("event=ready version=0.1.0 board={dut}"),
                }],
            };
            folder.write(&mut record, &evidence, None).unwrap();
            records.push(record);
        }
        let run = RunResult::of(&folder, records, true);
        run.write(dir.path()).unwrap();
        Self { dir }
    }

    fn side(&self) -> Side {
        Side::read(self.dir.path(), None, "--dut-a").unwrap()
    }
}

fn record(dut: &str, id: &str, verdict: Verdict) -> RecordFile {
    RecordFile {
        schema: SCHEMA,
        suite_version: SUITE_VERSION.into(),
        seed: hex::encode([7; 32]),
        dut: DutSummary {
            name: dut.into(),
            kind: dut.into(),
            firmware_sha256: None,
            version: Some("0.1.0".into()),
            metrics: std::collections::BTreeMap::new(),
            tools: std::collections::BTreeMap::new(),
        },
        case: Record {
            id: id.into(),
            dut: dut.into(),
            protocol: "mqtt".into(),
            level: Level::Must,
            requirement: "A client must not do that.".into(),
            statements: vec!["MQTT-3.1.0-1".into()],
            verdict,
            seconds: 0.1,
            reason: (verdict == Verdict::Skipped)
                .then(|| format!("the profile `{dut}` lacks the capability `monitor`")),
            lacks: None,
            finding: (verdict == Verdict::Fail).then(|| Finding {
                statement: "MQTT-3.1.0-1".into(),
                expected: "CONNECT first".into(),
                seen: "PUBLISH \u{1b}[31m after 12 ms".into(),
            }),
            observed: Vec::new(),
            attempts: vec![Attempt {
                verdict,
                seconds: 0.1,
                reason: None,
                evidence: None,
                capture: None,
            }],
            metrics: std::collections::BTreeMap::new(),
            evidence: String::new(),
            capture: None,
        },
    }
}

fn of_one_case(dut: &str, transcript: Vec<Entry>) -> Run {
    Run::of(dut, &[("mqtt/a/b", Verdict::Pass, transcript)])
}

fn differences(a: &Run, b: &Run) -> usize {
    compare(&a.side(), &b.side()).unwrap().differences.len()
}

#[test]
fn time_aside_messages_and_the_order_between_directions_are_not_behaviour() {
    let connect = from_device("CONNECT client_id=dut");
    let connack = message("broker", 1, Direction::ToDevice, "CONNACK code=0", b"");
    let late = Entry {
        at_us: 9_000_000,
        ..connack.clone()
    };
    let state = Entry {
        aside: true,
        ..from_device("PUBLISH topic=fp/dut/state")
    };
    let a = of_one_case("host", vec![connect.clone(), connack]);
    let b = of_one_case("qemu", vec![late, state, connect]);
    assert_eq!(differences(&a, &b), 0);
}

#[test]
fn another_message_another_order_or_another_connection_is_a_difference() {
    let (first, second) = (from_device("PUBACK id=1"), from_device("PUBACK id=2"));
    let elsewhere = Entry {
        connection: Some(2),
        ..second.clone()
    };
    let a = of_one_case("host", vec![first.clone(), second.clone()]);
    for other in [
        vec![first.clone()],
        vec![second.clone(), first.clone()],
        vec![first.clone(), elsewhere],
        vec![first.clone(), second.clone(), second],
    ] {
        assert_eq!(differences(&a, &of_one_case("qemu", other)), 1);
    }
}

#[test]
fn a_payload_of_the_same_length_with_other_bytes_is_a_difference() {
    let sent = |payload: &[u8]| {
        let packet = [b"\x30\x07\0\x01a", payload].concat();
        let summary = "PUBLISH topic=a qos=0 bytes=4";
        vec![message(
            "broker",
            1,
            Direction::FromDevice,
            summary,
            &packet,
        )]
    };
    let a = of_one_case("host", sent(b"abcd"));
    assert_eq!(differences(&a, &of_one_case("qemu", sent(b"abcd"))), 0);
    assert_eq!(differences(&a, &of_one_case("qemu", sent(b"abXd"))), 1);
}

#[test]
fn of_the_state_board_and_clock_are_not_behaviour_and_the_lamp_is() {
    let response = |board: &str, uptime: u32, utc: &str, led: &str| {
        let body = format!(
            "{{\"board\":\"{board}\",\"uptime_s\":{uptime},\"time\":{{\"utc\":{utc}}},\"led\":\"{led}\"}}"
        );
        let bytes = format!(
            "HTTP/1.1 200 OK\r\nDate: {uptime}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let summary = format!("HTTP/1.1 200 framing=content-length bytes={}", body.len());
        let bytes = bytes.as_bytes();
        vec![message("http", 1, Direction::FromDevice, &summary, bytes)]
    };
    let a = of_one_case("host", response("host", 9, "\"2030\"", "on"));
    let same = of_one_case("qemu", response("kc705", 10, "\"2031\"", "on"));
    assert_eq!(differences(&a, &same), 0);
    let dark = of_one_case("qemu", response("kc705", 10, "\"2031\"", "off"));
    assert_eq!(differences(&a, &dark), 1);
    let unset = of_one_case("qemu", response("kc705", 10, "null", "on"));
    assert_eq!(differences(&a, &unset), 1);
}

#[test]
fn the_page_s_board_is_not_behaviour_and_a_header_field_is() {
    let page = |board: &str, field: &str| {
        let body = format!("<dd id=\"time\">none</dd><dd>{board} 0.1.0</dd>");
        let bytes = format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n{body}");
        let summary = format!("HTTP/1.1 200 bytes={}", body.len());
        let bytes = bytes.as_bytes();
        vec![message("http", 1, Direction::FromDevice, &summary, bytes)]
    };
    let a = of_one_case("host", page("host", "Cache-Control: no-store"));
    let same = of_one_case("qemu", page("qemu", "Cache-Control: no-store"));
    assert_eq!(differences(&a, &same), 0);
    let other = of_one_case("qemu", page("qemu", "Cache-Control: public"));
    assert_eq!(differences(&a, &other), 1);
}

#[test]
fn a_person_reads_what_differs_with_the_first_message_that_does() {
    let transcript = |last: &[&str]| {
        let head = ["CONNECT client_id=dut", "PUBACK id=1", "PUBACK id=2"];
        let all = head.iter().chain(last);
        all.map(|summary| from_device(summary)).collect::<Vec<_>>()
    };
    let a = Run::of(
        "host",
        &[
            ("mqtt/a/equal", Verdict::Pass, transcript(&["FIN"])),
            (
                "mqtt/a/message",
                Verdict::Pass,
                transcript(&["PUBACK id=3", "FIN"]),
            ),
            ("mqtt/a/verdict", Verdict::Pass, transcript(&[])),
            ("mqtt/a/capability", Verdict::Skipped, Vec::new()),
            ("mqtt/a/gone", Verdict::Pass, Vec::new()),
        ],
    );
    let b = Run::of(
        "qemu",
        &[
            ("mqtt/a/equal", Verdict::Pass, transcript(&["FIN"])),
            ("mqtt/a/message", Verdict::Pass, transcript(&["FIN"])),
            ("mqtt/a/verdict", Verdict::Fail, transcript(&[])),
            ("mqtt/a/capability", Verdict::Pass, Vec::new()),
            ("mqtt/a/new", Verdict::Pass, Vec::new()),
        ],
    );
    let compared = compare(&a.side(), &b.side()).unwrap();
    let text = comparison(&compared)
        .replace(&a.dir.path().display().to_string(), "RUN_A")
        .replace(&b.dir.path().display().to_string(), "RUN_B");
    insta::assert_snapshot!(text);
}

#[test]
fn a_skipped_case_is_explained_by_the_capability_that_the_profile_lacks() {
    let a = Run::of("host", &[("mqtt/a/b", Verdict::Skipped, Vec::new())]);
    let b = Run::of("qemu", &[("mqtt/a/b", Verdict::Pass, Vec::new())]);
    let compared = compare(&a.side(), &b.side()).unwrap();
    assert_eq!(
        (compared.differences.len(), compared.explained.len()),
        (0, 1)
    );
    let b = Run::of("qemu", &[("mqtt/a/b", Verdict::Skipped, Vec::new())]);
    let compared = compare(&a.side(), &b.side()).unwrap();
    assert_eq!(
        (compared.differences.len(), compared.explained.len()),
        (0, 0)
    );
}

#[test]
fn what_a_failure_saw_may_differ_and_the_statement_may_not() {
    let a = Run::of("host", &[("mqtt/a/b", Verdict::Fail, Vec::new())]);
    let b = Run::of("qemu", &[("mqtt/a/b", Verdict::Fail, Vec::new())]);
    assert_eq!(differences(&a, &b), 0);
}

#[test]
fn runs_that_cannot_be_compared_are_refused_by_name() {
    let a = Run::of("host", &[("mqtt/a/b", Verdict::Pass, Vec::new())]);
    let b = Run::of("qemu", &[("mqtt/a/c", Verdict::Pass, Vec::new())]);
    let nothing = compare(&a.side(), &b.side()).unwrap_err();
    assert!(matches!(nothing, CompareError::Disjoint));
    let which = Side::read(a.dir.path(), Some("esp32"), "--dut-a").unwrap_err();
    let text = which.to_string();
    assert!(
        text.contains("`host`") && text.contains("--dut-a"),
        "{text}"
    );
    std::fs::remove_dir_all(a.dir.path().join("evidence")).unwrap();
    let lost = compare(&a.side(), &a.side()).unwrap_err();
    assert!(lost.to_string().contains("mqtt.a.b.json"), "{lost}");
}

#[test]
fn of_long_pages_what_evidence_kept_of_both_is_compared() {
    let page = |board: &str, end: &str| {
        let body = format!("<dd>{board} 0.1.0</dd>{end}");
        let bytes = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
        let summary = format!("HTTP/1.1 200 bytes={}", body.len());
        let mut entry = message("http", 1, Direction::FromDevice, &summary, bytes.as_bytes());
        entry.bytes = hex::encode(&bytes.as_bytes()[..80]);
        vec![entry]
    };
    let long = "<p>the lamp is on: \u{1f4a1}".repeat(4);
    let a = of_one_case("host", page("host", &long));
    assert_eq!(
        differences(&a, &of_one_case("kc705", page("kc705", &long))),
        0
    );
    let other = long.replacen("on", "off", 1);
    assert_eq!(
        differences(&a, &of_one_case("kc705", page("kc705", &other))),
        1
    );
}

#[test]
fn a_connection_that_only_looked_is_not_counted() {
    let on = |connection, aside| Entry {
        connection: Some(connection),
        aside,
        ..from_device("CONNECT client_id=dut")
    };
    let a = of_one_case("host", vec![on(1, false), on(2, false)]);
    let looked = vec![on(1, false), on(2, true), on(3, false)];
    assert_eq!(differences(&a, &of_one_case("qemu", looked)), 0);
    let more = vec![on(1, false), on(2, false), on(3, false)];
    assert_eq!(differences(&a, &of_one_case("qemu", more)), 1);
}
