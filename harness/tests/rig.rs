//! The rig from outside: `firmproof rig` with emulated boards, some of which are not fit.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const FIRMPROOF: &str = env!("CARGO_BIN_EXE_firmproof");

/// A lab: a folder with a rig, its boards' images and its machine's locks.
struct LabFolder(TempDir);

impl LabFolder {
    fn new(rig: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rig.toml"), rig).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn rig(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(FIRMPROOF);
        command
            .arg("rig")
            .args(arguments)
            .current_dir(self.0.path())
            .env("TMPDIR", self.0.path());
        command
    }

    fn run(&self, filter: &str) -> Run {
        let output = self
            .rig(&["run", "--out", "out", "--capture", "none", filter])
            .output()
            .unwrap();
        let read = |name: &str| -> Value {
            let text = std::fs::read_to_string(self.path("out").join(name)).unwrap();
            serde_json::from_str(&text).unwrap()
        };
        Run {
            result: read("run.json"),
            rig: read("rig.json"),
            output,
        }
    }

    /// A host device as a program of its own, which starts `starts` times and is broken from then on.
    fn frail_board(&self, starts: u32) -> String {
        let program = self.path("frail");
        let count = self.path("starts");
        let script = format!(
            "#!/bin/sh\necho x >> {count}\n[ $(wc -l < {count}) -le {starts} ] || {{ echo worn out; exit 3; }}\n\
             exec {FIRMPROOF} \"$@\"\n",
            count = count.display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let host = include_str!("../../fixtures/duts/host.toml");
        let start = format!("\n[start]\ncommand = [\"{}\"]\n", program.display());
        std::fs::write(self.path("frail.toml"), format!("{host}{start}")).unwrap();
        board("frail", "./frail.toml")
    }
}

struct Run {
    output: Output,
    result: Value,
    rig: Value,
}

impl Run {
    fn state_of(&self, board: &str) -> (&str, &str) {
        let boards = self.rig["boards"].as_array().unwrap();
        let found = boards.iter().find(|b| b["name"] == board).unwrap();
        let reason = found["reason"].as_str().unwrap_or_default();
        (found["state"].as_str().unwrap(), reason)
    }

    fn printed(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Every selected case has one verdict, and that is a pass.
    fn assert_all_passed(&self) {
        let cases = self.result["cases"].as_array().unwrap();
        let mut ids: Vec<&str> = cases.iter().map(|c| c["id"].as_str().unwrap()).collect();
        let judged = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), judged, "a case was judged twice");
        assert!(judged > 10, "{judged}");
        assert_eq!(self.result["complete"], true);
        assert_eq!(self.result["totals"]["pass"], judged, "{}", self.printed());
        assert_eq!(self.output.status.code(), Some(0));
    }
}

fn board(name: &str, profile: &str) -> String {
    format!("[[board]]\nname = \"{name}\"\nprofile = \"{profile}\"\n")
}

#[test]
fn boards_of_one_profile_share_the_cases() {
    let lab = LabFolder::new(&format!(
        "{}{}",
        board("left", "host"),
        board("right", "host")
    ));
    let run = lab.run("mqtt/connack");
    run.assert_all_passed();
    assert_eq!(run.state_of("left").0, "used");
    assert_eq!(run.state_of("right").0, "used");
    // Each verdict is its board's, and so is its evidence.
    for case in run.result["cases"].as_array().unwrap() {
        let dut = case["dut"].as_str().unwrap();
        assert!(["left", "right"].contains(&dut), "{dut}");
        let evidence = case["evidence"].as_str().unwrap();
        assert!(
            evidence.starts_with(&format!("evidence/{dut}.")),
            "{evidence}"
        );
        assert!(lab.path("out").join(evidence).is_file());
    }
    assert_eq!(run.result["duts"].as_array().unwrap().len(), 2);
}

#[test]
fn a_board_that_is_not_fit_is_set_aside_and_the_run_goes_on() {
    let lab = LabFolder::new("");
    let rig = format!("{}{}", board("good", "host"), lab.frail_board(0));
    std::fs::write(lab.path("rig.toml"), rig).unwrap();
    let run = lab.run("mqtt/connack");
    run.assert_all_passed();
    let (state, reason) = run.state_of("frail");
    assert_eq!(state, "set-aside");
    assert!(reason.starts_with("board frail: "), "{reason}");
    assert!(reason.contains("worn out"), "{reason}");
    assert!(run.printed().contains("set aside"), "{}", run.printed());
}

