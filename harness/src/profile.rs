//! The profile: the file that describes one device under test.
//!
//! `fixtures/duts/NAME.toml`; the format is documented in `harness/docs/interfaces.md`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod at;
mod capability;
mod check;
mod liveness;
mod observe;
mod power;
mod qemu;
mod setting;
mod start;
#[cfg(test)]
mod tests;

pub use at::At;
pub use capability::Capability;
pub use liveness::Liveness;
pub use observe::{ClockLine, ClockView, MessageLine, Observe};
pub use power::Power;
pub use qemu::{Machine, QemuSettings};
pub use setting::Setting;
pub use start::{Network, Start};

/// How a device is reached and started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The reference device as a process, on a virtual Ethernet.
    Host,
    /// The reference firmware in QEMU, on a virtual Ethernet.
    Qemu,
    /// A board of a rig, behind a debug probe, on the operating system's sockets.
    Probe,
    /// A program that we did not write, on the operating system's sockets.
    External,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Qemu => "qemu",
            Self::Probe => "probe",
            Self::External => "external",
        })
    }
}

/// One device under test.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The name in reports.
    pub name: String,
    /// How it is reached and started.
    pub kind: Kind,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// What the device and its lab can do.
    pub capabilities: Vec<Capability>,
    /// The largest inbound MQTT packet, as its remaining length in bytes.
    #[serde(default)]
    pub max_inbound_packet: u32,
    /// The most that the device's clock may be sped up.
    #[serde(default = "one")]
    pub max_time_scale: u16,
    /// How many HTTP connections the device serves at a time; nothing is asked of it with more of them busy but
    /// that it comes back.
    #[serde(default = "one_connection")]
    pub http_connections: u8,
    /// The most cases that may run against the device at a time; see [`Profile::most_jobs`].
    jobs: Option<std::num::NonZeroUsize>,
    /// How the device shows after a hostile case that it is alive; see [`Profile::liveness`].
    liveness: Option<Liveness>,
    /// Seconds within which its MQTT client connects again; see [`Profile::reconnects_later`].
    reconnect_s: Option<u16>,
    /// How an external program is started; absent for a device that already runs. For the host
    /// device: which program it is, when it is not the harness's own.
    pub start: Option<Start>,
    /// Where an external device's servers are.
    #[serde(default)]
    pub at: At,
    /// Where an external device's state can be seen.
    #[serde(default)]
    pub observe: Observe,
    /// Commands that switch an external device's power.
    #[serde(default)]
    pub power: Power,
    /// How a device in QEMU is run.
    #[serde(default)]
    pub qemu: QemuSettings,
}

fn one() -> u16 {
    1
}

fn one_connection() -> u8 {
    1
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// There is no such file.
    #[error(
        "no profile `{wanted}`: looked for {}; profiles here: {}",
        .looked.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(" and "),
        if .known.is_empty() { "none".into() } else { .known.join(", ") }
    )]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// Where it was looked for.
        looked: Vec<PathBuf>,
        /// Profiles that could have been meant.
        known: Vec<String>,
    },
    /// The file cannot be read.
    #[error("cannot read the profile {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not a profile: the message has line, column, key and what is allowed.
    #[error("the profile {} has a mistake: {message}", path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// Line, key and what is allowed.
        message: String,
    },
}

/// The profiles that the program carries, so that it works outside its repository too.
const BUILT_IN: [(&str, &str); 4] = [
    ("esp32s3", include_str!("../../fixtures/duts/esp32s3.toml")),
    ("host", include_str!("../../fixtures/duts/host.toml")),
    ("qemu", include_str!("../../fixtures/duts/qemu.toml")),
    (
        "qemu-esp32s3",
        include_str!("../../fixtures/duts/qemu-esp32s3.toml"),
    ),
];

impl Profile {
    /// Finds a profile: a path, or the name of a file in `fixtures/duts`, or one built in.
    ///
    /// # Errors
    /// See [`ProfileError`].
    pub fn find(wanted: &str) -> Result<Self, ProfileError> {
        let as_path = PathBuf::from(wanted);
        let named = Path::new("fixtures/duts").join(format!("{wanted}.toml"));
        let is_path = wanted.ends_with(".toml") || wanted.contains('/');
        if is_path && as_path.exists() {
            return Self::read(&as_path);
        }
        if !is_path {
            if named.exists() {
                return Self::read(&named);
            }
            if let Some((_, text)) = BUILT_IN.iter().find(|(name, _)| *name == wanted) {
                return Self::parse(text, Path::new(wanted));
            }
        }
        Err(ProfileError::NotFound {
            wanted: wanted.into(),
            looked: if is_path { vec![as_path] } else { vec![named] },
            known: known(),
        })
    }

