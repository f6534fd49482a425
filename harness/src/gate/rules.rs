//! What a policy asks of the cases: that they were judged, and what they came to.

use std::collections::{BTreeMap, BTreeSet};

use super::judgement::{Code, Reason};
use super::{Given, Quarantined, Question};
use crate::case::Verdict;
use crate::result::Record;

/// Every record of every run.
pub(super) fn records(runs: &[Given]) -> impl Iterator<Item = &Record> {
    runs.iter().flat_map(|given| &given.run.cases)
}

fn quarantined<'q>(question: &Question<'q>, record: &Record) -> Option<&'q Quarantined> {
    let mut entries = question.policy.quarantine.iter();
    entries.find(|entry| entry.is_of(&record.dut, &record.id))
}

/// Whether the runs are whole, fit together, and have every device and case that is asked for.
pub(super) fn whole(question: &Question<'_>, reasons: &mut Vec<Reason>) {
    let (policy, runs) = (question.policy, question.runs);
    let mut seen = BTreeSet::new();
    let mut firmware: BTreeMap<&str, &Option<String>> = BTreeMap::new();
    for given in runs {
        let folder = given.folder.display();
        if !given.run.complete {
            let text = format!("{folder} was interrupted: not every case was judged");
            reasons.push(Reason::new(Code::Incomplete, text));
        }
        let version = env!("CARGO_PKG_VERSION");
        if given.run.suite_version != version {
            let text = format!(
                "{folder} was judged by the suite {}, and this is {version}: judge it again",
                given.run.suite_version
            );
            reasons.push(Reason::new(Code::OtherSuite, text));
        }
        for dut in &given.run.duts {
            let first = *firmware.entry(&dut.name).or_insert(&dut.firmware_sha256);
            if *first != dut.firmware_sha256 {
                let text = format!("{folder} judged other firmware than the runs before it");
                reasons.push(Reason::of_dut(Code::OtherFirmware, &dut.name, text));
            }
        }
        for record in &given.run.cases {
            if !seen.insert((record.dut.as_str(), record.id.as_str())) {
                let text = format!("{folder} has it, and so has a run before it");
                let reason = Reason::of_case(Code::Doubled, &record.dut, &record.id, text);
                reasons.push(reason);
            }
        }
    }
    for (filter, line) in &policy.cases {
        if !question.suite.iter().any(|case| case.id.contains(filter)) {
            let text = format!(
                "{}: no case of the suite has `{filter}` in its id",
                policy.place(*line)
            );
            reasons.push(Reason::new(Code::PolicyMistake, text));
        }
    }
    let asked_for = |id: &str| {
        policy.cases.is_empty() || policy.cases.iter().any(|(filter, _)| id.contains(filter))
    };
    for dut in &policy.duts {
        if !firmware.contains_key(dut.as_str()) {
            let text = "no run has judged it";
            reasons.push(Reason::of_dut(Code::DutMissing, dut, text));
            continue;
        }
        for case in question.suite {
            let wanted = policy.levels.contains(&case.level) && asked_for(&case.id);
            if wanted && !seen.contains(&(dut.as_str(), case.id.as_str())) {
                let text = format!("no run has judged this {}", case.level);
                reasons.push(Reason::of_case(Code::CaseMissing, dut, &case.id, text));
            }
        }
    }
}

