//! The profile: the file that describes one device under test.
//!
//! `fixtures/duts/NAME.toml`; the format is documented in `harness/docs/interfaces.md`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

mod capability;
mod liveness;
mod qemu;
mod setting;

pub use capability::Capability;
pub use liveness::Liveness;
pub use qemu::{Machine, QemuSettings};
pub use setting::Setting;

/// How a device is reached and started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The reference device as a process, on a virtual Ethernet.
    Host,
    /// The reference firmware in QEMU, on a virtual Ethernet.
    Qemu,
    /// A program that we did not write, on the operating system's sockets.
    External,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Qemu => "qemu",
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
    /// How the device shows after a hostile case that it is alive; see [`Profile::liveness`].
    liveness: Option<Liveness>,
    /// How an external program is started; absent for a device that already runs. For the host
    /// device: which program it is, when it is not the harness's own.
    pub start: Option<Start>,
    /// Where an external device's servers are.
    #[serde(default)]
    pub at: At,
    /// How a device in QEMU is run.
    #[serde(default)]
    pub qemu: QemuSettings,
}

fn one() -> u16 {
    1
}

/// How to start an external program.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Program and arguments; `{mqtt_host}`, `{mqtt_port}`, `{ntp_host}`, `{ntp_port}`,
    /// `{http_port}` and `{client_id}` are filled in.
    pub command: Vec<String>,
    /// Arguments that tell the program a setting, put behind `command` when a case needs them.
    #[serde(default)]
    pub settings: BTreeMap<Setting, Vec<String>>,
    /// Environment variables, filled in likewise.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// A part of the console line that means "ready"; without it, an open HTTP port does, and
    /// without a server the start itself.
    pub ready_line: Option<String>,
    /// Seconds to become ready.
    #[serde(default = "ten")]
    pub deadline_s: u16,
}

fn ten() -> u16 {
    10
}

/// Where an external device's servers are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// `address:port` of its HTTP server; `{http_port}` is filled in.
    pub http: Option<String>,
    /// Path of a resource there that answers GET, for the cases that need any resource; `/` unless given.
    path: Option<String>,
}

impl At {
    /// The target of requests for any resource.
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or("/")
    }
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
const BUILT_IN: [(&str, &str); 3] = [
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
        if profile.kind == Kind::External && profile.start.is_none() && profile.at.http.is_none() {
            return Err(mistake(
                "an external device needs `[start] command = […]`, or `[at] http = \"address:port\"` \
                 when it already runs"
                    .into(),
            ));
        }
        if let Some(start) = &profile.start
            && start.command.is_empty()
        {
            return Err(mistake("`start.command` must name a program".into()));
        }
        if let Some(start) = &profile.start
            && profile.kind == Kind::Host
            && (start.command.len() > 1 || start.ready_line.is_some() || !start.env.is_empty())
        {
            return Err(mistake(
                "a host device's `[start]` has `command = [\"program\"]` and nothing else: \
                 the harness gives the arguments and knows the ready line"
                    .into(),
            ));
        }
        if profile.kind != Kind::Qemu && profile.qemu != QemuSettings::default() {
            return Err(mistake(format!(
                "`[qemu]` is for devices of kind \"qemu\"; this one is of kind \"{}\"",
                profile.kind
            )));
        }
        let path = profile.at.path();
        if !path.starts_with('/') || path.contains(|c: char| !c.is_ascii_graphic() || c == '#') {
            return Err(mistake(format!(
                "`at.path` must be the path of a URL, such as \"/index.html\": it is {path:?}"
            )));
        }
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
            Kind::Host | Kind::Qemu => Liveness::Reconnects,
        })
    }

    /// Whether the device, and the lab that its kind gets, can do this.
    pub fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Reconnects => self.liveness() == Liveness::Reconnects,
            Capability::Setting(setting) => {
                let taken = |start: &Start| start.settings.contains_key(&setting);
                self.has(Capability::Configure) || self.start.as_ref().is_some_and(taken)
            }
            listed => self.capabilities.contains(&listed),
        }
    }
}

fn known() -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_names_file_line_key_and_what_is_allowed() {
        let text = "name = \"x\"\nkind = \"host\"\ncapabilities = [\"mqtt\", \"telepathy\"]\n";
        let error = Profile::parse(text, Path::new("x.toml")).unwrap_err();
        insta::assert_snapshot!(error.to_string());
    }

    #[test]
    fn an_unknown_key_is_named_with_the_known_ones() {
        let text = "name = \"x\"\nkind = \"host\"\ncapabilities = []\npower = true\n";
        let error = Profile::parse(text, Path::new("x.toml")).unwrap_err();
        insta::assert_snapshot!(error.to_string());
    }

    #[test]
    fn a_host_device_may_be_another_program_without_arguments() {
        let profile = |start: &str| {
            let text = format!("name = \"x\"\nkind = \"host\"\ncapabilities = []\n{start}");
            Profile::parse(&text, Path::new("x.toml"))
        };
        let program = |start| profile(start).unwrap().host_program().unwrap();
        assert_eq!(program(""), std::env::current_exe().unwrap());
        assert_eq!(
            program("[start]\ncommand = [\"./other\"]"),
            Path::new("./other")
        );
        for start in [
            "command = [\"a\", \"b\"]",
            "command = [\"a\"]\nready_line = \"up\"",
        ] {
            let error = profile(&format!("[start]\n{start}")).unwrap_err();
            assert!(error.to_string().contains("and nothing else"), "{error}");
        }
    }

    #[test]
    fn settings_of_qemu_are_refused_for_another_kind() {
        let text = "name = \"x\"\nkind = \"host\"\ncapabilities = []\n[qemu]\nelf = \"a.elf\"";
        let error = Profile::parse(text, Path::new("x.toml")).unwrap_err();
        assert!(error.to_string().contains("of kind \"host\""), "{error}");
        let mut host = Profile::find("host").unwrap();
        let error = host.set_elf("a.elf".into()).unwrap_err();
        assert!(error.contains("`host` is of kind host"), "{error}");
    }

    #[test]
    fn the_built_in_profiles_are_profiles() {
        for (name, text) in BUILT_IN {
            assert_eq!(Profile::parse(text, Path::new(name)).unwrap().name, name);
        }
    }
}
