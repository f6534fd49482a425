use std::collections::BTreeMap;

use super::*;
use crate::case::{Level, Verdict};
use crate::result::{Attempt, Record};

fn record(folder: &RunFolder, id: &str, verdict: Verdict) -> RecordFile {
    RecordFile {
        schema: SCHEMA,
        suite_version: SUITE_VERSION.into(),
        seed: folder.seed_text(),
        dut: DutSummary {
            name: "host".into(),
            kind: "host".into(),
            firmware_sha256: Some("ab".into()),
            version: None,
            metrics: BTreeMap::new(),
            tools: BTreeMap::new(),
        },
        case: Record {
            id: id.into(),
            dut: "host".into(),
            protocol: "mqtt".into(),
            level: Level::Must,
            requirement: "A client must not do that.".into(),
            statements: vec!["MQTT-3.1.0-1".into()],
            verdict,
            seconds: 0.5,
            reason: None,
            lacks: None,
            finding: None,
            attempts: vec![Attempt {
                verdict,
                seconds: 0.5,
                reason: None,
                evidence: None,
                capture: None,
            }],
            observed: Vec::new(),
            metrics: BTreeMap::new(),
            evidence: String::new(),
            capture: None,
        },
    }
}

fn write(folder: &RunFolder, id: &str, verdict: Verdict, capture: Option<&[u8]>) -> RecordFile {
    let mut record = record(folder, id, verdict);
    let evidence = EvidenceFile {
        id: id.into(),
        transcript: Vec::new(),
        console: Vec::new(),
    };
    folder.begin("host", id).unwrap();
    folder.write(&mut record, &evidence, capture).unwrap();
    record
}

#[test]
fn all_who_join_a_folder_have_the_seed_of_the_first() {
    let place = tempfile::tempdir().unwrap();
    let first = RunFolder::join(place.path(), Some([7; 32])).unwrap();
    let second = RunFolder::join(place.path(), None).unwrap();
    assert_eq!((first.seed(), second.seed()), (&[7; 32], &[7; 32]));
    let other = RunFolder::join(place.path(), Some([8; 32])).unwrap_err();
    let text = other.to_string();
    assert!(
        text.contains("begun.json belongs to another run: its seed is 0707"),
        "{text}"
    );
}

#[test]
fn runs_without_a_given_seed_have_different_ones() {
    let seed = || {
        let place = tempfile::tempdir().unwrap();
        *RunFolder::join(place.path(), None).unwrap().seed()
    };
    assert_ne!(seed(), seed());
}

#[test]
fn a_case_judged_again_keeps_its_attempts_and_the_last_verdict_and_evidence() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::join(place.path(), None).unwrap();
    let first = write(&folder, "mqtt/a/b", Verdict::Fail, Some(b"frames"));
    let capture = place.path().join(first.case.capture.unwrap());
    assert_eq!(std::fs::read(&capture).unwrap(), b"frames");
    write(&folder, "mqtt/a/b", Verdict::Pass, None);
    let records = folder.records().unwrap();
    assert_eq!(records.judged.len(), 1);
    let case = &records.judged[0].case;
    let verdicts: Vec<Verdict> = case.attempts.iter().map(|a| a.verdict).collect();
    assert_eq!(verdicts, [Verdict::Fail, Verdict::Pass]);
    assert_eq!((case.verdict, &case.capture), (Verdict::Pass, &None));
    assert!(!capture.exists(), "the capture is of another attempt");
    let [first, last] = &case.attempts[..] else {
        panic!("{:?}", case.attempts)
    };
    let kept = first.capture.as_ref().unwrap();
    assert_eq!(std::fs::read(place.path().join(kept)).unwrap(), b"frames");
    assert_ne!(first.evidence, last.evidence);
    for attempt in [first, last] {
        assert!(
            place
                .path()
                .join(attempt.evidence.as_ref().unwrap())
                .exists()
        );
    }
}

#[test]
fn a_case_whose_process_ended_is_unfinished() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::join(place.path(), None).unwrap();
    write(&folder, "mqtt/a/b", Verdict::Pass, None);
    folder.begin("host", "mqtt/a/c").unwrap();
    let records = folder.records().unwrap();
    assert_eq!(records.unfinished, ["host.mqtt.a.c"]);
}

#[test]
fn truncated_and_foreign_records_are_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::join(place.path(), None).unwrap();
    assert!(matches!(folder.records(), Err(ResultError::Empty { .. })));
    let written = write(&folder, "mqtt/a/b", Verdict::Pass, None);
    let whole = serde_json::to_string(&written).unwrap();
    let file = place.path().join("records/host.mqtt.a.c.json");
    let error_of = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let error = folder.records().unwrap_err();
        let text = error.to_string();
        assert!(text.contains("records/host.mqtt.a.c.json"), "{text}");
        error
    };
    let truncated = error_of(&whole[..whole.len() / 2]);
    assert!(
        matches!(truncated, ResultError::Malformed { .. }),
        "{truncated}"
    );
    let newer = error_of(&whole.replacen("\"schema\":1", "\"schema\":2", 1));
    assert!(
        matches!(newer, ResultError::UnknownSchema { found: 2, .. }),
        "{newer}"
    );
    let (seed, other) = (folder.seed_text(), "00".repeat(32));
    for (what, text) in [
        ("seed", whole.replace(&seed, &other)),
        ("suite version", whole.replace(SUITE_VERSION, "99.0.0")),
        ("firmware", whole.replace("\"ab\"", "\"cd\"")),
    ] {
        match error_of(&text) {
            ResultError::Foreign { what: named, .. } => assert_eq!(named, what),
            error => panic!("{what}: {error}"),
        }
    }
}

#[test]
fn a_profile_s_name_does_not_lead_out_of_the_folder() {
    assert_eq!(file_stem("../../my dut", "a/b"), "......my_dut.a.b");
}

#[test]
fn a_folder_without_a_run_is_an_error_that_names_the_missing_file() {
    let place = tempfile::tempdir().unwrap();
    let error = RunFolder::open(place.path()).unwrap_err().to_string();
    assert!(error.contains("begun.json"), "{error}");
}
