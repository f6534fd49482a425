//! `firmproof assemble`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use firmproof::report::style::Style;
use firmproof::report::summary::{exit_of, summary};
use firmproof::run::assemble;

use super::Outcome;

#[derive(Args)]
#[command(
    after_help = "Example:\n  FIRMPROOF_RUN_DIR=results cargo nextest run --test conformance\n  firmproof assemble results"
)]
pub(super) struct Arguments {
    /// The run's folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let assembled = assemble(&arguments.folder)?;
    let run = &assembled.run;
    let dut = match run.duts.as_slice() {
        [only] => only.name.as_str(),
        _ => "NAME",
    };
    let again = format!("firmproof run --dut {dut} --seed {}", run.seed);
    println!("{}", summary(run, &again, Style::of(&std::io::stdout())));
    for case in &assembled.unfinished {
        println!("begun and never judged: {case}");
    }
    println!("results: {}", arguments.folder.display());
    Ok(ExitCode::from(exit_of(run) as u8))
}
