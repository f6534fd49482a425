//! Firmware update: a signed offer over HTTP, a download into the slot that does not run, a trial
//! boot, and the way back.
//!
//! The order is the safety: the signature is checked before a byte is fetched, a pending record on
//! the target slot is dropped before the slot is erased, and the new record is written after the
//! slot was read back and its digest agreed. The running slot is never written.

pub mod download;
pub mod image;
pub mod offer;
pub mod reason;
pub mod response;
pub mod slots;
pub mod task;
#[cfg(test)]
pub(crate) mod tests;
pub mod url;

pub use offer::Request;
pub use slots::{confirm, slot_to_boot};
