//! `firmproof rig flash`.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use firmproof::rig::flash;

use super::super::NOT_JUDGED;
use super::{Outcome, Which, runtime, take};

#[derive(Args)]
#[command(
    after_help = "Example:\n  firmproof rig flash --rig rig.toml --board bench-1\n\n\
    Writes bootloader, partition table and image, and reads them back. Exit status: 0 done; 2 a board failed."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let (_, boards) = arguments.which.boards()?;
    let runtime = runtime()?;
    let mut failed = false;
    for board in &boards {
        let flashed = take(board)
            .and_then(|_mine| runtime.block_on(flash::flash(board, Path::new(flash::IMAGES))));
        match flashed {
            Ok(()) => println!("{:<17} flashed", board.name),
            Err(reason) => {
                failed = true;
                println!("{:<17} not flashed: {}", board.name, reason.escape_debug());
            }
        }
    }
    Ok(if failed {
        ExitCode::from(NOT_JUDGED)
    } else {
        ExitCode::SUCCESS
    })
}
