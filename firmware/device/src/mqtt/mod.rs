//! The MQTT 3.1.1 client.
pub mod backoff;
pub mod payload;
pub mod codec;
pub mod session;
pub mod task;
