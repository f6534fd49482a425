//! Where a device is, and where it looks for its peers, when the harness does not say.

use std::net::SocketAddrV4;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Where an external device is, and where it finds its peers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct At {
    /// `address:port` of its HTTP server; `{http_port}` is filled in.
    pub http: Option<String>,
    /// Path of a resource there that answers GET, for the cases that need any resource; `/` unless given.
    pub(super) path: Option<String>,
    /// Where the broker listens, for a client that is configured by hand.
    #[serde(deserialize_with = "address")]
    pub mqtt: Option<SocketAddrV4>,
    /// Where the time server listens, for a client that is configured by hand.
    #[serde(deserialize_with = "address")]
    pub ntp: Option<SocketAddrV4>,
    /// Whether that MQTT client is configured to subscribe to `fp/probe/#` at QoS 2, and to nothing else.
    pub subscribes: bool,
    /// Seconds that the device may take until it comes, beyond what a case allows.
    pub wait_s: u16,
}

impl Default for At {
    fn default() -> Self {
        Self {
            http: None,
            path: None,
            mqtt: None,
            ntp: None,
            subscribes: false,
            wait_s: 30,
        }
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddrV4>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read = text.parse().map(Some);
    read.map_err(|_| {
        D::Error::custom(format!(
            "`{text}`: an IPv4 address of this machine and a port, such as \"0.0.0.0:1883\""
        ))
    })
}

impl At {
    /// The target of requests for any resource.
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or("/")
    }

    /// Whether the device has to find peers that its profile fixes.
    pub fn is_fixed(&self) -> bool {
        self.mqtt.is_some() || self.ntp.is_some()
    }
}
