//! Placeholder.
pub mod task;
