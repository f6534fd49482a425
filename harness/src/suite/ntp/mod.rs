//! (S)NTP: the device as a client (RFC 4330, RFC 5905), and the calendar that it makes of the time.

mod calendar;
mod clock;
mod lease;
mod names;
mod replies;
mod requests;

use crate::case::Case;

/// Every NTP case.
pub fn cases() -> Vec<Case> {
    [
        calendar::cases(),
        replies::cases(),
        requests::cases(),
        names::cases(),
        lease::cases(),
    ]
    .concat()
}
