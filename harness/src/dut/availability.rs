//! What makes a device available on this machine: the same answer for `firmproof doctor`, for a run,
//! and for the conformance tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::firmware;
use crate::firmware_build::{self, Freshness, KC705_ELF};
use crate::profile::{Kind, Machine, Profile, QemuSettings};

/// Names a prebuilt image for `kc705`, where no command line can: for `cargo test`.
pub const IMAGE_VARIABLE: &str = "FIRMPROOF_KC705_ELF";

/// One thing that a device needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub name: &'static str,
    /// Whether it is here.
    pub state: State,
}

/// Whether a part is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is: which one.
    Here(String),
    /// It is not.
    Missing {
        /// What is missing.
        what: String,
        /// How to get it.
        get: String,
    },
}

/// Whether a device can run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    /// What it needs.
    pub parts: Vec<Part>,
    image: Image,
}

/// Which image a device in QEMU runs.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Image {
    /// It needs none, or has none.
    None,
    /// This file, as it is.
    File(PathBuf),
    /// The clone's own, built before.
    Build { root: PathBuf, why: &'static str },
    /// The clone's own, though its sources are newer: nothing here can build it.
    Stale { root: PathBuf, lacking: String },
}

impl Availability {
    /// Looks for what the device of `profile` needs, from the folder `here`.
    pub fn of(profile: &Profile, here: &Path) -> Self {
        match profile.kind {
            Kind::Host => Self::without_image(Vec::new()),
            Kind::External => Self::without_image(external(profile)),
            Kind::Qemu => {
                let mut parts = vec![emulator(&profile.qemu)];
                let image = match profile.qemu.machine {
                    Machine::Kc705 => kc705(&profile.qemu, here, &mut parts),
                    Machine::Esp32s3 => esp32s3(&profile.qemu, &mut parts),
                };
                Self { parts, image }
            }
        }
    }

    fn without_image(parts: Vec<Part>) -> Self {
        Self {
            parts,
            image: Image::None,
        }
    }

    /// Why the device cannot run, and how to change that; `None` when it can.
    pub fn lacking(&self) -> Option<String> {
        self.parts.iter().find_map(|part| match &part.state {
            State::Here(_) => None,
            State::Missing { what, get } => Some(format!("{what}; {get}")),
        })
    }
}

/// Makes the device of `profile` ready to be started: builds its image when that is missing or older
/// than its sources, and names the image in the profile. `tell` hears what takes long, and what to
/// beware of.
///
/// # Errors
/// Why the device cannot run here, and how to change that.
pub fn prepare(profile: &mut Profile, here: &Path, tell: &dyn Fn(&str)) -> Result<(), String> {
    // What an external program needs shows when it is started: it may be made by its own command.
    if profile.kind != Kind::Qemu {
        return Ok(());
    }
    let name = &profile.name;
    let found = Availability::of(profile, here);
    if let Some(lacking) = found.lacking() {
        return Err(format!("`{name}` is not available here: {lacking}"));
    }
    profile.qemu.elf = match found.image {
        Image::None => None,
        Image::File(file) => Some(file),
        Image::Build { root, why } => {
            tell(&format!("building the firmware for `{name}`: {why}"));
            firmware_build::build_kc705_if_stale(&root).map_err(|error| {
                format!("`{name}` is not available here: its firmware cannot be built: {error}")
            })?;
            Some(root.join(KC705_ELF))
        }
        Image::Stale { root, lacking } => {
            tell(&format!(
                "`{name}` runs {KC705_ELF}, which is older than its sources: {lacking}"
            ));
            Some(root.join(KC705_ELF))
        }
    };
    Ok(())
}

/// Whether the environment variable `FIRMPROOF_REQUIRE` (names with commas in between) says that a
/// device that is not available is a failure.
pub fn is_required(dut: &str) -> bool {
    let required = std::env::var("FIRMPROOF_REQUIRE").unwrap_or_default();
    required.split(',').any(|name| name.trim() == dut)
}