#[test]
fn a_board_that_breaks_in_the_middle_leaves_its_case_to_another() {
    let lab = LabFolder::new("");
    // Fit at first, and worn out at its third case.
    let rig = format!("{}{}", board("good", "host"), lab.frail_board(3));
    std::fs::write(lab.path("rig.toml"), rig).unwrap();
    let run = lab.run("mqtt/connack");
    run.assert_all_passed();
    let (state, reason) = run.state_of("frail");
    assert_eq!(state, "set-aside", "{reason}");
    assert!(reason.contains("worn out"), "{reason}");
    // What the broken board wrote of that case is no part of the run.
    let assembled = Command::new(FIRMPROOF)
        .args(["assemble", "out"])
        .current_dir(lab.0.path())
        .output()
        .unwrap();
    assert_eq!(assembled.status.code(), Some(0), "{assembled:?}");
}

#[test]
fn a_run_without_a_board_left_is_never_green() {
    let lab = LabFolder::new("");
    std::fs::write(lab.path("rig.toml"), lab.frail_board(0)).unwrap();
    let run = lab.run("mqtt/connack");
    assert_eq!(run.output.status.code(), Some(2));
    assert_eq!(run.result["complete"], false);
    assert!(
        run.printed().contains("not complete: 0 of"),
        "{}",
        run.printed()
    );
}

#[test]
fn a_board_that_another_process_has_is_left_alone() {
    let lab = LabFolder::new(&board("left", "host"));
    let flashed = lab.rig(&["flash"]).output().unwrap();
    assert_eq!(flashed.status.code(), Some(0));
    let mut console = lab
        .rig(&["console", "--board", "left"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The first line: the board runs, and is the console's.
    let mut lines = std::io::BufReader::new(console.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut lines, &mut line).unwrap();
    assert!(line.contains("event=ready"), "{line}");
    let run = lab.run("mqtt/connack");
    assert_eq!(run.output.status.code(), Some(2));
    let (state, reason) = run.state_of("left");
    assert_eq!(state, "busy");
    let holder = format!("board left: it is in use by process {}", console.id());
    assert!(reason.starts_with(&holder), "{reason}");
    console.kill().unwrap();
    console.wait().unwrap();
}

#[test]
fn flashing_places_the_image_and_a_check_needs_one() {
    let lab = LabFolder::new(&board("left", "host"));
    let check = || lab.rig(&["check"]).output().unwrap();
    let before = check();
    assert_eq!(before.status.code(), Some(2));
    let told = String::from_utf8_lossy(&before.stdout).into_owned();
    assert!(
        told.contains("`firmproof rig flash --board left` places one"),
        "{told}"
    );
    let flashed = lab.rig(&["flash"]).output().unwrap();
    assert_eq!(flashed.status.code(), Some(0));
    assert!(lab.path("target/firmproof/rig/left/image").is_file());
    let after = check();
    assert_eq!(after.status.code(), Some(0), "{after:?}");
    let told = String::from_utf8_lossy(&after.stdout).into_owned();
    assert!(told.contains("fit: event=ready"), "{told}");
}

#[test]
fn a_probe_board_in_a_build_without_probes_says_which_build_has_them() {
    let lab = LabFolder::new(
        "[[board]]\nname = \"bench-1\"\nprofile = \"esp32s3\"\n\
         [board.probe]\nserial = \"A\"\nchip = \"esp32s3\"\nelf = \"a.elf\"\n\
         [board.network]\nlisten = \"127.0.0.1\"\naddress = \"127.0.0.1\"\n",
    );
    let output = lab.rig(&["flash"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("board bench-1: "), "{told}");
    let expected = if cfg!(feature = "probe") {
        "no probe has the serial number A"
    } else {
        "--features probe"
    };
    assert!(told.contains(expected), "{told}");
}

#[test]
fn credentials_reach_neither_results_nor_output() {
    let lab = LabFolder::new(
        "[[board]]\nname = \"bench-1\"\nprofile = \"esp32s3\"\nfixtures = [\"wifi\"]\n\
         [board.probe]\nserial = \"A\"\nchip = \"esp32s3\"\nelf = \"a.elf\"\n\
         [board.network]\nlisten = \"127.0.0.1\"\naddress = \"127.0.0.1\"\n\
         [board.wifi]\nssid_env = \"LAB_SSID\"\npassphrase_env = \"LAB_PASSPHRASE\"\n",
    );
    let output = lab
        .rig(&["run", "--out", "out", "mqtt/connack"])
        .env("LAB_SSID", "secret-network")
        .env("LAB_PASSPHRASE", "secret-passphrase")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let mut written = [output.stdout, output.stderr].concat();
    collect(lab.0.path(), &mut written);
    let written = String::from_utf8_lossy(&written);
    assert!(written.contains("board bench-1"), "{written}");
    assert!(!written.contains("secret-"), "{written}");
}

/// All that is in the files of a folder.
fn collect(folder: &Path, all: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, all);
        } else if path.metadata().is_ok_and(|file| file.len() < 1 << 20) {
            all.extend(std::fs::read(path).unwrap_or_default());
        }
    }
}
