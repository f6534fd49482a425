//! `firmproof report`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use firmproof::report::{html, junit, markdown, tap};
use firmproof::result::RunResult;

use super::Outcome;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  firmproof report target/firmproof/1790000000-42 --format html -o report.html\n  \
    firmproof report results --format junit -o junit.xml\n  \
    firmproof report results --format markdown >> \"$GITHUB_STEP_SUMMARY\""
)]
pub(super) struct Arguments {
    /// The run's folder
    #[arg(value_name = "RUN")]
    folder: PathBuf,
    /// What to write
    #[arg(long, value_enum)]
    format: Format,
    /// The file to write it to [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One file for a browser, with the message ladder of every case
    Html,
    /// JUnit's XML, for CI servers
    Junit,
    /// For a pull request or a job's summary
    Markdown,
    /// The Test Anything Protocol
    Tap,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let folder = &arguments.folder;
    let run = RunResult::read(folder)?;
    let text = match arguments.format {
        Format::Html => html::page(&run, folder, arguments.output.as_deref())?,
        Format::Junit => junit::junit(&run)?,
        Format::Markdown => markdown::markdown(&run),
        Format::Tap => tap::tap(&run),
    };
    match &arguments.output {
        Some(file) => {
            std::fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()))?;
        }
        None => print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}
