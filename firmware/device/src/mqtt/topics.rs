//! The device's topics and subscriptions.

use core::fmt::Write;

use embassy_time::Duration;
use firmproof_bootconfig::{BootConfig, Mqtt};
use heapless::String;

use super::codec::{Qos, is_topic_filter};
use super::payload::crc32_of_texts;
use super::session::{Content, Settings};

/// Room for two levels of 32 bytes and the rest.
pub(super) const MAX_TOPIC_LEN: usize = 80;

type Topic = String<MAX_TOPIC_LEN>;

/// The topics below `<prefix>/<device id>/`.
pub(super) struct Topics {
    state: Topic,
    pub(super) data: Topic,
    /// `…/cmd/`, which commands' names follow.
    commands: Topic,
    /// `…/cmd/#`.
    command_filter: Topic,
}

impl Topics {
    pub(super) fn new(config: &BootConfig, mqtt: &Mqtt) -> Self {
        let topic = |tail: &str| {
            let mut out = Topic::new();
            // Cannot fail: the boot configuration bounds both levels.
            let _ = write!(out, "{}/{}/{tail}", mqtt.topic_prefix, config.device_id);
            out
        };
        Self {
            state: topic("state"),
            data: topic("data"),
            commands: topic("cmd/"),
            command_filter: topic("cmd/#"),
        }
    }

    pub(super) fn of(&self, content: &Content) -> &str {
        match content {
            Content::Snapshot(_) => &self.state,
            Content::Pattern(_) => &self.data,
        }
    }

    /// The command that `topic` names.
    pub(super) fn command<'t>(&self, topic: &'t str) -> Option<&'t str> {
        topic.strip_prefix(self.commands.as_str())
    }

    /// The filters of the one SUBSCRIBE: commands first, then the configured ones. Configured text
    /// that is no topic filter is left out, since a server must close on it (MQTT-4.7.1-2).
    pub(super) fn filters<'t>(&'t self, mqtt: &'t Mqtt) -> impl Iterator<Item = (&'t str, Qos)> {
        let configured = mqtt.subscriptions.iter().filter_map(|subscription| {
            let qos = Qos::from_level(subscription.qos)?;
            is_topic_filter(&subscription.filter).then_some((subscription.filter.as_str(), qos))
        });
        core::iter::once((self.command_filter.as_str(), Qos::ExactlyOnce)).chain(configured)
    }

    pub(super) fn settings(&self, config: &BootConfig, mqtt: &Mqtt) -> Settings {
        let identity = [
            &mqtt.client_id as &str,
            &mqtt.topic_prefix,
            &config.device_id,
        ];
        let subscriptions = self
            .filters(mqtt)
            .flat_map(|(filter, qos)| [filter.as_bytes(), qos_text(qos)]);
        Settings {
            clean_session: mqtt.clean_session,
            keep_alive: Duration::from_secs(u64::from(mqtt.keep_alive_s)),
            response_timeout: Duration::from_secs(u64::from(mqtt.response_timeout_s)),
            identity: crc32_of_texts(identity.into_iter().map(str::as_bytes)),
            subscriptions: crc32_of_texts(subscriptions),
            filters: self.filters(mqtt).count() as u8,
        }
    }
}

fn qos_text(qos: Qos) -> &'static [u8] {
    match qos {
        Qos::AtMostOnce => b"0",
        Qos::AtLeastOnce => b"1",
        Qos::ExactlyOnce => b"2",
    }
}
