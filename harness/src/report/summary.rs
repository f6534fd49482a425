//! The summary at the end of a run: counts per protocol, then each failure with what a reader
//! needs to understand it.

use std::fmt::Write as _;

use super::printable;
use super::style::{Style, Tone};
use crate::case::{Level, Verdict};
use crate::result::{Record, RunResult, Totals};

/// How a run ends for the calling program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every `must` case that was not skipped passed.
    Green = 0,
    /// A `must` case failed, or passed only when it was judged again.
    Failed = 1,
    /// The harness could not judge.
    NotJudged = 2,
}

/// Decides how a run ends: green means judged.
pub fn exit_of(run: &RunResult) -> Exit {
    let must = || run.cases.iter().filter(|r| r.level == Level::Must);
    if must().any(|r| r.verdict == Verdict::Fail || r.is_flaky()) {
        return Exit::Failed;
    }
    let judged = run
        .cases
        .iter()
        .any(|r| matches!(r.verdict, Verdict::Pass | Verdict::Fail));
    if !run.complete || !judged || must().any(|r| r.verdict == Verdict::Inconclusive) {
        return Exit::NotJudged;
    }
    Exit::Green
}

/// Writes the summary; `again` is the command that runs one case again, without the case.
pub fn summary(run: &RunResult, again: &str, style: Style) -> String {
    table(run) + &explained(run, again, style)
}

fn table(run: &RunResult) -> String {
    let mut out = String::new();
    let mut protocols: Vec<&str> = run.cases.iter().map(|r| r.protocol.as_str()).collect();
    protocols.sort_unstable();
    protocols.dedup();
    let _ = writeln!(out, "protocol      pass   fail  inconclusive  skipped");
    for protocol in protocols {
        let totals = Totals::of(run.cases.iter().filter(|r| r.protocol == protocol));
        let _ = writeln!(out, "{}", row(protocol, totals));
    }
    let _ = writeln!(out, "{}", row("all", run.totals));
    if run.totals.flaky > 0 {
        let _ = writeln!(
            out,
            "{} of those that passed did so only when judged again: flaky",
            run.totals.flaky
        );
    }
    out
}

/// Explains each case that did not simply pass: the worst last, where a reader of a log looks first.
pub fn explained(run: &RunResult, again: &str, style: Style) -> String {
    let of_one = |record| explain(record, again, style);
    worst_last(run).into_iter().map(of_one).collect()
}

/// The records, the worst last.
pub(super) fn worst_last(run: &RunResult) -> Vec<&Record> {
    let worth = |record: &&Record| match record.verdict {
        Verdict::Pass if record.is_flaky() => 1,
        Verdict::Pass | Verdict::Skipped => 0,
        Verdict::Inconclusive => 1,
        Verdict::Fail if record.level != Level::Must => 2,
        Verdict::Fail => 3,
    };
    let mut records: Vec<&Record> = run.cases.iter().collect();
    records.sort_by_key(worth);
    records
}

fn row(name: &str, t: Totals) -> String {
    format!(
        "{name:<10} {:>7} {:>6} {:>13} {:>8}",
        t.pass, t.fail, t.inconclusive, t.skipped
    )
}

