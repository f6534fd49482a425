//! A run put together from the records that its processes wrote.

use std::collections::HashMap;
use std::path::Path;

use crate::result::{RecordFile, ResultError, RunFolder, RunResult};
use crate::suite;

/// A run put together, and what it lacks.
#[derive(Debug)]
pub struct Assembled {
    /// The run; complete unless a case was begun and not judged.
    pub run: RunResult,
    /// Those cases.
    pub unfinished: Vec<String>,
}

/// Assembles the run in `folder` from its records and writes `run.json`.
///
/// # Errors
/// There is no run, or a record that cannot be read or is of another run.
pub fn assemble(folder: &Path) -> Result<Assembled, ResultError> {
    let opened = RunFolder::open(folder)?;
    let mut records = opened.records()?;
    sort(&mut records.judged);
    let complete = records.unfinished.is_empty();
    let run = RunResult::of(&opened, records.judged, complete);
    run.write(folder)?;
    Ok(Assembled {
        run,
        unfinished: records.unfinished,
    })
}

/// Puts records in the suite's order, one device after the other.
pub(crate) fn sort(records: &mut [RecordFile]) {
    let order: HashMap<String, usize> = suite::all()
        .into_iter()
        .enumerate()
        .map(|(place, case)| (case.id, place))
        .collect();
    records.sort_by_cached_key(|record| {
        let place = order.get(&record.case.id).copied().unwrap_or(usize::MAX);
        (record.dut.name.clone(), place, record.case.id.clone())
    });
}
