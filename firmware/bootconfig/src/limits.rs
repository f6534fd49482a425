//! The bounds of each value, checked after decoding, so that no later code meets an impossible one.

use crate::{BootConfig, Host, Mqtt, Network};

/// A value outside its documented bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfBounds {
    /// The key, as in `mqtt.keep_alive_s`.
    pub key: &'static str,
    /// What is allowed, in words.
    pub allowed: &'static str,
}

impl core::fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} must be {}", self.key, self.allowed)
    }
}

pub(crate) fn require(
    ok: bool,
    key: &'static str,
    allowed: &'static str,
) -> Result<(), OutOfBounds> {
    if ok {
        Ok(())
    } else {
        Err(OutOfBounds { key, allowed })
    }
}

fn is_level(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_host(host: &Host) -> bool {
    match host {
        Host::Address(a) => *a != [0; 4],
        Host::Name(name) => {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        }
    }
}

impl BootConfig {
    /// Checks every bound that the fields document.
    ///
    /// # Errors
    /// The first value that is out of its bounds.
    pub fn check(&self) -> Result<(), OutOfBounds> {
        require(
            is_level(&self.device_id),
            "device_id",
            "1 to 32 of A-Z a-z 0-9 - _",
        )?;
        if let Network::Static {
            address,
            prefix_len,
            ..
        } = self.network
        {
            require(
                address != [0; 4] && address[0] < 224,
                "network.address",
                "a unicast address",
            )?;
            require(
                (1..=30).contains(&prefix_len),
                "network.prefix_len",
                "1 to 30",
            )?;
        }
        require(
            self.ntp.servers.iter().all(is_host),
            "ntp.servers",
            "addresses or DNS names",
        )?;
        require(self.ntp.port != 0, "ntp.port", "1 to 65535")?;
        require(self.ntp.min_poll_s >= 15, "ntp.min_poll_s", "15 or more")?;
        require(
            (self.ntp.min_poll_s..=1 << 17).contains(&self.ntp.max_poll_s),
            "ntp.max_poll_s",
            "min_poll_s to 131072",
        )?;
        require(
            (1..=60).contains(&self.ntp.reply_timeout_s),
            "ntp.reply_timeout_s",
            "1 to 60",
        )?;
        require(
            (-2_208_988_800..=250_000_000_000).contains(&self.ntp.era_pivot_unix_s),
            "ntp.era_pivot_unix_s",
            "-2208988800 (1900) to 250000000000",
        )?;
        require(
            (-18 * 3600..=18 * 3600).contains(&self.ntp.utc_offset_s),
            "ntp.utc_offset_s",
            "-64800 to 64800",
        )?;
        require(
            (1..=1000).contains(&self.time_scale),
            "time_scale",
            "1 to 1000",
        )?;
        require(self.http_port != 0, "http_port", "1 to 65535")?;
        require(
            self.update.max_redirects <= 5,
            "update.max_redirects",
            "0 to 5",
        )?;
        self.mqtt.as_ref().map_or(Ok(()), check_mqtt)
    }
}

fn check_mqtt(mqtt: &Mqtt) -> Result<(), OutOfBounds> {
    require(
        is_host(&mqtt.broker),
        "mqtt.broker",
        "an address or a DNS name",
    )?;
    require(mqtt.port != 0, "mqtt.port", "1 to 65535")?;
    // §3.1.3.1 lets a zero-length id only with clean session; this device always states its id.
    require(
        !mqtt.client_id.is_empty(),
        "mqtt.client_id",
        "1 to 64 bytes",
    )?;
    require(
        is_level(&mqtt.topic_prefix),
        "mqtt.topic_prefix",
        "1 to 32 of A-Z a-z 0-9 - _",
    )?;
    require(
        mqtt.password.is_none() || mqtt.user_name.is_some(),
        "mqtt.password",
        "absent when mqtt.user_name is absent (MQTT-3.1.2-22)",
    )?;
    if let Some(will) = &mqtt.will {
        require(will.qos <= 2, "mqtt.will.qos", "0 to 2")?;
        require(
            !will.topic.is_empty() && !will.topic.contains(['#', '+', '\0']),
            "mqtt.will.topic",
            "a topic name without wildcards",
        )?;
    }
    require(
        mqtt.subscriptions
            .iter()
            .all(|s| s.qos <= 2 && !s.filter.is_empty() && !s.filter.contains('\0')),
        "mqtt.subscriptions",
        "non-empty filters with QoS 0 to 2",
    )?;
    require(
        mqtt.backoff_min_ms >= 10,
        "mqtt.backoff_min_ms",
        "10 or more",
    )?;
    require(
        (mqtt.backoff_min_ms..=3_600_000).contains(&mqtt.backoff_max_ms),
        "mqtt.backoff_max_ms",
        "backoff_min_ms to 3600000",
    )?;
    require(
        (1..=120).contains(&mqtt.response_timeout_s),
        "mqtt.response_timeout_s",
        "1 to 120",
    )
}
