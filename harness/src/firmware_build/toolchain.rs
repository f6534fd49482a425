//! The pinned compiler and the assembler.

use std::path::PathBuf;
use std::process::Command;

use super::{BuildError, run};

/// Version and commit date of the pinned compiler. `ci/setup` installs the same.
const RELEASE: &str = "1.97.0-nightly";
const COMMIT_DATE: &str = "2026-05-19";
/// Where rustup may have it: under its own date (that of the day after its last commit), or as the
/// newest nightly.
const NAMES: [&str; 2] = ["nightly-2026-05-20", "nightly"];

pub(super) const ASSEMBLER: &str = "xtensa-lx106-elf-as";
pub(super) const LINKER: &str = "xtensa-lx106-elf-ld";
pub(super) const SYMBOLS: &str = "xtensa-lx106-elf-nm";
pub(super) const SECTIONS: &str = "xtensa-lx106-elf-size";

/// The pinned compiler, under the name that rustup knows it by.
#[derive(Debug)]
pub(super) struct Toolchain {
    name: &'static str,
}

impl Toolchain {
    /// Finds it, with its library's source.
    pub(super) fn find() -> Result<Self, BuildError> {
        let mut found = Vec::new();
        for name in NAMES {
            let toolchain = Self { name };
            match toolchain.version()? {
                Some(version) if version == wanted() => {
                    toolchain.check_source()?;
                    return Ok(toolchain);
                }
                Some(version) => found.push(format!("toolchain {name} is {version}")),
                None => found.push(format!("there is no toolchain {name}")),
            }
        }
        Err(BuildError::Compiler {
            wanted: wanted(),
            found: found.join(", "),
        })
    }

    /// A program of this toolchain, free of what another cargo around this process has set.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("rustup");
        command.args(["run", self.name, program]);
        // Never download behind the user's back.
        command.env("RUSTUP_AUTO_INSTALL", "0");
        for name in [
            "CARGO_ENCODED_RUSTFLAGS",
            "RUSTC",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "CARGO_BUILD_TARGET",
            "LD_LIBRARY_PATH",
        ] {
            command.env_remove(name);
        }
        command
    }

    fn version(&self) -> Result<Option<String>, BuildError> {
        let output = self.command("rustc").arg("-vV").output();
        let output = output.map_err(|_| BuildError::MissingProgram {
            program: "rustup",
            purpose: "it has the pinned compiler; https://rustup.rs",
        })?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(output.status.success().then(|| version_in(&text)))
    }

    fn check_source(&self) -> Result<(), BuildError> {
        let output = run(self.command("rustc").args(["--print", "sysroot"]))?;
        let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        let path = sysroot.join("lib/rustlib/src/rust/library/core/Cargo.toml");
        if path.is_file() {
            return Ok(());
        }
        Err(BuildError::LibrarySource {
            toolchain: self.name.into(),
            path,
        })
    }
}

impl std::fmt::Display for Toolchain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, toolchain {}", wanted(), self.name)
    }
}

fn wanted() -> String {
    format!("{RELEASE} of {COMMIT_DATE}")
}

/// Release and commit date in the output of `rustc -vV`.
fn version_in(text: &str) -> String {
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or("?")
    };
    format!("{} of {}", field("release"), field("commit-date"))
}

/// Checks that the assembler and its companions are there.
pub(super) fn check_binutils() -> Result<(), BuildError> {
    for program in [ASSEMBLER, LINKER, SYMBOLS, SECTIONS] {
        let there = Command::new(program).arg("--version").output();
        if !there.is_ok_and(|output| output.status.success()) {
            return Err(BuildError::MissingProgram {
                program,
                purpose: "GNU binutils for Xtensa, package binutils-xtensa-lx106",
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_release_and_commit_date() {
        let text = "rustc 1.97.0-nightly (e50aa6fba 2026-05-19)\nbinary: rustc\n\
                    commit-date: 2026-05-19\nrelease: 1.97.0-nightly\nLLVM version: 22.1.4\n";
        assert_eq!(version_in(text), wanted());
        let other = text.replace("2026-05-19", "2026-06-01");
        assert_eq!(version_in(&other), "1.97.0-nightly of 2026-06-01");
    }

    #[test]
    fn a_wrong_compiler_is_an_error_with_both_versions() {
        let error = BuildError::Compiler {
            wanted: wanted(),
            found: "toolchain nightly is 1.99.0-nightly of 2026-08-01".into(),
        };
        let text = error.to_string();
        for part in ["1.97.0-nightly of 2026-05-19", "1.99.0-nightly", "ci/setup"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn setup_installs_the_pinned_compiler() {
        let setup = include_str!("../../../ci/setup");
        for part in [NAMES[0], COMMIT_DATE, RELEASE] {
            assert!(setup.contains(part), "ci/setup does not name {part}");
        }
    }
}
