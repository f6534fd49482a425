//! MQTT 3.1.1 clients.

mod connack;
mod scene;

use crate::case::Case;

/// Every MQTT case, by section of the specification.
pub fn cases() -> Vec<Case> {
    [connack::cases()].concat()
}