/// What each case came to.
pub(super) fn cases(
    question: &Question<'_>,
    reasons: &mut Vec<Reason>,
    tolerated: &mut Vec<Reason>,
) {
    let policy = question.policy;
    let (mut inconclusive, mut flaky) = (Vec::new(), Vec::new());
    for record in records(question.runs) {
        let about = |code, text: String| Reason::of_case(code, &record.dut, &record.id, text);
        let why = record.reason.clone().unwrap_or_default();
        let found = match record.verdict {
            Verdict::Pass if !record.is_flaky() => continue,
            Verdict::Pass => {
                let failed = record.attempts.iter().find(|a| a.verdict != Verdict::Pass);
                let seen = failed.and_then(|a| a.reason.clone()).unwrap_or_default();
                let attempts = record.attempts.len();
                let text = format!("passed only in attempt {attempts}; before: {seen}");
                about(Code::Flaky, text)
            }
            Verdict::Fail => {
                let text = record.finding.as_ref().map_or(why, |finding| {
                    format!(
                        "{} ({}): expected {}; seen {}",
                        finding.statement, record.level, finding.expected, finding.seen
                    )
                });
                about(Code::Failed, text)
            }
            Verdict::Inconclusive => about(Code::Inconclusive, why),
            Verdict::Skipped => about(Code::Skipped, why),
        };
        let known = quarantined(question, record).filter(|entry| entry.expires >= question.day);
        if record.verdict == Verdict::Skipped {
            let may = policy
                .skips
                .iter()
                .any(|may| Some(may.to_string()) == record.lacks);
            match may || !policy.levels.contains(&record.level) {
                true => tolerated.push(found),
                false => reasons.push(found),
            }
        } else if let Some(entry) = known {
            let text = format!(
                "{} (quarantined until {} by {}: {})",
                found.text, entry.expires, entry.owner, entry.reason
            );
            tolerated.push(about(found.code, text));
        } else {
            match found.code {
                Code::Inconclusive => inconclusive.push(found),
                Code::Flaky => flaky.push(found),
                _ if policy.levels.contains(&record.level) => reasons.push(found),
                _ => tolerated.push(found),
            }
        }
    }
    for (list, budget) in [(inconclusive, policy.inconclusive), (flaky, policy.flaky)] {
        within(list, budget, reasons, tolerated);
    }
}

/// Tolerates `list` when it is not longer than `budget`.
fn within(
    mut list: Vec<Reason>,
    budget: usize,
    reasons: &mut Vec<Reason>,
    tolerated: &mut Vec<Reason>,
) {
    let number = list.len();
    if number <= budget {
        tolerated.append(&mut list);
        return;
    }
    for reason in &mut list {
        reason.text = format!("{} ({number} cases, {budget} allowed)", reason.text);
    }
    reasons.append(&mut list);
}

/// Whether each entry of the quarantine is still needed, and still tolerated.
pub(super) fn quarantine(question: &Question<'_>, reasons: &mut Vec<Reason>) {
    let policy = question.policy;
    for entry in &policy.quarantine {
        let place = policy.place(entry.line);
        let about = |code, text: String| Reason {
            dut: entry.dut.clone(),
            case: Some(entry.case.clone()),
            ..Reason::new(code, text)
        };
        if entry.expires < question.day {
            let text = format!(
                "{place}: expired on {} (owner {}: {}): mend it, or agree on another day",
                entry.expires, entry.owner, entry.reason
            );
            reasons.push(about(Code::QuarantineExpired, text));
        }
        let of_entry: Vec<&Record> = records(question.runs)
            .filter(|record| entry.is_of(&record.dut, &record.id))
            .collect();
        let judged = |record: &&&Record| record.verdict != Verdict::Skipped;
        let passes = |record: &&Record| record.verdict == Verdict::Pass && !record.is_flaky();
        if !of_entry.iter().any(|record| judged(&record)) {
            let text =
                format!("{place}: no run has judged the case; take the entry out, or run the case");
            reasons.push(about(Code::QuarantineUnused, text));
        } else if of_entry.iter().filter(judged).all(passes) {
            let text = format!("{place}: the case passes; take the entry out");
            reasons.push(about(Code::QuarantinePasses, text));
        }
    }
}

/// Whether a case comes to the same on every device that could be judged by it.
pub(super) fn divergence(
    question: &Question<'_>,
    reasons: &mut Vec<Reason>,
    tolerated: &mut Vec<Reason>,
) {
    let mut by_case: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records(question.runs) {
        let judged = matches!(record.verdict, Verdict::Pass | Verdict::Fail);
        if judged && quarantined(question, record).is_none() {
            by_case.entry(&record.id).or_default().push(record);
        }
    }
    let mut divergent = Vec::new();
    for (id, records) in by_case {
        if records.iter().all(|r| r.verdict == records[0].verdict) {
            continue;
        }
        let said = records.iter().map(|r| format!("{} {}", r.dut, r.verdict));
        let text = said.collect::<Vec<_>>().join(", ");
        divergent.push(Reason {
            case: Some(id.into()),
            ..Reason::new(Code::Divergent, text)
        });
    }
    within(divergent, question.policy.divergent, reasons, tolerated);
}
