//! Firmware update.

pub mod task;

/// An update that `POST /api/update` asked for.
#[derive(Debug, Clone)]
pub struct Request {}
