//! The gate on the example release in `fixtures/release`: it ships, and each change for the worse
//! keeps it from shipping, for the right reason.

use std::path::{Path, PathBuf};
use std::process::Output;

use firmproof::case::{Finding, Level, Verdict};
use firmproof::result::{Attempt, Record, RunResult, Totals};
use tempfile::TempDir;

use super::{firmproof, said};

const CASE: &str = "mqtt/connack/code-5-not-authorised";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/release")
}

/// A copy of the example release and of its baseline, to be changed for the worse.
struct Release {
    folder: TempDir,
    host: RunResult,
    qemu: RunResult,
    policy: String,
    /// What the command is told besides.
    more: Vec<&'static str>,
    /// The runs that it is shown.
    runs: Vec<&'static str>,
}

impl Release {
    fn new() -> Self {
        let read = |dut| RunResult::read(&fixtures().join(dut)).unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            host: read("host"),
            qemu: read("qemu"),
            policy: std::fs::read_to_string(fixtures().join("gate.toml")).unwrap(),
            more: vec!["--baseline", "old/host", "--baseline", "old/qemu"],
            runs: vec!["host", "qemu"],
        }
    }

    fn case(&mut self) -> &mut Record {
        case(&mut self.qemu)
    }

    /// Known failures of the case on QEMU.
    fn quarantine(&mut self, expires: &str) {
        self.policy += &format!(
            "[[quarantine]]\ncase = \"{CASE}\"\ndut = \"qemu\"\nreason = \"issue 42\"\n\
             owner = \"anna\"\nexpires = {expires}\n"
        );
    }

    fn judged(&mut self, format: &str) -> Output {
        let folder = self.folder.path();
        for (name, run) in [("host", &mut self.host), ("qemu", &mut self.qemu)] {
            let old = folder.join("old").join(name);
            std::fs::create_dir_all(&old).unwrap();
            std::fs::copy(fixtures().join(name).join("run.json"), old.join("run.json")).unwrap();
            let new = folder.join(name);
            std::fs::create_dir_all(&new).unwrap();
            run.totals = Totals::of(&run.cases);
            run.write(&new).unwrap();
        }
        std::fs::write(folder.join("gate.toml"), &self.policy).unwrap();
        let mut arguments = vec!["gate"];
        arguments.extend(&self.runs);
        arguments.extend(["--policy", "gate.toml", "--format", format]);
        arguments.extend(["--record", "record.json", "--day", "2026-11-26"]);
        arguments.extend(&self.more);
        firmproof(folder, &arguments)
    }
}

fn case(run: &mut RunResult) -> &mut Record {
    run.cases.iter_mut().find(|case| case.id == CASE).unwrap()
}

fn break_case(record: &mut Record) {
    record.verdict = Verdict::Fail;
    record.finding = Some(Finding {
        statement: "MQTT-3.2.2-5".into(),
        expected: "the connection closed".into(),
        seen: "PINGREQ \u{1b}[31m".into(),
    });
    record.attempts.last_mut().unwrap().verdict = Verdict::Fail;
}

fn make_flaky(record: &mut Record) {
    let first = Attempt {
        verdict: Verdict::Fail,
        seconds: 0.1,
        reason: Some("the connection stayed open".into()),
        evidence: None,
        capture: None,
    };
    record.attempts.insert(0, first);
}

#[test]
fn the_example_release_ships() {
    let mut release = Release::new();
    let output = release.judged("text");
    insta::assert_snapshot!(said(release.folder.path(), &output));
}

/// A change for the worse, the exit status it leads to, the code of the reason, and a part of its text.
type Seeded = (
    &'static str,
    fn(&mut Release),
    i32,
    &'static str,
    &'static str,
);

