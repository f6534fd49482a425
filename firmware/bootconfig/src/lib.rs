//! The boot configuration of a Firmproof reference device: what it holds, how it is stored, and
//! what is refused.
//!
//! This crate is the one thing that the harness and the firmware share. A stored configuration is
//! an envelope ([`encode`], [`decode`]) around a postcard body: magic, version, body length, body,
//! CRC-32. A device that cannot use what it finds names the [`DecodeError`] on its console and runs
//! on [`BootConfig::safe_default`]. A board with a radio finds its [`WifiCredentials`] beside it, in
//! an envelope of their own.
#![no_std]

mod envelope;
mod limits;
mod wifi;

pub use envelope::{DecodeError, EncodeError, MAGIC, MAX_ENCODED_LEN, VERSION, decode, encode};
pub use limits::OutOfBounds;
pub use wifi::WifiCredentials;

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

/// An IPv4 address in network order.
pub type Ipv4 = [u8; 4];

/// Everything that a device is told at boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootConfig {
    /// The device's name: part of its MQTT topics, 1 to 32 of `A-Z a-z 0-9 - _`.
    pub device_id: String<32>,
    /// How the device gets its address.
    pub network: Network,
    /// DNS servers; with DHCP, empty means those of the lease.
    pub dns: Vec<Ipv4, 3>,
    /// The network time client.
    pub ntp: Ntp,
    /// How many times faster than the wall the device's clock and timers run: 1 to 1,000.
    /// Boards with real hardware accept only 1.
    pub time_scale: u16,
    /// The seed of the device's random numbers; mixed with the boot counter, so no two boots agree.
    pub seed: [u8; 32],
    /// The MQTT client; `None` leaves it off.
    pub mqtt: Option<Mqtt>,
    /// The HTTP server's TCP port.
    pub http_port: u16,
    /// The firmware update.
    pub update: Update,
}

/// Where the device's address comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// Ask a DHCP server (RFC 2131).
    Dhcp,
    /// Use this address.
    Static {
        /// The device's own address.
        address: Ipv4,
        /// Length of the network prefix in bits, 1 to 30.
        prefix_len: u8,
        /// The default gateway.
        gateway: Option<Ipv4>,
    },
}

/// A server by name or by address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Host {
    /// An IPv4 address.
    Address(Ipv4),
    /// A DNS name.
    Name(String<63>),
}

/// The network time client and the civil clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ntp {
    /// Servers in order of preference; none leaves the client off.
    pub servers: Vec<Host, 4>,
    /// UDP port of the servers, usually 123.
    pub port: u16,
    /// Seconds between polls once synchronised, 15 at least (RFC 4330 §10 (1)).
    pub min_poll_s: u32,
    /// The poll interval that back-off may grow to, in seconds; not below `min_poll_s`.
    pub max_poll_s: u32,
    /// Seconds to wait for one reply, 1 to 60.
    pub reply_timeout_s: u8,
    /// Start of the 2^32 s window that NTP's 32-bit seconds are read in, as Unix seconds.
    pub era_pivot_unix_s: i64,
    /// Offset of the device's civil time from UTC in seconds; +08:00 is 28,800.
    pub utc_offset_s: i32,
}

/// The MQTT 3.1.1 client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mqtt {
    /// The broker.
    pub broker: Host,
    /// The broker's TCP port.
    pub port: u16,
    /// Client identifier, 1 to 64 bytes (longer than 23 needs a broker that allows it, §3.1.3.1).
    pub client_id: String<64>,
    /// The clean session flag (§3.1.2.4).
    pub clean_session: bool,
    /// Keep alive in seconds; 0 turns it off (§3.1.2.10).
    pub keep_alive_s: u16,
    /// The will (§3.1.2.5).
    pub will: Option<Will>,
    /// User name (§3.1.3.4).
    pub user_name: Option<String<64>>,
    /// Password (§3.1.3.5); needs a user name (MQTT-3.1.2-22).
    pub password: Option<Vec<u8, 64>>,
    /// First level of the device's topics: `<prefix>/<device id>/…`.
    pub topic_prefix: String<32>,
    /// Subscriptions beside `<prefix>/<device id>/cmd/#`, which the device always makes at QoS 2.
    pub subscriptions: Vec<Subscription, 8>,
    /// Shortest wait before a reconnect, in milliseconds.
    pub backoff_min_ms: u32,
    /// Longest wait before a reconnect, in milliseconds.
    pub backoff_max_ms: u32,
    /// Seconds to wait for CONNACK, SUBACK, and PINGRESP, 1 to 120.
    pub response_timeout_s: u8,
}

/// The will of an MQTT client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Will {
    /// Topic name.
    pub topic: String<64>,
    /// Payload.
    pub payload: Vec<u8, 64>,
    /// Quality of service, 0 to 2.
    pub qos: u8,
    /// The retain flag.
    pub retain: bool,
}

/// A subscription that the device makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Topic filter.
    pub filter: String<64>,
    /// Requested quality of service, 0 to 2.
    pub qos: u8,
}

/// The firmware update over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// The bearer token that `POST /api/update` asks for; empty refuses every update.
    pub token: String<64>,
    /// Ed25519 public key that images must be signed with.
    pub public_key: [u8; 32],
    /// Redirects that a download may follow, 0 to 5.
    pub max_redirects: u8,
}

impl BootConfig {
    /// What a device runs on when it has no usable configuration: DHCP, no time server, no broker,
    /// no update, the control page on port 80.
    pub fn safe_default() -> Self {
        Self {
            device_id: String::try_from("unconfigured").unwrap_or_default(),
            network: Network::Dhcp,
            dns: Vec::new(),
            ntp: Ntp {
                servers: Vec::new(),
                port: 123,
                min_poll_s: 64,
                max_poll_s: 1024,
                reply_timeout_s: 5,
                era_pivot_unix_s: 0,
                utc_offset_s: 8 * 3600,
            },
            time_scale: 1,
            seed: [0; 32],
            mqtt: None,
            http_port: 80,
            update: Update {
                token: String::new(),
                public_key: [0; 32],
                max_redirects: 0,
            },
        }
    }
}
