//! `firmproof list`.

use std::process::ExitCode;

use clap::Args;

use super::{Outcome, select};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  firmproof list\n  firmproof list mqtt/connack\n  firmproof list --json | jq '.[].id'"
)]
pub(super) struct Arguments {
    /// List the cases whose id contains one of these; all without
    filter: Vec<String>,
    /// As a JSON array
    #[arg(long)]
    json: bool,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let cases = select(&arguments.filter)?;
    if arguments.json {
        let rows: Vec<_> = cases
            .iter()
            .map(|case| {
                serde_json::json!({
                    "id": case.id,
                    "level": case.level,
                    "statements": case.statements,
                    "requirement": case.requirement,
                    "needs": case.needs,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(ExitCode::SUCCESS);
    }
    for case in &cases {
        println!(
            "{}  [{}]  {}",
            case.id,
            case.level,
            case.statements.join(" ")
        );
        println!("    {}", case.requirement);
        if !case.needs.is_empty() {
            let needs: Vec<&str> = case.needs.iter().map(|n| n.name()).collect();
            println!("    needs {}", needs.join(", "));
        }
    }
    println!("{} cases", cases.len());
    Ok(ExitCode::SUCCESS)
}
