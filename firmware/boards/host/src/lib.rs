//! The reference device as a process of this machine. The network stack is the same as on a
//! board; its Ethernet frames travel over a Unix datagram socket, one frame a datagram.
//!
//! The flash is a file, the console is standard output, and the process ends when its standard
//! input does, so that it never outlives the one who started it.

mod args;
mod board;
mod console;
mod flash;
mod frames;
mod time_driver;

use std::ffi::OsString;
use std::process::ExitCode;

use embassy_executor::{SpawnError, SpawnToken, Spawner};
use embassy_net::Runner;
use firmproof_bootconfig::BootConfig;
use firmproof_device::boot;
use firmproof_device::link::LinkFirst;

use crate::args::Args;
use crate::board::HostBoard;
use crate::flash::FileFlash;
use crate::frames::Frames;

/// Runs the device until standard input ends. `args` are the arguments without the program's name;
/// a restart of the device starts the program anew with all arguments that the process got.
///
/// Returns only when the device cannot start: 2 after a mistake in `args`, 1 when a file or socket
/// cannot be opened.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args = match Args::parse(args) {
        Ok(args) => args,
        Err(mistake) => {
            eprintln!("{mistake}\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    console::report_panics();
    match start(&args) {
        Ok(never) => match never {},
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: &Args) -> Result<std::convert::Infallible, String> {
    let named = |path: &std::path::Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| format!("{path}: {error}")
    };
    // No file is the same to the device as erased flash: it says so and runs on its defaults.
    let stored = match std::fs::read(&args.config) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(named(&args.config))?,
    };
    let flash = FileFlash::open(&args.flash).map_err(named(&args.flash))?;
    let board = HostBoard::default();
    let config = boot::configuration(&board, &stored);
    time_driver::start(config.time_scale);
    let frames = Frames::open(
        &args.frames_from,
        &args.frames_to,
        boot::mac_address(&config),
    )
    .map_err(named(&args.frames_from))?;
    board::end_with_standard_input();

    // The executor wants to live for ever, and it does.
    let executor = Box::leak(Box::new(embassy_executor::Executor::new()));
    executor.run(|spawner| spawn(spawner, device(spawner, board, flash, frames, config)))
}

/// Each task of this program is spawned once, and has room for that.
fn spawn<S>(spawner: Spawner, task: Result<SpawnToken<S>, SpawnError>) {
    match task {
        Ok(task) => spawner.spawn(task),
        Err(_) => unreachable!("a task is spawned once"),
    }
}

#[embassy_executor::task]
async fn network(mut runner: Runner<'static, LinkFirst<Frames>>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn device(
    spawner: Spawner,
    board: HostBoard,
    flash: FileFlash,
    frames: Frames,
    config: BootConfig,
) -> ! {
    let Some(mut store) = boot::open_store(&board, flash) else {
        unreachable!("the board's layout is made of erase pages")
    };
    board.set_running_slot(firmproof_device::update::slot_to_boot(&mut store).await);
    let resources = Box::leak(Box::new(boot::NetworkResources::new()));
    let drive = |runner| spawn(spawner, network(runner));
    boot::run(&board, store, frames, &config, resources, drive).await
}
