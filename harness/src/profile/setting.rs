//! Settings that a program takes by its command line.

use serde::Deserialize;

/// A setting of the MQTT client that a case may need, a key of `[start.settings]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// `{client_id}`: the client identifier.
    ClientId,
    /// `{filter}` and `{qos}`: a topic filter to subscribe to; once for each.
    Subscription,
    /// `{keep_alive}`: keep alive in seconds, from 1 on.
    KeepAlive,
    /// Turns keep alive off.
    KeepAliveOff,
    /// Asks for clean session 0; without it the client has to ask for 1.
    PersistentSession,
    /// `{user_name}`: the user name.
    UserName,
    /// `{password}`: the password, as text.
    Password,
    /// `{will_topic}`, `{will_payload}` as text, `{will_qos}`: the will.
    Will,
    /// Has the will retained.
    WillRetain,
}

impl Setting {
    /// The name of the capability to take this setting.
    pub(super) fn capability(self) -> &'static str {
        match self {
            Self::ClientId => "start.settings.client_id",
            Self::Subscription => "start.settings.subscription",
            Self::KeepAlive => "start.settings.keep_alive",
            Self::KeepAliveOff => "start.settings.keep_alive_off",
            Self::PersistentSession => "start.settings.persistent_session",
            Self::UserName => "start.settings.user_name",
            Self::Password => "start.settings.password",
            Self::Will => "start.settings.will",
            Self::WillRetain => "start.settings.will_retain",
        }
    }
}
