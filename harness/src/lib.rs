//! Firmproof: a conformance harness for network firmware.

pub mod peers;
