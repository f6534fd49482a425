//! The cases: a folder per protocol, a file per topic.

use crate::case::Case;

/// Every case, in the order of lists and reports.
pub fn all() -> Vec<Case> {
    Vec::new()
}
