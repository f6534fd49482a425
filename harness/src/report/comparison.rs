//! Two runs side by side: each case that differs, and the first message that does, in its context.

use std::fmt::Write as _;

use super::printable;
use crate::compare::{Comparison, Difference, Kind, Outcome, Parting, SideSummary};

/// Writes what differs between two runs.
pub fn comparison(comparison: &Comparison) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "A  {}", side(&comparison.a));
    let _ = writeln!(out, "B  {}", side(&comparison.b));
    let equal = comparison.compared - differing(comparison);
    let _ = writeln!(
        out,
        "{} cases compared: {equal} equal, {} different; {} cases in one run only; {} explained by a profile",
        comparison.compared,
        comparison.compared - equal - comparison.explained.len(),
        comparison
            .differences
            .iter()
            .filter(|d| is_missing(d))
            .count(),
        comparison.explained.len(),
    );
    for difference in &comparison.differences {
        let _ = write!(out, "\n{}", explain(difference));
    }
    if !comparison.explained.is_empty() {
        let _ = writeln!(out, "\nexplained by a profile");
    }
    for difference in &comparison.explained {
        if let Kind::Verdict { a, b } = &difference.kind {
            let _ = writeln!(out, "  {}", difference.id);
            let _ = writeln!(out, "    A {}\n    B {}", outcome(a), outcome(b));
        }
    }
    out
}

fn is_missing(difference: &Difference) -> bool {
    matches!(difference.kind, Kind::Missing { .. })
}

/// Cases that both runs have and that differ, explained or not.
fn differing(comparison: &Comparison) -> usize {
    let both = comparison.differences.iter().filter(|d| !is_missing(d));
    both.count() + comparison.explained.len()
}

fn side(side: &SideSummary) -> String {
    let version = side.dut.version.as_deref().unwrap_or("of unknown version");
    let mut text = format!(
        "{}: {} {}, suite {}, seed {}…",
        side.run,
        printable(&side.dut.name),
        printable(version),
        side.suite_version,
        side.seed.get(..8).unwrap_or(&side.seed),
    );
    if !side.complete {
        text.push_str(", not complete");
    }
    text
}

fn explain(difference: &Difference) -> String {
    let id = &difference.id;
    match &difference.kind {
        Kind::Missing { side } => {
            let side = side.to_uppercase();
            format!("MISSING {id}\n  run {side} does not have this case\n")
        }
        Kind::Verdict { a, b } => {
            format!("VERDICT {id}\n  A {}\n  B {}\n", outcome(a), outcome(b))
        }
        Kind::Transcript { streams } => {
            let mut text = format!("TRANSCRIPT {id}\n");
            for stream in streams {
                text.push_str(&parting(stream));
            }
            text
        }
    }
}

fn outcome(outcome: &Outcome) -> String {
    let mut text = outcome.verdict.to_string();
    if let Some(statement) = &outcome.statement {
        let _ = write!(text, " {statement}");
    }
    if let Some(reason) = &outcome.reason {
        let _ = write!(text, ": {}", printable(reason));
    }
    text
}

fn parting(parting: &Parting) -> String {
    let stream = &parting.stream;
    let connection = stream.connection.map(|n| format!(", connection {n}"));
    let mut text = format!(
        "  {}{}, {}: {} messages are the same\n",
        printable(&stream.peer),
        connection.unwrap_or_default(),
        stream.direction,
        parting.same
    );
    for message in &parting.before {
        let _ = writeln!(text, "      {}", printable(message));
    }
    for (side, messages) in [("A", &parting.a), ("B", &parting.b)] {
        if messages.is_empty() {
            let _ = writeln!(text, "    {side} (no more)");
        }
        for message in messages {
            let _ = writeln!(text, "    {side} {}", printable(message));
        }
    }
    text
}
