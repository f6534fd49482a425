//! `firmproof rig check`.

use std::process::ExitCode;

use clap::Args;
use firmproof::rig::{Board, health};

use super::super::NOT_JUDGED;
use super::{Outcome, Which, runtime, setup, take};

#[derive(Args)]
#[command(
    after_help = "Example:\n  firmproof rig check --rig fixtures/rig.example.toml\n\n\
    Each board is started with the image that is on it. Exit status: 0 all are fit; 2 one is not."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let (_, boards) = arguments.which.boards()?;
    let runtime = runtime()?;
    let mut fit = true;
    for board in &boards {
        match runtime.block_on(check(board)) {
            Ok(ready) => println!("{:<17} fit: {}", board.name, ready.escape_debug()),
            Err(reason) => {
                fit = false;
                println!("{:<17} not fit: {}", board.name, reason.escape_debug());
            }
        }
    }
    Ok(if fit {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_JUDGED)
    })
}

async fn check(board: &Board) -> Result<String, String> {
    let _mine = take(board)?;
    let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
    let setup = setup(board, &scratch).map_err(|error| error.to_string())?;
    health::check(&setup).await
}
