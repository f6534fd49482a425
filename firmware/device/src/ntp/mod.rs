//! Network time: an SNTPv4 client (RFC 4330; where they differ RFC 5905, which obsoletes it).
//!
//! [`packet`] judges one reply, [`client`] decides whom to ask and when, [`selection`] whom to
//! believe, [`task`] moves bytes.

pub mod client;
pub mod packet;
pub mod selection;
pub mod task;
