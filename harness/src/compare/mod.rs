//! What differs in a device's behaviour between two runs: of two devices, or of two releases.
//!
//! Compared are verdicts and, per peer, connection and direction, the sequence of decoded messages.
//! [`behaviour`] says what is not behaviour. How messages of different connections or directions lie
//! to each other in time is not compared, nor is the console, whose lines are the board's own.

pub mod behaviour;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Serialize;

use crate::case::Verdict;
use crate::result::{DutSummary, EvidenceFile, Record, ResultError, RunResult, SCHEMA};
use behaviour::{Behaviour, Message, Stream};

/// Messages shown before and after the first one that differs.
const CONTEXT: usize = 2;

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// A file of a run.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// The run has several devices, or not the one that was named.
    #[error("{run} has {}; choose with {option}", among(.duts))]
    WhichDut {
        /// The run's folder.
        run: String,
        /// Its devices.
        duts: Vec<String>,
        /// The option that chooses.
        option: &'static str,
    },
    /// Nothing in common.
    #[error("the runs have no case in common")]
    Disjoint,
}

fn among(duts: &[String]) -> String {
    match duts {
        [] => "no device".into(),
        [one] => format!("only the device `{one}`"),
        several => format!("the devices {}", several.join(", ")),
    }
}

/// One run, or one device of it.
#[derive(Debug)]
pub struct Side {
    run: RunResult,
    dut: DutSummary,
    folder: std::path::PathBuf,
}

impl Side {
    /// Reads the run in `folder`. `dut` chooses one of its devices; `option` is how a person does.
    ///
    /// # Errors
    /// See [`CompareError`].
    pub fn read(
        folder: &Path,
        dut: Option<&str>,
        option: &'static str,
    ) -> Result<Self, CompareError> {
        let run = RunResult::read(folder)?;
        let mut fitting = run.duts.iter().filter(|d| dut.is_none_or(|n| n == d.name));
        let (Some(only), None) = (fitting.next(), fitting.next()) else {
            return Err(CompareError::WhichDut {
                run: folder.display().to_string(),
                duts: run.duts.iter().map(|d| d.name.clone()).collect(),
                option,
            });
        };
        Ok(Self {
            dut: only.clone(),
            folder: folder.into(),
            run,
        })
    }

    fn cases(&self) -> impl Iterator<Item = &Record> {
        let own = |record: &&Record| record.dut == self.dut.name;
        self.run.cases.iter().filter(own)
    }

    fn summary(&self) -> SideSummary {
        SideSummary {
            run: self.folder.display().to_string(),
            suite_version: self.run.suite_version.clone(),
            seed: self.run.seed.clone(),
            complete: self.run.complete,
            dut: self.dut.clone(),
        }
    }
}

/// Which run stands on a side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SideSummary {
    /// Its folder.
    pub run: String,
    /// As in `run.json`.
    pub suite_version: String,
    /// As in `run.json`.
    pub seed: String,
    /// As in `run.json`.
    pub complete: bool,
    /// The device.
    pub dut: DutSummary,
}

/// What two runs have come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The schema of this document, that of `run.json`.
    pub schema: u32,
    /// The first run.
    pub a: SideSummary,
    /// The second.
    pub b: SideSummary,
    /// Cases that both runs judged.
    pub compared: usize,
    /// Cases that differ without an explanation.
    pub differences: Vec<Difference>,
    /// Cases that differ because a profile lacks a capability.
    pub explained: Vec<Difference>,
}

/// One case that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The case.
    pub id: String,
    /// What differs.
    #[serde(flatten)]
    pub kind: Kind,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "differs", rename_all = "kebab-case")]
pub enum Kind {
    /// Only one run has the case.
    Missing {
        /// The side without it: `a` or `b`.
        side: &'static str,
    },
    /// Its verdicts, or what its failures found.
    Verdict {
        /// In the first run.
        a: Outcome,
        /// In the second.
        b: Outcome,
    },
    /// Its messages.
    Transcript {
        /// Every stream that differs, with its first difference.
        streams: Vec<Parting>,
    },
}

/// A verdict and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// The statement that a failed case found broken.
    pub statement: Option<String>,
    /// What a failed case saw; why it is inconclusive or skipped.
    pub reason: Option<String>,
}

impl Outcome {
    fn of(record: &Record) -> Self {
        let finding = record.finding.as_ref();
        Self {
            verdict: record.verdict,
            statement: finding.map(|finding| finding.statement.clone()),
            reason: finding
                .map(|finding| finding.seen.clone())
                .or(record.reason.clone()),
        }
    }

