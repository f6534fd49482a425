//! The transcript: every message between the device and its peers, with its time and its bytes.

use std::sync::Mutex;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// Bytes kept of one message; the rest is counted.
const KEPT_BYTES: usize = 2048;
/// Messages kept of one case; a device that floods is counted, not stored.
const KEPT_ENTRIES: usize = 4096;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From a peer to the device.
    ToDevice,
    /// From the device to a peer.
    FromDevice,
    /// No message: what the case did, or what it noticed.
    Note,
}

/// One line of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Microseconds since the case began.
    pub at_us: u64,
    /// The peer, as in `broker`.
    pub peer: String,
    /// Which way.
    pub direction: Direction,
    /// The message decoded, in one line.
    pub summary: String,
    /// The first bytes, in hexadecimal.
    pub bytes: String,
    /// How many bytes the message had.
    pub length: u64,
}

/// The messages of one case.
#[derive(Debug)]
pub struct Transcript {
    start: Instant,
    kept: Mutex<(Vec<Entry>, u64)>,
}

impl Transcript {
    /// An empty transcript whose times count from `start`.
    pub fn new(start: Instant) -> Self {
        Self {
            start,
            kept: Mutex::new((Vec::new(), 0)),
        }
    }

    /// Records a message or, with no bytes, a note.
    pub fn record(
        &self,
        peer: &str,
        direction: Direction,
        summary: impl Into<String>,
        bytes: &[u8],
    ) {
        let entry = Entry {
            at_us: u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX),
            peer: peer.into(),
            direction,
            summary: summary.into(),
            bytes: hex::encode(&bytes[..bytes.len().min(KEPT_BYTES)]),
            length: bytes.len() as u64,
        };
        let mut kept = self.lock();
        if kept.0.len() < KEPT_ENTRIES {
            kept.0.push(entry);
        } else {
            kept.1 += 1;
        }
    }

    /// Records what the case did or noticed.
    pub fn note(&self, text: impl Into<String>) {
        self.record("case", Direction::Note, text, &[]);
    }

    /// The entries so far, and a last note when some were not kept.
    pub fn entries(&self) -> Vec<Entry> {
        let kept = self.lock();
        let mut entries = kept.0.clone();
        if kept.1 > 0 {
            entries.push(Entry {
                at_us: u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX),
                peer: "case".into(),
                direction: Direction::Note,
                summary: format!("{} more messages were counted, not kept", kept.1),
                bytes: String::new(),
                length: 0,
            });
        }
        entries
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Vec<Entry>, u64)> {
        self.kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
