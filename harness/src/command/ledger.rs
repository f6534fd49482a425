//! `firmproof ledger`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use firmproof::ledger::{Ledger, Protocol, Standing};

use super::Outcome;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  firmproof ledger\n  firmproof ledger mqtt\n  firmproof ledger http --uncovered"
)]
pub(super) struct Arguments {
    /// One protocol's statements; all without
    protocol: Option<Wanted>,
    /// Only statements that no case judges
    #[arg(long)]
    uncovered: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Wanted {
    Mqtt,
    Http,
    Ntp,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let ledger = Ledger::load()?;
    let cases = firmproof::suite::all();
    let coverage = ledger.coverage(
        cases
            .iter()
            .map(|c| (c.id.as_str(), c.statements.as_slice())),
    );
    let wanted = arguments.protocol.map(|p| match p {
        Wanted::Mqtt => Protocol::Mqtt,
        Wanted::Http => Protocol::Http,
        Wanted::Ntp => Protocol::Ntp,
    });
    for line in coverage.of(wanted) {
        let statement = line.statement;
        let standing = match &line.standing {
            _ if arguments.uncovered && line.standing != Standing::Uncovered => continue,
            Standing::Covered(by) => format!("judged by {}", several(by)),
            Standing::Uncovered => "uncovered".into(),
            Standing::NotApplicable(reason) => format!("not applicable: {reason}"),
        };
        println!("{}  {}", statement.id, statement.summary);
        println!("    {standing}");
    }
    let tally = coverage.tally(wanted);
    println!(
        "{} covered, {} uncovered, {} not applicable",
        tally.covered, tally.uncovered, tally.not_applicable
    );
    Ok(ExitCode::SUCCESS)
}

fn several(cases: &[String]) -> String {
    match cases {
        [a, b, c, rest @ ..] if !rest.is_empty() => {
            format!("{a}, {b}, {c} and {} more", rest.len())
        }
        _ => cases.join(", "),
    }
}
