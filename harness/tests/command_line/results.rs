//! What a run leaves in its folder: `run.json` as documented, captures that other programs read, and
//! no secrets.

use std::path::{Path, PathBuf};

use firmproof::evidence::metrics::UNITS;
use firmproof::lab::TcpSegment;
use firmproof::lab::pcapng::read_pcapng;
use firmproof::result::{RecordFile, RunResult};
use sha2::{Digest, Sha256};

use super::firmproof;

const INTERFACES: &str = include_str!("../../docs/interfaces.md");

/// Runs `filters` on the reference device in `folder`/out.
fn run_host(folder: &Path, filters: &[&str]) -> RunResult {
    let arguments = [&["run", "--out", "out"], filters].concat();
    let output = firmproof(folder, &arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    RunResult::read(&folder.join("out")).unwrap()
}

/// The names of all members of `value`, but for the maps whose members are data.
fn keys(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, member) in members {
                found.push(key.clone());
                keys(member, found);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

#[test]
fn run_json_has_the_documented_members_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_host(folder.path(), &["mqtt/connack/code-0"]);
    let text = std::fs::read(folder.path().join("out/run.json")).unwrap();
    let (_, section) = INTERFACES.split_once("## A run's folder").unwrap();
    let mut found = Vec::new();
    keys(&serde_json::from_slice(&text).unwrap(), &mut found);
    for key in found {
        let documented = section
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .any(|word| word == key);
        assert!(documented, "`{key}` is not in docs/interfaces.md");
    }
    let program = std::fs::read(env!("CARGO_BIN_EXE_firmproof")).unwrap();
    let dut = &run.duts[0];
    assert_eq!((dut.name.as_str(), dut.kind.as_str()), ("host", "host"));
    let digest = hex::encode(Sha256::digest(program));
    assert_eq!(dut.firmware_sha256.as_deref(), Some(digest.as_str()));
    assert_eq!(dut.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    let case = &run.cases[0];
    assert_eq!(case.attempts.len(), 1);
    assert_eq!(case.attempts[0].verdict, case.verdict);
    for (name, value) in &case.metrics {
        assert!(UNITS.iter().any(|unit| name.ends_with(unit)), "{name}");
        assert!(*value > 0.0, "{name} is {value}");
    }
    assert!(case.metrics.contains_key("start_to_ready_ms"));
}

#[test]
fn a_record_s_file_tells_the_same_as_run_json() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_host(folder.path(), &["mqtt/connack/code-0"]);
    let file = folder
        .path()
        .join("out/records/host.mqtt.connack.code-0-accepted.json");
    let record: RecordFile = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!((&record.case, &record.seed), (&run.cases[0], &run.seed));
    assert_eq!(record.dut, run.duts[0]);
}

#[test]
fn a_capture_has_what_was_measured_and_its_path_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_host(folder.path(), &["mqtt/connack/code-0", "--capture"]);
    let case = &run.cases[0];
    let path = Path::new("out").join(case.capture.as_ref().unwrap());
    let file = std::fs::read(folder.path().join(&path)).unwrap();
    let (mut bytes, mut packets, mut connects) = (0.0, 0.0, 0);
    for frame in read_pcapng(&file).unwrap().frames {
        bytes += frame.bytes.len() as f64;
        packets += 1.0;
        let to_broker =
            |s: &TcpSegment| s.destination.port() == 1883 && s.payload.starts_with(&[0x10]);
        connects += usize::from(TcpSegment::of(&frame.bytes).is_some_and(|s| to_broker(&s)));
    }
    assert_eq!(connects, 1, "one CONNECT on the wire");
    let measured = |names: [&str; 2]| -> f64 { names.iter().map(|name| case.metrics[*name]).sum() };
    assert_eq!(
        (packets, bytes),
        (
            measured(["wire_to_dut_frames", "wire_from_dut_frames"]),
            measured(["wire_to_dut_bytes", "wire_from_dut_bytes"])
        )
    );
    let shown = firmproof(folder.path(), &["show", &case.id, "--run", "out"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    let expected = format!("capture {}\n", path.display());
    assert!(shown.ends_with(&expected), "{shown}");
}

#[test]
fn captures_are_written_for_the_cases_that_were_asked_for() {
    for (which, written) in [("all", true), ("failed", false), ("none", false)] {
        let folder = tempfile::tempdir().unwrap();
        let run = run_host(folder.path(), &["mqtt/connack/code-0", "--capture", which]);
        assert_eq!(run.cases[0].capture.is_some(), written, "{which}");
    }
}

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

#[test]
fn no_file_of_a_run_holds_a_password_or_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let cases = ["mqtt/connect/password", "http/update/token-stays-secret"];
    let run = run_host(folder.path(), &[&cases[..], &["--capture", "all"]].concat());
    // A part of an id may be in several.
    assert!(run.cases.len() >= cases.len());
    assert_eq!(run.totals.pass, run.cases.len());
    let files = files(&folder.path().join("out"));
    let holders = |wanted: &[u8]| -> Vec<&PathBuf> {
        let digits = hex::encode(wanted);
        let holds = |path: &&PathBuf| {
            let bytes = std::fs::read(path).unwrap();
            bytes.windows(wanted.len()).any(|window| window == wanted)
                || String::from_utf8_lossy(&bytes).contains(&digits)
        };
        files.iter().filter(holds).collect()
    };
    // The password as the case configures it, and what CONNECT would show of it; the token, and the
    // wrong ones that are nearly it.
    for secret in [&b"\x00\xff secret"[..], b" secret", b"bench-token"] {
        let found = holders(secret);
        assert!(found.is_empty(), "{} in {found:?}", secret.escape_ascii());
    }
    // What stands beside them is there, so they were looked for where they would be.
    let pcap = |path: &&&PathBuf| path.extension().is_some_and(|ext| ext == "pcapng");
    for neighbour in [&b"anna"[..], b"POST /api/update", b"Bearer ****"] {
        let found = holders(neighbour);
        let shown = neighbour.escape_ascii();
        assert!(
            found.iter().any(|path| pcap(&path)),
            "{shown} in no capture"
        );
        assert!(
            found.iter().any(|path| !pcap(&path)),
            "{shown} in no transcript"
        );
    }
}
