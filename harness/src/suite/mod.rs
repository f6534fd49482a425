//! The cases: a folder per protocol, a file per topic of its specification.

pub mod http;
pub mod mqtt;
pub mod ntp;

use crate::case::Case;

/// Every case, in the order in which lists show them.
pub fn all() -> Vec<Case> {
    [mqtt::cases(), http::cases(), ntp::cases()].concat()
}
