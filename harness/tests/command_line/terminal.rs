//! What a run says to people, logs and programs, and what becomes of a case that is judged again.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use firmproof::result::RunResult;

use super::{firmproof, run_against, said_of_run};

/// The address of a server whose first `bad` answers are wrong, and the others right, for a resource
/// that there is not.
fn server(bad: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let answered = AtomicUsize::new(0);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            while stream.read(&mut request).is_ok_and(|length| length > 0) {
                let status = match answered.fetch_add(1, Ordering::Relaxed) < bad {
                    true => "500 Internal Server Error",
                    false => "404 Not Found",
                };
                // A prober that has gone is its own affair.
                let _ = stream.write_all(
                    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes(),
                );
            }
        }
    });
    at
}

fn profile(at: &str) -> String {
    format!(
        "name = \"mine\"\nkind = \"external\"\ncapabilities = [\"http\"]\n[at]\nhttp = \"{at}\"\n"
    )
}

const CASE: &str = "http/methods/no-such-resource";

#[test]
fn a_case_that_passes_only_when_judged_again_is_flaky_and_the_run_is_not_green() {
    let folder = tempfile::tempdir().unwrap();
    let at = server(1);
    std::fs::write(folder.path().join("mine.toml"), profile(&at)).unwrap();
    let arguments = [
        "run",
        "--dut",
        "mine.toml",
        CASE,
        "--out",
        "out",
        "--retries",
        "2",
    ];
    let output = firmproof(folder.path(), &arguments);
    let said = said_of_run(folder.path(), &output).replace(&at, "ADDRESS");
    insta::assert_snapshot!(said);
    let progress = String::from_utf8(output.stderr).unwrap();
    assert!(
        progress.contains(&format!(
            "fail         {CASE}, judged again\nflaky        {CASE}\n"
        )),
        "{progress}"
    );
    let run = RunResult::read(&folder.path().join("out")).unwrap();
    assert_eq!((run.totals.pass, run.totals.flaky), (1, 1));
    let [first, last] = &run.cases[0].attempts[..] else {
        panic!("{:?}", run.cases[0].attempts)
    };
    let file = |name: &Option<String>| folder.path().join("out").join(name.as_ref().unwrap());
    assert_ne!(first.evidence, last.evidence);
    // The failed attempt has the capture, and both have their evidence.
    assert!(file(&first.evidence).exists() && file(&last.evidence).exists());
    assert!(file(&first.capture).exists() && last.capture.is_none());
}

#[test]
fn a_quiet_run_that_is_green_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = firmproof(
        folder.path(),
        &["run", "mqtt/connack/code-0", "--quiet", "--out", "out"],
    );
    assert_eq!(output.status.code(), Some(0));
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{output:?}"
    );
}

#[test]
fn a_quiet_run_still_explains_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    let at = server(usize::MAX);
    std::fs::write(folder.path().join("mine.toml"), profile(&at)).unwrap();
    let output = firmproof(
        folder.path(),
        &["run", "--dut", "mine.toml", CASE, "--out", "out", "--quiet"],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with(&format!("\nFAIL {CASE} (must)\n")),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "colours in a pipe: {text}");
    assert!(output.stderr.is_empty());
}

#[test]
fn for_programs_each_event_is_a_line_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let output = firmproof(
        folder.path(),
        &[
            "run",
            "mqtt/connack/code-0",
            "--format",
            "json",
            "--out",
            "out",
        ],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let events: Vec<&str> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    assert_eq!(events, ["begun", "judged", "ended"]);
    assert_eq!(lines[1]["case"]["verdict"], "pass");
    assert_eq!(
        (&lines[2]["exit"], &lines[2]["totals"]["pass"]),
        (&0.into(), &1.into())
    );
}

#[test]
fn the_capture_of_a_failed_case_is_written_though_nobody_asked() {
    let folder = tempfile::tempdir().unwrap();
    let at = server(usize::MAX);
    run_against(folder.path(), &profile(&at), CASE);
    let run = RunResult::read(&folder.path().join("out")).unwrap();
    let capture = run.cases[0].capture.as_ref().unwrap();
    assert!(capture.ends_with(".pcapng"), "{capture}");
    let bytes = std::fs::read(folder.path().join("out").join(capture)).unwrap();
    assert!(
        bytes.windows(4).any(|window| window == b"GET "),
        "no request in it"
    );
}
