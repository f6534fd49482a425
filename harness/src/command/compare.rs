//! `firmproof compare`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use firmproof::compare::{Side, compare};
use firmproof::report::comparison::comparison;

use super::Outcome;

/// Some case differs.
const DIFFERENT: u8 = 1;

#[derive(Args)]
#[command(
    long_about = "Show what differs in a device's behaviour between two runs: host and QEMU, the last release \
        and this one.\n\nCompared are each case's verdict and, per peer, connection and direction, the sequence of \
        decoded messages. Not compared: times, ports, addresses, values that the device draws, TCP segments, the \
        board's name and version, the console, and what the case had no part in, such as the device's own state \
        messages. A case that is skipped for a capability that the profile lacks is explained by that.",
    after_help = "Examples:\n  firmproof run --seed $SEED --out a\n  firmproof run --seed $SEED --out b --dut qemu\n  \
        firmproof compare a b\n  firmproof compare tests tests --dut-a host --dut-b qemu\n\n\
        Exit status: 0 nothing differs; 1 something does; 2 could not compare."
)]
pub(super) struct Arguments {
    /// The first run's folder
    #[arg(value_name = "RUN_A")]
    a: PathBuf,
    /// The second run's folder
    #[arg(value_name = "RUN_B")]
    b: PathBuf,
    /// The device in RUN_A, when it has several
    #[arg(long, value_name = "NAME")]
    dut_a: Option<String>,
    /// The device in RUN_B, when it has several
    #[arg(long, value_name = "NAME")]
    dut_b: Option<String>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let a = Side::read(&arguments.a, arguments.dut_a.as_deref(), "--dut-a")?;
    let b = Side::read(&arguments.b, arguments.dut_b.as_deref(), "--dut-b")?;
    let compared = compare(&a, &b)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&compared)?);
    } else {
        print!("{}", comparison(&compared));
    }
    Ok(if compared.differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DIFFERENT)
    })
}
