//! A run's result: one record per case, joined into `run.json` (schema 1, `docs/interfaces.md`).
//!
//! Each record is written as soon as its case is judged, so that an interrupted run, or one that
//! cargo-nextest spreads over processes, still has every verdict that was reached.

mod file;
mod folder;
mod merge;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::case::{Finding, Level, Verdict};
use crate::evidence::{Entry, Line};

pub use file::ResultError;
pub use folder::{Records, RunFolder, parse_seed};
pub use merge::{MergeError, merge};

/// The schema that this version reads and writes.
pub const SCHEMA: u32 = 1;
/// The version of the suite.
pub const SUITE_VERSION: &str = env!("CARGO_PKG_VERSION");
/// The file of the whole run.
const RUN: &str = "run.json";

/// Writes a document of another kind beside runs, whole or not at all.
pub(crate) fn write_document(
    folder: &Path,
    name: &str,
    document: &impl Serialize,
) -> Result<(), ResultError> {
    file::write(&folder.join(name), document)
}

/// The verdict on one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// `protocol/topic/name`.
    pub id: String,
    /// The profile's name.
    pub dut: String,
    /// First part of the id.
    pub protocol: String,
    /// How binding the requirement is.
    pub level: Level,
    /// The requirement in one sentence.
    pub requirement: String,
    /// The statements judged.
    pub statements: Vec<String>,
    /// What the case came to in its last attempt.
    pub verdict: Verdict,
    /// Wall time of the last attempt in seconds.
    pub seconds: f64,
    /// Why it is inconclusive or skipped.
    pub reason: Option<String>,
    /// The capability that the profile of a skipped case lacks.
    #[serde(default)]
    pub lacks: Option<String>,
    /// What a failed case found.
    pub finding: Option<Finding>,
    /// Every time that the case was judged in this run, the last one last.
    pub attempts: Vec<Attempt>,
    /// What the device chose in the last attempt where the specification leaves a choice.
    #[serde(default)]
    pub observed: Vec<String>,
    /// What was measured in the last attempt, by name; the name ends in the unit.
    pub metrics: BTreeMap<String, f64>,
    /// The evidence file of the last attempt, relative to the run's folder.
    pub evidence: String,
    /// Its capture, relative to the run's folder, when one was written.
    pub capture: Option<String>,
}

impl Record {
    /// Whether it passed, but not the first time that it was judged in this run.
    pub fn is_flaky(&self) -> bool {
        let judged = |attempt: &Attempt| attempt.verdict == Verdict::Pass;
        self.verdict == Verdict::Pass && !self.attempts.iter().all(judged)
    }
}

/// One time that a case was judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// What it came to.
    pub verdict: Verdict,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Why it is inconclusive or skipped, or what a failed one saw.
    pub reason: Option<String>,
    /// Its own evidence file, relative to the run's folder.
    #[serde(default)]
    pub evidence: Option<String>,
    /// Its own capture, when one was written.
    #[serde(default)]
    pub capture: Option<String>,
}

/// The evidence file of one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceFile {
    /// The case.
    pub id: String,
    /// Messages between the device and its peers.
    pub transcript: Vec<Entry>,
    /// The device's console.
    pub console: Vec<Line>,
}

impl EvidenceFile {
    /// Reads the evidence of `record` in a run's folder.
    ///
    /// # Errors
    /// See [`ResultError`].
    pub fn read(folder: &Path, record: &Record) -> Result<Self, ResultError> {
        file::read(&folder.join(&record.evidence))
    }
}

/// The device of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutSummary {
    /// The profile's name.
    pub name: String,
    /// The profile's kind.
    pub kind: String,
    /// SHA-256 of the program that was started, in hexadecimal; none when no file was found.
    pub firmware_sha256: Option<String>,
    /// What the device calls its version on its ready line; none when it has no such line.
    pub version: Option<String>,
    /// What was measured of it as a whole, by name; the name ends in the unit.
    #[serde(default)]
    pub metrics: BTreeMap<String, f64>,
    /// The programs that ran it and judged it, with their versions.
    #[serde(default)]
    pub tools: BTreeMap<String, String>,
}

/// The file of one record: all that a run can be assembled from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordFile {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's, as in [`RunResult`].
    pub suite_version: String,
    /// The run's, as in [`RunResult`].
    pub seed: String,
    /// The device.
    pub dut: DutSummary,
    /// The record, as it stands in `run.json`.
    pub case: Record,
}

