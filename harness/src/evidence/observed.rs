//! Which of the answers that a specification allows a device gave, by the name of the choice.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The choices of one case.
#[derive(Debug, Default)]
pub struct Observed(Mutex<BTreeMap<String, String>>);

impl Observed {
    /// Keeps what was chosen, in place of an earlier choice of that name.
    pub fn set(&self, choice: impl Into<String>, chosen: impl Into<String>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(choice.into(), chosen.into());
    }

    /// Every choice that was seen.
    pub fn all(&self) -> BTreeMap<String, String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
