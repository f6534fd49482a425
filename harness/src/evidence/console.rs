//! The device's console: its lines with their times, and waiting for one of them.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Lines kept; older ones make room, and are counted.
const KEPT_LINES: usize = 4096;
/// Bytes kept of one line.
const KEPT_LINE_BYTES: usize = 1024;

/// One console line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Microseconds since the case began.
    pub at_us: u64,
    /// The text, without its line end.
    pub text: String,
}

impl Line {
    /// The value of `key` in a `key=value` line.
    pub fn field(&self, key: &str) -> Option<&str> {
        self.text
            .split(' ')
            .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
    }

    /// Whether the line is this event.
    pub fn is(&self, event: &str) -> bool {
        self.field("event") == Some(event)
    }
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Line>,
    /// Lines that made room.
    lost: usize,
}

/// The console of one device.
#[derive(Debug)]
pub struct Console {
    start: Instant,
    kept: Mutex<Kept>,
    changed: watch::Sender<()>,
}

impl Console {
    /// An empty console whose times count from `start`.
    pub fn new(start: Instant) -> Self {
        Self {
            start,
            kept: Mutex::default(),
            changed: watch::channel(()).0,
        }
    }

    /// Adds a line, shortened when it is very long.
    pub fn push(&self, text: &str) {
        let end = text.floor_char_boundary(KEPT_LINE_BYTES);
        let line = Line {
            at_us: u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX),
            text: text[..end].into(),
        };
        {
            let mut kept = self.lock();
            if kept.lines.len() == KEPT_LINES {
                kept.lines.pop_front();
                kept.lost += 1;
            }
            kept.lines.push_back(line);
        }
        self.changed.send_replace(());
    }

    /// A place in the console: lines from here on are later than now.
    pub fn mark(&self) -> usize {
        let kept = self.lock();
        kept.lost + kept.lines.len()
    }

    /// The lines since `mark`, as far as they are kept.
    pub fn since(&self, mark: usize) -> Vec<Line> {
        let kept = self.lock();
        kept.lines
            .iter()
            .skip(mark.saturating_sub(kept.lost))
            .cloned()
            .collect()
    }

    /// Waits for a line after `mark`; `None` when the deadline passes first.
    pub async fn wait(
        &self,
        mark: usize,
        deadline: Duration,
        wanted: impl Fn(&Line) -> bool,
    ) -> Option<Line> {
        let mut changed = self.changed.subscribe();
        let search = async {
            loop {
                changed.borrow_and_update();
                if let Some(line) = self.since(mark).into_iter().find(&wanted) {
                    return line;
                }
                if changed.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::time::timeout(deadline, search).await.ok()
    }

    /// The last `count` lines, for a message to a person.
    pub fn tail(&self, count: usize) -> Vec<Line> {
        let kept = self.lock();
        let skip = kept.lines.len().saturating_sub(count);
        kept.lines.iter().skip(skip).cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Bytes on their way to becoming lines of a console, in bounded memory.
#[derive(Debug, Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// Takes bytes in; each line that ends in them, and says something, goes to `console`.
    pub fn take(&mut self, bytes: &[u8], console: &Console) {
        for &byte in bytes {
            if byte == b'\n' {
                let line = String::from_utf8_lossy(&self.0);
                let line = line.trim_end_matches('\r');
                if !line.is_empty() {
                    console.push(line);
                }
                self.0.clear();
            } else if self.0.len() < KEPT_LINE_BYTES {
                self.0.push(byte);
            }
        }
    }

    /// There are no more bytes: a last line without an end goes to `console` too.
    pub fn end(self, console: &Console) {
        if !self.0.is_empty() {
            console.push(&String::from_utf8_lossy(&self.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_sees_a_line_that_came_before_it_and_one_that_comes_later() {
        let console = Console::new(Instant::now());
        let mark = console.mark();
        console.push("event=ready version=1");
        let second = Duration::from_secs(1);
        let ready = console.wait(mark, second, |l| l.is("ready")).await.unwrap();
        assert_eq!(ready.field("version"), Some("1"));
        let later = console.wait(mark, second, |l| l.is("panic"));
        let (line, ()) = tokio::join!(later, async { console.push("event=panic at=x") });
        assert!(line.is_some());
    }

    #[test]
    fn a_line_that_a_reset_cut_does_not_swallow_the_ready_line() {
        let console = Console::new(Instant::now());
        let mut lines = Lines::default();
        lines.take(b"event=mqtt.sent id=1\r\n\r\nev", &console);
        lines.take(b"\nevent=ready\r\n", &console);
        let seen: Vec<String> = console.since(0).into_iter().map(|line| line.text).collect();
        assert_eq!(seen, ["event=mqtt.sent id=1", "ev", "event=ready"]);
    }

    #[test]
    fn a_flood_is_kept_in_bounded_memory_and_marks_stay_true() {
        let console = Console::new(Instant::now());
        for n in 0..KEPT_LINES * 2 {
            console.push(&format!("n={n}"));
        }
        let mark = console.mark();
        console.push("n=last");
        assert_eq!(console.since(mark).len(), 1);
        assert_eq!(console.since(0).len(), KEPT_LINES);
    }
}
