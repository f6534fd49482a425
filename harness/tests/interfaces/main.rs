//! `docs/interfaces.md` against the code: names that the one has and the other has not.

mod document;
mod firmware;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use firmproof::case::{Finding, Verdict};
use firmproof::profile::Profile;
use firmproof::result::{Attempt, DutSummary, Record, RecordFile, RunFolder, RunResult, SCHEMA};
use firmproof::rig::Rig;
use firmproof_bootconfig::{BootConfig, MAX_ENCODED_LEN};

use document::{names, paragraph, rows, section, words};

type Names = BTreeSet<String>;

/// A profile, line by line, with `line` in it.
fn refusal(lines: &[&str]) -> String {
    let text = lines.join("\n");
    let error = Profile::parse(&text, Path::new("x.toml"));
    error.expect_err("the profile has a mistake").to_string()
}

/// What the code says that it knows, where it refuses something: the names behind "expected".
fn known(refusal: &str) -> Names {
    let (_, list) = refusal
        .split_once("expected ")
        .unwrap_or_else(|| panic!("no list in: {refusal}"));
    names(list)
}

const HEAD: [&str; 3] = ["name = \"x\"", "kind = \"host\"", "capabilities = []"];

fn profile_row(key: &str) -> Vec<String> {
    let section = section("Profile");
    let row = rows(&section)
        .into_iter()
        .find(|row| names(&row[0]).contains(key));
    row.unwrap_or_else(|| panic!("no row for {key}"))
}

#[test]
fn the_profiles_keys_are_the_documented_ones() {
    let documented: Names = rows(&section("Profile"))
        .iter()
        .flat_map(|row| names(&row[0]))
        .collect();
    let top = known(&refusal(&[HEAD.as_slice(), &["x = 1"]].concat()));
    let mut keys = Names::new();
    for key in top {
        // The keys of a table within have rows of their own.
        let table = format!("[{key}]");
        let within = match key.as_str() {
            "start" => vec![table.as_str(), "command = [\"a\"]", "x = 1"],
            "at" | "observe" | "power" | "qemu" => vec![table.as_str(), "x = 1"],
            _ => {
                keys.insert(key);
                continue;
            }
        };
        let within = known(&refusal(&[HEAD.as_slice(), &within].concat()));
        keys.extend(within.iter().map(|inner| format!("{key}.{inner}")));
    }
    assert_eq!(documented, keys);
}

#[test]
fn the_rigs_keys_are_the_documented_ones() {
    let documented: Names = rows(&section("Rig"))
        .iter()
        .flat_map(|row| names(&row[0]))
        .collect();
    let keys_of = |lines: &str| {
        let text = format!("[[board]]\nname = \"x\"\nprofile = \"x\"\n{lines}\nx = 1\n");
        let refused = Rig::parse(&text, Path::new("rig.toml")).unwrap_err();
        known(&refused.to_string())
    };
    let mut keys = Names::new();
    for key in keys_of("") {
        if ["probe", "network", "power", "wifi"].contains(&key.as_str()) {
            let within = keys_of(&format!("[board.{key}]"));
            keys.extend(within.iter().map(|inner| format!("{key}.{inner}")));
        } else {
            keys.insert(key);
        }
    }
    assert_eq!(documented, keys);
}

#[test]
fn the_values_of_the_profiles_keys_are_the_documented_ones() {
    let head = |change: &'static str, place: usize| {
        let mut lines = HEAD.to_vec();
        lines[place] = change;
        known(&refusal(&lines))
    };
    let more = |lines: &[&'static str]| known(&refusal(&[HEAD.as_slice(), lines].concat()));
    for (key, values) in [
        ("kind", head("kind = \"x\"", 1)),
        ("capabilities", head("capabilities = [\"x\"]", 2)),
        ("liveness", more(&["liveness = \"x\""])),
        (
            "start.settings",
            more(&["[start]", "command = [\"a\"]", "[start.settings]", "x = []"]),
        ),
        ("qemu.machine", more(&["[qemu]", "machine = \"x\""])),
    ] {
        let documented = names(&profile_row(key)[1]);
        let missing: Vec<_> = values.difference(&documented).collect();
        assert!(missing.is_empty(), "{key} lacks {missing:?}");
        // What else stands in code there is another name, not a value that is gone.
        let others = ["host", "qemu", "probe", "kc705-nommu"];
        let unknown = documented.difference(&values);
        let unknown: Vec<_> = unknown.filter(|n| !others.contains(&n.as_str())).collect();
        assert!(unknown.is_empty(), "{key} has no {unknown:?}");
    }
}

