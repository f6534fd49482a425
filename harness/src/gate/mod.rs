//! The gate: a policy turns runs into ship or no-ship.
//!
//! It knows results, and nothing of how they came about.

mod growth;
mod judgement;
mod policy;
mod rules;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::Date;

use crate::result::{DutSummary, RunResult, SCHEMA};

pub use judgement::{Code, Decision, Judgement, Reason};
pub use policy::{Growth, Policy, PolicyError, Quarantined};

/// A run that the gate looks at.
#[derive(Debug, Clone)]
pub struct Given {
    /// Its folder.
    pub folder: PathBuf,
    /// SHA-256 of its `run.json`, in hexadecimal.
    pub sha256: String,
    /// What is in it.
    pub run: RunResult,
    /// The figures of the `bench.json` beside it, if `firmproof bench --out` wrote one there.
    pub figures: Vec<Figure>,
}

/// One figure of a benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The device.
    pub dut: String,
    /// Its name.
    pub metric: String,
    /// Its median.
    pub median: f64,
}

#[derive(Deserialize)]
struct BenchFile {
    schema: u32,
    dut: BenchDut,
    figures: Vec<BenchFigure>,
}

#[derive(Deserialize)]
struct BenchDut {
    name: String,
}

#[derive(Deserialize)]
struct BenchFigure {
    name: String,
    median: f64,
}

impl Given {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// See [`RunResult::read`].
    pub fn read(folder: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let run = RunResult::read(folder)?;
        let bytes = std::fs::read(RunResult::path(folder))?;
        Ok(Self {
            folder: folder.into(),
            sha256: hex::encode(Sha256::digest(bytes)),
            run,
            figures: figures(&folder.join("bench.json"))?,
        })
    }
}

fn figures(path: &Path) -> Result<Vec<Figure>, String> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    let file: BenchFile = serde_json::from_str(&text).map_err(|error| named(&error))?;
    if file.schema != SCHEMA {
        let other = format!(
            "schema {}; this version of firmproof reads schema {SCHEMA}",
            file.schema
        );
        return Err(named(&other));
    }
    let figure = |figure: BenchFigure| Figure {
        dut: file.dut.name.clone(),
        metric: figure.name,
        median: figure.median,
    };
    Ok(file.figures.into_iter().map(figure).collect())
}

/// A case of the suite, as far as the gate asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its id.
    pub id: String,
    /// Its level.
    pub level: crate::case::Level,
}

/// All that a judgement rests on.
#[derive(Debug)]
pub struct Question<'q> {
    /// When a run may ship.
    pub policy: &'q Policy,
    /// The runs, which together judge one release.
    pub runs: &'q [Given],
    /// The runs of the release before; empty when there is none.
    pub baseline: &'q [Given],
    /// Every case of the suite.
    pub suite: &'q [Expected],
    /// The day on which quarantines are looked at.
    pub day: Date,
}

/// What was judged, so that a release can show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// Version of Firmproof that decided.
    pub firmproof: String,
    /// The day that quarantines were judged by.
    pub day: String,
    /// The policy.
    pub policy: JudgedFile,
    /// The runs.
    pub runs: Vec<JudgedRun>,
    /// The runs of the baseline.
    pub baseline: Vec<JudgedRun>,
}

/// A file, by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JudgedFile {
    /// The file.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// One run, by the digest of its `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JudgedRun {
    /// The file.
    #[serde(flatten)]
    pub file: JudgedFile,
    /// The version of the suite.
    pub suite_version: String,
    /// The run's seed.
    pub seed: String,
    /// The devices, with digest and version of their firmware, and the tools.
    pub duts: Vec<DutSummary>,
}

impl Judged {
    fn of(question: &Question<'_>) -> Self {
        let run = |given: &Given| JudgedRun {
            file: JudgedFile {
                path: RunResult::path(&given.folder).display().to_string(),
                sha256: given.sha256.clone(),
            },
            suite_version: given.run.suite_version.clone(),
            seed: given.run.seed.clone(),
            duts: given.run.duts.clone(),
        };
        Self {
            firmproof: env!("CARGO_PKG_VERSION").into(),
            day: question.day.to_string(),
            policy: JudgedFile {
                path: question.policy.path.display().to_string(),
                sha256: question.policy.sha256.clone(),
            },
            runs: question.runs.iter().map(run).collect(),
            baseline: question.baseline.iter().map(run).collect(),
        }
    }
}

/// Judges runs by a policy.
pub fn judge(question: &Question<'_>) -> Judgement {
    let mut reasons = Vec::new();
    let mut tolerated = Vec::new();
    rules::whole(question, &mut reasons);
    rules::cases(question, &mut reasons, &mut tolerated);
    rules::quarantine(question, &mut reasons);
    rules::divergence(question, &mut reasons, &mut tolerated);
    growth::judge(question, &mut reasons);
    Judgement::of(reasons, tolerated, Judged::of(question))
}
