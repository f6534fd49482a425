//! The device under test: how it is started, what its firmware is, and what its process does.

pub mod firmware;
pub mod launch;
pub mod process;

pub use launch::{Launch, LaunchError};
pub use process::Process;
