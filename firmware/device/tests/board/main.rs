//! The device and its board: what the device asks of a board, how often, and how it takes a board
//! that fails.

mod image;
mod outputs;
mod power_on;
mod rig;
#[path = "../../src/test_time.rs"]
mod test_time;
