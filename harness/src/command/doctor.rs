//! `firmproof doctor`.

use std::process::ExitCode;

use clap::Args;
use firmproof::peers::mosquitto::Way;

use super::Outcome;

#[derive(Args)]
#[command(after_help = "Example:\n  firmproof doctor")]
pub(super) struct Arguments {}

/// A program that some kind of run wants.
struct Wanted {
    program: &'static str,
    purpose: &'static str,
    how: &'static str,
}

const WANTED: [Wanted; 2] = [
    Wanted {
        program: "cargo-nextest",
        purpose: "`cargo nextest run`: a process per case",
        how: "cargo install cargo-nextest --locked",
    },
    Wanted {
        program: "qemu-system-xtensa",
        purpose: "firmware in QEMU (not in this release)",
        how: "apt-get install qemu-system-misc",
    },
];

pub(super) fn execute(_: &Arguments) -> Outcome {
    println!("host      ready: the reference device is built into this program");
    println!("external  ready: write a profile, see harness/docs/interfaces.md");
    println!("qemu      not in this release");
    println!("probe     not in this release");
    for wanted in &WANTED {
        match find(wanted.program) {
            Some(path) => println!("{:<20} {}", wanted.program, path.display()),
            None => println!(
                "{:<20} missing ({}): {}",
                wanted.program, wanted.purpose, wanted.how
            ),
        }
    }
    // The second witness of the MQTT cases, in a container or as a process.
    match broker()? {
        Ok(way) => println!("{:<20} {way}", "Mosquitto"),
        Err(lacking) => println!(
            "{:<20} missing, and cases are skipped: {lacking}",
            "Mosquitto"
        ),
    }
    Ok(ExitCode::SUCCESS)
}

fn broker() -> std::io::Result<Result<Way, String>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(Way::of_this_machine()))
}

fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
