//! Firmproof: conformance tests for network firmware. See the README for what it does and
//! `docs/interfaces.md` for the formats that its parts share.

pub mod bench;
pub mod benchmark;
pub mod case;
pub mod compare;
pub mod dut;
pub mod evidence;
pub mod firmware_build;
pub mod gate;
pub mod lab;
pub mod ledger;
pub mod peers;
pub mod profile;
pub mod report;
pub mod result;
pub mod rig;
pub mod run;
pub mod suite;
pub mod update_key;
