//! QEMU dies or hangs in the middle of a case, or the harness is killed: explained within seconds,
//! and nobody is left behind.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use firmproof::bench::Bench;
use firmproof::case::{Judged, Verdict};
use firmproof::result::{Record, RunResult};
use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use super::stand::{Left, emulators, image, is_gone, judged, wait_for};
use super::{Checked, Test, check};

/// How soon a QEMU that is gone or hangs is noticed: it is asked every second, and has ten to answer.
const NOTICED: Duration = Duration::from_secs(20);
/// What the case would wait for, were all well.
const LONG: Duration = Duration::from_secs(100);

pub(crate) const TESTS: [Test; 5] = [
    ("a-qemu-that-dies-is-explained", || {
        explained(Signal::KILL, "QEMU ended (signal: 9 (SIGKILL))")
    }),
    ("a-qemu-that-hangs-is-explained", || {
        explained(Signal::STOP, "no answer within 10 s: QEMU hangs")
    }),
    (
        "a-run-whose-qemus-die-ends-with-2",
        a_run_whose_qemus_die_ends_with_2,
    ),
    (
        "a-harness-that-is-killed-leaves-no-qemu",
        a_harness_that_is_killed_leaves_no_qemu,
    ),
    (
        "a-harness-that-is-interrupted-leaves-no-qemu",
        a_harness_that_is_interrupted_leaves_no_qemu,
    ),
];

fn kill(pid: i32, signal: Signal) -> Checked {
    let pid = Pid::from_raw(pid).ok_or("no process")?;
    Ok(kill_process(pid, signal)?)
}

/// Sends `signal` to the QEMU of a case that waits; the verdict names what happened.
fn explained(signal: Signal, reason: &str) -> Checked {
    let left = Left::new();
    let told = left.clone();
    let record: Record = judged(move |bench| struck(bench, signal, told.clone()))?;
    let (pid, at): (i32, Instant) = left.take().ok_or("QEMU was not found")?;
    let noticed = at.elapsed();
    check(
        record.verdict == Verdict::Inconclusive,
        format!("{record:#?}"),
    )?;
    let seen = record.reason.unwrap_or_default();
    check(seen.contains(reason), format!("no `{reason}` in: {seen}"))?;
    check(noticed < NOTICED, format!("noticed after {noticed:?}"))?;
    wait_for("QEMU is gone", || is_gone(pid))
}

async fn struck(bench: Bench, signal: Signal, left: Left<(i32, Instant)>) -> Judged {
    let folder = bench.folder().display().to_string();
    if let [pid] = emulators(&folder)[..]
        && kill(pid, signal).is_ok()
    {
        left.put((pid, Instant::now()));
    }
    bench.event(LONG, |line| line.is("never")).await?;
    Ok(())
}

/// A run of three cases at a time, with its evidence in `folder`.
fn run_in(folder: &std::path::Path) -> Result<Command, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firmproof"));
    command
        .args(["run", "--dut", "qemu", "--jobs", "3", "--out", "out"])
        .arg("--elf")
        .arg(image()?)
        .arg("mqtt/connack/")
        .current_dir(folder)
        // The benches are in here, so their QEMUs can be told from those of other runs.
        .env("TMPDIR", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

fn a_run_whose_qemus_die_ends_with_2() -> Checked {
    let folder = tempfile::tempdir()?;
    let mark = folder.path().display().to_string();
    let run = run_in(folder.path())?.spawn()?;
    let mut seen = Vec::new();
    wait_for("a QEMU runs", || {
        seen = emulators(&mark);
        !seen.is_empty()
    })?;
    for pid in &seen {
        kill(*pid, Signal::KILL)?;
    }
    let output = run.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    check(output.status.code() == Some(2), &said)?;
    let result = RunResult::read(&folder.path().join("out"))?;
    check(result.complete, "the run went on to its end")?;
    check(result.totals.fail == 0, &said)?;
    // A case that was over at the very moment has its verdict.
    check(
        (1..=seen.len()).contains(&result.totals.inconclusive),
        &said,
    )?;
    check(result.totals.pass > 0, &said)?;
    for case in result.cases {
        let Some(reason) = case.reason else { continue };
        check(
            reason.contains("QEMU ended (signal: 9 (SIGKILL))"),
            format!("{}: {reason}", case.id),
        )?;
    }
    check(emulators(&mark).is_empty(), "a QEMU is left behind")
}

/// Ends the harness with `signal` while its QEMUs run.
fn ended_by(signal: Signal) -> Checked {
    let folder = tempfile::tempdir()?;
    let mark = folder.path().display().to_string();
    let mut run = run_in(folder.path())?
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let harness = Pid::from_child(&run);
    wait_for("two QEMUs run", || emulators(&mark).len() > 1)?;
    let seen = emulators(&mark);
    kill_process(harness, signal)?;
    run.wait()?;
    wait_for("its QEMUs are gone", || {
        seen.iter().all(|pid| is_gone(*pid)) && emulators(&mark).is_empty()
    })
}

fn a_harness_that_is_killed_leaves_no_qemu() -> Checked {
    ended_by(Signal::KILL)
}

fn a_harness_that_is_interrupted_leaves_no_qemu() -> Checked {
    ended_by(Signal::INT)
}
