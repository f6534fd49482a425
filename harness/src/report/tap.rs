//! The Test Anything Protocol, version 14.

use std::fmt::Write as _;

use super::printable;
use crate::case::{Level, Verdict};
use crate::result::{Record, RunResult};

/// Writes the run as TAP. A case below `must` that failed is a `TODO`, as consumers do not count it.
pub fn tap(run: &RunResult) -> String {
    let mut out = format!("TAP version 14\n1..{}\n", run.cases.len());
    for (number, record) in (1..).zip(&run.cases) {
        let _ = write!(out, "{}", line(number, record));
    }
    if !run.complete {
        let _ = writeln!(out, "Bail out! the run was interrupted");
    }
    out
}

fn line(number: usize, record: &Record) -> String {
    let reason = escaped(record.reason.as_deref().unwrap_or_default());
    let (ok, directive) = match record.verdict {
        Verdict::Pass if record.is_flaky() => ("ok", " (flaky)".into()),
        Verdict::Pass => ("ok", String::new()),
        Verdict::Skipped => ("ok", format!(" # SKIP {reason}")),
        Verdict::Fail | Verdict::Inconclusive if record.level != Level::Must => {
            ("not ok", format!(" # TODO level {}", record.level))
        }
        Verdict::Fail | Verdict::Inconclusive => ("not ok", String::new()),
    };
    let (dut, id) = (escaped(&record.dut), escaped(&record.id));
    let mut out = format!("{ok} {number} - {dut} {id}{directive}\n");
    let mut more: Vec<(&str, String)> = Vec::new();
    match record.verdict {
        Verdict::Skipped => return out,
        Verdict::Pass if !record.is_flaky() => return out,
        Verdict::Pass => more.push((
            "flaky",
            format!("passed in attempt {}", record.attempts.len()),
        )),
        Verdict::Inconclusive => {
            more.push(("inconclusive", record.reason.clone().unwrap_or_default()));
        }
        Verdict::Fail => {
            if let Some(finding) = &record.finding {
                more.push(("clause", finding.statement.clone()));
                more.push(("expected", finding.expected.clone()));
                more.push(("seen", finding.seen.clone()));
            }
        }
    }
    more.push(("requirement", record.requirement.clone()));
    out.push_str("  ---\n");
    for (key, value) in more {
        // A string of JSON is one of YAML.
        let value = serde_json::Value::from(printable(&value));
        let _ = writeln!(out, "  {key}: {value}");
    }
    out.push_str("  ...\n");
    out
}

/// A description: `#` would begin a directive.
fn escaped(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('#', "\\#")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::tests::example;

    #[test]
    fn every_verdict_has_its_line() {
        let mut run = example();
        run.complete = false;
        insta::assert_snapshot!(tap(&run));
    }
}
