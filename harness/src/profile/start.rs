//! How an external program is started.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::Setting;

/// How to start an external program.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Program and arguments; placeholders such as `{mqtt_port}` are filled in.
    #[serde(deserialize_with = "words")]
    pub command: Vec<String>,
    /// Arguments that tell the program a setting, put behind `command` when a case needs them.
    #[serde(default)]
    pub settings: BTreeMap<Setting, Vec<String>>,
    /// Environment variables, filled in likewise.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Files that are written before each start, by their path in the bench's folder; their text is filled in
    /// likewise.
    #[serde(default, deserialize_with = "files")]
    pub files: BTreeMap<String, String>,
    /// Where the program runs, filled in likewise; where `firmproof` was started unless given.
    pub working_folder: Option<String>,
    /// Whose network it is on.
    #[serde(default)]
    pub network: Network,
    /// A part of the console line that means "ready"; without it, an open HTTP port does, and
    /// without a server the start itself.
    pub ready_line: Option<String>,
    /// Seconds to become ready.
    #[serde(default = "ten")]
    pub deadline_s: u16,
}

/// Whose network an external program is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// This machine's: the peers have ports that are free at the moment.
    #[default]
    Shared,
    /// A namespace of the run's own, where the peers have the addresses 127.0.0.1 to 127.0.0.7 and their standard
    /// ports: for programs that know no other.
    Own,
}

fn ten() -> u16 {
    10
}

/// A command: at least a program.
pub(super) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    if words.first().is_none_or(String::is_empty) {
        return Err(D::Error::custom(
            "a command is a program and its arguments, such as [\"my-device\", \"--port\", \"{http_port}\"]",
        ));
    }
    Ok(words)
}

fn files<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let files = BTreeMap::<String, String>::deserialize(deserializer)?;
    for name in files.keys() {
        let inside = Path::new(name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !inside || name.is_empty() {
            return Err(D::Error::custom(format!(
                "`{name}`: a file's name is a path inside the bench's folder, such as \"etc/my.conf\""
            )));
        }
    }
    Ok(files)
}