const SEEDED: &[Seeded] = &[
    (
        "a failing must",
        |r| break_case(r.case()),
        1,
        "failed",
        "MQTT-3.2.2-5 (must): expected the connection closed; seen PINGREQ \\u{1b}[31m",
    ),
    (
        "a size jump",
        |r| *r.qemu.duts[0].metrics.get_mut("image_bytes").unwrap() *= 1.05,
        1,
        "grown",
        "by 5.0 %; 2 % are allowed (gate.toml:15)",
    ),
    (
        "a device that sends more than it did",
        |r| *r.case().metrics.get_mut("wire_from_dut_bytes").unwrap() *= 3.0,
        1,
        "grown",
        "wire_from_dut_bytes grew from",
    ),
    (
        "an expired quarantine",
        |r| {
            break_case(r.case());
            r.quarantine("2026-11-25");
        },
        1,
        "quarantine-expired",
        "gate.toml:24: expired on 2026-11-25 (owner anna: issue 42)",
    ),
    (
        "a quarantine whose case passes",
        |r| r.quarantine("2030-01-31"),
        1,
        "quarantine-passes",
        "gate.toml:24: the case passes; take the entry out",
    ),
    (
        "a quarantine whose case nobody ran",
        |r| {
            r.quarantine("2030-01-31");
            r.policy = r.policy.replace(&format!("\"{CASE}\""), "\"mqtt/no/such\"");
        },
        1,
        "quarantine-unused",
        "no run has judged the case",
    ),
    (
        "a flake over the budget",
        |r| {
            make_flaky(r.case());
            make_flaky(case(&mut r.host));
        },
        1,
        "flaky",
        "passed only in attempt 2; before: the connection stayed open (2 cases, 1 allowed)",
    ),
    (
        "an inconclusive case",
        |r| {
            r.case().verdict = Verdict::Inconclusive;
            r.case().reason = Some("the broker cannot listen".into());
        },
        1,
        "inconclusive",
        "the broker cannot listen (1 cases, 0 allowed)",
    ),
    (
        "a missing device",
        |r| r.runs = vec!["host"],
        1,
        "dut-missing",
        "no run has judged it",
    ),
    (
        "a missing case",
        |r| r.qemu.cases.retain(|case| case.id != CASE),
        1,
        "case-missing",
        "no run has judged this must",
    ),
    (
        "a case skipped for a capability that may not be lacking",
        |r| {
            r.case().verdict = Verdict::Skipped;
            r.case().lacks = Some("observe.console".into());
            r.case().reason = Some("the profile lacks the capability `observe.console`".into());
        },
        1,
        "skipped",
        "`observe.console`",
    ),
    (
        "a divergence below the levels that must pass",
        |r| {
            break_case(r.case());
            r.case().level = Level::Policy;
            case(&mut r.host).level = Level::Policy;
            // The suite says that it is a must; the release has it lower.
            r.policy = r.policy.replace("\"must\", ", "");
        },
        1,
        "divergent",
        "host pass, qemu fail",
    ),
    (
        "an interrupted run",
        |r| r.qemu.complete = false,
        2,
        "incomplete",
        "qemu was interrupted",
    ),
    (
        "two runs of one case",
        |r| r.runs.push("old/qemu"),
        2,
        "doubled",
        "old/qemu has it, and so has a run before it",
    ),
    (
        "runs of two firmwares",
        |r| {
            r.runs.push("old/qemu");
            r.qemu.cases.clear();
            r.qemu.duts[0].firmware_sha256 = Some("00".repeat(32));
        },
        2,
        "other-firmware",
        "old/qemu judged other firmware",
    ),
    (
        "a run of another suite",
        |r| r.qemu.suite_version = "0.0.9".into(),
        2,
        "other-suite",
        "judged by the suite 0.0.9",
    ),
    (
        "no baseline",
        |r| r.more.clear(),
        2,
        "no-baseline",
        "give one with --baseline",
    ),
    (
        "a measurement that nobody took",
        |r| r.policy += "[[growth]]\nmetric = \"stack_bytes\"\npercent = 1.0\n",
        2,
        "not-measured",
        "gate.toml:24: no measurement `stack_bytes`",
    ),
    (
        "a policy about cases that there are not",
        |r| r.policy = r.policy.replace("connack/code-", "conack/code-"),
        2,
        "policy-mistake",
        "gate.toml:6: no case of the suite has `mqtt/conack/code-` in its id",
    ),
];

#[test]
fn each_seeded_regression_keeps_the_release_from_shipping_for_its_own_reason() {
    for (name, worsen, exit, code, text) in SEEDED {
        let mut release = Release::new();
        worsen(&mut release);
        let output = release.judged("json");
        let said = said(release.folder.path(), &output);
        assert_eq!(output.status.code(), Some(*exit), "{name}: {said}");
        let judgement: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let decision = ["ship", "no-ship", "not-judged"][usize::try_from(*exit).unwrap()];
        assert_eq!(judgement["decision"], decision, "{name}");
        let reasons = judgement["reasons"].as_array().unwrap();
        let fits = |reason: &&serde_json::Value| {
            reason["code"] == *code && reason["text"].as_str().unwrap().contains(text)
        };
        assert!(reasons.iter().any(|reason| fits(&reason)), "{name}: {said}");
        // An expired entry no longer hides its failure; else there is the one reason, however often.
        let others = |reason: &&serde_json::Value| {
            let other = reason["code"].as_str().unwrap();
            let follows = match *code {
                "quarantine-expired" => other == "failed",
                "failed" => other == "divergent",
                "dut-missing" => other == "not-measured",
                _ => false,
            };
            other != *code && !follows
        };
        let others: Vec<_> = reasons.iter().filter(others).collect();
        assert!(others.is_empty(), "{name}: {others:?}");
    }
}