fn external(profile: &Profile) -> Vec<Part> {
    let program = profile.start.as_ref().and_then(|s| s.command.first());
    let state = |program: &String| match firmware::find(program) {
        Some(path) => State::Here(path.display().to_string()),
        None => State::Missing {
            what: format!("there is no program {program}"),
            get: "install it, or correct `start.command` in the profile".into(),
        },
    };
    let part = |program| Part {
        name: "program",
        state: state(program),
    };
    program.map(part).into_iter().collect()
}

/// QEMU, with the machine.
fn emulator(settings: &QemuSettings) -> Part {
    let program = &settings.program;
    let machine = settings.machine.name();
    let get = match settings.machine {
        Machine::Kc705 => "`ci/setup` installs it (Debian's package qemu-system-misc)",
        Machine::Esp32s3 => {
            "Espressif's QEMU has that machine: https://github.com/espressif/qemu/releases; \
             `program` in the profile's [qemu] names it"
        }
    };
    let missing = |what: String| State::Missing {
        what,
        get: get.into(),
    };
    let state = match firmware::find(program) {
        None => missing(format!("there is no {program}")),
        Some(path) => match machines(&path) {
            Ok(list) if has_machine(&list, machine) => {
                State::Here(format!("{}, machine {machine}", path.display()))
            }
            Ok(_) => missing(format!("{} has no machine {machine}", path.display())),
            Err(error) => missing(format!("{} cannot be run: {error}", path.display())),
        },
    };
    Part {
        name: "emulator",
        state,
    }
}

