//! (S)NTP: the device as a client (RFC 4330, RFC 5905), and the calendar that it makes of the time.

mod addresses;
mod calendar;
mod clock;
mod datagrams;
mod eras;
mod kiss;
mod lease;
mod names;
mod offset;
mod poll;
mod renewal;
mod replies;
mod requests;
mod servers;
mod steps;
mod unpredictability;
mod unsynchronised;

use crate::case::Case;

/// Every NTP case.
pub fn cases() -> Vec<Case> {
    [
        calendar::cases(),
        eras::cases(),
        requests::cases(),
        unpredictability::cases(),
        replies::cases(),
        datagrams::cases(),
        kiss::cases(),
        offset::cases(),
        steps::cases(),
        poll::cases(),
        servers::cases(),
        names::cases(),
        addresses::cases(),
        lease::cases(),
        renewal::cases(),
        unsynchronised::cases(),
    ]
    .concat()
}
