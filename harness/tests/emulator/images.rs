//! Which image runs: a prebuilt one anywhere, the clone's own when its sources can be built.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Failed;

use super::stand::image;
use super::{Checked, Test, check};

const CASE: &str = "mqtt/connack/code-0-accepted";

pub(crate) const TESTS: [Test; 5] = [
    (
        "a-prebuilt-image-runs-outside-a-clone",
        a_prebuilt_image_runs_outside_a_clone,
    ),
    (
        "a-stale-image-is-built-again-with-the-reason",
        a_stale_image_is_built_again,
    ),
    (
        "a-stale-image-runs-with-a-warning-where-nothing-can-build",
        a_stale_image_runs_with_a_warning,
    ),
    (
        "without-an-image-and-tools-both-ways-are-told",
        without_an_image_and_tools,
    ),
    (
        "a-panic-before-the-start-fails-the-run-with-its-place",
        a_panic_before_the_start,
    ),
];

fn run(folder: &Path, path: &Path, arguments: &[&str]) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firmproof"));
    command
        .args(["run", CASE, "--out", "out"])
        .args(arguments)
        .env("PATH", path)
        .env_remove("FIRMPROOF_KC705_ELF")
        .current_dir(folder);
    Ok(command.output()?)
}

fn text(output: &Output) -> String {
    let bytes = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn script(path: &Path, text: &str) -> Result<(), Failed> {
    std::fs::write(path, format!("#!/bin/sh\n{text}"))?;
    Ok(std::fs::set_permissions(
        path,
        PermissionsExt::from_mode(0o755),
    )?)
}

/// Where this machine has a program.
fn program(name: &str) -> Result<PathBuf, Failed> {
    let found = firmproof::dut::firmware::find(name);
    Ok(found.ok_or_else(|| format!("no {name}"))?)
}

/// A folder with nothing but what QEMU needs: no compiler, no assembler.
fn only_qemu(folder: &Path) -> Result<PathBuf, Failed> {
    let path = folder.join("bin");
    std::fs::create_dir(&path)?;
    for name in ["qemu-system-xtensa", "setpriv", "sh"] {
        std::os::unix::fs::symlink(program(name)?, path.join(name))?;
    }
    Ok(path)
}

/// A folder that looks like a clone, whose image, if it has one, is older than its source.
fn clone_in(folder: &Path, with_image: bool) -> Result<PathBuf, Failed> {
    let root = folder.join("clone");
    std::fs::create_dir_all(root.join("target/firmware"))?;
    std::fs::create_dir_all(root.join("firmware/boards/kc705"))?;
    if with_image {
        let copy = root.join("target/firmware/kc705.elf");
        std::fs::copy(image()?, &copy)?;
        std::fs::File::open(&copy)?.set_modified(std::time::SystemTime::UNIX_EPOCH)?;
    }
    std::fs::write(root.join("firmware/boards/kc705/Cargo.toml"), "")?;
    Ok(root)
}

fn a_prebuilt_image_runs_outside_a_clone() -> Checked {
    let folder = tempfile::tempdir()?;
    let path = only_qemu(folder.path())?;
    let image = image()?.display().to_string();
    let arguments = ["--dut", "qemu", "--elf", &image];
    let output = run(folder.path(), &path, &arguments)?;
    check(output.status.success(), text(&output))
}

fn a_stale_image_is_built_again() -> Checked {
    let folder = tempfile::tempdir()?;
    let root = clone_in(folder.path(), true)?;
    let path = only_qemu(folder.path())?;
    // The pinned compiler as far as it is asked for its version; its cargo refuses.
    let source = folder
        .path()
        .join("sysroot/lib/rustlib/src/rust/library/core");
    std::fs::create_dir_all(&source)?;
    std::fs::write(source.join("Cargo.toml"), "")?;
    let sysroot = folder.path().join("sysroot").display().to_string();
    let rustup = format!(
        "case \"$*\" in\n*-vV) echo 'release: 1.97.0-nightly'; echo 'commit-date: 2026-05-19';;\n\
         *sysroot) echo {sysroot};;\n*) echo 'the compiler was asked' >&2; exit 1;;\nesac\n"
    );
    script(&path.join("rustup"), &rustup)?;
    for tool in ["as", "ld", "nm", "size"] {
        script(&path.join(format!("xtensa-lx106-elf-{tool}")), "exit 0\n")?;
    }
    let output = run(&root, &path, &["--dut", "qemu"])?;
    let said = text(&output);
    check(output.status.code() == Some(2), &said)?;
    for wanted in [
        "building the firmware for `qemu`: its sources are newer than the image",
        "the compiler was asked",
        "its firmware cannot be built: cargo failed",
    ] {
        check(said.contains(wanted), format!("no `{wanted}` in:\n{said}"))?;
    }
    Ok(())
}

fn a_stale_image_runs_with_a_warning() -> Checked {
    let folder = tempfile::tempdir()?;
    let root = clone_in(folder.path(), true)?;
    let path = only_qemu(folder.path())?;
    let output = run(&root, &path, &["--dut", "qemu"])?;
    let said = text(&output);
    check(output.status.success(), &said)?;
    let warning = "which is older than its sources: rustup is missing";
    check(said.contains(warning), &said)
}

fn without_an_image_and_tools() -> Checked {
    let folder = tempfile::tempdir()?;
    let root = clone_in(folder.path(), false)?;
    let path = only_qemu(folder.path())?;
    let output = run(&root, &path, &["--dut", "qemu"])?;
    let said = text(&output);
    check(output.status.code() == Some(2), &said)?;
    for wanted in ["none can be built: rustup is missing", "ci/setup", "--elf"] {
        check(said.contains(wanted), format!("no `{wanted}` in:\n{said}"))?;
    }
    Ok(())
}

/// A board without a flash chip: this QEMU drops the option that gives it one.
fn a_panic_before_the_start() -> Checked {
    let folder = tempfile::tempdir()?;
    let qemu = program("qemu-system-xtensa")?.display().to_string();
    let without = format!(
        "n=$#\nwhile [ $n -gt 0 ]; do\n  case $1 in -drive) shift 2; n=$((n - 2));; \
         *) set -- \"$@\" \"$1\"; shift; n=$((n - 1));; esac\ndone\nexec {qemu} \"$@\"\n"
    );
    let wrapper = folder.path().join("qemu");
    script(&wrapper, &without)?;
    let profile = format!(
        "name = \"bare\"\nkind = \"qemu\"\ncapabilities = [\"mqtt\", \"configure\", \"observe.console\"]\n\
         [qemu]\nprogram = {:?}\nelf = {:?}\n",
        wrapper.display().to_string(),
        image()?.display().to_string()
    );
    std::fs::write(folder.path().join("bare.toml"), profile)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let output = run(folder.path(), Path::new(&path), &["--dut", "bare.toml"])?;
    let said = text(&output);
    check(output.status.code() == Some(1), &said)?;
    for wanted in ["event=panic at=src/main.rs:", "no%20CFI%20flash"] {
        check(said.contains(wanted), format!("no `{wanted}` in:\n{said}"))?;
    }
    Ok(())
}
