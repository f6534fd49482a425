//! Moves bytes between the MQTT session and the broker.

use embassy_net::Stack;

use crate::{Board, Device};

/// Runs the MQTT client for ever.
pub async fn run<B: Board>(_device: &Device<'_, B>, _stack: Stack<'_>) {
    core::future::pending().await
}
