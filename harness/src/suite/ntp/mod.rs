//! NTP: the device as an SNTP client, and its civil time.

mod names;

use crate::case::Case;

/// Every NTP case.
pub fn cases() -> Vec<Case> {
    [names::cases()].concat()
}
