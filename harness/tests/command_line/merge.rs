//! Parts of a run, joined.

use std::path::Path;
use std::process::Output;

use firmproof::result::RunResult;

use super::{firmproof, said};

const SEED: &str = "5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";

fn part(folder: &Path, out: &str, filter: &str, seed: &str) {
    let output = firmproof(
        folder,
        &["run", filter, "--out", out, "--seed", seed, "--capture"],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

fn merge(folder: &Path, parts: &[&str], out: &str) -> Output {
    let cases = ["--cases", "mqtt/connack/code-5", "--out", out];
    firmproof(folder, &[&["merge"], parts, &cases].concat())
}

#[test]
fn parts_make_the_whole_and_what_is_missing_doubled_or_foreign_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    part(folder, "a", "code-5-not-authorised-session-present", SEED);
    let alone = "connack/code-5-not-authorised";
    // Its id is a part of the other one's, so both are judged here.
    part(folder, "both", alone, SEED);
    part(
        folder,
        "foreign",
        "mqtt/connack/code-0",
        &SEED.replace('5', "6"),
    );
    let half = merge(folder, &["a"], "half");
    let missing = said(folder, &half);
    assert!(
        missing.contains("missing: host mqtt/connack/code-5-not-authorised\n"),
        "{missing}"
    );
    assert_eq!(half.status.code(), Some(2));
    let twice = said(folder, &merge(folder, &["a", "both"], "twice"));
    let named = "host mqtt/connack/code-5-not-authorised-session-present in a and both";
    assert!(
        twice.contains(named) && twice.contains("exit status 2"),
        "{twice}"
    );
    let foreign = said(folder, &merge(folder, &["a", "foreign"], "mixed"));
    assert!(
        foreign.contains("a and foreign are not parts of one run: their seeds differ"),
        "{foreign}"
    );
    // The part that was missing, by leaving the other one out.
    let mut rest = RunResult::read(&folder.join("both")).unwrap();
    rest.cases
        .retain(|case| case.id.ends_with("not-authorised"));
    rest.totals.pass = 1;
    rest.write(&folder.join("both")).unwrap();
    let whole = merge(folder, &["both", "a"], "whole");
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    let run = RunResult::read(&folder.join("whole")).unwrap();
    assert!(run.complete);
    assert_eq!((run.totals.pass, run.seed.as_str()), (2, SEED));
    for case in &run.cases {
        for file in [Some(&case.evidence), case.capture.as_ref()] {
            assert!(
                folder.join("whole").join(file.unwrap()).exists(),
                "{file:?}"
            );
        }
    }
}
