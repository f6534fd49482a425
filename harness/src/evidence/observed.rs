//! What the device chose where the specification leaves it a choice: every allowed answer passes, and the result says
//! which one was given.

use std::sync::{Mutex, PoisonError};

/// The choices of one case, in their order, in a few words each.
#[derive(Debug, Default)]
pub struct Observed(Mutex<Vec<String>>);

impl Observed {
    /// Keeps a choice.
    pub fn add(&self, choice: impl Into<String>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(choice.into());
    }

    /// All choices.
    pub fn all(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
