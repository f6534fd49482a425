//! `firmproof run`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use firmproof::profile::Kind;
use firmproof::report::style::Style;
use firmproof::report::summary::{Exit, exit_of, explained, summary};
use firmproof::result::{RunFolder, parse_seed};
use firmproof::run::{Captures, Plan, Setup, run};
use tokio::sync::mpsc;

use super::{Outcome, own_network, progress, select};

/// Where runs go unless told otherwise.
pub(super) const RUNS: &str = "target/firmproof";
/// Cases at a time, unless told otherwise: most of a case is waiting.
const JOBS: usize = 32;

#[derive(Args, Default)]
#[command(
    after_help = "Examples:\n  firmproof run\n  firmproof run mqtt/connack http/host --jobs 4\n  \
    firmproof run --dut fixtures/duts/paho.toml mqtt --out results\n  \
    firmproof run --retries 2 --quiet\n  firmproof run --format json | jq -r 'select(.event == \"judged\") | .case.id'"
)]
pub(super) struct Arguments {
    /// Run the cases whose id contains one of these; all without
    filter: Vec<String>,
    /// The device: a name in fixtures/duts, or a profile's path
    #[arg(long, value_name = "NAME|FILE", default_value = "host")]
    dut: Option<String>,
    /// The image of a device in QEMU [default for kc705: built from the clone's sources]
    #[arg(long, value_name = "FILE")]
    elf: Option<PathBuf>,
    /// Cases at a time
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Replay a run: 64 hexadecimal digits, as run.json has them
    #[arg(long)]
    seed: Option<String>,
    /// Folder for the results [default: target/firmproof/<time>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write captures of all cases (also without a value), of failed and inconclusive ones, or of none
    #[arg(
        long,
        value_name = "all|failed|none",
        value_enum,
        num_args = 0..=1,
        default_value_t,
        default_missing_value = "all",
        hide_possible_values = true
    )]
    capture: Captures,
    /// Judge a case that failed or could not be judged again, so many times at most; one that passes
    /// then is flaky, and the run is not green
    #[arg(long, value_name = "N", default_value_t)]
    retries: u8,
    /// Say only what did not pass
    #[arg(long, short)]
    quiet: bool,
    /// What to write on standard output: text, or a JSON object a line for each event
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "text|json",
        hide_possible_values = true
    )]
    format: Format,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    #[default]
    Text,
    Json,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let dut = arguments.dut.as_deref().unwrap_or("host");
    let cases = select(&arguments.filter)?;
    let profile = super::device(dut, arguments.elf.as_deref())?;
    if profile.has_own_network() {
        own_network::enter()?;
    }
    let seed = arguments.seed.as_deref().map(seed_of).transpose()?;
    let out = arguments.out.clone().unwrap_or_else(|| new_folder(""));
    if RunFolder::is_begun(&out) {
        return Err(format!(
            "{} already holds a run; choose another --out",
            out.display()
        )
        .into());
    }
    let folder = RunFolder::join(&out, seed)?;
    let elf = arguments.elf.as_ref();
    let elf = elf.map_or_else(String::new, |file| format!(" --elf {}", file.display()));
    let again = format!(
        "firmproof run --dut {dut}{elf} --seed {}",
        folder.seed_text()
    );
    let program = profile.host_program()?;
    let most = profile.most_jobs();
    let jobs = match (arguments.jobs.map(usize::from), most) {
        (Some(asked), Some(most)) if asked > most => {
            return Err(format!(
                "--jobs {asked}: `{}` is judged by {most} case{} at a time; `jobs` in its profile changes that",
                profile.name,
                if most == 1 { "" } else { "s" }
            )
            .into());
        }
        (Some(asked), _) => asked,
        (None, most) => {
            let usual = usual_jobs(profile.kind);
            most.map_or(usual, |most| most.min(usual))
        }
    };
    for (peer, at) in [
        ("MQTT broker", profile.at.mqtt),
        ("time server", profile.at.ntp),
    ] {
        if let Some(at) = at {
            let wait = profile.at.wait_s;
            eprintln!(
                "{peer} on {at}, while a case has one; each case waits {wait} s for the device to come"
            );
        }
    }
    let setup = Setup::new(Arc::new(profile), program, folder, arguments.capture);
    let plan = Plan {
        cases,
        setup: Arc::new(setup),
        jobs,
        retries: arguments.retries.into(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (events, seen) = mpsc::unbounded_channel();
    let total = plan.cases.len();
    let result = runtime.block_on(async {
        let shown = match (arguments.format, arguments.quiet) {
            (Format::Json, _) => tokio::spawn(progress::lines(seen)),
            (Format::Text, true) => tokio::spawn(progress::nothing(seen)),
            (Format::Text, false) => tokio::spawn(progress::show(seen, total)),
        };
        let interrupted = async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let result = run(plan, events, interrupted).await;
        // The last sender is gone with the run, so this ends.
        let _ = shown.await;
        result
    });
    result.write(&out)?;
    let exit = exit_of(&result);
    if arguments.format == Format::Json {
        println!("{}", progress::ended(&result, exit, &out));
        return Ok(ExitCode::from(exit as u8));
    }
    let style = Style::of(&std::io::stdout());
    match arguments.quiet {
        true => print!("{}", explained(&result, &again, style)),
        false => println!("{}", summary(&result, &again, style)),
    }
    if !result.complete {
        println!(
            "interrupted: {} of {total} cases were judged",
            result.cases.len()
        );
    }
    if !arguments.quiet || exit != Exit::Green {
        println!("results: {}", out.display());
    }
    Ok(ExitCode::from(exit as u8))
}

pub(super) fn seed_of(text: &str) -> Result<[u8; 32], String> {
    parse_seed(text)
        .ok_or_else(|| format!("--seed `{text}`: expected 64 hexadecimal digits, as in run.json"))
}

/// A folder named for the seconds and the process, so that runs sort and never collide.
pub(super) fn new_folder(prefix: &str) -> PathBuf {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    PathBuf::from(RUNS).join(format!("{prefix}{now}-{}", std::process::id()))
}

/// How many cases at a time, unless told. Most of a case is waiting; but an emulator that has to wait for a CPU is a device
/// whose time runs on while it stands still.
fn usual_jobs(kind: Kind) -> usize {
    match kind {
        Kind::Qemu => {
            let cpus = std::thread::available_parallelism().map_or(1, usize::from);
            (4 * cpus).min(JOBS)
        }
        _ => JOBS,
    }
}
