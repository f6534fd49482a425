//! Civil time, once a server has given it.

/// The device's wall clock.
#[derive(Debug, Default)]
pub struct Clock {}
