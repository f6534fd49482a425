//! The cases, a folder per protocol, a file per topic.

pub mod http;
pub mod ntp;
