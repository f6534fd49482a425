//! Runs to report on: real ones, and ones made larger or worse from them.

use std::path::Path;
use std::process::Command;

use firmproof::case::{Finding, Verdict};
use firmproof::result::{Attempt, RunResult, Totals};
use libtest_mimic::Failed;

use super::{Checked, check};

/// What a hostile device says wherever it may say something.
pub(super) const HOSTILE: &str = "</script></style><script>window.hacked=1</script><img src=x onerror=window.hacked=2>\"'`|\u{202e}\u{1b}[31m";

/// Runs cases on the reference device, with captures.
pub(super) fn run(folder: &Path, filters: &[&str]) -> Checked<RunResult> {
    let output = Command::new(env!("CARGO_BIN_EXE_firmproof"))
        .arg("run")
        .args(filters)
        .args(["--capture", "--quiet", "--out"])
        .arg(folder)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    check(output.status.success(), said)?;
    Ok(RunResult::read(folder)?)
}

/// Writes the page of the run in `folder`, and returns its address.
pub(super) fn page_of(folder: &Path) -> Checked<String> {
    let file = folder.join("report.html");
    let output = Command::new(env!("CARGO_BIN_EXE_firmproof"))
        .args(["report", "--format", "html", "-o"])
        .arg(&file)
        .arg(folder)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    check(output.status.success(), said)?;
    Ok(format!("file://{}", file.display()))
}

/// Makes the first case fail, the second one flaky, and the third one inconclusive, with hostile text.
pub(super) fn make_worse(folder: &Path, run: &mut RunResult) -> Checked {
    let [failed, flaky, unsure, ..] = &mut run.cases[..] else {
        return Err(Failed::from("too few cases"));
    };
    failed.verdict = Verdict::Fail;
    failed.finding = Some(Finding {
        statement: failed.statements[0].clone(),
        expected: "the connection closed".into(),
        seen: HOSTILE.into(),
    });
    failed.attempts[0].verdict = Verdict::Fail;
    flaky.attempts.insert(
        0,
        Attempt {
            verdict: Verdict::Fail,
            seconds: 0.5,
            reason: Some(HOSTILE.into()),
            evidence: None,
            capture: None,
        },
    );
    unsure.verdict = Verdict::Inconclusive;
    unsure.reason = Some(HOSTILE.into());
    unsure.attempts[0].verdict = Verdict::Inconclusive;
    run.duts[0].version = Some(HOSTILE.into());
    // The evidence of the failed case says it too, in every place that the device controls.
    let path = folder.join(&run.cases[0].evidence);
    let mut evidence: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let hostile = serde_json::Value::from(HOSTILE);
    for entry in evidence["transcript"].as_array_mut().into_iter().flatten() {
        if entry["direction"] == "from-device" {
            entry["summary"] = hostile.clone();
        }
    }
    for line in evidence["console"].as_array_mut().into_iter().flatten() {
        line["text"] = hostile.clone();
    }
    std::fs::write(&path, evidence.to_string())?;
    write(folder, run)
}

/// Makes the run have `number` cases, by giving those that it has more ids.
pub(super) fn enlarge(folder: &Path, run: &mut RunResult, number: usize) -> Checked {
    let originals = run.cases.clone();
    for (place, case) in originals
        .iter()
        .cycle()
        .take(number)
        .enumerate()
        .skip(originals.len())
    {
        let mut case = case.clone();
        case.id = format!("{}-{place}", case.id);
        run.cases.push(case);
    }
    write(folder, run)
}

fn write(folder: &Path, run: &mut RunResult) -> Checked {
    run.totals = Totals::of(&run.cases);
    Ok(run.write(folder)?)
}