#[test]
fn the_console_events_are_the_documented_ones_with_their_keys() {
    let written = firmware::events();
    assert!(written.len() > 20, "{written:?}");
    let table = rows(&section("Console"));
    let documented: Names = table.iter().flat_map(|row| words(&row[0])).collect();
    let events: Names = written.keys().cloned().collect();
    assert_eq!(documented, events);
    for row in &table {
        let keys = words(&row[1]);
        let mut used = Names::new();
        for event in words(&row[0]) {
            let missing: Vec<_> = written[&event].difference(&keys).collect();
            assert!(missing.is_empty(), "{event} lacks {missing:?}");
            used.extend(written[&event].iter().cloned());
        }
        let values = ["resumed", "new", "discarded", "lost", "on", "off"];
        let unknown = keys.difference(&used);
        let unknown: Vec<_> = unknown.filter(|w| !values.contains(&w.as_str())).collect();
        assert!(unknown.is_empty(), "{:?} has no {unknown:?}", row[0]);
    }
}

#[test]
fn the_boot_configurations_envelope_is_the_documented_one() {
    let text = section("Boot configuration");
    let mut stored = [0; MAX_ENCODED_LEN];
    let length = firmproof_bootconfig::encode(&BootConfig::safe_default(), &mut stored).unwrap();
    let magic = String::from_utf8(stored[..4].to_vec()).unwrap();
    let version = u16::from_le_bytes([stored[4], stored[5]]);
    let body = usize::from(u16::from_le_bytes([stored[6], stored[7]]));
    assert!(text.contains(&format!("magic `{magic}`")));
    assert!(text.contains(&format!("version `u16` (now {version})")));
    assert_eq!(8 + body + 4, length, "envelope, body, checksum");
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&stored[..length - 4]);
    assert_eq!(stored[length - 4..length], crc.to_le_bytes());
    assert_eq!(MAX_ENCODED_LEN, 2048);
    assert!(text.contains("2,048 bytes at most"));
}

#[test]
fn the_commands_are_the_documented_ones() {
    let source = firmware::source("firmware/device/src/mqtt/command.rs");
    let commands = [
        "led",
        "beep",
        "publish",
        "subscribe",
        "unsubscribe",
        "disconnect",
        "state",
    ];
    let documented = words(&section("MQTT"));
    for command in commands {
        assert!(source.contains(&format!("\"{command}\"")), "{command}");
        assert!(documented.contains(command), "{command}");
    }
    for argument in ["size", "qos", "count", "retain", "filter"] {
        assert!(source.contains(&format!("\"{argument}\"")), "{argument}");
        assert!(documented.contains(argument), "{argument}");
    }
}

/// Every key of an object and of those within, and whether it is one by name: metrics are not.
fn keys_of(value: &serde_json::Value, keys: &mut Names) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                keys.insert(key.clone());
                keys_of(value, keys);
            }
        }
        serde_json::Value::Array(array) => array.iter().for_each(|value| keys_of(value, keys)),
        _ => {}
    }
}

fn record_file() -> RecordFile {
    RecordFile {
        schema: SCHEMA,
        suite_version: "1".into(),
        seed: "00".into(),
        dut: DutSummary {
            name: "host".into(),
            kind: "host".into(),
            firmware_sha256: None,
            version: None,
            metrics: std::collections::BTreeMap::new(),
            tools: std::collections::BTreeMap::new(),
        },
        case: Record {
            id: "a/b/c".into(),
            dut: "host".into(),
            protocol: "a".into(),
            level: firmproof::case::Level::Must,
            requirement: "r".into(),
            statements: vec!["s".into()],
            verdict: Verdict::Fail,
            seconds: 1.0,
            reason: None,
            lacks: None,
            finding: Some(Finding {
                statement: "s".into(),
                expected: "e".into(),
                seen: "s".into(),
            }),
            attempts: vec![Attempt {
                verdict: Verdict::Fail,
                seconds: 1.0,
                reason: None,
                evidence: None,
                capture: None,
            }],
            observed: Vec::new(),
            metrics: std::collections::BTreeMap::new(),
            evidence: "e".into(),
            capture: None,
        },
    }
}

