//! `firmproof show`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use firmproof::report::ladder::ladder;
use firmproof::result::{EvidenceFile, Record, RunResult};

use super::{Outcome, newest_run};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  firmproof show mqtt/connack/code-5-not-authorised\n  firmproof show host/missing --run target/firmproof/1790000000-42"
)]
pub(super) struct Arguments {
    /// The case: its id, or a part that only one case of the run has
    case: String,
    /// The run's folder [default: the newest in target/firmproof]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let folder = match &arguments.run {
        Some(folder) => folder.clone(),
        None => newest_run()?,
    };
    let run = RunResult::read(&folder)?;
    let wanted = arguments.case.as_str();
    let exact = run.cases.iter().find(|r| r.id == wanted);
    let record = match exact {
        Some(record) => record,
        None => only(
            run.cases.iter().filter(|r| r.id.contains(wanted)).collect(),
            wanted,
        )?,
    };
    print!("{}", ladder(record, &EvidenceFile::read(&folder, record)?));
    if let Some(capture) = &record.capture {
        println!("\ncapture {}", folder.join(capture).display());
    }
    Ok(ExitCode::SUCCESS)
}

fn only<'a>(found: Vec<&'a Record>, wanted: &str) -> Result<&'a Record, String> {
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(format!("no case of this run has `{wanted}` in its id")),
        several => Err(format!(
            "`{wanted}` fits {} cases, among them {}",
            several.len(),
            several
                .iter()
                .take(5)
                .map(|r| r.id.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        )),
    }
}
