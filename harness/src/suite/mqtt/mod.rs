//! MQTT 3.1.1 clients.

mod connack;
mod connect;
mod flight;
mod malformed;
mod remaining_length;
mod scene;
mod session_present;
mod witness;

use crate::case::Case;

/// Every MQTT case, by section of the specification.
pub fn cases() -> Vec<Case> {
    [
        remaining_length::cases(),
        malformed::cases(),
        connect::cases(),
        connack::cases(),
        session_present::cases(),
        witness::cases(),
    ]
    .concat()
}
