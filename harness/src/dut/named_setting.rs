//! Values of the boot configuration by name, as `mqtt.keep_alive_s=20`.

use firmproof_bootconfig::BootConfig;
use serde_json::Value;

/// Why a value cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamedSettingError {
    /// There is no `=`.
    #[error("`{0}`: expected KEY=VALUE, as in mqtt.keep_alive_s=20")]
    NoValue(String),
    /// There is no such key.
    #[error("`{key}` is no key of the boot configuration; in {within} there are {}", known.join(", "))]
    NoKey {
        /// The key as it was given.
        key: String,
        /// The part of it that exists.
        within: String,
        /// What could stand there.
        known: Vec<String>,
    },
    /// The value is of another kind.
    #[error("`{key}`: {why}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong with the value.
        why: String,
    },
}

/// Sets what `assignment` (`KEY=VALUE`) names. The value is JSON; what is not JSON is text.
///
/// # Errors
/// See [`NamedSettingError`]. Bounds are [`BootConfig::check`]'s to judge.
pub fn set(config: &mut BootConfig, assignment: &str) -> Result<(), NamedSettingError> {
    let (key, text) = assignment
        .split_once('=')
        .ok_or_else(|| NamedSettingError::NoValue(assignment.into()))?;
    let wrong = |error: serde_json::Error| NamedSettingError::Value {
        key: key.into(),
        why: error.to_string(),
    };
    let value: Value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    let mut whole = serde_json::to_value(&*config).map_err(wrong)?;
    *place(&mut whole, key)? = value;
    *config = serde_json::from_value(whole).map_err(wrong)?;
    Ok(())
}

fn place<'a>(whole: &'a mut Value, key: &str) -> Result<&'a mut Value, NamedSettingError> {
    let mut at = whole;
    let mut within = "it".to_owned();
    for word in key.split('.') {
        let known = match &*at {
            Value::Object(fields) => fields.keys().cloned().collect(),
            _ => Vec::new(),
        };
        at = match at.get_mut(word) {
            Some(found) => found,
            None => {
                let key = key.into();
                return Err(NamedSettingError::NoKey { key, within, known });
            }
        };
        within = format!("`{word}`");
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_to(assignment: &str) -> Result<BootConfig, NamedSettingError> {
        let mut config = BootConfig::safe_default();
        set(&mut config, assignment).map(|()| config)
    }

    #[test]
    fn numbers_texts_and_structures_are_set_by_name() {
        assert_eq!(set_to("ntp.port=1123").unwrap().ntp.port, 1123);
        assert_eq!(set_to("device_id=lamp-7").unwrap().device_id, "lamp-7");
        let servers = set_to(r#"ntp.servers=[{"Name":"time.test"}]"#).unwrap();
        assert_eq!(servers.ntp.servers.len(), 1);
    }

    #[test]
    fn a_mistake_is_named_with_what_is_allowed() {
        let message = |assignment| set_to(assignment).unwrap_err().to_string();
        assert!(message("ntp.prt=1").contains("servers, port, min_poll_s"));
        assert!(message("nothing").contains("KEY=VALUE"));
        assert!(message("ntp.port=soon").contains("`ntp.port`: invalid type: string"));
    }
}
