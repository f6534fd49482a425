//! NTP: the device as an SNTP client, and its civil time.

use crate::case::Case;

/// Every NTP case.
pub fn cases() -> Vec<Case> {
    Vec::new()
}