    /// The program that is the host device: another build of `firmproof-host` when the profile
    /// names one, otherwise the running `firmproof`.
    ///
    /// # Errors
    /// The operating system's, when it does not tell which program runs.
    pub fn host_program(&self) -> std::io::Result<PathBuf> {
        let start = self.start.as_ref().filter(|_| self.kind == Kind::Host);
        start
            .and_then(|start| start.command.first())
            .map_or_else(std::env::current_exe, |program| Ok(program.into()))
    }

    fn read(path: &Path) -> Result<Self, ProfileError> {
        let text = std::fs::read_to_string(path).map_err(|source| ProfileError::Unreadable {
            path: path.into(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Reads a profile from its text; `path` names it in errors.
    ///
    /// # Errors
    /// [`ProfileError::Mistake`] with line, key and what is allowed.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ProfileError> {
        let mistake = |message: String| ProfileError::Mistake {
            path: path.into(),
            message,
        };
        let profile: Self = toml::from_str(text).map_err(|e| mistake(e.to_string()))?;
        check::check(&profile, text).map_err(mistake)?;
        Ok(profile)
    }

    /// Takes the image from `file`, as `--elf` says.
    ///
    /// # Errors
    /// The device does not run in QEMU.
    pub fn set_elf(&mut self, file: PathBuf) -> Result<(), String> {
        if self.kind != Kind::Qemu {
            return Err(format!(
                "--elf names the image of a device in QEMU; `{}` is of kind {}",
                self.name, self.kind
            ));
        }
        self.qemu.elf = Some(file);
        Ok(())
    }

    /// How the device shows after a hostile case that it is alive. Where the profile says nothing, our own
    /// devices connect again, and of others nothing is asked but that they do not crash.
    pub fn liveness(&self) -> Liveness {
        self.liveness.unwrap_or(match self.kind {
            Kind::External => Liveness::NotDeclared,
            Kind::Host | Kind::Qemu | Kind::Probe => Liveness::Reconnects,
        })
    }

    /// How much longer than `patience` its MQTT client may take until it connects again.
    pub fn reconnects_later(&self, patience: Duration) -> Duration {
        let within = self
            .reconnect_s
            .map_or(patience, |seconds| Duration::from_secs(seconds.into()));
        within.saturating_sub(patience)
    }

    /// Whether the device, and the lab that its kind gets, can do this.
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Reconnects => self.liveness() == Liveness::Reconnects,
            Capability::Setting(setting) => {
                let taken = |start: &Start| start.settings.contains_key(&setting);
                let by_hand = setting == Setting::Subscription && self.at.subscribes;
                by_hand || self.has(Capability::Configure) || self.start.as_ref().is_some_and(taken)
            }
            Capability::ObserveClock => {
                self.observe.clock.is_some() || self.has(Capability::ObserveState)
            }
            Capability::ObserveMessages => {
                self.observe.message.is_some() || self.has(Capability::ObserveConsole)
            }
            Capability::LabAddresses if self.kind == Kind::External => self.has_own_network(),
            listed => self.capabilities.contains(&listed),
        }
    }

    /// The most cases that may run at a time: what the profile says, or else one when all cases have the device, or
    /// its peers' ports, in common.
    pub fn most_jobs(&self) -> Option<usize> {
        let shared = self.kind == Kind::External
            && (self.start.is_none() || self.at.is_fixed() || self.has_own_network());
        self.jobs.map(usize::from).or(shared.then_some(1))
    }

    /// Whether the program runs in a network namespace of the run's own.
    pub fn has_own_network(&self) -> bool {
        let own = |start: &Start| start.network == Network::Own;
        self.start.as_ref().is_some_and(own)
    }
}

/// The names that [`Profile::find`] knows, in their order.
pub fn known() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir("fixtures/duts")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            (path.extension()? == "toml")
                .then(|| path.file_stem().map(|s| s.to_string_lossy().into_owned()))?
        })
        .chain(BUILT_IN.iter().map(|(name, _)| (*name).to_string()))
        .collect();
    names.sort();
    names.dedup();
    names
}
