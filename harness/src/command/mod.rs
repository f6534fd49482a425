//! The command line.

mod assemble;
mod bench;
mod build;
mod compare;
mod doctor;
mod gate;
mod history;
mod init;
mod ledger;
mod list;
mod merge;
mod own_network;
mod progress;
mod report;
mod rig;
mod run;
mod show;
mod sign;
mod up;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use firmproof::case::Case;
use firmproof::dut::availability;
use firmproof::dut::launch::HOST_DEVICE;
use firmproof::profile::Profile;

/// Could not judge, or was asked for something that is not there.
const NOT_JUDGED: u8 = 2;

#[derive(Parser)]
#[command(
    name = "firmproof",
    version,
    about = "Conformance tests for network firmware: NTP, HTTP and MQTT",
    long_about = "Conformance tests for network firmware: NTP, HTTP and MQTT.\n\n\
        Without a command, the whole suite runs against the reference device on this machine.",
    after_help = "Examples:\n  firmproof\n  firmproof run mqtt/connack\n  firmproof run --dut my-device.toml http\n  \
        firmproof show mqtt/connack/code-5\n\n\
        Exit status: 0 every `must` that was not skipped passed; 1 one failed; 2 could not judge."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run cases against a device and judge it
    Run(run::Arguments),
    /// List the cases
    List(list::Arguments),
    /// Show which statements of the specifications are judged, and by which cases
    Ledger(ledger::Arguments),
    /// Put a run together from the records that test processes wrote
    Assemble(assemble::Arguments),
    /// Join the parts of a run that several machines judged
    Merge(merge::Arguments),
    /// Show trends over many runs as a web page
    History(history::Arguments),
    /// Decide by a policy whether runs may ship
    Gate(gate::Arguments),
    /// Show a run as a web page, or as JUnit's XML, Markdown or TAP
    Report(report::Arguments),
    /// Show the evidence of one verdict
    Show(show::Arguments),
    /// Show what differs in a device's behaviour between two runs
    Compare(compare::Arguments),
    /// Measure a device: how fast it is, and what it takes
    Bench(bench::Arguments),
    /// Start a device with its peers and forward its ports to this machine, until Ctrl-C
    Up(up::Arguments),
    /// Write the profile of a device of yours, by asking questions
    Init(init::Arguments),
    /// Sign an image, and print the request that offers it to a device
    Sign(sign::Arguments),
    /// Build the reference device for a board
    Build(build::Arguments),
    /// Use the boards of a rig
    Rig(rig::Arguments),
    /// Say what this machine can run, what is missing and how to get it
    Doctor(doctor::Arguments),
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == HOST_DEVICE) {
        return firmproof_host::main(arguments);
    }
    let cli = Cli::parse();
    let outcome = match cli
        .command
        .unwrap_or_else(|| Command::Run(run::Arguments::default()))
    {
        Command::Run(arguments) => run::execute(&arguments),
        Command::List(arguments) => list::execute(&arguments),
        Command::Ledger(arguments) => ledger::execute(&arguments),
        Command::Assemble(arguments) => assemble::execute(&arguments),
        Command::Merge(arguments) => merge::execute(&arguments),
        Command::History(arguments) => history::execute(&arguments),
        Command::Gate(arguments) => gate::execute(&arguments),
        Command::Report(arguments) => report::execute(&arguments),
        Command::Show(arguments) => show::execute(&arguments),
        Command::Compare(arguments) => compare::execute(&arguments),
        Command::Bench(arguments) => bench::execute(&arguments),
        Command::Up(arguments) => up::execute(&arguments),
        Command::Init(arguments) => init::execute(&arguments),
        Command::Sign(arguments) => sign::execute(&arguments),
        Command::Build(arguments) => build::execute(&arguments),
        Command::Rig(arguments) => rig::execute(&arguments),
        Command::Doctor(arguments) => doctor::execute(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("firmproof: {error}");
        ExitCode::from(NOT_JUDGED)
    })
}

/// An error for a person: what was wrong, where, and what to do.
type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

/// The device of a profile, ready to be started; `elf` names its image.
///
/// # Errors
/// There is no such profile, or the device is not available here.
fn device(dut: &str, elf: Option<&Path>) -> Result<Profile, Box<dyn std::error::Error>> {
    let mut profile = Profile::find(dut)?;
    if let Some(file) = elf {
        profile.set_elf(file.into())?;
    }
    let here = std::env::current_dir()?;
    availability::prepare(&mut profile, &here, &|news| eprintln!("{news}"))?;
    Ok(profile)
}

/// The cases whose id has one of `filters` in it; all of them without a filter.
///
/// # Errors
/// No case matches.
fn select(filters: &[String]) -> Result<Vec<Case>, String> {
    let cases: Vec<Case> = firmproof::suite::all()
        .into_iter()
        .filter(|case| filters.is_empty() || filters.iter().any(|f| case.id.contains(f.as_str())))
        .collect();
    if cases.is_empty() {
        return Err(format!(
            "no case matches {}; `firmproof list` shows the ids",
            filters
                .iter()
                .map(|f| format!("`{f}`"))
                .collect::<Vec<_>>()
                .join(" or ")
        ));
    }
    Ok(cases)
}

/// The newest run's folder under `target/firmproof`.
///
/// # Errors
/// There is none.
fn newest_run() -> Result<std::path::PathBuf, String> {
    let root = Path::new(run::RUNS);
    let mut runs: Vec<_> = std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.join("run.json").exists())
        .collect();
    runs.sort_by_key(|path| {
        path.join("run.json")
            .metadata()
            .and_then(|m| m.modified())
            .ok()
    });
    runs.pop().ok_or_else(|| {
        format!(
            "no run in {}: `firmproof run` makes one, or name one with --run",
            root.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed_and_every_help_has_an_example() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        assert_examples(&command);
    }

    fn assert_examples(command: &clap::Command) {
        for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
            let help = sub
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(help.contains("Example"), "{}", sub.get_name());
            assert_examples(sub);
        }
    }
}