#[test]
fn the_fields_of_results_are_the_documented_ones() {
    let text = section("A run's folder");
    let documented = words(&text);
    let place = tempfile::tempdir().unwrap();
    let folder = RunFolder::join(place.path(), Some([0; 32])).unwrap();
    let run = RunResult::of(&folder, vec![record_file()], true);
    let mut fields = Names::new();
    keys_of(&serde_json::to_value(run).unwrap(), &mut fields);
    keys_of(&serde_json::to_value(record_file()).unwrap(), &mut fields);
    let missing: Vec<_> = fields.difference(&documented).collect();
    assert!(missing.is_empty(), "not documented: {missing:?}");
    assert!(text.contains(&format!("`run.json`, schema {SCHEMA}")));
    // And the other way, where the document lists fields.
    for part in [
        "`duts[]`: ",
        "`totals`: ",
        "`attempts[]`: ",
        "`finding` (fail: ",
    ] {
        let rest = text
            .split_once(part)
            .unwrap_or_else(|| panic!("no {part}"))
            .1;
        let end = rest.find([')', '.', ';']).unwrap_or(rest.len());
        let listed = words(&rest[..end]);
        assert!(!listed.is_empty(), "{part}");
        let others = [
            "host", "external", "event", "ready", "observe", "console", "null",
        ];
        for field in listed.iter().filter(|f| !others.contains(&f.as_str())) {
            assert!(fields.contains(field), "{part}{field}");
        }
    }
}

#[test]
fn the_files_of_a_run_are_the_documented_ones() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_firmproof"))
        .args([
            "run",
            "http/page/state-has-its-keys",
            "--capture",
            "--out",
            "out",
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let documented = words(&section("A run's folder"));
    let mut found = Vec::new();
    for entry in ["", "records", "evidence"] {
        let within = std::fs::read_dir(folder.path().join("out").join(entry)).unwrap();
        for file in within.flatten().filter(|file| file.path().is_file()) {
            let name = file.file_name().into_string().unwrap();
            let name = name.replace("host.http.page.state-has-its-keys", "DUT.CASE");
            found.push(Path::new(entry).join(name).display().to_string());
        }
    }
    assert!(found.len() >= 5, "{found:?}");
    let text = section("A run's folder");
    for name in found {
        assert!(
            text.contains(&format!("`{name}`")),
            "{name}: {documented:?}"
        );
    }
}

#[test]
fn the_devices_state_has_the_documented_keys() {
    let folder = tempfile::tempdir().unwrap();
    let case = "http/page/state-has-its-keys";
    let output = Command::new(env!("CARGO_BIN_EXE_firmproof"))
        .args(["run", case, "--out", "out"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let run = RunResult::read(&folder.path().join("out")).unwrap();
    let evidence = firmproof::result::EvidenceFile::read(&folder.path().join("out"), &run.cases[0]);
    let state = evidence.unwrap().transcript.into_iter().find_map(|entry| {
        let bytes = hex::decode(&entry.bytes).ok()?;
        let body = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        serde_json::from_slice::<serde_json::Value>(&bytes[body..]).ok()
    });
    let mut keys = Names::new();
    keys_of(&state.expect("an answer with JSON"), &mut keys);
    let documented = words(&paragraph(&section("HTTP"), "GET /api/state"));
    let missing: Vec<_> = keys.difference(&documented).collect();
    assert!(missing.is_empty(), "not documented: {missing:?}");
    let values = ["GET", "api", "off", "waiting", "connecting", "connected"];
    let unknown = documented.difference(&keys);
    let unknown: Vec<_> = unknown.filter(|w| !values.contains(&w.as_str())).collect();
    assert!(unknown.is_empty(), "the device has no {unknown:?}");
}

#[test]
fn the_environment_variables_are_documented() {
    let text = document::text();
    for variable in [
        "FIRMPROOF_RUN_DIR",
        "FIRMPROOF_SEED",
        "FIRMPROOF_REQUIRE",
        firmproof::dut::availability::IMAGE_VARIABLE,
    ] {
        assert!(text.contains(&format!("`{variable}`")), "{variable}");
    }
}
