//! What a device, or the lab it is wired to, can do: the names that cases ask for.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::Setting;

/// Something that a device, or the lab it is wired to, can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Capability {
    /// Has an MQTT 3.1.1 client.
    #[serde(rename = "mqtt")]
    Mqtt,
    /// Has an HTTP server.
    #[serde(rename = "http")]
    Http,
    /// Has an (S)NTP client.
    #[serde(rename = "ntp")]
    Ntp,
    /// Takes every setting of the boot configuration.
    #[serde(rename = "configure")]
    Configure,
    /// Serves `GET /api/state`.
    #[serde(rename = "observe.state")]
    ObserveState,
    /// Writes the reference device's console events.
    #[serde(rename = "observe.console")]
    ObserveConsole,
    /// Obeys the reference device's MQTT commands.
    #[serde(rename = "command")]
    Command,
    /// Serves the control page and its form.
    #[serde(rename = "page")]
    Page,
    /// Takes updates by `POST /api/update`.
    #[serde(rename = "update")]
    Update,
    /// Its power can be cut and restored, with its flash kept.
    #[serde(rename = "power")]
    Power,
    /// Its clock can run faster than the wall.
    #[serde(rename = "time_scale")]
    TimeScale,
    /// The lab sees its Ethernet frames: cut, loss, delay, capture.
    #[serde(rename = "lab.frames")]
    LabFrames,
    /// The lab gives peers several addresses and their standard ports.
    #[serde(rename = "lab.addresses")]
    LabAddresses,
    /// An emulator runs it: it can be paused, reset and unplugged.
    #[serde(rename = "monitor")]
    Monitor,
    /// The emulator shows the register that lamp and beeper hang on.
    #[serde(rename = "monitor.leds")]
    MonitorLeds,
    /// Takes packets of any size that MQTT allows (profile: `max_inbound_packet`).
    #[serde(rename = "max_inbound_packet")]
    MaxInboundPacket,
    /// Its MQTT client connects again by itself; declared by `liveness`.
    #[serde(skip)]
    Reconnects,
    /// Shows its clock; declared by `observe.clock`, or by `observe.state`.
    #[serde(skip)]
    ObserveClock,
    /// Tells of each message that it delivers; declared by `observe.message`, or by `observe.console`.
    #[serde(skip)]
    ObserveMessages,
    /// Implements OPTIONS of HTTP; the case finds out.
    #[serde(skip)]
    Options,
    /// Implements HEAD of HTTP; the case finds out.
    #[serde(skip)]
    Head,
    /// Refuses some method by 405; the case finds out.
    #[serde(skip)]
    MethodNotAllowed,
    /// Has no resource for some names, and answers them by 404; the case finds out.
    #[serde(skip)]
    NotFound,
    /// Refuses another major version of HTTP by 505; the case finds out.
    #[serde(skip)]
    VersionNotSupported,
    /// Claims HTTP/1.1 in its answers; the case finds out.
    #[serde(skip)]
    HttpOneOne,
    /// Takes this setting; declared by `[start.settings]`, or all of them by `configure`.
    #[serde(skip)]
    Setting(Setting),
}

impl Capability {
    /// The name, as profiles and reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Http => "http",
            Self::Ntp => "ntp",
            Self::Configure => "configure",
            Self::ObserveState => "observe.state",
            Self::ObserveConsole => "observe.console",
            Self::Command => "command",
            Self::Page => "page",
            Self::Update => "update",
            Self::Power => "power",
            Self::TimeScale => "time_scale",
            Self::LabFrames => "lab.frames",
            Self::LabAddresses => "lab.addresses",
            Self::Monitor => "monitor",
            Self::MonitorLeds => "monitor.leds",
            Self::MaxInboundPacket => "max_inbound_packet",
            Self::Reconnects => "liveness.reconnects",
            Self::ObserveClock => "observe.clock",
            Self::ObserveMessages => "observe.message",
            Self::Options => "http.options",
            Self::Head => "http.head",
            Self::MethodNotAllowed => "http.405",
            Self::NotFound => "http.404",
            Self::VersionNotSupported => "http.505",
            Self::HttpOneOne => "http.1-1",
            Self::Setting(setting) => setting.capability(),
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
