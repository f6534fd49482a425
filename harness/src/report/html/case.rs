//! One case of the report: what stands in the document, and the data that its ladder is drawn from.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::super::escape::{html, printable};
use super::super::fields::{self, Field};
use crate::case::Verdict;
use crate::evidence::Direction;
use crate::evidence::trace::trace_of;
use crate::ledger::Ledger;
use crate::result::{EvidenceFile, Record};

/// Frames shown of one case at most, the first and the last ones; the capture has them all.
const FRAMES: usize = 400;

/// What stands in the document.
pub(super) fn section(place: usize, record: &Record, ledger: &Ledger, base: &str) -> String {
    let verdict = word(record);
    let mut out = format!(
        "<li class=\"case\" data-verdict=\"{verdict}\" data-level=\"{}\" data-protocol=\"{}\" data-dut=\"{}\" \
         data-statements=\"{}\"><details id=\"case-{place}\"><summary><span class=\"verdict {verdict}\">{verdict}</span> \
         <span class=\"id\">{}</span> <span class=\"meta\">{} · {} · {:.3} s</span></summary>\n<div class=\"body\">\n\
         <p class=\"requirement\">{}</p>\n<dl>\n",
        record.level,
        html(&record.protocol),
        html(&record.dut),
        html(&record.statements.join(" ")),
        html(&record.id),
        record.level,
        html(&record.dut),
        record.seconds,
        html(&record.requirement),
    );
    let mut item = |name: &str, value: &str| {
        let _ = writeln!(
            out,
            "<div><dt>{}</dt><dd>{}</dd></div>",
            html(name),
            html(value)
        );
    };
    for id in &record.statements {
        let text = ledger.get(id).map_or_else(
            || "not in this ledger".to_owned(),
            |statement| {
                format!(
                    "§ {}, {}: {}",
                    statement.section, statement.level, statement.summary
                )
            },
        );
        item(id, &text);
    }
    if let Some(finding) = &record.finding {
        item("broken clause", &finding.statement);
        item("expected", &finding.expected);
        item("seen", &finding.seen);
    }
    if let Some(reason) = &record.reason {
        item("reason", reason);
    }
    for choice in &record.observed {
        item("the device chose", choice);
    }
    if record.attempts.len() > 1 {
        for (number, attempt) in (1..).zip(&record.attempts) {
            let reason = attempt.reason.as_deref().unwrap_or_default();
            let text = format!("{}, {:.3} s {reason}", attempt.verdict, attempt.seconds);
            item(&format!("attempt {number}"), &text);
        }
    }
    out.push_str("</dl>\n");
    if !record.metrics.is_empty() {
        out.push_str("<details class=\"metrics\"><summary>measured</summary><dl>\n");
        for (name, value) in &record.metrics {
            let _ = writeln!(out, "<div><dt>{}</dt><dd>{value}</dd></div>", html(name));
        }
        out.push_str("</dl></details>\n");
    }
    let mut links = vec![("evidence", record.evidence.as_str())];
    links.extend(
        record
            .capture
            .as_deref()
            .map(|capture| ("capture", capture)),
    );
    for attempt in &record.attempts[..record.attempts.len().saturating_sub(1)] {
        links.extend(
            attempt
                .evidence
                .as_deref()
                .map(|e| ("an earlier attempt", e)),
        );
        links.extend(attempt.capture.as_deref().map(|c| ("its capture", c)));
    }
    let links = links.into_iter().filter(|(_, path)| is_below(path));
    let links: Vec<String> = links
        .map(|(what, path)| format!("<a href=\"{base}{path}\">{what}</a>"))
        .collect();
    let _ = write!(
        out,
        "<p class=\"links\">{}</p>\n<div class=\"ladder\" data-place=\"{place}\"></div>\n</div></details></li>\n",
        links.join(" · ")
    );
    out
}

/// Whether a path from a file is one below the run's folder, and no address.
fn is_below(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    path.starts_with("evidence/") && path.chars().all(plain) && !path.contains("..")
}

fn word(record: &Record) -> &'static str {
    match record.verdict {
        Verdict::Pass if record.is_flaky() => "flaky",
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Skipped => "skipped",
    }
}

/// What the ladder is drawn from. Short names: there are a thousand of them in a page.
#[derive(Serialize)]
pub(super) struct Data {
    /// Why there is no ladder, when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    /// Microseconds since the case began.
    t: u64,
    /// `to`, `from`, `note`, `console`, or `frame-to` and `frame-from`.
    k: &'static str,
    /// The peer.
    #[serde(skip_serializing_if = "String::is_empty")]
    p: String,
    /// The line.
    s: String,
    /// The bytes that were kept, in hexadecimal.
    #[serde(skip_serializing_if = "String::is_empty")]
    b: String,
    /// How many bytes there were.
    #[serde(skip_serializing_if = "is_zero")]
    n: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    f: Vec<Field>,
    /// What is noteworthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    m: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Row {
    fn new(t: u64, k: &'static str, s: &str) -> Self {
        Self {
            t,
            k,
            s: printable(s),
            p: String::new(),
            b: String::new(),
            n: 0,
            f: Vec::new(),
            m: None,
        }
    }
}

/// Reads the evidence and the capture of a record.
pub(super) fn data(record: &Record, folder: &Path) -> Data {
    if !is_below(&record.evidence) {
        return Data {
            missing: Some("no evidence was kept".into()),
            rows: Vec::new(),
        };
    }
    let evidence = match EvidenceFile::read(folder, record) {
        Ok(evidence) => evidence,
        Err(error) => {
            return Data {
                missing: Some(printable(&error.to_string())),
                rows: Vec::new(),
            };
        }
    };
    let mut rows = Vec::new();
    for entry in &evidence.transcript {
        let kind = match entry.direction {
            Direction::ToDevice => "to",
            Direction::FromDevice => "from",
            Direction::Note => "note",
        };
        let bytes = hex::decode(&entry.bytes).unwrap_or_default();
        rows.push(Row {
            p: printable(&entry.peer),
            f: fields::of(&entry.peer, &bytes, entry.length),
            b: hex::encode(&bytes),
            n: entry.length,
            ..Row::new(entry.at_us, kind, &entry.summary)
        });
    }
    for line in &evidence.console {
        rows.push(Row::new(line.at_us, "console", &line.text));
    }
    rows.extend(frames(record, folder));
    rows.sort_by_key(|row| row.t);
    Data {
        missing: None,
        rows,
    }
}

fn frames(record: &Record, folder: &Path) -> Vec<Row> {
    let Some(path) = record.capture.as_deref().filter(|path| is_below(path)) else {
        return Vec::new();
    };
    let read = std::fs::read(folder.join(path)).and_then(|file| trace_of(&file));
    let traced = match read {
        Ok(traced) => traced,
        Err(error) => return vec![Row::new(0, "note", &format!("the capture {path}: {error}"))],
    };
    let left_out = traced.len().saturating_sub(FRAMES);
    let mut rows = Vec::new();
    for (place, frame) in traced.iter().enumerate() {
        if left_out > 0 && (FRAMES / 2..FRAMES / 2 + left_out).contains(&place) {
            if place == FRAMES / 2 {
                let text = format!("{left_out} frames are only in the capture");
                rows.push(Row::new(frame.at_us, "note", &text));
            }
            continue;
        }
        let kind = match frame.to_device {
            true => "frame-to",
            false => "frame-from",
        };
        rows.push(Row {
            n: frame.data as u64,
            m: frame.mark.clone(),
            ..Row::new(frame.at_us, kind, &frame.what)
        });
    }
    rows
}