    /// What was seen is told in words that have ports and times in them: it is shown, not compared.
    fn differs_from(&self, other: &Self) -> bool {
        (self.verdict, &self.statement) != (other.verdict, &other.statement)
    }
}

/// Where the messages of one stream part ways.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parting {
    /// The stream.
    #[serde(flatten)]
    pub stream: Stream,
    /// How many messages before were the same.
    pub same: usize,
    /// The last of those.
    pub before: Vec<String>,
    /// What the first run has from there on.
    pub a: Vec<String>,
    /// What the second has.
    pub b: Vec<String>,
}

/// Compares two runs case by case.
///
/// # Errors
/// An evidence file that cannot be read; no case in common.
pub fn compare(a: &Side, b: &Side) -> Result<Comparison, CompareError> {
    let mut comparison = Comparison {
        schema: SCHEMA,
        a: a.summary(),
        b: b.summary(),
        compared: 0,
        differences: Vec::new(),
        explained: Vec::new(),
    };
    for left in a.cases() {
        let Some(right) = b.cases().find(|right| right.id == left.id) else {
            comparison.missing(left, "b");
            continue;
        };
        comparison.compared += 1;
        let (of_a, of_b) = (Outcome::of(left), Outcome::of(right));
        if of_a.differs_from(&of_b) {
            let skipped = |outcome: &Outcome| outcome.verdict == Verdict::Skipped;
            // The profiles explain it: a case is skipped for the capability that its reason names.
            let explained = skipped(&of_a) || skipped(&of_b);
            let difference = Difference {
                id: left.id.clone(),
                kind: Kind::Verdict { a: of_a, b: of_b },
            };
            if explained {
                comparison.explained.push(difference);
            } else {
                comparison.differences.push(difference);
            }
            continue;
        }
        let streams = partings(&behaviour_of(a, left)?, &behaviour_of(b, right)?);
        if !streams.is_empty() {
            comparison.differences.push(Difference {
                id: left.id.clone(),
                kind: Kind::Transcript { streams },
            });
        }
    }
    for right in b.cases() {
        if !a.cases().any(|left| left.id == right.id) {
            comparison.missing(right, "a");
        }
    }
    if comparison.compared == 0 {
        return Err(CompareError::Disjoint);
    }
    Ok(comparison)
}

impl Comparison {
    fn missing(&mut self, record: &Record, side: &'static str) {
        self.differences.push(Difference {
            id: record.id.clone(),
            kind: Kind::Missing { side },
        });
    }
}

fn behaviour_of(side: &Side, record: &Record) -> Result<Behaviour, CompareError> {
    Ok(Behaviour::of(&EvidenceFile::read(&side.folder, record)?))
}

/// Every stream that differs.
fn partings(a: &Behaviour, b: &Behaviour) -> Vec<Parting> {
    let mut streams: Vec<&Stream> = a.streams.keys().chain(b.streams.keys()).collect();
    streams.sort_unstable();
    streams.dedup();
    let differing = streams.into_iter().filter_map(|stream| {
        let of = |side: &Behaviour| side.streams.get(stream).cloned().unwrap_or_default();
        parting(stream, &of(a), &of(b))
    });
    differing.collect()
}

fn parting(stream: &Stream, a: &[Message], b: &[Message]) -> Option<Parting> {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    if same == a.len() && same == b.len() {
        return None;
    }
    let before = a[same.saturating_sub(CONTEXT)..same].iter();
    let mut parting = Parting {
        stream: stream.clone(),
        same,
        before: before.map(|message| message.summary.clone()).collect(),
        a: from(a, same),
        b: from(b, same),
    };
    if let (Some(left), Some(right)) = (a.get(same), b.get(same))
        && left.summary == right.summary
    {
        let (left, right) = where_contents_part(&left.content, &right.content);
        parting.a[0].push_str(&left);
        parting.b[0].push_str(&right);
    }
    Some(parting)
}

fn from(messages: &[Message], first: usize) -> Vec<String> {
    let shown = messages.iter().skip(first).take(1 + CONTEXT);
    shown.map(|message| message.summary.clone()).collect()
}

/// What stands in two contents that differ, from shortly before where they do.
fn where_contents_part(a: &str, b: &str) -> (String, String) {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(30);
    let shown = |text: &str| {
        let piece: String = text.chars().skip(from).take(90).collect();
        format!(" with …{piece}…, at character {same}")
    };
    (shown(a), shown(b))
}
