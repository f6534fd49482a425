//! Runs that are spread over processes, and runs that are replayed: this program started anew, as
//! cargo-nextest starts it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use firmproof::evidence::Entry;
use firmproof::result::{EvidenceFile, RunResult};
use libtest_mimic::{Failed, Trial};

type Checked = Result<(), Failed>;
type Test = (&'static str, fn() -> Checked);

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    let tests: [Test; 4] = [
        ("two-processes-make-one-run", two_processes_make_one_run),
        ("a-seed-replays-a-case", a_seed_replays_a_case),
        (
            "a-seed-that-is-none-is-refused",
            a_seed_that_is_none_is_refused,
        ),
        (
            "a-failure-says-how-to-see-it-again",
            a_failure_says_how_to_see_it_again,
        ),
    ];
    let trial = |(name, test)| Trial::test(format!("records/{name}"), test);
    tests.into_iter().map(trial).collect()
}

/// This program, judging one case into `folder`.
fn judging(case: &str, folder: &Path) -> Result<Command, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", &format!("host/{case}")])
        .env("FIRMPROOF_RUN_DIR", folder)
        .env_remove("FIRMPROOF_SEED")
        .env_remove("NEXTEST")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

fn check(holds: bool, otherwise: impl std::fmt::Display) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(Failed::from(otherwise.to_string()))
    }
}

fn text(output: &Output) -> String {
    let bytes = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn ids(run: &RunResult) -> Vec<&str> {
    run.cases.iter().map(|case| case.id.as_str()).collect()
}

fn two_processes_make_one_run() -> Checked {
    let folder = tempfile::tempdir()?;
    // Not in the suite's order, which the run has all the same.
    let cases = [
        "mqtt/connack/code-5-not-authorised",
        "mqtt/connack/code-0-accepted",
    ];
    let children: Vec<Child> = cases
        .iter()
        .map(|case| Ok(judging(case, folder.path())?.env("NEXTEST", "1").spawn()?))
        .collect::<Result<_, Failed>>()?;
    for child in children {
        let output = child.wait_with_output()?;
        check(output.status.success(), text(&output))?;
    }
    let run_json = folder.path().join("run.json");
    check(
        !run_json.exists(),
        "one of many processes took itself for the run",
    )?;
    let output = Command::new(env!("CARGO_BIN_EXE_firmproof"))
        .arg("assemble")
        .arg(folder.path())
        .output()?;
    check(output.status.success(), text(&output))?;
    let run = RunResult::read(folder.path())?;
    check(run.complete, "the run is not complete")?;
    check(
        ids(&run) == [cases[1], cases[0]],
        format!("{:?}", ids(&run)),
    )?;

    // Without cargo-nextest, a process that joins assembles all that is there.
    let third = "mqtt/connack/code-4-bad-user-name-or-password";
    let output = judging(third, folder.path())?.output()?;
    check(output.status.success(), text(&output))?;
    let run = RunResult::read(folder.path())?;
    check(run.cases.len() == 3, format!("{:?}", ids(&run)))
}

/// Cases, and whether their transcripts show what was drawn (a port, a transmit timestamp).
const REPLAYED: [(&str, bool); 2] = [
    ("ntp/requests/length", true),
    ("mqtt/connack/code-5-not-authorised", false),
];

/// The transcript of `case` with this seed, without times.
fn transcript(case: &str, seed: &str) -> Result<Vec<Entry>, Failed> {
    let folder = tempfile::tempdir()?;
    let output = judging(case, folder.path())?
        .env("FIRMPROOF_SEED", seed)
        .output()?;
    check(output.status.success(), text(&output))?;
    let run = RunResult::read(folder.path())?;
    check(
        run.seed == seed,
        format!("the run has the seed {}", run.seed),
    )?;
    let mut entries = EvidenceFile::read(folder.path(), &run.cases[0])?.transcript;
    for entry in &mut entries {
        entry.at_us = 0;
    }
    Ok(entries)
}

fn a_seed_replays_a_case() -> Checked {
    let (one, other) = ("5e".repeat(32), "a1".repeat(32));
    for (case, shows_chance) in REPLAYED {
        let first = transcript(case, &one)?;
        let again = transcript(case, &one)?;
        check(
            first == again,
            format!("{case} with one seed: {first:#?}\nand again: {again:#?}"),
        )?;
        let differs = transcript(case, &other)? != first;
        check(
            differs == shows_chance,
            format!("{case}: with another seed differs: {differs}"),
        )?;
    }
    Ok(())
}

fn a_seed_that_is_none_is_refused() -> Checked {
    let folder = tempfile::tempdir()?;
    let output = judging("mqtt/connack/code-0-accepted", folder.path())?
        .env("FIRMPROOF_SEED", "1234")
        .output()?;
    let said = text(&output);
    check(!output.status.success(), &said)?;
    check(
        said.contains("FIRMPROOF_SEED=`1234`: expected 64 hexadecimal digits"),
        &said,
    )
}

fn a_failure_says_how_to_see_it_again() -> Checked {
    let folder = tempfile::tempdir()?;
    let case = "mqtt/connack/code-0-accepted";
    // Without a place for its files, no bench can be set up.
    let output = judging(case, folder.path())?
        .env("TMPDIR", PathBuf::from("/no/such/folder"))
        .output()?;
    let said = text(&output);
    check(!output.status.success(), &said)?;
    let run = RunResult::read(folder.path())?;
    let again = format!(
        "again    FIRMPROOF_SEED={} cargo test -p firmproof --test conformance -- --exact host/{case}",
        run.seed
    );
    for wanted in [
        "inconclusive: the bench cannot be set up",
        &run.seed,
        &again,
    ] {
        check(said.contains(wanted), format!("no `{wanted}` in:\n{said}"))?;
    }
    Ok(())
}
