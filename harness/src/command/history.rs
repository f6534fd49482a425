//! `firmproof history`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use firmproof::report::history::{History, page};

use super::Outcome;

#[derive(Args)]
#[command(
    after_help = "Example:\n  firmproof history target/firmproof -o history.html\n\n\
    Each folder in DIR that has a run.json is a run; they are put in the order in which they began."
)]
pub(super) struct Arguments {
    /// The folder in which the runs' folders are
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The file for the page [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let history = History::read(&arguments.folder)?;
    for left_out in &history.left_out {
        eprintln!("left out: {left_out}");
    }
    let page = page(&history);
    match &arguments.output {
        Some(file) => {
            std::fs::write(file, page).map_err(|e| format!("{}: {e}", file.display()))?;
        }
        None => print!("{page}"),
    }
    Ok(ExitCode::SUCCESS)
}
