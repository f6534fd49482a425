//! Firmproof: does this device speak NTP, HTTP and MQTT as the specifications require?

pub mod ledger;
