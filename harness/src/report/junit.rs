//! JUnit's XML, as CI servers read it: a suite per device, a test case per case.

use std::time::Duration;

use quick_junit::{
    FlakyOrRerun, NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus,
    TestRerun, TestSuite,
};

use super::printable;
use crate::case::Verdict;
use crate::result::{Attempt, Record, RunResult};

/// Writes the run as JUnit's XML.
///
/// # Errors
/// The writer of XML's.
pub fn junit(run: &RunResult) -> Result<String, SerializeError> {
    let mut report = Report::new("firmproof");
    for dut in &run.duts {
        let mut suite = TestSuite::new(dut.name.as_str());
        for (name, value) in [
            ("suite_version", Some(&run.suite_version)),
            ("seed", Some(&run.seed)),
            ("firmware_sha256", dut.firmware_sha256.as_ref()),
            ("firmware_version", dut.version.as_ref()),
        ] {
            if let Some(value) = value {
                suite.add_property(Property::new(name, printable(value)));
            }
        }
        let of_dut = run.cases.iter().filter(|case| case.dut == dut.name);
        let mut seconds = 0.0;
        for record in of_dut {
            seconds += record.seconds;
            suite.add_test_case(case(record));
        }
        suite.set_time(duration(seconds));
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn case(record: &Record) -> TestCase {
    let (topic, name) = record.id.rsplit_once('/').unwrap_or(("", &record.id));
    let mut case = TestCase::new(name, status(record));
    case.set_classname(topic.replace('/', "."))
        .set_time(duration(record.seconds));
    for (name, value) in [
        ("level", record.level.to_string()),
        ("statements", record.statements.join(" ")),
        ("requirement", record.requirement.clone()),
        ("evidence", record.evidence.clone()),
        ("capture", record.capture.clone().unwrap_or_default()),
    ] {
        if !value.is_empty() {
            case.add_property(Property::new(name, value));
        }
    }
    case
}

fn status(record: &Record) -> TestCaseStatus {
    let reason = record.reason.as_deref().map(printable).unwrap_or_default();
    let mut status = match record.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Skipped => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason);
            status
        }
        Verdict::Inconclusive => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(reason).set_type("inconclusive");
            status
        }
        Verdict::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            match &record.finding {
                Some(finding) => {
                    let (expected, seen) = (printable(&finding.expected), printable(&finding.seen));
                    status
                        .set_type(finding.statement.as_str())
                        .set_message(seen.as_str())
                        .set_description(format!(
                            "requirement: {}\nclause: {}\nexpected: {expected}\nseen: {seen}",
                            record.requirement, finding.statement
                        ));
                }
                None => {
                    status.set_message(reason);
                }
            }
            status
        }
    };
    if record.verdict != Verdict::Pass && record.verdict != Verdict::Skipped {
        status.set_rerun_kind(FlakyOrRerun::Rerun);
    }
    // The last attempt is the case itself.
    let before = record
        .attempts
        .split_last()
        .map_or(&[][..], |(_, before)| before);
    let not_passed = before.iter().filter(|a| a.verdict != Verdict::Pass);
    if record.verdict != Verdict::Skipped {
        status.add_reruns(not_passed.map(rerun));
    }
    status
}

fn rerun(attempt: &Attempt) -> TestRerun {
    let kind = match attempt.verdict {
        Verdict::Fail => NonSuccessKind::Failure,
        _ => NonSuccessKind::Error,
    };
    let mut rerun = TestRerun::new(kind);
    rerun
        .set_time(duration(attempt.seconds))
        .set_type(attempt.verdict.to_string());
    if let Some(reason) = &attempt.reason {
        rerun.set_message(printable(reason));
    }
    rerun
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::tests::example;

    #[test]
    fn every_verdict_has_its_place_with_attempts_level_and_statements() {
        insta::assert_snapshot!(junit(&example()).unwrap());
    }
}
