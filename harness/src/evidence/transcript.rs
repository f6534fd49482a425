//! The transcript: every message between the device and its peers, with its time and its bytes.

use std::collections::BTreeMap;
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
    /// Which of the peer's connections in this case, from 1; none for datagrams and notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u32>,
    /// Whether the case had no part in it: what a peer answers by itself, or a look at the device's
    /// state. How often and when there is such a message depends on time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aside: bool,
}

/// Where a message belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// As [`Entry::peer`].
    pub peer: &'a str,
    /// As [`Entry::connection`].
    pub connection: Option<u32>,
    /// As [`Entry::aside`].
    pub aside: bool,
}

impl<'a> From<&'a str> for Place<'a> {
    fn from(peer: &'a str) -> Self {
        Self {
            peer,
            connection: None,
            aside: false,
        }
    }
}

#[derive(Debug, Default)]
struct Kept {
    entries: Vec<Entry>,
    /// Messages that found no room.
    more: u64,
    /// Connections so far, by peer.
    connections: BTreeMap<String, u32>,
}

/// The messages of one case.
#[derive(Debug)]
pub struct Transcript {
    start: Instant,
    kept: Mutex<Kept>,
}

impl Transcript {
    /// An empty transcript whose times count from `start`.
    pub fn new(start: Instant) -> Self {
        Self {
            start,
            kept: Mutex::default(),
        }
    }

    /// The number of a connection that `peer` begins now.
    pub fn begin_connection(&self, peer: &str) -> u32 {
        let mut kept = self.lock();
        let count = kept.connections.entry(peer.into()).or_default();
        *count += 1;
        *count
    }

    /// Records a message or, with no bytes, a note.
    pub fn record<'a>(
        &self,
        place: impl Into<Place<'a>>,
        direction: Direction,
        summary: impl Into<String>,
        bytes: &[u8],
    ) {
        let place = place.into();
        let entry = Entry {
            at_us: u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX),
            peer: place.peer.into(),
            direction,
            summary: summary.into(),
            bytes: hex::encode(&bytes[..bytes.len().min(KEPT_BYTES)]),
            length: bytes.len() as u64,
            connection: place.connection,
            aside: place.aside,
        };
        let mut kept = self.lock();
        if kept.entries.len() < KEPT_ENTRIES {
            kept.entries.push(entry);
        } else {
            kept.more += 1;
        }
    }

    /// Records what the case did or noticed.
    pub fn note(&self, text: impl Into<String>) {
        self.record("case", Direction::Note, text, &[]);
    }

    /// The entries so far, and a last note when some were not kept.
    pub fn entries(&self) -> Vec<Entry> {
        let kept = self.lock();
        let mut entries = kept.entries.clone();
        if kept.more > 0 {
            entries.push(Entry {
                at_us: u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX),
                peer: "case".into(),
                direction: Direction::Note,
                summary: format!("{} more messages were counted, not kept", kept.more),
                bytes: String::new(),
                length: 0,
                connection: None,
                aside: false,
            });
        }
        entries
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
