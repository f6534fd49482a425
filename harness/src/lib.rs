//! Firmproof: conformance tests for network firmware, over NTP, HTTP and MQTT.

pub mod lab;
