//! What to start, for each kind of device.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::lab::FramePort;
use crate::profile::Start;

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Environment variables on top of the harness's own.
    pub environment: BTreeMap<String, String>,
    /// Where it runs; where the harness does unless given.
    pub working_folder: Option<PathBuf>,
}

/// The profile's command has a placeholder that nothing fills.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{{{name}}}` is not known; the placeholders are {}; braces themselves are doubled", known.join(", "))]
pub struct LaunchError {
    /// What stands between the braces.
    pub name: String,
    /// What may stand there.
    pub known: Vec<String>,
}

/// The hidden subcommand that makes the harness's own program be the host device.
pub const HOST_DEVICE: &str = "device-host";

impl Launch {
    /// The reference device as a child of `firmproof`, the harness's own program.
    pub fn host(firmproof: &Path, port: &FramePort, config: &Path, flash: &Path) -> Self {
        let mut arguments: Vec<OsString> = vec![HOST_DEVICE.into()];
        for (name, value) in [
            ("--frames-from", port.dut_socket.as_path()),
            ("--frames-to", port.harness_socket.as_path()),
            ("--config", config),
            ("--flash", flash),
        ] {
            arguments.push(name.into());
            arguments.push(value.into());
        }
        Self {
            program: firmproof.into(),
            arguments,
            environment: BTreeMap::new(),
            working_folder: None,
        }
    }

    /// A program that we did not write, with `settings` behind its own arguments.
    ///
    /// # Errors
    /// A placeholder that is not in `values`.
    pub fn external(
        start: &Start,
        values: &BTreeMap<String, String>,
        settings: Vec<String>,
    ) -> Result<Self, LaunchError> {
        let mut launch = Self::command(&start.command, values)?;
        let settings = settings.into_iter().map(OsString::from);
        launch.arguments.extend(settings);
        let environment = start
            .env
            .iter()
            .map(|(name, value)| Ok((name.clone(), fill(value, values)?)))
            .collect::<Result<_, _>>()?;
        let folder = start.working_folder.as_ref();
        let folder = folder.map(|folder| fill(folder, values)).transpose()?;
        Ok(Self {
            environment,
            working_folder: folder.map(PathBuf::from),
            ..launch
        })
    }

    /// A command of the profile, as it is.
    ///
    /// # Errors
    /// A placeholder that is not in `values`.
    pub fn command(
        words: &[String],
        values: &BTreeMap<String, String>,
    ) -> Result<Self, LaunchError> {
        let mut words = words.iter().map(|word| fill(word, values));
        Ok(Self {
            program: words.next().transpose()?.unwrap_or_default().into(),
            arguments: words
                .map(|word| word.map(OsString::from))
                .collect::<Result<_, _>>()?,
            environment: BTreeMap::new(),
            working_folder: None,
        })
    }
}

/// Fills `{name}` from `values`; `{{` and `}}` stand for the braces themselves.
///
/// # Errors
/// A name that is not in `values`.
pub fn fill(template: &str, values: &BTreeMap<String, String>) -> Result<String, LaunchError> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        filled.push_str(&rest[..at]);
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            filled.push_str(&tail[..1]);
            rest = &tail[2..];
            continue;
        }
        let name = tail[1..].split('}').next().unwrap_or_default();
        let value = values.get(name).ok_or_else(|| LaunchError {
            name: name.into(),
            known: values.keys().cloned().collect(),
        })?;
        filled.push_str(value);
        rest = tail.get(name.len() + 2..).unwrap_or_default();
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_doubled_braces_stay() {
        let values = BTreeMap::from([("mqtt_port".to_string(), "1883".to_string())]);
        let filled = fill("{{\"port\":{mqtt_port}}}", &values).unwrap();
        assert_eq!(filled, "{\"port\":1883}");
    }

    #[test]
    fn an_unknown_placeholder_is_named_with_the_known_ones() {
        let values = BTreeMap::from([("mqtt_port".to_string(), "1883".to_string())]);
        let error = fill("{mqtt_prot}", &values).unwrap_err();
        assert!(error.to_string().contains("mqtt_prot"));
        assert!(error.to_string().contains("mqtt_port"));
    }
}
