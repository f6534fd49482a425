//! A run's result: one record per case, joined into `run.json` (schema 1, `docs/interfaces.md`).
//!
//! Each record is written as soon as its case is judged, so that an interrupted run, or one that
//! cargo-nextest spreads over processes, still has every verdict that was reached.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::case::{Finding, Level, Verdict};
use crate::evidence::Entry;
use crate::evidence::console::Line;

/// The schema that this version reads and writes.
pub const SCHEMA: u32 = 1;

/// The verdict on one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// What the case came to.
    pub verdict: Verdict,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Why it is inconclusive or skipped.
    pub reason: Option<String>,
    /// What a failed case found.
    pub finding: Option<Finding>,
    /// The evidence file, relative to the run's folder.
    pub evidence: String,
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

/// The device of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DutSummary {
    /// The profile's name.
    pub name: String,
    /// The profile's kind.
    pub kind: String,
}

/// Verdicts counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Cases that passed.
    pub pass: usize,
    /// Cases that failed.
    pub fail: usize,
    /// Cases that could not be judged.
    pub inconclusive: usize,
    /// Cases that the profile does not allow.
    pub skipped: usize,
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
        }
        totals
    }
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of the suite.
    pub suite_version: String,
    /// The seed that every bench's seed is drawn from, in hexadecimal.
    pub seed: String,
    /// Whether every selected case was judged.
    pub complete: bool,
    /// The devices.
    pub duts: Vec<DutSummary>,
    /// Verdicts counted.
    pub totals: Totals,
    /// The cases, in the suite's order.
    pub cases: Vec<Record>,
}

/// Why a run cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResultError {
    /// The file system's.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Truncated, or not a result.
    #[error("{} is not a whole result: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// Another schema.
    #[error("{} has schema {found}; this version of firmproof reads schema {SCHEMA}", path.display())]
    UnknownSchema {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u64,
    },
}

fn io_error(path: &Path) -> impl FnOnce(std::io::Error) -> ResultError + '_ {
    move |source| ResultError::Io {
        path: path.into(),
        source,
    }
}

/// The file name of a case's evidence: its id with `/` as `.`.
fn file_stem(dut: &str, id: &str) -> String {
    format!("{dut}.{}", id.replace('/', "."))
}

/// Writes one record and its evidence into the run's folder.
///
/// # Errors
/// The file system's.
pub fn write_record(
    folder: &Path,
    record: &mut Record,
    evidence: &EvidenceFile,
) -> Result<(), ResultError> {
    let stem = file_stem(&record.dut, &record.id);
    record.evidence = format!("evidence/{stem}.json");
    write_json(&folder.join(&record.evidence), evidence)?;
    write_json(&folder.join(format!("records/{stem}.json")), record)
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), ResultError> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(io_error(parent))?;
    }
    let text = serde_json::to_string_pretty(value).map_err(|e| ResultError::Malformed {
        path: path.into(),
        message: e.to_string(),
    })?;
    std::fs::write(path, text + "\n").map_err(io_error(path))
}

impl RunResult {
    /// Writes `run.json` into the run's folder.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, folder: &Path) -> Result<(), ResultError> {
        write_json(&folder.join("run.json"), self)
    }

    /// Reads `run.json` of a run's folder.
    ///
    /// # Errors
    /// See [`ResultError`]: a missing, truncated or foreign file is named.
    pub fn read(folder: &Path) -> Result<Self, ResultError> {
        let path = folder.join("run.json");
        let value: serde_json::Value = read_json(&path)?;
        match value.get("schema").and_then(serde_json::Value::as_u64) {
            Some(schema) if schema == u64::from(SCHEMA) => {}
            Some(found) => return Err(ResultError::UnknownSchema { path, found }),
            None => {
                return Err(ResultError::Malformed {
                    path,
                    message: "no `schema`".into(),
                });
            }
        }
        serde_json::from_value(value).map_err(|e| ResultError::Malformed {
            path,
            message: e.to_string(),
        })
    }
}

/// Reads the evidence of one record.
///
/// # Errors
/// See [`ResultError`].
pub fn read_evidence(folder: &Path, record: &Record) -> Result<EvidenceFile, ResultError> {
    read_json(&folder.join(&record.evidence))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, ResultError> {
    let text = std::fs::read_to_string(path).map_err(io_error(path))?;
    serde_json::from_str(&text).map_err(|e| ResultError::Malformed {
        path: path.into(),
        message: e.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_result_and_an_unknown_schema_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.json");
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
