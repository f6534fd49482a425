//! `firmproof rig list`.

use std::process::ExitCode;

use clap::Args;
use firmproof::rig::map::Entry;
use firmproof::rig::{Board, Rig};

use super::{Outcome, Which, probes, take};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  firmproof rig list --rig fixtures/rig.example.toml\n  firmproof rig list --probes"
)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Show the probes that are plugged in, with their serial numbers, instead of the boards
    #[arg(long)]
    probes: bool,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    if arguments.probes {
        return list_probes();
    }
    let rig = Rig::read(&arguments.which.rig)?;
    let probes = probes();
    for entry in rig.select(&arguments.which.boards)? {
        // A board whose credentials are not at hand is still a board of the map.
        let variable = |name: &str| std::env::var(name).ok();
        let state = match Board::of(&rig, entry, &probes, &variable) {
            Ok(board) => match take(&board) {
                Ok(_) => "free".into(),
                Err(busy) => busy,
            },
            Err(error) => error.to_string(),
        };
        println!(
            "{:<17} {}\n  {}",
            entry.name,
            describe(entry),
            state.escape_debug()
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(entry: &Entry) -> String {
    let mut parts = vec![format!("profile {}", entry.profile)];
    match &entry.probe {
        Some(probe) => parts.push(format!("{} on probe {}", probe.chip, probe.serial)),
        None => parts.push("emulated".into()),
    }
    if let Some(network) = &entry.network {
        parts.push(format!("{} seen from {}", network.address, network.listen));
    }
    if entry.power.is_some() {
        parts.push("power switched".into());
    }
    if !entry.fixtures.is_empty() {
        parts.push(entry.fixtures.join(" "));
    }
    if !entry.notes.is_empty() {
        parts.push(entry.notes.clone());
    }
    parts.join(", ").escape_debug().to_string()
}

fn list_probes() -> Outcome {
    let found = probes().list()?;
    if found.is_empty() {
        println!("no probe is plugged in");
    }
    for probe in found {
        let serial = probe.serial.as_deref().unwrap_or("without a serial number");
        let locked = if probe.accessible {
            ""
        } else {
            "  not for this user: ci/rig.md has the udev rules"
        };
        let line = format!("{:<24} {}{locked}", serial, probe.name);
        println!("{}", line.escape_debug());
    }
    Ok(ExitCode::SUCCESS)
}