fn explain(record: &Record, again: &str, style: Style) -> String {
    let mut out = String::new();
    let headline = |tone, word: &str| {
        let word = style.paint(tone, word);
        format!("\n{word} {} ({})", record.id, record.level)
    };
    match (record.verdict, &record.finding, &record.reason) {
        (Verdict::Fail, Some(finding), _) => {
            let _ = writeln!(out, "{}", headline(Tone::Bad, "FAIL"));
            let _ = writeln!(out, "  requirement  {}", record.requirement);
            let _ = writeln!(out, "  clause       {}", finding.statement);
            let _ = writeln!(out, "  expected     {}", printable(&finding.expected));
            let _ = writeln!(out, "  seen         {}", printable(&finding.seen));
            let _ = writeln!(out, "  again        {again} {}", record.id);
        }
        (Verdict::Inconclusive, _, Some(reason)) => {
            let _ = writeln!(out, "{}", headline(Tone::Doubtful, "INCONCLUSIVE"));
            let _ = writeln!(out, "  reason       {}", printable(reason));
            let _ = writeln!(out, "  again        {again} {}", record.id);
        }
        _ if record.is_flaky() => {
            let _ = writeln!(out, "{}", headline(Tone::Doubtful, "FLAKY"));
            for (number, attempt) in (1..).zip(&record.attempts) {
                let reason = attempt.reason.as_deref().map(printable);
                let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
                let _ = writeln!(out, "  attempt {number}    {}{reason}", attempt.verdict);
            }
            let _ = writeln!(out, "  again        {again} {}", record.id);
        }
        _ => {}
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::case::Finding;
    use crate::result::{Attempt, SCHEMA};

    fn record(id: &str, level: Level, verdict: Verdict) -> Record {
        Record {
            id: id.into(),
            dut: "host".into(),
            protocol: id.split('/').next().unwrap().into(),
            level,
            requirement: "A client must not do that.".into(),
            statements: vec!["MQTT-3.1.0-1".into()],
            verdict,
            seconds: 0.1,
            reason: (verdict == Verdict::Inconclusive).then(|| "the broker is gone".into()),
            lacks: None,
            finding: (verdict == Verdict::Fail).then(|| Finding {
                statement: "MQTT-3.1.0-1".into(),
                expected: "CONNECT first".into(),
                seen: "PUBLISH \u{1b}[31m".into(),
            }),
            attempts: vec![attempt(verdict, None)],
            observed: Vec::new(),
            metrics: std::collections::BTreeMap::new(),
            evidence: String::new(),
            capture: None,
        }
    }

    fn attempt(verdict: Verdict, reason: Option<&str>) -> Attempt {
        Attempt {
            verdict,
            seconds: 0.1,
            reason: reason.map(Into::into),
            evidence: None,
            capture: None,
        }
    }

    fn flaky(id: &str) -> Record {
        let mut record = record(id, Level::Must, Verdict::Pass);
        let first = attempt(Verdict::Fail, Some("PUBLISH \u{1b}[31m"));
        record.attempts.insert(0, first);
        record
    }

    fn run(cases: Vec<Record>) -> RunResult {
        RunResult {
            schema: SCHEMA,
            suite_version: "0".into(),
            seed: String::new(),
            began_unix_s: 0,
            complete: true,
            duts: Vec::new(),
            totals: Totals::of(&cases),
            cases,
        }
    }

    /// A run with every verdict, on a device that says hostile things.
    pub(in crate::report) fn example() -> RunResult {
        let mut skipped = record("ntp/a/skipped", Level::Must, Verdict::Skipped);
        skipped.reason = Some("the profile `x#1` lacks the capability `power`".into());
        let mut broken = record("mqtt/connect/first", Level::Must, Verdict::Fail);
        broken
            .attempts
            .insert(0, attempt(Verdict::Inconclusive, Some("no broker")));
        if let Some(finding) = &mut broken.finding {
            finding.seen = "</script><b>`|` # \u{1b}[31m\u{202e}\0".into();
        }
        let mut run = run(vec![
            record("http/host/missing", Level::Must, Verdict::Pass),
            broken,
            record("mqtt/connect/other", Level::Must, Verdict::Inconclusive),
            record("mqtt/connect/wish", Level::Policy, Verdict::Fail),
            flaky("mqtt/connect/again"),
            skipped,
        ]);
        run.duts.push(crate::result::DutSummary {
            name: "host".into(),
            kind: "host".into(),
            firmware_sha256: Some("ab".repeat(32)),
            version: Some("<1>`|".into()),
            metrics: std::collections::BTreeMap::new(),
            tools: std::collections::BTreeMap::new(),
        });
        run
    }

    #[test]
    fn a_failure_tells_clause_expected_seen_and_how_to_run_it_again() {
        let run = run(vec![
            record("http/host/missing", Level::Must, Verdict::Pass),
            record("mqtt/connect/first", Level::Must, Verdict::Fail),
            record("mqtt/connect/other", Level::Must, Verdict::Inconclusive),
            record("mqtt/connect/wish", Level::Policy, Verdict::Fail),
            flaky("mqtt/connect/again"),
        ]);
        insta::assert_snapshot!(summary(&run, "firmproof run", Style::Plain));
        let coloured = summary(&run, "firmproof run", Style::Coloured);
        assert!(
            coloured.contains("\u{1b}[31mFAIL\u{1b}[0m mqtt"),
            "{coloured}"
        );
    }

    #[test]
    fn green_means_judged() {
        let pass = || record("mqtt/a/b", Level::Must, Verdict::Pass);
        assert_eq!(exit_of(&run(vec![pass()])), Exit::Green);
        assert_eq!(exit_of(&run(vec![])), Exit::NotJudged);
        assert_eq!(
            exit_of(&run(vec![record(
                "mqtt/a/b",
                Level::Must,
                Verdict::Skipped
            )])),
            Exit::NotJudged
        );
        let unsure = record("mqtt/a/c", Level::Must, Verdict::Inconclusive);
        assert_eq!(exit_of(&run(vec![pass(), unsure])), Exit::NotJudged);
        let broken = record("mqtt/a/d", Level::Must, Verdict::Fail);
        assert_eq!(exit_of(&run(vec![pass(), broken])), Exit::Failed);
        let wish = record("mqtt/a/e", Level::Policy, Verdict::Fail);
        assert_eq!(exit_of(&run(vec![pass(), wish])), Exit::Green);
        let again = run(vec![pass(), flaky("mqtt/a/f")]);
        assert_eq!(exit_of(&again), Exit::Failed);
        let mut cut = run(vec![pass()]);
        cut.complete = false;
        assert_eq!(exit_of(&cut), Exit::NotJudged);
    }
}
