//! What a case asks of an external program's MQTT client, as arguments of its command line.

use std::collections::BTreeMap;

use firmproof_bootconfig::Mqtt;

use super::LaunchError;
use super::launch::fill;
use crate::profile::Setting;

/// The arguments for `mqtt`, of those that `templates` know how to give.
///
/// # Errors
/// A placeholder that the setting does not have.
pub fn arguments(
    templates: &BTreeMap<Setting, Vec<String>>,
    mqtt: &Mqtt,
) -> Result<Vec<String>, LaunchError> {
    let mut arguments = Vec::new();
    for (setting, template) in templates {
        for values in occurrences(*setting, mqtt) {
            let values = values.into_iter().map(|(name, value)| (name.into(), value));
            let values = values.collect();
            for word in template {
                arguments.push(fill(word, &values)?);
            }
        }
    }
    Ok(arguments)
}

type Values = Vec<(&'static str, String)>;

/// The values of each time that the setting is to be given: none when `mqtt` does not have it.
fn occurrences(setting: Setting, mqtt: &Mqtt) -> Vec<Values> {
    let when = |wanted: bool| if wanted { vec![Values::new()] } else { vec![] };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match setting {
        Setting::ClientId => vec![vec![("client_id", mqtt.client_id.to_string())]],
        Setting::Subscription => mqtt
            .subscriptions
            .iter()
            .map(|s| vec![("filter", s.filter.to_string()), ("qos", s.qos.to_string())])
            .collect(),
        Setting::KeepAlive if mqtt.keep_alive_s == 0 => vec![],
        Setting::KeepAlive => vec![vec![("keep_alive", mqtt.keep_alive_s.to_string())]],
        Setting::KeepAliveOff => when(mqtt.keep_alive_s == 0),
        Setting::PersistentSession => when(!mqtt.clean_session),
        Setting::UserName => Vec::from_iter(
            mqtt.user_name
                .as_ref()
                .map(|name| vec![("user_name", name.to_string())]),
        ),
        Setting::Password => Vec::from_iter(
            mqtt.password
                .as_ref()
                .map(|password| vec![("password", text(password))]),
        ),
        Setting::Will => Vec::from_iter(mqtt.will.as_ref().map(|will| {
            vec![
                ("will_topic", will.topic.to_string()),
                ("will_payload", text(&will.payload)),
                ("will_qos", will.qos.to_string()),
            ]
        })),
        Setting::WillRetain => when(mqtt.will.as_ref().is_some_and(|will| will.retain)),
    }
}
