//! `firmproof rig run`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use firmproof::report::style::Style;
use firmproof::report::summary::{exit_of, summary};
use firmproof::result::RunFolder;
use firmproof::rig::report::SCHEMA;
use firmproof::rig::{Plan, RigReport, flash, lock, run};
use firmproof::run::Captures;
use tokio::sync::mpsc;

use super::super::run::{new_folder, seed_of};
use super::super::{progress, select};
use super::{Outcome, Which, runtime};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  firmproof rig run --rig fixtures/rig.example.toml\n  \
    firmproof rig run --rig rig.toml --board bench-1 mqtt --out results\n\n\
    Boards with the same profile share the cases. One that is busy or not fit is left out, and the run goes on.\n\
    Exit status: 0 every `must` that was not skipped passed; 1 one failed; 2 could not judge."
)]
pub(super) struct Arguments {
    /// Run the cases whose id contains one of these; all without
    filter: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// Run the images that are on the boards, instead of flashing first
    #[arg(long)]
    no_flash: bool,
    /// Replay a run: 64 hexadecimal digits, as run.json has them
    #[arg(long)]
    seed: Option<String>,
    /// Folder for the results [default: target/firmproof/<time>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write pcap files of all cases, of failed and inconclusive ones, or of none
    #[arg(
        long,
        value_name = "all|failed|none",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    capture: Captures,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let (rig, boards) = arguments.which.boards()?;
    let cases = select(&arguments.filter)?;
    let seed = arguments.seed.as_deref().map(seed_of).transpose()?;
    let out = arguments.out.clone().unwrap_or_else(|| new_folder(""));
    if RunFolder::is_begun(&out) {
        let out = out.display();
        return Err(format!("{out} already holds a run; choose another --out").into());
    }
    let folder = RunFolder::join(&out, seed)?;
    let rig_path = rig.path.display().to_string();
    let again = format!(
        "firmproof rig run --rig {rig_path} --seed {}",
        folder.seed_text()
    );
    let plan = Plan {
        boards,
        cases,
        folder,
        captures: arguments.capture,
        flash: !arguments.no_flash,
        images: flash::IMAGES.into(),
        locks: lock::folder(),
    };
    let total = plan.total();
    let (events, seen) = mpsc::unbounded_channel();
    let outcome = runtime()?.block_on(async {
        let shown = tokio::spawn(progress::show(seen, total));
        let interrupted = async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let outcome = run(plan, events, interrupted).await;
        // The last sender is gone with the run, so this ends.
        let _ = shown.await;
        outcome
    });
    outcome.result.write(&out)?;
    let report = RigReport {
        schema: SCHEMA,
        rig: rig_path,
        boards: outcome.boards,
    };
    report.write(&out)?;
    println!(
        "{}",
        summary(&outcome.result, &again, Style::of(&std::io::stdout()))
    );
    println!("{}", report.table());
    if !outcome.result.complete {
        let judged = outcome.result.cases.len();
        println!("not complete: {judged} of {total} cases were judged");
    }
    println!("results: {}", out.display());
    Ok(ExitCode::from(exit_of(&outcome.result) as u8))
}
