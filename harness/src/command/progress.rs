//! What a run says while it goes on. A terminal gets a bar; a log gets a line for each case that did not
//! pass and a line at every tenth of the run; a program gets a JSON object a line.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Instant;

use firmproof::case::Verdict;
use firmproof::report::printable;
use firmproof::report::style::{Style, Tone};
use firmproof::report::summary::Exit;
use firmproof::result::{Record, RunResult};
use firmproof::run::Event;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

/// How many different reasons are told as they come; the summary has all.
const TOLD: usize = 5;

/// Shows events to a person until the run ends.
pub(super) async fn show(mut events: UnboundedReceiver<Event>, total: usize) {
    let terminal = std::io::stderr().is_terminal();
    let style = Style::of(&std::io::stderr());
    let bar = if terminal {
        ProgressBar::new(total as u64)
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) =
        ProgressStyle::with_template("[{elapsed_precise}] {bar:30} {pos}/{len} {wide_msg}")
    {
        bar.set_style(style);
    }
    let say = |line: String| {
        if terminal {
            bar.println(line);
        } else {
            eprintln!("{line}");
        }
    };
    let began = Instant::now();
    let mut running: Vec<String> = Vec::new();
    let mut done = 0;
    let mut told = BTreeSet::new();
    while let Some(event) = events.recv().await {
        match event {
            Event::Began { id } => running.push(id),
            Event::Retried(record) => say(format!("{}, judged again", line(style, &record))),
            Event::Judged(record) => {
                running.retain(|id| *id != record.id);
                done += 1;
                bar.inc(1);
                if record.is_flaky()
                    || matches!(record.verdict, Verdict::Fail | Verdict::Inconclusive)
                {
                    say(line(style, &record));
                }
                // Why nothing can be judged, such as a device that is not there, is not kept until the end.
                if let (Verdict::Inconclusive, Some(reason)) = (record.verdict, &record.reason)
                    && told.insert(reason.clone())
                    && told.len() <= TOLD
                {
                    say(format!("             {}", printable(reason)));
                }
                if !terminal && (done * 10 / total) > ((done - 1) * 10 / total) {
                    eprintln!(
                        "{done} of {total} cases after {:.1} s",
                        began.elapsed().as_secs_f64()
                    );
                }
            }
        }
        bar.set_message(running.join(" "));
    }
    bar.finish_and_clear();
}

fn line(style: Style, record: &Record) -> String {
    let (word, tone) = match record.is_flaky() {
        true => ("flaky".to_owned(), Tone::Doubtful),
        false => (record.verdict.to_string(), Tone::of(record.verdict)),
    };
    format!(
        "{} {}",
        style.paint(tone, &format!("{word:<12}")),
        record.id
    )
}

/// Takes events until the run ends, and says nothing.
pub(super) async fn nothing(mut events: UnboundedReceiver<Event>) {
    while events.recv().await.is_some() {}
}

/// Writes each event as a line of JSON on standard output.
pub(super) async fn lines(mut events: UnboundedReceiver<Event>) {
    while let Some(event) = events.recv().await {
        let line = match event {
            Event::Began { id } => serde_json::json!({ "event": "begun", "id": id }),
            Event::Retried(record) => serde_json::json!({ "event": "retried", "case": record }),
            Event::Judged(record) => serde_json::json!({ "event": "judged", "case": record }),
        };
        println!("{line}");
    }
}

/// The last of these lines.
pub(super) fn ended(run: &RunResult, exit: Exit, folder: &Path) -> serde_json::Value {
    serde_json::json!({
        "event": "ended",
        "exit": exit as u8,
        "complete": run.complete,
        "totals": run.totals,
        "results": folder,
    })
}
