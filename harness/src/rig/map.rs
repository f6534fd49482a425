//! `rig.toml`: which boards there are, and how each is reached (`docs/interfaces.md`).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::dut::probe::PowerCommands;

/// A rig's file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rig {
    /// Where it was read from.
    #[serde(skip)]
    pub path: PathBuf,
    /// The boards.
    #[serde(rename = "board")]
    pub boards: Vec<Entry>,
}

/// One board, as the file has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name in the lab and in results.
    pub name: String,
    /// What it can do: a name in `fixtures/duts`, or a profile's path.
    pub profile: String,
    /// What is around it. Words for people, but for `wifi`, which asks for `[board.wifi]`.
    #[serde(default)]
    pub fixtures: Vec<String>,
    /// For people.
    #[serde(default)]
    pub notes: String,
    /// Its debug probe; an emulated board has none.
    pub probe: Option<ProbeEntry>,
    /// The network between it and this machine.
    pub network: Option<Network>,
    /// What switches its power.
    pub power: Option<PowerCommands>,
    /// Where its Wi-Fi credentials are.
    pub wifi: Option<WifiSource>,
}

/// A board's debug probe.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeEntry {
    /// Its serial number.
    pub serial: String,
    /// The chip, as probe-rs calls it.
    pub chip: String,
    /// The ELF file that the board boots.
    pub elf: PathBuf,
    /// ESP-IDF's partition table in its text form.
    #[serde(default = "partition_table")]
    pub partition_table: PathBuf,
}

fn partition_table() -> PathBuf {
    "firmware/boards/esp32s3/partitions.csv".into()
}

/// The network between a board and this machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// This machine's address on it, where the peers listen.
    pub listen: Ipv4Addr,
    /// The board's address on it, which the harness gives it.
    pub address: Ipv4Addr,
    /// Ports that a peer must have because the device knows no others: 123, 1883.
    #[serde(default)]
    pub ports: Vec<u16>,
}

/// Environment variables that hold Wi-Fi credentials. The credentials themselves are in no file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WifiSource {
    /// The variable with the network's name.
    pub ssid_env: String,
    /// The variable with the passphrase; left out for an open network.
    pub passphrase_env: Option<String>,
}

/// Why a rig cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RigError {
    /// The file cannot be read.
    #[error("cannot read the rig {}: {source}; fixtures/rig.example.toml is an example", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not a rig.
    #[error("the rig {} has a mistake: {message}", path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// What is wrong, and with which board.
        message: String,
    },
    /// No board has the name.
    #[error("the rig {} has no board `{wanted}`; it has {}", path.display(), known.join(", "))]
    NoSuchBoard {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: Vec<String>,
    },
}

