//! How long a connection waits for what. Time is an argument.

use embassy_time::{Duration, Instant};

use super::reader::Waiting;

/// An idle connection is closed after this long, without a word.
pub const IDLE: Duration = Duration::from_secs(15);
/// A header section must be complete this long after its first byte, or 408.
pub const HEAD: Duration = Duration::from_secs(10);
/// Content must not pause for this long, or 408.
pub const CONTENT: Duration = Duration::from_secs(10);
/// An answer that makes no progress for this long ends the connection.
pub const WRITE: Duration = Duration::from_secs(10);
/// After the last answer, what still comes in is read and dropped for this long, so that a reset
/// does not overtake the answer (RFC 9112 §9.6).
pub const LINGER: Duration = Duration::from_secs(5);

/// The deadline of the wait that is under way.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    waiting: Waiting,
    deadline: Instant,
}

impl Patience {
    /// Waits for the first request of a connection.
    pub fn new(now: Instant) -> Self {
        Self {
            waiting: Waiting::Request,
            deadline: now + IDLE,
        }
    }

    /// An answer was sent: the wait for the next request starts.
    pub fn restart(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    /// Bytes came in, and the reader waits for `waiting` now.
    pub fn received(&mut self, waiting: Waiting, now: Instant) {
        match waiting {
            Waiting::Content => self.deadline = now + CONTENT,
            // Drip-feeding a head does not extend its time.
            Waiting::Head if self.waiting != Waiting::Head => self.deadline = now + HEAD,
            _ => {}
        }
        self.waiting = waiting;
    }

    /// When to give up.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }
}
