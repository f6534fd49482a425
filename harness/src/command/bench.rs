//! `firmproof bench`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use firmproof::benchmark::{Effort, measure};
use firmproof::case::Stop;
use firmproof::report::benchmark::benchmark;
use firmproof::run::setup;

use super::Outcome;
use super::run::new_folder;

#[derive(Args)]
#[command(
    long_about = "Measure a device over the lab: start, HTTP and MQTT per second, the round trip of a command and, \
        where an emulator shows it, peak stack, instructions per request and publish, and the image's size by part.\n\n\
        Each figure is the median of all runs. No figure is a verdict: speed is this machine's as much as the device's; \
        instructions and sizes are the device's alone.",
    after_help = "Examples:\n  firmproof bench\n  firmproof bench --dut qemu --runs 5 --json\n\n\
        Exit status: 0 measured; 2 could not measure."
)]
pub(super) struct Arguments {
    /// The device: a name in fixtures/duts, or a profile's path
    #[arg(long, value_name = "NAME|FILE", default_value = "host")]
    dut: String,
    /// The image of a device in QEMU [default for kc705: built from the clone's sources]
    #[arg(long, value_name = "FILE")]
    elf: Option<PathBuf>,
    /// Runs, each with a new start of the device
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// Requests, publishes or round trips in each sample
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    operations: u32,
    /// Folder for bench.json [default: target/firmproof/bench-<time>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write JSON to standard output
    #[arg(long)]
    json: bool,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let profile = super::device(&arguments.dut, arguments.elf.as_deref())?;
    let program = profile.host_program()?;
    let effort = Effort {
        runs: arguments.runs,
        operations: arguments.operations,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let dut = setup::dut_summary(&profile, &program);
    let measured = runtime
        .block_on(measure(&profile, dut, &program, effort, &|step| {
            eprintln!("{step}");
        }))
        .map_err(cannot)?;
    let out = arguments
        .out
        .clone()
        .unwrap_or_else(|| new_folder("bench-"));
    std::fs::create_dir_all(&out)?;
    measured.write(&out)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&measured)?);
    } else {
        print!("{}", benchmark(&measured));
        println!("results: {}", out.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn cannot(stop: Stop) -> String {
    match stop {
        Stop::Skip(need) => format!("cannot measure: the profile lacks the capability `{need}`"),
        Stop::Lacking(what) => format!("cannot measure: this machine lacks {what}"),
        Stop::Inconclusive(reason) => format!("cannot measure: {reason}"),
        Stop::Fail(finding) => format!(
            "cannot measure: expected {}; seen: {}",
            finding.expected, finding.seen
        ),
    }
}