impl Rig {
    /// Reads a rig.
    ///
    /// # Errors
    /// See [`RigError`].
    pub fn read(path: &Path) -> Result<Self, RigError> {
        let text = std::fs::read_to_string(path).map_err(|source| RigError::Unreadable {
            path: path.into(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Reads a rig from its text; `path` names it in errors.
    ///
    /// # Errors
    /// [`RigError::Mistake`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, RigError> {
        let mistake = |message: String| RigError::Mistake {
            path: path.into(),
            message,
        };
        let mut rig: Self = toml::from_str(text).map_err(|error| mistake(error.to_string()))?;
        rig.path = path.into();
        rig.check().map_err(mistake)?;
        Ok(rig)
    }

    /// The boards with these names; all of them without a name.
    ///
    /// # Errors
    /// [`RigError::NoSuchBoard`].
    pub fn select(&self, names: &[String]) -> Result<Vec<&Entry>, RigError> {
        if names.is_empty() {
            return Ok(self.boards.iter().collect());
        }
        let find = |wanted: &String| {
            let found = self.boards.iter().find(|board| board.name == *wanted);
            found.ok_or_else(|| RigError::NoSuchBoard {
                path: self.path.clone(),
                wanted: wanted.clone(),
                known: self.boards.iter().map(|b| b.name.clone()).collect(),
            })
        };
        names.iter().map(find).collect()
    }

    fn check(&self) -> Result<(), String> {
        if self.boards.is_empty() {
            return Err("it has no [[board]]".into());
        }
        let mut serials = BTreeMap::new();
        for (place, board) in self.boards.iter().enumerate() {
            if self.boards[..place].iter().any(|b| b.name == board.name) {
                return Err(format!("two boards are called `{}`", board.name));
            }
            board
                .check()
                .map_err(|wrong| format!("board {}: {wrong}", board.name))?;
            let Some(probe) = &board.probe else { continue };
            if let Some(other) = serials.insert(&probe.serial, &board.name) {
                return Err(format!(
                    "the boards {other} and {} have the same probe {}; each board has its own",
                    board.name, probe.serial
                ));
            }
        }
        Ok(())
    }
}

impl Entry {
    fn check(&self) -> Result<(), String> {
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.name.is_empty() || !self.name.chars().all(sound) {
            return Err("`name` must be of A-Z a-z 0-9 - _".into());
        }
        let has_wifi = self.fixtures.iter().any(|fixture| fixture == "wifi");
        if has_wifi && self.wifi.is_none() {
            return Err("the fixture `wifi` needs [board.wifi] with `ssid_env`".into());
        }
        match &self.probe {
            Some(probe) if probe.serial.is_empty() => Err(
                "`probe.serial` is empty; `firmproof rig list --probes` shows what is plugged in"
                    .into(),
            ),
            Some(_) if self.network.is_none() => Err(
                "a board behind a probe needs [board.network] with `listen` and `address`".into(),
            ),
            None if self.network.is_some() || self.power.is_some() || self.wifi.is_some() => Err(
                "[board.network], [board.power] and [board.wifi] are for a board behind a probe; \
                 [board.probe] is missing"
                    .into(),
            ),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> String {
        let error = Rig::parse(text, Path::new("rig.toml")).unwrap_err();
        error.to_string()
    }

    const PROBE: &str = "[board.probe]\nserial = \"A\"\nchip = \"esp32s3\"\nelf = \"a.elf\"\n\
        [board.network]\nlisten = \"192.168.7.1\"\naddress = \"192.168.7.50\"\n";

    #[test]
    fn the_example_is_a_rig() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/rig.example.toml");
        let rig = Rig::read(&path).unwrap();
        assert_eq!(rig.boards.len(), 2);
        let named = rig.select(&["right".into()]).unwrap();
        assert_eq!(named[0].name, "right");
        let error = rig.select(&["middle".into()]).unwrap_err().to_string();
        assert!(
            error.contains("no board `middle`; it has left, right"),
            "{error}"
        );
    }

    #[test]
    fn every_mistake_names_the_board_and_what_is_missing() {
        let host = "[[board]]\nname = \"a\"\nprofile = \"host\"\n";
        let board = "[[board]]\nname = \"b\"\nprofile = \"esp32s3\"\n";
        let without_network = PROBE.split("[board.network]").next().unwrap();
        let texts = [
            format!("{host}{host}"),
            format!("{board}{PROBE}{}{PROBE}", board.replace("\"b\"", "\"c\"")),
            format!("{board}{}", PROBE.replace("\"A\"", "\"\"")),
            format!("{board}{without_network}"),
            format!("{host}fixtures = [\"wifi\"]\n"),
            format!("{host}[board.power]\non = []\noff = []\n"),
            host.replace("\"a\"", "\"a b\""),
            format!("{host}serial = \"A\"\n"),
        ];
        let told: Vec<String> = texts.iter().map(|text| mistake(text)).collect();
        insta::assert_snapshot!(told.join("\n---\n"));
    }

    #[test]
    fn a_missing_file_is_named_with_the_example() {
        let error = Rig::read(Path::new("/no/rig.toml"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("/no/rig.toml"), "{error}");
        assert!(error.contains("fixtures/rig.example.toml"), "{error}");
    }
}
