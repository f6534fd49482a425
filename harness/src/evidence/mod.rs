//! What a verdict rests on: the transcript of messages, the console, the capture, and what was
//! measured; and the secrets that none of them may show.

pub mod capture;
pub mod console;
pub mod metrics;
pub mod observed;
pub mod secrets;
pub mod trace;
pub mod transcript;

use std::sync::Arc;
use std::time::Instant;

pub use console::{Console, Line};
pub use metrics::Metrics;
pub use observed::Observed;
pub use secrets::Secrets;
pub use transcript::{Direction, Entry, Place, Transcript};

/// The evidence of one case. Clones share it.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// When the case began; all times count from here.
    pub start: Instant,
    /// Messages between the device and its peers.
    pub transcript: Arc<Transcript>,
    /// The device's console.
    pub console: Arc<Console>,
    /// What was measured.
    pub metrics: Arc<Metrics>,
    /// What the device chose where its specification leaves a choice.
    pub observed: Arc<Observed>,
    /// What no result may show.
    pub secrets: Arc<Secrets>,
}

impl Evidence {
    /// Empty evidence, beginning now.
    pub fn new() -> Self {
        let start = Instant::now();
        Self {
            start,
            transcript: Arc::new(Transcript::new(start)),
            console: Arc::new(Console::new(start)),
            metrics: Arc::default(),
            observed: Arc::default(),
            secrets: Arc::default(),
        }
    }

    /// The transcript, without the secrets.
    pub fn shown_transcript(&self) -> Vec<Entry> {
        let mut entries = self.transcript.entries();
        for entry in &mut entries {
            entry.summary = self.secrets.masked(&entry.summary);
            entry.bytes = self.secrets.masked_hex(&entry.bytes);
        }
        entries
    }

    /// The console, without the secrets.
    pub fn shown_console(&self) -> Vec<Line> {
        let mut lines = self.console.since(0);
        for line in &mut lines {
            line.text = self.secrets.masked(&line.text);
        }
        lines
    }
}

impl Default for Evidence {
    fn default() -> Self {
        Self::new()
    }
}
