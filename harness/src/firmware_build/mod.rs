//! Builds the reference device for QEMU's board `kc705-nommu`.
//!
//! The pinned compiler has an Xtensa back end that writes literals to the wrong place when it makes
//! objects itself. So it writes assembly for the whole device at once, and the assembler and linker
//! of the lx106 make the image. What that chain is known to get wrong without a word is an error
//! here.

mod freshness;
mod image;
mod shims;
mod size;
mod toolchain;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

pub use freshness::{Freshness, freshness};
pub use size::{Part, Section, Sizes, read as sizes_of};

use toolchain::Toolchain;

/// The image, from the repository's root.
pub const KC705_ELF: &str = "target/firmware/kc705.elf";
/// The board's crate, from the repository's root.
const CRATE: &str = "firmware/boards/kc705";
/// Cargo's output and the objects, from the repository's root.
const WORK: &str = "target/firmware/build";

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The command runs outside of a clone.
    #[error(
        "{} is not in this folder or above it; run this in a clone of the repository",
        CRATE
    )]
    NotInRepository,
    /// A program is missing.
    #[error("{program} is missing ({purpose}); `ci/setup` installs it")]
    MissingProgram {
        /// Its name.
        program: &'static str,
        /// What it is for.
        purpose: &'static str,
    },
    /// No installed compiler is the pinned one.
    #[error("the compiler must be {wanted}; {found}; `ci/setup` installs it")]
    Compiler {
        /// The pinned version.
        wanted: String,
        /// What is installed instead.
        found: String,
    },
    /// The compiler is there, its library's source is not.
    #[error("{} is missing, the library source of toolchain {toolchain}; `ci/setup` installs it", path.display())]
    LibrarySource {
        /// Which one.
        toolchain: String,
        /// Where it belongs.
        path: PathBuf,
    },
    /// A program of the chain failed.
    #[error("{program} failed: {output}")]
    Failed {
        /// Which one.
        program: String,
        /// What it said.
        output: String,
    },
    /// The image would compute wrong results.
    #[error("{0}")]
    WrongCode(String),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// An image that was built.
#[derive(Debug)]
pub struct Built {
    /// The image.
    pub elf: PathBuf,
    /// What takes how much of it.
    pub sizes: Sizes,
}

/// The repository's root: the first folder from `start` upwards with the board's crate.
///
/// # Errors
/// [`BuildError::NotInRepository`].
pub fn repository(start: &Path) -> Result<&Path, BuildError> {
    start
        .ancestors()
        .find(|folder| folder.join(CRATE).join("Cargo.toml").is_file())
        .ok_or(BuildError::NotInRepository)
}

/// What builds: the compiler and the assembler, or why each cannot.
pub fn tools() -> [(&'static str, Result<String, BuildError>); 2] {
    [
        ("compiler", Toolchain::find().map(|found| found.to_string())),
        (
            "binutils",
            toolchain::check_binutils().map(|()| toolchain::ASSEMBLER.into()),
        ),
    ]
}

/// Builds the image of the repository at `root`, an absolute path. Cargo tells its progress on
/// standard error.
///
/// # Errors
/// See [`BuildError`].
pub fn build_kc705(root: &Path) -> Result<Built, BuildError> {
    let _turn = take_turn(root)?;
    build(root)
}

/// As [`build_kc705`], unless the image is as new as its sources. Of several processes one builds,
/// and the others wait for it.
///
/// # Errors
/// See [`BuildError`].
pub fn build_kc705_if_stale(root: &Path) -> Result<(), BuildError> {
    let _turn = take_turn(root)?;
    match freshness(root) {
        Freshness::Fresh => Ok(()),
        Freshness::Missing | Freshness::Stale => build(root).map(drop),
    }
}

fn build(root: &Path) -> Result<Built, BuildError> {
    let toolchain = Toolchain::find()?;
    toolchain::check_binutils()?;
    let began = SystemTime::now();
    let work = root.join(WORK);
    let assembly = compile(root, &work, &toolchain)?;
    let elf = root.join(KC705_ELF);
    image::link(&root.join(CRATE), &work, &assembly, &elf)?;
    // As old as what the compiler read: a source that changes while it runs is newer.
    let dated = File::open(&elf).and_then(|file| file.set_modified(began));
    dated.map_err(|source| BuildError::File {
        path: elf.clone(),
        source,
    })?;
    let sizes = size::read(&elf)?;
    Ok(Built { elf, sizes })
}

/// Waits until no other process builds here; it lasts as long as the file is open.
fn take_turn(root: &Path) -> Result<File, BuildError> {
    let path = root.join("target/firmware/lock");
    let folder = path.parent().unwrap_or(root);
    std::fs::create_dir_all(folder)
        .and_then(|()| File::create(&path))
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|source| BuildError::File { path, source })
}