#[test]
fn what_the_policy_allows_is_told_and_does_not_keep_the_release() {
    let mut release = Release::new();
    break_case(release.case());
    release.quarantine("2026-11-26");
    make_flaky(case(&mut release.host));
    let skipped = release.host.cases.iter_mut().find(|case| case.id != CASE);
    let skipped = skipped.unwrap();
    skipped.verdict = Verdict::Skipped;
    skipped.lacks = Some("power".into());
    skipped.reason = Some("the profile `host` lacks the capability `power`".into());
    skipped.attempts.clear();
    let output = release.judged("text");
    insta::assert_snapshot!(said(release.folder.path(), &output));
}

#[test]
fn the_record_tells_what_was_judged_by_digest() {
    let mut release = Release::new();
    let output = release.judged("json");
    let folder = release.folder.path();
    let record = std::fs::read(folder.join("record.json")).unwrap();
    assert_eq!(record, output.stdout);
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    let digest = |file: &str| {
        use sha2::{Digest, Sha256};
        hex::encode(Sha256::digest(std::fs::read(folder.join(file)).unwrap()))
    };
    let judged = &record["judged"];
    assert_eq!(judged["policy"]["sha256"], digest("gate.toml").as_str());
    assert_eq!(
        judged["runs"][1]["sha256"],
        digest("qemu/run.json").as_str()
    );
    assert_eq!(judged["runs"][1]["path"], "qemu/run.json");
    let dut = &judged["runs"][1]["duts"][0];
    let expected = release.qemu.duts[0].firmware_sha256.as_deref().unwrap();
    assert_eq!(dut["firmware_sha256"], expected);
    assert!(dut["tools"]["qemu"].as_str().unwrap().contains("version"));
    assert_eq!(
        judged["runs"][1]["suite_version"],
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(judged["baseline"][0]["path"], "old/host/run.json");
    assert_eq!(judged["day"], "2026-11-26");
}

#[test]
fn figures_of_a_benchmark_beside_the_run_have_limits_too() {
    let mut release = Release::new();
    release.policy += "[[growth]]\nmetric = \"http_request_instructions\"\npercent = 3.0\n";
    let folder = release.folder.path().to_path_buf();
    let bench = |place: &str, median: f64| {
        let file = serde_json::json!({
            "schema": 1, "dut": { "name": "qemu" },
            "figures": [{ "name": "http_request_instructions", "median": median }],
        });
        std::fs::create_dir_all(folder.join(place)).unwrap();
        std::fs::write(folder.join(place).join("bench.json"), file.to_string()).unwrap();
    };
    bench("old/qemu", 100_000.0);
    bench("qemu", 102_000.0);
    assert_eq!(release.judged("text").status.code(), Some(0));
    bench("qemu", 104_000.0);
    let output = release.judged("text");
    let said = said(&folder, &output);
    assert!(
        said.contains("grown qemu: http_request_instructions grew from 100000 to 104000, by 4.0 %"),
        "{said}"
    );
}

#[test]
fn bad_input_is_named_with_its_place_and_nothing_is_decided() {
    let mut release = Release::new();
    release.policy = release.policy.replace("flaky = 1", "flakey = 1");
    let mistake = release.judged("text");
    let mut all = said(release.folder.path(), &mistake);
    for (old, new) in [
        ("\"schema\": 1", "\"schema\": 0"),
        ("\"complete\": true", "\"complete\": \"yes\""),
        ("\"suite_version\"", "\"suit_version\""),
        ("\"verdict\": \"pass\"", "\"verdict\": \"passed\""),
    ] {
        let mut release = Release::new();
        release.judged("text");
        let path = release.folder.path().join("host/run.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen(old, new, 1)).unwrap();
        let arguments = ["gate", "host", "--policy", "gate.toml"];
        let output = firmproof(release.folder.path(), &arguments);
        all += &said(release.folder.path(), &output);
    }
    insta::assert_snapshot!(all);
}
