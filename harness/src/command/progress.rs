//! Live progress: what runs, how many are done, how long it has taken. A log without a terminal
//! gets a line per failure and a line at every tenth of the run.

use std::io::IsTerminal;
use std::time::Instant;

use firmproof::case::Verdict;
use firmproof::run::Event;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

/// Shows events until the run ends.
pub(super) async fn show(mut events: UnboundedReceiver<Event>, total: usize) {
    let terminal = std::io::stderr().is_terminal();
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
    let began = Instant::now();
    let mut running: Vec<String> = Vec::new();
    let mut done = 0;
    while let Some(event) = events.recv().await {
        match event {
            Event::Began { id } => running.push(id),
            Event::Judged(record) => {
                running.retain(|id| *id != record.id);
                done += 1;
                bar.inc(1);
                if matches!(record.verdict, Verdict::Fail | Verdict::Inconclusive) {
                    let line = format!("{:<12} {}", record.verdict, record.id);
                    if terminal {
                        bar.println(line)
                    } else {
                        eprintln!("{line}")
                    }
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
