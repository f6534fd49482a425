//! The evidence of one verdict as a ladder: device on the left, peers on the right, time downwards,
//! console lines in between.

use std::fmt::Write as _;

use super::printable;
use crate::evidence::{Direction, Entry};
use crate::result::{EvidenceFile, Record};

/// Raw bytes shown of one message; `run.json`'s evidence has more.
const SHOWN_BYTES: usize = 64;

/// The peer, and which of its connections when it has had several.
fn peer(entry: &Entry) -> String {
    match entry.connection {
        Some(number @ 2..) => format!("{} {number}", entry.peer),
        _ => entry.peer.clone(),
    }
}

/// Writes the ladder of one case.
pub fn ladder(record: &Record, evidence: &EvidenceFile) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}  {}  ({}, {:.3} s)",
        record.id, record.verdict, record.level, record.seconds
    );
    let _ = writeln!(out, "{}", record.requirement);
    let _ = writeln!(out, "judges {}", record.statements.join(", "));
    if let Some(finding) = &record.finding {
        let _ = writeln!(
            out,
            "clause {}\nexpected {}\nseen {}",
            finding.statement,
            printable(&finding.expected),
            printable(&finding.seen)
        );
    }
    if let Some(reason) = &record.reason {
        let _ = writeln!(out, "reason {}", printable(reason));
    }
    for choice in &record.observed {
        let _ = writeln!(out, "observed {}", printable(choice));
    }
    let _ = writeln!(out, "\n  time ms  device");
    let messages = evidence.transcript.iter().map(|entry| {
        let arrow = match entry.direction {
            Direction::FromDevice => format!("|-->| {}", peer(entry)),
            Direction::ToDevice => format!("|<--| {}", peer(entry)),
            Direction::Note => "|   |".into(),
        };
        let mut text = format!("{arrow:<20} {}", printable(&entry.summary));
        if entry.length > 0 {
            let shown = entry.bytes.get(..2 * SHOWN_BYTES).unwrap_or(&entry.bytes);
            let more = if (shown.len() as u64) < 2 * entry.length {
                "…"
            } else {
                ""
            };
            let _ = write!(
                text,
                "\n{:>10} {:<20} {shown}{more} ({} bytes)",
                "", "|   |", entry.length
            );
        }
        (entry.at_us, text)
    });
    let console = evidence.console.iter().map(|line| {
        (
            line.at_us,
            format!("{:<20} {}", "|   | console", printable(&line.text)),
        )
    });
    let mut rows: Vec<(u64, String)> = messages.chain(console).collect();
    rows.sort_by_key(|(at, _)| *at);
    for (at, text) in rows {
        let _ = writeln!(out, "{:>7}.{:02} {text}", at / 1000, at % 1000 / 10);
    }
    out
}