fn machines(program: &Path) -> std::io::Result<String> {
    let output = Command::new(program)
        .args(["-machine", "help"])
        .stdin(Stdio::null())
        .output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether QEMU's list, a name and a description a line, has this machine.
fn has_machine(list: &str, machine: &str) -> bool {
    list.lines()
        .any(|line| line.split_whitespace().next() == Some(machine))
}

fn kc705(settings: &QemuSettings, here: &Path, parts: &mut Vec<Part>) -> Image {
    let named = settings
        .elf
        .clone()
        .or_else(|| std::env::var_os(IMAGE_VARIABLE).map(PathBuf::from));
    if let Some(file) = named {
        return given(file, parts);
    }
    // Cargo runs in another folder, where a relative path would be another one.
    let here = std::path::absolute(here).unwrap_or_else(|_| here.into());
    let Ok(root) = firmware_build::repository(&here) else {
        parts.push(image(State::Missing {
            what: "there is no image: this is no clone of the repository".into(),
            get: "run in a clone, or name an image with --elf".into(),
        }));
        return Image::None;
    };
    let freshness = firmware_build::freshness(root);
    // Asking for the compiler takes a while, and a fresh image needs none.
    let tools = (freshness != Freshness::Fresh).then(firmware_build::tools);
    let lacking = tools
        .into_iter()
        .flatten()
        .find_map(|(_, found)| found.err());
    let lacking = lacking.map(|error| error.to_string());
    let file = root.join(KC705_ELF).display().to_string();
    let root = root.to_path_buf();
    let (state, image_of) = match (freshness, lacking) {
        (Freshness::Fresh, _) => (State::Here(file.clone()), Image::File(root.join(KC705_ELF))),
        (Freshness::Missing, None) => (
            State::Here(format!("{file}, to be built at the first run")),
            Image::Build {
                root,
                why: "there is no image yet",
            },
        ),
        (Freshness::Stale, None) => (
            State::Here(format!("{file}, to be built again: its sources are newer")),
            Image::Build {
                root,
                why: "its sources are newer than the image",
            },
        ),
        (Freshness::Stale, Some(lacking)) => (
            State::Here(format!("{file}, older than its sources")),
            Image::Stale { root, lacking },
        ),
        (Freshness::Missing, Some(lacking)) => (
            State::Missing {
                what: format!("there is no image, and none can be built: {lacking}"),
                get: "or name an image with --elf".into(),
            },
            Image::None,
        ),
    };
    parts.push(image(state));
    image_of
}

fn esp32s3(settings: &QemuSettings, parts: &mut Vec<Part>) -> Image {
    match &settings.elf {
        Some(file) => given(file.clone(), parts),
        None => {
            parts.push(image(State::Missing {
                what: "no flash image is named".into(),
                get: "--elf names one, as `espflash save-image --merge` writes it".into(),
            }));
            Image::None
        }
    }
}

/// The image that the user names.
fn given(file: PathBuf, parts: &mut Vec<Part>) -> Image {
    if file.is_file() {
        parts.push(image(State::Here(file.display().to_string())));
        return Image::File(file);
    }
    parts.push(image(State::Missing {
        what: format!("{}: there is no such image", file.display()),
        get: "--elf takes the path of a file".into(),
    }));
    Image::None
}

fn image(state: State) -> Part {
    Part {
        name: "image",
        state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qemu(settings: &str) -> Profile {
        let text = format!("name = \"q\"\nkind = \"qemu\"\ncapabilities = []\n[qemu]\n{settings}");
        Profile::parse(&text, Path::new("q.toml")).unwrap()
    }

    /// A QEMU that knows one machine.
    fn emulator_in(folder: &Path, machine: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let program = folder.join("qemu");
        std::fs::write(&program, format!("#!/bin/sh\necho '{machine}  a board'\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        program.display().to_string()
    }

    #[test]
    fn without_the_program_the_way_to_get_it_is_told() {
        let profile = qemu("program = \"/no/such/qemu\"\nelf = \"/dev/null\"");
        let lacking = Availability::of(&profile, Path::new("/"))
            .lacking()
            .unwrap();
        assert!(lacking.contains("there is no /no/such/qemu"), "{lacking}");
        assert!(lacking.contains("ci/setup"), "{lacking}");
    }

    #[test]
    fn a_qemu_without_the_machine_is_told_from_one_that_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        std::fs::write(&image, "").unwrap();
        let program = emulator_in(folder.path(), "kc705-nommu");
        let settings = format!("program = \"{program}\"\nelf = \"{}\"", image.display());
        let here = Availability::of(&qemu(&settings), Path::new("/"));
        assert_eq!(here.lacking(), None, "{here:?}");
        let esp32s3 = qemu(&format!("{settings}\nmachine = \"esp32s3\""));
        let lacking = Availability::of(&esp32s3, Path::new("/"))
            .lacking()
            .unwrap();
        assert!(lacking.contains("has no machine esp32s3"), "{lacking}");
        assert!(lacking.contains("github.com/espressif/qemu"), "{lacking}");
    }

    #[test]
    fn outside_a_clone_an_image_must_be_named_and_exist() {
        let folder = tempfile::tempdir().unwrap();
        let program = emulator_in(folder.path(), "kc705-nommu");
        let mut profile = qemu(&format!("program = \"{program}\""));
        let lacking = Availability::of(&profile, folder.path()).lacking().unwrap();
        assert!(lacking.contains("no clone of the repository"), "{lacking}");
        assert!(lacking.contains("--elf"), "{lacking}");
        profile.set_elf(folder.path().join("none.elf")).unwrap();
        let error = prepare(&mut profile, folder.path(), &|_| ()).unwrap_err();
        assert!(
            error.contains("none.elf: there is no such image"),
            "{error}"
        );
        assert!(error.starts_with("`q` is not available here"), "{error}");
    }

    #[test]
    fn a_machine_is_known_by_its_whole_name() {
        let list = "Supported machines are:\nkc705-nommu   kc705 noMMU EVB (de212)\nnone  empty\n";
        assert!(has_machine(list, "kc705-nommu"));
        assert!(!has_machine(list, "kc705"));
    }
}
