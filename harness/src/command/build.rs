//! `firmproof build`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use firmproof::firmware_build;

use super::Outcome;

#[derive(Args)]
#[command(
    after_help = "Example:\n  firmproof build kc705\n\nThe image is target/firmware/kc705.elf; `ci/setup` installs what building takes."
)]
pub(super) struct Arguments {
    /// The board
    board: Board,
}

#[derive(Clone, Copy, ValueEnum)]
enum Board {
    /// QEMU's Xtensa board kc705-nommu
    Kc705,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let here = std::env::current_dir()?;
    let root = firmware_build::repository(&here)?;
    let built = match arguments.board {
        Board::Kc705 => firmware_build::build_kc705(root)?,
    };
    println!("{}\n{}", built.elf.display(), built.sizes);
    Ok(ExitCode::SUCCESS)
}
