//! MQTT 3.1.1 clients.

mod connack;
mod connect;
mod flight;
mod interruption;
mod keep_alive;
mod malformed;
mod publish_in;
mod publish_out;
mod reconnect;
mod remaining_length;
mod scene;
mod session_present;
mod subscribe;
mod witness;

use crate::case::Case;

/// Every MQTT case, by section of the specification.
pub fn cases() -> Vec<Case> {
    [
        remaining_length::cases(),
        malformed::cases(),
        connect::cases(),
        keep_alive::cases(),
        connack::cases(),
        session_present::cases(),
        subscribe::cases(),
        publish_out::cases(),
        publish_in::cases(),
        reconnect::cases(),
        interruption::cases(),
        witness::cases(),
    ]
    .concat()
}
