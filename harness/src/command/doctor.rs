//! `firmproof doctor`.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use firmproof::dut::availability::{Availability, State};
use firmproof::firmware_build;
use firmproof::peers::mosquitto::Way;
use firmproof::profile::{Kind, Profile, known};

use super::Outcome;

#[derive(Args)]
#[command(after_help = "Example:\n  firmproof doctor")]
pub(super) struct Arguments {}

/// A program that is good to have.
struct Wanted {
    program: &'static str,
    purpose: &'static str,
    how: &'static str,
}

const WANTED: [Wanted; 4] = [
    Wanted {
        program: "cargo-nextest",
        purpose: "`cargo nextest run`: a process per case",
        how: "cargo install cargo-nextest --locked",
    },
    Wanted {
        program: "tshark",
        purpose: "the tests read captures back with it; people use Wireshark",
        how: "`ci/setup` installs it",
    },
    Wanted {
        program: "chromedriver",
        purpose: "the tests open the control page and the report in chromium",
        how: "`ci/setup` installs both, on Debian",
    },
    Wanted {
        program: "docker",
        purpose: "Mosquitto in a container",
        how: "without it Mosquitto runs as a process, where it is installed",
    },
];

pub(super) fn execute(_: &Arguments) -> Outcome {
    let here = std::env::current_dir()?;
    line(
        "host",
        "ready: the reference device is built into this program",
    );
    line(
        "external",
        "ready: write a profile, see harness/docs/interfaces.md",
    );
    // Those of the repository, when this is a clone.
    let mut others = Vec::new();
    for name in known() {
        let profile = Profile::find(&name)?;
        match profile.kind {
            Kind::Qemu => emulated(&profile, &here),
            Kind::External => others.push(profile),
            Kind::Host | Kind::Probe => {}
        }
    }
    building(&here);
    for profile in others {
        let lacking = Availability::of(&profile, &here).lacking();
        let said = lacking.map_or("ready".into(), |lacking| format!("not here: {lacking}"));
        line(&profile.name, &said);
    }
    line("rig", &boards());
    for wanted in &WANTED {
        let said = match find(wanted.program) {
            Some(path) => path.display().to_string(),
            None => format!("missing ({}): {}", wanted.purpose, wanted.how),
        };
        line(wanted.program, &said);
    }
    // The second witness of the MQTT cases, in a container or as a process.
    let said = match broker()? {
        Ok(way) => way.to_string(),
        Err(lacking) => format!("missing, and cases are skipped: {lacking}"),
    };
    line("mosquitto", &said);
    Ok(ExitCode::SUCCESS)
}

/// Whether boards behind a debug probe can be used.
fn boards() -> String {
    match super::rig::probes().list() {
        Ok(found) => {
            let count = found.len();
            format!(
                "ready: emulated boards, and boards behind a probe; {count} probes plugged in; see ci/rig.md"
            )
        }
        Err(error) => format!("ready for emulated boards, see ci/rig.md; behind a probe: {error}"),
    }
}

fn broker() -> std::io::Result<Result<Way, String>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(Way::of_this_machine()))
}

fn line(name: &str, said: &str) {
    println!("{name:<18} {said}");
}

fn emulated(profile: &Profile, here: &Path) {
    let found = Availability::of(profile, here);
    let standing = match found.lacking() {
        None => "ready",
        Some(_) => "not available here",
    };
    line(&profile.name, standing);
    for part in found.parts {
        line(&format!("  {}", part.name), &told(part.state));
    }
}

fn told(state: State) -> String {
    match state {
        State::Here(which) => which,
        State::Missing { what, get } => format!("missing: {what}; {get}"),
    }
}

/// What `firmproof build kc705` takes. A prebuilt image does without.
fn building(here: &Path) {
    if firmware_build::repository(here).is_err() {
        line("build kc705", "only in a clone of the repository");
        return;
    }
    let tools = firmware_build::tools();
    let standing = match tools.iter().all(|(_, found)| found.is_ok()) {
        true => "ready",
        false => "not possible here; `--elf FILE` runs a prebuilt image",
    };
    line("build kc705", standing);
    for (name, found) in tools {
        let said = found.unwrap_or_else(|error| format!("missing: {error}"));
        line(&format!("  {name}"), &said);
    }
}

fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