/// Verdicts counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Cases that passed.
    pub pass: usize,
    /// Cases that failed.
    pub fail: usize,
    /// Cases that could not be judged.
    pub inconclusive: usize,
    /// Cases that the profile does not allow.
    pub skipped: usize,
    /// Of those that passed, the ones that did not pass the first time.
    #[serde(default)]
    pub flaky: usize,
}

impl Totals {
    /// Counts the verdicts of `records`.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut totals = Self::default();
        for record in records {
            match record.verdict {
                Verdict::Pass => totals.pass += 1,
                Verdict::Fail => totals.fail += 1,
                Verdict::Inconclusive => totals.inconclusive += 1,
                Verdict::Skipped => totals.skipped += 1,
            }
            totals.flaky += usize::from(record.is_flaky());
        }
        totals
    }
}

/// Writes another file of a run's folder, whole or not at all.
///
/// # Errors
/// The file system's.
pub(crate) fn write_file<T: Serialize>(path: &Path, content: &T) -> Result<(), ResultError> {
    file::write(path, content)
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunResult {
    /// [`SCHEMA`].
    pub schema: u32,
    /// [`SUITE_VERSION`].
    pub suite_version: String,
    /// The seed that every bench's seed is drawn from, in hexadecimal.
    pub seed: String,
    /// When it began, in seconds since 1970-01-01 UTC; 0 when that is not known.
    #[serde(default)]
    pub began_unix_s: u64,
    /// Whether every selected case was judged.
    pub complete: bool,
    /// The devices.
    pub duts: Vec<DutSummary>,
    /// Verdicts counted.
    pub totals: Totals,
    /// The cases, in the suite's order.
    pub cases: Vec<Record>,
}

impl RunResult {
    /// Joins the records of the run in `folder`, in the order that they have.
    pub fn of(folder: &RunFolder, records: Vec<RecordFile>, complete: bool) -> Self {
        let mut duts: Vec<DutSummary> = Vec::new();
        for record in &records {
            match duts.iter_mut().find(|dut| dut.name == record.dut.name) {
                // A device that never became ready told no version; another case may know it.
                Some(dut) => dut.version = dut.version.take().or(record.dut.version.clone()),
                None => duts.push(record.dut.clone()),
            }
        }
        let cases: Vec<Record> = records.into_iter().map(|record| record.case).collect();
        Self {
            schema: SCHEMA,
            suite_version: SUITE_VERSION.into(),
            seed: folder.seed_text(),
            began_unix_s: folder.began_unix_s(),
            complete,
            duts,
            totals: Totals::of(&cases),
            cases,
        }
    }

    /// Writes `run.json` into the run's folder.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, folder: &Path) -> Result<(), ResultError> {
        file::write(&folder.join(RUN), self)
    }

    /// `run.json` of a run's folder.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(RUN)
    }

    /// Reads `run.json` of a run's folder.
    ///
    /// # Errors
    /// See [`ResultError`]: a missing, truncated or foreign file is named.
    pub fn read(folder: &Path) -> Result<Self, ResultError> {
        let path = folder.join(RUN);
        let run: Self = file::read_schema(&path)?;
        match run.contradiction() {
            Some(message) => Err(ResultError::Malformed { path, message }),
            None => Ok(run),
        }
    }

    /// What in it cannot be true, however well-formed it is.
    fn contradiction(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        for case in &self.cases {
            if !seen.insert((&case.dut, &case.id)) {
                return Some(format!(
                    "`{}` of the device `{}` stands in it twice; a case has one record on each device",
                    case.id, case.dut
                ));
            }
            if !self.duts.iter().any(|dut| dut.name == case.dut) {
                return Some(format!(
                    "`{}` names the device `{}`, which `duts` does not have",
                    case.id, case.dut
                ));
            }
        }
        let counted = Totals::of(&self.cases);
        (counted != self.totals).then(|| {
            format!(
                "its `totals` are {:?}, and its cases count to {counted:?}",
                self.totals
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_result_and_an_unknown_schema_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(RUN);
        std::fs::write(&file, "{\"schema\": 1, \"cases\": [").unwrap();
        let truncated = RunResult::read(folder.path()).unwrap_err();
        assert!(
            matches!(truncated, ResultError::Malformed { .. }),
            "{truncated}"
        );
        std::fs::write(&file, "{\"schema\": 7}").unwrap();
        let foreign = RunResult::read(folder.path()).unwrap_err();
        assert!(
            matches!(foreign, ResultError::UnknownSchema { found: 7, .. }),
            "{foreign}"
        );
    }
}
