//! The MQTT 3.1.1 client.
pub mod codec;
pub mod task;
