//! The device under test: how it is started, and what its process does.

pub mod launch;
pub mod process;
pub mod settings;

pub use launch::{Launch, LaunchError};
pub use process::Process;
