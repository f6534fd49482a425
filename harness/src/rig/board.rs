//! A board of the rig, with its profile and what it takes to reach it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use firmproof_bootconfig::WifiCredentials;

use super::map::{Entry, Rig, WifiSource};
use crate::bench::Seat;
use crate::dut::probe::{Image, PowerSwitch, Probes, Wiring};
use crate::lab::OsOptions;
use crate::profile::{Capability, Kind, Profile, ProfileError};

/// A board, ready to be used.
#[derive(Debug, Clone)]
pub struct Board {
    /// Its name.
    pub name: String,
    /// What boards of one kind have in common; they share the cases.
    pub kind: String,
    /// Its profile.
    pub profile: Profile,
    /// How it is reached; `None` for an emulated one.
    pub seat: Option<Seat>,
    /// What its lock is for.
    pub key: String,
}

/// Why a board of the map cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// It has no such profile.
    #[error("board {board}: {source}")]
    Profile {
        /// Which board.
        board: String,
        /// Why.
        source: ProfileError,
    },
    /// Its entry and its profile do not go together, or something that it names is not there.
    #[error("board {board}: {reason}")]
    Entry {
        /// Which board.
        board: String,
        /// Why, and what to do.
        reason: String,
    },
}

impl Board {
    /// Puts a board together. `variable` looks an environment variable up.
    ///
    /// # Errors
    /// See [`SeatError`]. No error tells what a variable holds.
    pub fn of(
        rig: &Rig,
        entry: &Entry,
        probes: &Arc<dyn Probes>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SeatError> {
        let refused = |reason: String| SeatError::Entry {
            board: entry.name.clone(),
            reason,
        };
        let mut profile = Profile::find(&entry.profile).map_err(|source| SeatError::Profile {
            board: entry.name.clone(),
            source,
        })?;
        let kind = profile.name.clone();
        let whole = std::path::absolute(&rig.path).unwrap_or_else(|_| rig.path.clone());
        let (seat, key) = match (&entry.probe, profile.kind) {
            (None, Kind::Host | Kind::Qemu) => {
                (None, format!("board {} of {}", entry.name, whole.display()))
            }
            (Some(probe), Kind::Probe) => {
                let wifi = entry
                    .wifi
                    .as_ref()
                    .map(|source| credentials(source, variable));
                let network = entry.network.as_ref();
                let address = |pick: fn(&super::map::Network) -> Ipv4Addr| {
                    network.map_or(Ipv4Addr::LOCALHOST, pick)
                };
                let power = entry.power.clone();
                let wiring = Wiring {
                    board: entry.name.clone(),
                    serial: probe.serial.clone(),
                    chip: probe.chip.clone(),
                    image: Image {
                        elf: probe.elf.clone(),
                        partition_table: probe.partition_table.clone(),
                    },
                    wifi: wifi.transpose().map_err(refused)?,
                    power: power.map(|power| Arc::new(power) as Arc<dyn PowerSwitch>),
                    probes: probes.clone(),
                };
                let between = OsOptions::between(address(|n| n.listen), address(|n| n.address));
                let ports = network.map(|n| n.ports.clone()).unwrap_or_default();
                let seat = Seat {
                    wiring,
                    network: between.with_ports(&ports),
                };
                (Some(seat), format!("probe {}", probe.serial))
            }
            (None, Kind::Probe) => {
                return Err(refused(
                    "its profile is a board behind a probe; [board.probe] is missing".into(),
                ));
            }
            (Some(_), _) => {
                return Err(refused(format!(
                    "it has [board.probe], and its profile `{kind}` is of another kind than \"probe\""
                )));
            }
            (None, Kind::External) => {
                return Err(refused(
                    "its profile is an external program; `firmproof run --dut` judges those".into(),
                ));
            }
        };
        if entry.power.is_some() && !profile.has(Capability::Power) {
            profile.capabilities.push(Capability::Power);
        }
        Ok(Self {
            name: entry.name.clone(),
            kind,
            profile,
            seat,
            key,
        })
    }
}

/// Reads Wi-Fi credentials from the variables that the rig names.
fn credentials(
    source: &WifiSource,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<WifiCredentials, String> {
    let value = |name: &String| {
        variable(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            format!("the environment variable {name} is not set; [board.wifi] names it for the Wi-Fi credentials")
        })
    };
    let passphrase = source.passphrase_env.as_ref().map(value).transpose()?;
    let too_long = |name: &str| format!("what {name} holds is too long for Wi-Fi credentials");
    let credentials = WifiCredentials {
        ssid: heapless::String::try_from(value(&source.ssid_env)?.as_str())
            .map_err(|_| too_long(&source.ssid_env))?,
        passphrase: heapless::String::try_from(passphrase.as_deref().unwrap_or_default())
            .map_err(|_| too_long(source.passphrase_env.as_deref().unwrap_or_default()))?,
    };
    credentials.check().map_err(|out| out.to_string())?;
    Ok(credentials)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::dut::probe::NoProbes;

    fn board(rig: &str, variables: &[(&str, &str)]) -> Result<Board, String> {
        let rig = Rig::parse(rig, Path::new("rig.toml")).unwrap();
        let probes: Arc<dyn Probes> = Arc::new(NoProbes);
        let variable = |wanted: &str| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_string())
        };
        Board::of(&rig, &rig.boards[0], &probes, &variable).map_err(|error| error.to_string())
    }

    const BOARD: &str = "[[board]]\nname = \"bench-1\"\nprofile = \"esp32s3\"\nfixtures = [\"wifi\"]\n\
        [board.probe]\nserial = \"A\"\nchip = \"esp32s3\"\nelf = \"a.elf\"\n\
        [board.network]\nlisten = \"192.168.7.1\"\naddress = \"192.168.7.50\"\nports = [123]\n\
        [board.wifi]\nssid_env = \"SSID\"\npassphrase_env = \"PASS\"\n";

    #[test]
    fn credentials_that_are_absent_or_wrong_are_told_by_their_variable_and_never_shown() {
        let missing = board(BOARD, &[("SSID", "lab-net")]).unwrap_err();
        assert!(
            missing.starts_with("board bench-1: the environment variable PASS is not set"),
            "{missing}"
        );
        let short = board(BOARD, &[("SSID", "lab-net"), ("PASS", "hunter2")]).unwrap_err();
        assert!(short.contains("wifi.passphrase must be 8 to 63"), "{short}");
        let long = "x".repeat(64);
        let long = board(BOARD, &[("SSID", "lab-net"), ("PASS", &long)]).unwrap_err();
        assert!(long.contains("what PASS holds is too long"), "{long}");
        for told in [missing, short, long] {
            assert!(
                !told.contains("lab-net") && !told.contains("hunter2"),
                "{told}"
            );
        }
        let whole = board(BOARD, &[("SSID", "lab-net"), ("PASS", "correct horse")]).unwrap();
        let shown = format!("{whole:?}");
        assert!(
            !shown.contains("lab-net") && !shown.contains("correct"),
            "{shown}"
        );
        assert!(whole.seat.unwrap().network.fixed.contains_key(&123));
    }

    #[test]
    fn an_entry_and_its_profile_must_go_together() {
        let emulated = "[[board]]\nname = \"b\"\nprofile = \"esp32s3\"\n";
        let told = board(emulated, &[]).unwrap_err();
        assert!(told.contains("[board.probe] is missing"), "{told}");
        let told = board(
            &BOARD.replace("profile = \"esp32s3\"", "profile = \"host\""),
            &[],
        );
        assert!(
            told.unwrap_err()
                .contains("its profile `host` is of another kind")
        );
        let told = board("[[board]]\nname = \"b\"\nprofile = \"none\"\n", &[]).unwrap_err();
        assert!(told.starts_with("board b: no profile `none`"), "{told}");
    }

    #[test]
    fn a_board_whose_power_can_be_switched_has_the_capability() {
        let wired = BOARD.replace("fixtures = [\"wifi\"]\n", "").replace(
            "[board.wifi]\nssid_env = \"SSID\"\npassphrase_env = \"PASS\"\n",
            "",
        );
        assert!(!board(&wired, &[]).unwrap().profile.has(Capability::Power));
        let switched = format!("{wired}[board.power]\non = [\"true\"]\noff = [\"true\"]\n");
        assert!(
            board(&switched, &[])
                .unwrap()
                .profile
                .has(Capability::Power)
        );
    }
}
