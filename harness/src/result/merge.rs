//! Parts of one run, judged on several machines, joined to one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::file::{ResultError, io_error};
use super::{DutSummary, Record, RunResult, SCHEMA, Totals};

/// Why parts cannot be joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A file's.
    #[error(transparent)]
    Result(#[from] ResultError),
    /// Parts that do not belong together: which, and what differs.
    #[error("{0}")]
    Foreign(String),
    /// Cases that two parts judged.
    #[error("judged twice:\n  {}", .cases.join("\n  "))]
    Doubled {
        /// The cases, with their devices and parts.
        cases: Vec<String>,
    },
}

/// Joins the runs in `parts` in `out`, with their evidence, and writes its `run.json`. `expected` are the ids that
/// each device should have, in the suite's order. What is missing is returned, as `device id`; then the
/// run is not complete.
///
/// # Errors
/// See [`MergeError`].
pub fn merge(
    parts: &[PathBuf],
    out: &Path,
    expected: &[String],
) -> Result<(RunResult, Vec<String>), MergeError> {
    let mut runs = Vec::new();
    for part in parts {
        runs.push((part.as_path(), RunResult::read(part)?));
    }
    fit_together(&runs)?;
    let mut duts: Vec<DutSummary> = Vec::new();
    let mut from: BTreeMap<(String, String), &Path> = BTreeMap::new();
    let mut doubled = Vec::new();
    for (part, run) in &runs {
        for dut in &run.duts {
            match duts.iter_mut().find(|known| known.name == dut.name) {
                Some(known) => known.version = known.version.take().or(dut.version.clone()),
                None => duts.push(dut.clone()),
            }
        }
        for case in &run.cases {
            let earlier = from.insert((case.dut.clone(), case.id.clone()), part);
            if let Some(earlier) = earlier {
                let (one, other) = (earlier.display(), part.display());
                doubled.push(format!("{} {} in {one} and {other}", case.dut, case.id));
            }
        }
    }
    if !doubled.is_empty() {
        return Err(MergeError::Doubled { cases: doubled });
    }
    let mut missing = Vec::new();
    for dut in &duts {
        let absent = |id: &&String| !from.contains_key(&(dut.name.clone(), (*id).clone()));
        let absent = expected.iter().filter(absent);
        missing.extend(absent.map(|id| format!("{} {id}", dut.name)));
    }
    for (part, run) in &runs {
        for case in &run.cases {
            copy_files(part, case, out)?;
        }
    }
    let began = runs.iter().map(|(_, run)| run.began_unix_s).min();
    let complete = missing.is_empty() && runs.iter().all(|(_, run)| run.complete);
    let seed = runs.first().map(|(_, run)| run.seed.clone());
    let mut cases: Vec<Record> = runs.into_iter().flat_map(|(_, run)| run.cases).collect();
    let order: BTreeMap<&String, usize> = expected.iter().zip(0..).collect();
    cases.sort_by_cached_key(|case| {
        let place = order.get(&case.id).copied().unwrap_or(usize::MAX);
        (case.dut.clone(), place, case.id.clone())
    });
    let run = RunResult {
        schema: SCHEMA,
        suite_version: super::SUITE_VERSION.into(),
        seed: seed.unwrap_or_default(),
        began_unix_s: began.unwrap_or(0),
        complete,
        duts,
        totals: Totals::of(&cases),
        cases,
    };
    run.write(out)?;
    Ok((run, missing))
}

/// Parts of one run have its seed, its suite, and the same firmware on the same device.
fn fit_together(runs: &[(&Path, RunResult)]) -> Result<(), MergeError> {
    for (place, (first, one)) in runs.iter().enumerate() {
        for (second, other) in &runs[place + 1..] {
            let foreign = |what: &str, one: &str, other: &str, hint: &str| {
                MergeError::Foreign(format!(
                    "{} and {} are not parts of one run: their {what} differ ({one}, {other}){hint}",
                    first.display(),
                    second.display()
                ))
            };
            if one.seed != other.seed {
                return Err(foreign(
                    "seeds",
                    &one.seed,
                    &other.seed,
                    ": give each part the same --seed, or FIRMPROOF_SEED, so that the whole can be replayed",
                ));
            }
            if one.suite_version != other.suite_version {
                let (one, other) = (&one.suite_version, &other.suite_version);
                return Err(foreign("suites", one, other, ""));
            }
            for dut in &one.duts {
                let same = other.duts.iter().find(|same| same.name == dut.name);
                let digest = |dut: &DutSummary| {
                    let digest = dut.firmware_sha256.as_deref().unwrap_or("unknown");
                    format!("{} of {}", digest, dut.name)
                };
                if let Some(same) = same.filter(|same| same.firmware_sha256 != dut.firmware_sha256)
                {
                    return Err(foreign("firmwares", &digest(dut), &digest(same), ""));
                }
            }
        }
    }
    Ok(())
}

/// Copies evidence and captures of a case, and of its earlier attempts; a file that is not there
/// stays away.
fn copy_files(part: &Path, case: &Record, out: &Path) -> Result<(), ResultError> {
    let of_attempts = case.attempts.iter().flat_map(|a| [&a.evidence, &a.capture]);
    let named: BTreeSet<&str> = of_attempts
        .chain([&case.capture])
        .flatten()
        .map(String::as_str)
        .chain([case.evidence.as_str()])
        .collect();
    for name in named {
        let from = part.join(name);
        // Names come from a file: only plain ones below the run's folder are followed.
        let plain = name.starts_with("evidence/") && !name.contains("..");
        if !plain || !from.is_file() {
            continue;
        }
        let to = out.join(name);
        let folder = to.parent().unwrap_or(out);
        std::fs::create_dir_all(folder).map_err(io_error(folder))?;
        std::fs::copy(&from, &to).map_err(io_error(&from))?;
    }
    Ok(())
}
