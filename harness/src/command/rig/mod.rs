//! `firmproof rig`.

mod check;
mod console;
mod flash;
mod list;
mod run;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use firmproof::dut::probe::Probes;
use firmproof::result::RunFolder;
use firmproof::rig::flash::{IMAGES, has_image};
use firmproof::rig::{Board, BoardLock, Rig, lock};
use firmproof::run::{Captures, Setup};

use super::Outcome;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  firmproof rig list\n  firmproof rig run --rig fixtures/rig.example.toml\n\n\
    How to wire a rig: ci/rig.md."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the boards of a rig, or the probes that are plugged in
    List(list::Arguments),
    /// See whether each board is fit to judge
    Check(check::Arguments),
    /// Run cases on the boards, which share them
    Run(run::Arguments),
    /// Write a board's image and configuration
    Flash(flash::Arguments),
    /// Start a board and show its console, until Ctrl-C
    Console(console::Arguments),
}

/// Which boards.
#[derive(Args)]
struct Which {
    /// The rig's file
    #[arg(long, value_name = "FILE", default_value = "rig.toml")]
    rig: PathBuf,
    /// These boards; all without
    #[arg(long = "board", value_name = "NAME")]
    boards: Vec<String>,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    match &arguments.command {
        Command::List(arguments) => list::execute(arguments),
        Command::Check(arguments) => check::execute(arguments),
        Command::Run(arguments) => run::execute(arguments),
        Command::Flash(arguments) => flash::execute(arguments),
        Command::Console(arguments) => console::execute(arguments),
    }
}

impl Which {
    /// The boards, put together.
    fn boards(&self) -> Result<(Rig, Vec<Board>), Box<dyn std::error::Error>> {
        let rig = Rig::read(&self.rig)?;
        let probes = probes();
        let variable = |name: &str| std::env::var(name).ok();
        let boards = rig
            .select(&self.boards)?
            .into_iter()
            .map(|entry| Board::of(&rig, entry, &probes, &variable))
            .collect::<Result<_, _>>()?;
        Ok((rig, boards))
    }
}

/// The probes of this machine, as far as this build knows any.
#[cfg(feature = "probe")]
pub(super) fn probes() -> Arc<dyn Probes> {
    Arc::new(firmproof::dut::probe::probe_rs::UsbProbes::new())
}

/// The probes of this machine, as far as this build knows any.
#[cfg(not(feature = "probe"))]
pub(super) fn probes() -> Arc<dyn Probes> {
    Arc::new(firmproof::dut::probe::NoProbes)
}

/// Takes a board for as long as the lock lives.
fn take(board: &Board) -> Result<BoardLock, String> {
    BoardLock::take(&lock::folder(), &board.key)
        .map_err(|error| format!("board {}: {error}", board.name))
}

/// What it takes to start a board outside of a run. The folder holds nothing that is kept.
fn setup(board: &Board, scratch: &tempfile::TempDir) -> Result<Setup, Box<dyn std::error::Error>> {
    let images = PathBuf::from(IMAGES);
    if !has_image(board, &images) {
        let name = &board.name;
        return Err(format!(
            "board {name}: it has no image; `firmproof rig flash --board {name}` places one"
        )
        .into());
    }
    let folder = RunFolder::join(scratch.path(), None)?;
    Ok(firmproof::rig::run::setup(
        board,
        &images,
        folder,
        Captures::None,
    ))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}
