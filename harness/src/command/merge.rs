//! `firmproof merge`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use firmproof::report::style::Style;
use firmproof::report::summary::{Exit, exit_of, summary};
use firmproof::result::{RunResult, merge};

use super::{Outcome, select};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  firmproof merge part-1 part-2 part-3 --out results\n  \
    firmproof merge part-1 part-2 --out results --cases mqtt\n\n\
    Exit status: as of `run`; 2 also when a case is missing or was judged twice."
)]
pub(super) struct Arguments {
    /// The folders of the parts
    #[arg(value_name = "RUN", required = true)]
    parts: Vec<PathBuf>,
    /// Folder for the whole
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The run was of the cases whose id contains this; may be given several times [default: all]
    #[arg(long, value_name = "FILTER")]
    cases: Vec<String>,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let out = &arguments.out;
    if RunResult::path(out).exists() {
        return Err(format!(
            "{} already holds a run; choose another --out",
            out.display()
        )
        .into());
    }
    let expected: Vec<String> = select(&arguments.cases)?
        .into_iter()
        .map(|case| case.id)
        .collect();
    std::fs::create_dir_all(out).map_err(|e| format!("{}: {e}", out.display()))?;
    let (run, missing) = merge(&arguments.parts, out, &expected)?;
    let again = format!("firmproof run --dut NAME --seed {}", run.seed);
    println!("{}", summary(&run, &again, Style::of(&std::io::stdout())));
    for case in &missing {
        println!("missing: {case}");
    }
    println!("results: {}", out.display());
    let exit = match exit_of(&run) {
        // A failure stays one, whatever else is missing.
        Exit::Green if !missing.is_empty() => Exit::NotJudged,
        exit => exit,
    };
    Ok(ExitCode::from(exit as u8))
}
