//! Devices that flood, die, never become ready, or write to the terminal: a verdict in bounded time
//! and memory, with what they said, made harmless.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use firmproof::case::Verdict;
use firmproof::result::{EvidenceFile, RunResult};

use super::{firmproof, run_against};

/// The most that a run of two cases may take whose device has one second to become ready.
const BOUND: Duration = Duration::from_secs(30);
/// Lines and bytes that a console keeps, as `docs/interfaces.md` says.
const CONSOLE: (usize, usize) = (4096, 1024);

/// Runs two cases against a device that is this shell script.
fn run_script(folder: &Path, script: &str) -> (Output, RunResult) {
    let command = serde_json::to_string(script).unwrap();
    let profile = format!(
        "name = \"mine\"\nkind = \"external\"\ncapabilities = [\"mqtt\"]\n[start]\n\
         command = [\"sh\", \"-c\", {command}]\nready_line = \"never\"\ndeadline_s = 1\n"
    );
    let began = Instant::now();
    let output = run_against(folder, &profile, "mqtt/connack/length-");
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    (output, RunResult::read(&folder.join("out")).unwrap())
}

/// Requires that the run was not judged, but went on to its end; the reasons.
fn inconclusive(output: &Output, run: &RunResult) -> Vec<String> {
    assert_eq!(output.status.code(), Some(2));
    assert!(run.complete && run.cases.len() > 1);
    assert_eq!(run.totals.inconclusive, run.cases.len());
    let reasons = run.cases.iter().map(|case| case.reason.clone().unwrap());
    reasons.collect()
}

#[test]
fn a_device_that_dies_at_once_is_explained_by_how_and_by_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let (output, run) = run_script(folder.path(), "echo no radio found; exit 3");
    for reason in inconclusive(&output, &run) {
        assert!(reason.contains("exit status: 3"), "{reason}");
        assert!(reason.contains("no radio found"), "{reason}");
    }
}

#[test]
fn a_device_that_never_becomes_ready_is_explained_by_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let (output, run) = run_script(folder.path(), "echo booting; sleep 1000; echo up");
    for reason in inconclusive(&output, &run) {
        assert!(reason.contains("not ready within 1 s"), "{reason}");
        assert!(reason.contains("booting"), "{reason}");
    }
}

#[test]
fn a_device_that_floods_its_console_gets_a_verdict_in_bounded_memory() {
    for script in ["yes flood", "yes flood | tr -d '\\n'", "cat /dev/urandom"] {
        let folder = tempfile::tempdir().unwrap();
        let (output, run) = run_script(folder.path(), script);
        inconclusive(&output, &run);
        for case in &run.cases {
            let evidence = EvidenceFile::read(&folder.path().join("out"), case).unwrap();
            assert!(evidence.console.len() <= CONSOLE.0, "{script}");
            // A byte that is not UTF-8 is shown by a character of three.
            let longest = evidence.console.iter().map(|line| line.text.len()).max();
            assert!(longest.unwrap_or(0) <= CONSOLE.1, "{script}");
        }
    }
}

#[test]
fn what_a_device_writes_never_reaches_the_terminal_as_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let script = r"printf '\033[2J\033]0;owned\007 \302\2332J \342\200\256evil\r\n'; exit 1";
    let (run_output, run) = run_script(folder.path(), script);
    assert_eq!(run.cases[0].verdict, Verdict::Inconclusive);
    let id = run.cases[0].id.clone();
    let shown = firmproof(folder.path(), &["show", &id, "--run", "out"]);
    let assembled = firmproof(folder.path(), &["assemble", "out"]);
    for output in [run_output, shown, assembled] {
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        let command = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!said.contains(command), "{said:?}");
        assert!(said.contains(r"\u{1b}[2J\u{1b}]0;owned"), "{said}");
    }
    // The evidence has what the device wrote, not how it is shown.
    let evidence = EvidenceFile::read(&folder.path().join("out"), &run.cases[0]).unwrap();
    assert!(evidence.console[0].text.starts_with("\u{1b}[2J"));
}

#[test]
fn a_truncated_record_is_named() {
    let folder = tempfile::tempdir().unwrap();
    run_script(folder.path(), "exit 1");
    let file = folder
        .path()
        .join("out/records/mine.mqtt.connack.length-0.json");
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let output = firmproof(folder.path(), &["assemble", "out"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("out/records/mine.mqtt.connack.length-0.json is not a whole result"),
        "{said}"
    );
}