/// The compiler's output: the device with all that it uses, and the compiler's own functions.
struct Assembly {
    device: PathBuf,
    builtins: PathBuf,
}

/// Runs cargo. It calls a crate fresh though its assembly is gone or another build's lies beside
/// it; then everything is built again.
fn compile(root: &Path, work: &Path, toolchain: &Toolchain) -> Result<Assembly, BuildError> {
    let folder = work.join("xtensa-call0-none-elf/release/deps");
    for last in [false, true] {
        run_cargo(root, work, toolchain)?;
        let device = only_assembly(&folder, "firmproof_kc705-");
        let builtins = only_assembly(&folder, "compiler_builtins-");
        match (device, builtins) {
            (Some(device), Some(builtins)) => return Ok(Assembly { device, builtins }),
            _ if last => break,
            _ => std::fs::remove_dir_all(work).map_err(|source| BuildError::File {
                path: work.into(),
                source,
            })?,
        }
    }
    Err(BuildError::Failed {
        program: "cargo".into(),
        output: format!("it left no assembly in {}", folder.display()),
    })
}

fn run_cargo(root: &Path, work: &Path, toolchain: &Toolchain) -> Result<(), BuildError> {
    let mut command = toolchain.command("cargo");
    command
        .args(["build", "--release", "--locked"])
        .args([
            "--target",
            "xtensa-call0-none-elf.json",
            "-Zjson-target-spec",
        ])
        // No heap, so `core` is all.
        .args([
            "-Zbuild-std=core",
            "-Zbuild-std-features=compiler-builtins-mem",
        ])
        .current_dir(root.join(CRATE))
        .env("CARGO_TARGET_DIR", work)
        // The new mangling says which crate a function belongs to, for the table of sizes.
        .env("RUSTFLAGS", "--emit=asm -Csymbol-mangling-version=v0")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let status = command.status().map_err(|source| BuildError::File {
        path: command.get_program().into(),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(BuildError::Failed {
        program: "cargo".into(),
        output: format!("{status}, see above"),
    })
}

/// The one file of assembly whose name starts with `prefix`; `None` when there is none or several.
fn only_assembly(folder: &Path, prefix: &str) -> Option<PathBuf> {
    let mut found = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(prefix) && name.ends_with(".s")
        });
    let one = found.next()?;
    found.next().is_none().then_some(one)
}

/// Runs a program of the chain and returns what it wrote.
fn run(command: &mut Command) -> Result<Output, BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| BuildError::File {
            path: (&program).into(),
            source,
        })?;
    if output.status.success() {
        return Ok(output);
    }
    Err(BuildError::Failed {
        program,
        output: String::from_utf8_lossy(&output.stderr).trim().into(),
    })
}

fn read(path: &Path) -> Result<String, BuildError> {
    std::fs::read_to_string(path).map_err(|source| BuildError::File {
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_found_from_below_and_missed_from_elsewhere() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(repository(here).unwrap(), here.parent().unwrap());
        let error = repository(Path::new("/")).unwrap_err();
        assert!(error.to_string().contains("clone"), "{error}");
    }

    #[test]
    fn assembly_of_two_builds_is_nobodys() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(only_assembly(folder.path(), "a-"), None);
        std::fs::write(folder.path().join("a-1.s"), "").unwrap();
        std::fs::write(folder.path().join("a-1.d"), "").unwrap();
        let one = only_assembly(folder.path(), "a-");
        assert_eq!(one, Some(folder.path().join("a-1.s")));
        std::fs::write(folder.path().join("a-2.s"), "").unwrap();
        assert_eq!(only_assembly(folder.path(), "a-"), None);
    }
}
