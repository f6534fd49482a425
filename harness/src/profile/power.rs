//! Commands that switch the power of a device which the harness does not start.

use serde::{Deserialize, Deserializer};

use super::start::words;

/// Commands for power and reset, with placeholders as in `start.command`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Power {
    /// Turns the device on.
    #[serde(deserialize_with = "some")]
    pub on: Option<Vec<String>>,
    /// Turns it off.
    #[serde(deserialize_with = "some")]
    pub off: Option<Vec<String>>,
    /// Resets it, before each case; without it the device is turned off and on where that can be, and otherwise
    /// left as it is.
    #[serde(deserialize_with = "some")]
    pub reset: Option<Vec<String>>,
}

impl Power {
    /// Whether the power can be cut and restored.
    pub fn can_be_cut(&self) -> bool {
        self.on.is_some() && self.off.is_some()
    }
}

fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    words(deserializer).map(Some)
}
