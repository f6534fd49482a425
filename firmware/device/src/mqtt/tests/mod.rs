//! The client against a broker that is played by hand, on one wire.

mod bench;
mod broker;
mod client;
mod endurance;
