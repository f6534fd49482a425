//! What was measured during a case: numbers by name, the unit last in the name.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The units that a metric's name may end in.
pub const UNITS: [&str; 5] = ["_bytes", "_frames", "_count", "_ms", "_s"];

/// The numbers of one case.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<BTreeMap<String, f64>>);

impl Metrics {
    /// Keeps `value`, in place of an earlier one of that name. What is no number is not kept: JSON
    /// has no place for it.
    pub fn set(&self, name: &'static str, value: f64) {
        debug_assert!(
            UNITS.iter().any(|unit| name.ends_with(unit)),
            "`{name}` does not end in one of {UNITS:?}"
        );
        if value.is_finite() {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.insert(name.into(), value);
        }
    }

    /// All that was measured.
    pub fn all(&self) -> BTreeMap<String, f64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
