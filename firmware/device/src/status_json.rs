//! The device's state as one JSON object.

use core::fmt;

use crate::{Board, Device};

/// Writes the object.
///
/// # Errors
/// Those of `out`.
pub fn write<B: Board>(_device: &Device<'_, B>, out: &mut impl fmt::Write) -> fmt::Result {
    out.write_str("{}")
}
