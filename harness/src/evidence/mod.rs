//! What a verdict rests on: the transcript of messages, the console, the capture.

pub mod console;
pub mod transcript;

use std::sync::Arc;
use std::time::Instant;

pub use console::Console;
pub use transcript::{Direction, Entry, Transcript};

/// The evidence of one case. Clones share it.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// When the case began; all times count from here.
    pub start: Instant,
    /// Messages between the device and its peers.
    pub transcript: Arc<Transcript>,
    /// The device's console.
    pub console: Arc<Console>,
}

impl Evidence {
    /// Empty evidence, beginning now.
    pub fn new() -> Self {
        let start = Instant::now();
        Self {
            start,
            transcript: Arc::new(Transcript::new(start)),
            console: Arc::new(Console::new(start)),
        }
    }
}

impl Default for Evidence {
    fn default() -> Self {
        Self::new()
    }
}
