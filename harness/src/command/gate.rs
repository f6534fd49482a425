//! `firmproof gate`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use firmproof::gate::{Expected, Given, Policy, Question, judge};
use firmproof::report::style::Style;
use time::{Date, OffsetDateTime};

use super::Outcome;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  firmproof gate results/host results/qemu --policy fixtures/gate.toml\n  \
    firmproof gate results --policy gate.toml --baseline last-release --record judgement.json\n\n\
    Exit status: 0 ship; 1 no-ship; 2 could not judge."
)]
pub(super) struct Arguments {
    /// The runs' folders, which together judge one release
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// When a run may ship; the format is in harness/docs/interfaces.md
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The folder of a run of the release before; may be given several times
    #[arg(long, value_name = "RUN")]
    baseline: Vec<PathBuf>,
    /// Judge quarantines as on this day [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    day: Option<Date>,
    /// What to write on standard output
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "text|json",
        hide_possible_values = true
    )]
    format: Format,
    /// Write the judgement and what it rests on to this file, as JSON
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let policy = Policy::read(&arguments.policy)?;
    let read = |folders: &[PathBuf]| -> Result<Vec<Given>, Box<dyn std::error::Error>> {
        folders.iter().map(|folder| Given::read(folder)).collect()
    };
    let (runs, baseline) = (read(&arguments.runs)?, read(&arguments.baseline)?);
    let suite: Vec<Expected> = firmproof::suite::all()
        .into_iter()
        .map(|case| Expected {
            level: case.level,
            id: case.id,
        })
        .collect();
    let judgement = judge(&Question {
        policy: &policy,
        runs: &runs,
        baseline: &baseline,
        suite: &suite,
        day: arguments
            .day
            .unwrap_or_else(|| OffsetDateTime::now_utc().date()),
    });
    let json = serde_json::to_string_pretty(&judgement)? + "\n";
    if let Some(file) = &arguments.record {
        std::fs::write(file, &json).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    match arguments.format {
        Format::Text => print!("{}", judgement.text(Style::of(&std::io::stdout()))),
        Format::Json => print!("{json}"),
    }
    Ok(ExitCode::from(judgement.decision as u8))
}

fn day(text: &str) -> Result<Date, String> {
    let format = || format!("`{text}` is no day: write it as 2027-01-31");
    let mut parts = text.splitn(3, '-');
    let mut part = || parts.next().and_then(|part| part.parse::<u16>().ok());
    let (year, month, day) = (part(), part(), part());
    let (Some(year), Some(month), Some(day)) = (year, month, day) else {
        return Err(format());
    };
    let month = u8::try_from(month).ok().and_then(|m| m.try_into().ok());
    let day = u8::try_from(day).ok();
    let date = month
        .zip(day)
        .and_then(|(month, day)| Date::from_calendar_date(i32::from(year), month, day).ok());
    date.ok_or_else(format)
}
