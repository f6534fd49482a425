//! Markdown for a pull request or a job's summary.

use std::fmt::Write as _;

use super::escape::markdown as code;
use super::summary::{Exit, exit_of, worst_last};
use crate::case::Verdict;
use crate::result::{Record, RunResult, Totals};

/// Cases explained; a comment on a pull request has a limit of 65,536 characters.
const EXPLAINED: usize = 50;

/// Writes the run as Markdown.
pub fn markdown(run: &RunResult) -> String {
    let word = match exit_of(run) {
        Exit::Green => "passed",
        Exit::Failed => "failed",
        Exit::NotJudged => "could not judge",
    };
    let mut out = format!("## Firmproof: {word}\n\n");
    let _ = writeln!(
        out,
        "| protocol | pass | fail | inconclusive | skipped | flaky |"
    );
    let _ = writeln!(out, "| --- | ---: | ---: | ---: | ---: | ---: |");
    let mut protocols: Vec<&str> = run.cases.iter().map(|r| r.protocol.as_str()).collect();
    protocols.sort_unstable();
    protocols.dedup();
    for protocol in protocols {
        let totals = Totals::of(run.cases.iter().filter(|r| r.protocol == protocol));
        let _ = writeln!(out, "{}", row(protocol, totals));
    }
    let _ = writeln!(out, "{}\n", row("**all**", run.totals));
    for dut in &run.duts {
        let version = dut.version.as_deref().unwrap_or("unknown");
        let digest = dut.firmware_sha256.as_deref().unwrap_or("unknown");
        let _ = writeln!(
            out,
            "- device {}, version {}, SHA-256 {}",
            code(&dut.name),
            code(version),
            code(digest)
        );
    }
    let _ = writeln!(out, "- suite {}, seed `{}`", run.suite_version, run.seed);
    if !run.complete {
        let _ = writeln!(
            out,
            "- **the run was interrupted**: not every case was judged"
        );
    }
    let mut found: Vec<&Record> = worst_last(run)
        .into_iter()
        .filter(|record| {
            record.is_flaky() || matches!(record.verdict, Verdict::Fail | Verdict::Inconclusive)
        })
        .collect();
    // Here the worst comes first: a page is read from its top.
    found.reverse();
    for record in found.iter().take(EXPLAINED) {
        out.push_str(&explain(record));
    }
    if found.len() > EXPLAINED {
        let _ = writeln!(out, "\n{} more are in the report.", found.len() - EXPLAINED);
    }
    out
}

fn row(name: &str, t: Totals) -> String {
    format!(
        "| {name} | {} | {} | {} | {} | {} |",
        t.pass, t.fail, t.inconclusive, t.skipped, t.flaky
    )
}

fn explain(record: &Record) -> String {
    let word = match record.is_flaky() {
        true => "flaky".into(),
        false => record.verdict.to_string(),
    };
    let mut out = format!(
        "\n### {word}: `{}` ({}) on {}\n\n{}\n\n",
        record.id,
        record.level,
        code(&record.dut),
        record.requirement
    );
    if let Some(finding) = &record.finding {
        let _ = writeln!(out, "- clause `{}`", finding.statement);
        let _ = writeln!(out, "- expected {}", code(&finding.expected));
        let _ = writeln!(out, "- seen {}", code(&finding.seen));
    }
    if let Some(reason) = &record.reason {
        let _ = writeln!(out, "- reason {}", code(reason));
    }
    if record.attempts.len() > 1 {
        for (number, attempt) in (1..).zip(&record.attempts) {
            let reason = attempt.reason.as_deref().map(code).unwrap_or_default();
            let _ = writeln!(out, "- attempt {number}: {} {reason}", attempt.verdict);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::tests::example;

    #[test]
    fn the_worst_comes_first_and_nothing_of_the_device_s_is_markup() {
        insta::assert_snapshot!(markdown(&example()));
    }
}
