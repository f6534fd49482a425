//! NTP: the device as an SNTP client, and its civil time.

mod lease;
mod names;

use crate::case::Case;

/// Every NTP case.
pub fn cases() -> Vec<Case> {
    [names::cases(), lease::cases()].concat()
}
