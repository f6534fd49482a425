//! The update without a network: offers, responses, downloads, slots.

mod download;
pub(crate) mod nor;
mod offer;
mod slots;
mod url;
mod wire;
