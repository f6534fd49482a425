//! The MQTT 3.1.1 client.
//!
//! [`codec`] turns bytes into checked packets and back, [`session`] decides, [`task`] moves bytes.
//! A packet whose remaining length is above [`codec::BUFFER_LEN`] is read past without being
//! stored; what then happens at QoS 1 and 2 is told at [`session::Session::receive_oversize`].

pub mod backoff;
pub mod codec;
pub mod command;
mod connection;
mod delivery;
mod outbox;
pub mod payload;
mod report;
pub mod session;
pub mod task;
mod topics;
mod wire;
