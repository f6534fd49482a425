//! `firmproof compare` and `firmproof bench` from outside.

use std::path::Path;

use firmproof::dut::availability::{Availability, is_required};
use firmproof::profile::Profile;

use super::{alone, firmproof};

const SEED: &str = "0707070707070707070707070707070707070707070707070707070707070707";

fn run(folder: &Path, out: &str, filter: &str) {
    let arguments = ["run", filter, "--seed", SEED, "--out", out];
    let output = firmproof(folder, &arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

fn compare(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = firmproof(folder, &[&["compare"], arguments].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), text + &error)
}

#[test]
fn two_runs_with_one_seed_are_equal() {
    let folder = tempfile::tempdir().unwrap();
    for out in ["a", "b"] {
        run(folder.path(), out, "mqtt/connack");
    }
    let (status, text) = compare(folder.path(), &["a", "b"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(" equal, 0 different"), "{text}");
}

#[test]
fn a_message_that_differs_is_told_and_is_exit_status_1() {
    let folder = tempfile::tempdir().unwrap();
    for out in ["a", "b"] {
        run(folder.path(), out, "mqtt/connack/code-5");
    }
    let record = std::fs::read_dir(folder.path().join("b/evidence")).unwrap();
    let evidence = record
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|e| e == "json"))
        .unwrap();
    let text = std::fs::read_to_string(&evidence).unwrap();
    let changed = text.replace("client_id=firmproof-dut", "client_id=somebody");
    assert_ne!(text, changed);
    std::fs::write(&evidence, changed).unwrap();
    let (status, text) = compare(folder.path(), &["a", "b"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("TRANSCRIPT mqtt/connack/code-5"), "{text}");
    assert!(text.contains("B CONNECT client_id=somebody"), "{text}");
    let (status, text) = compare(folder.path(), &["a", "b", "--json"]);
    assert_eq!(status, Some(1), "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["differences"][0]["differs"], "transcript", "{text}");
    assert_eq!(json["b"]["dut"]["name"], "host");
}

#[test]
fn a_run_that_is_not_there_and_one_of_another_schema_are_exit_status_2() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "a", "mqtt/connack/code-5");
    let (status, text) = compare(folder.path(), &["a", "nowhere"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("nowhere/run.json"), "{text}");
    std::fs::create_dir(folder.path().join("old")).unwrap();
    std::fs::write(folder.path().join("old/run.json"), "{\"schema\": 0}").unwrap();
    let (status, text) = compare(folder.path(), &["old", "a"]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("schema 0"), "{text}");
}

#[test]
fn the_help_of_compare() {
    insta::assert_snapshot!(alone(&["compare", "--help"]));
}

/// The smallest benchmark: every figure is there, with a value that means something.
#[test]
fn a_benchmark_of_the_host_has_every_figure() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "bench",
        "--runs",
        "1",
        "--operations",
        "5",
        "--out",
        "out",
        "--json",
    ];
    let output = firmproof(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let stored = std::fs::read(folder.path().join("out/bench.json")).unwrap();
    let stored: serde_json::Value = serde_json::from_slice(&stored).unwrap();
    assert_eq!(said, stored);
    has_figures(&said, &SPEED);
}

/// As [`a_benchmark_of_the_host_has_every_figure`], where QEMU and the firmware are there.
#[test]
fn a_benchmark_in_qemu_has_instructions_stack_and_sizes_too() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let lacking = Availability::of(&Profile::find("qemu").unwrap(), root).lacking();
    if let Some(lacking) = lacking {
        assert!(!is_required("qemu"), "{lacking}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let arguments = ["bench", "--dut", "qemu", "--runs", "1", "--operations", "5"];
    let places = ["--json", "--out", out.to_str().unwrap()];
    let output = firmproof(root, &[arguments.as_slice(), &places].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    has_figures(&said, &[SPEED.as_slice(), &COST].concat());
}

const SPEED: [&str; 9] = [
    "start_to_ready_ms",
    "start_to_session_ms",
    "http_keep_alive_requests_per_s",
    "http_keep_alive_refusals_per_s",
    "http_connection_requests_per_s",
    "mqtt_qos_0_publishes_per_s",
    "mqtt_qos_1_publishes_per_s",
    "mqtt_qos_2_publishes_per_s",
    "command_round_trip_ms",
];
const COST: [&str; 15] = [
    "stack_peak_bytes",
    "http_keep_alive_request_instructions",
    "http_keep_alive_refusal_instructions",
    "http_connection_request_instructions",
    "mqtt_qos_0_publish_instructions",
    "mqtt_qos_1_publish_instructions",
    "mqtt_qos_2_publish_instructions",
    "image_all_bytes",
    "image_bss_bytes",
    "image_mqtt_bytes",
    "image_http_bytes",
    "image_ntp_bytes",
    "image_update_bytes",
    "image_network_stack_bytes",
    "image_rest_bytes",
];

fn has_figures(said: &serde_json::Value, wanted: &[&str]) {
    let figures = said["figures"].as_array().unwrap();
    let names = figures.iter().map(|f| f["name"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), wanted);
    for figure in figures {
        let median = figure["median"].as_f64().unwrap();
        assert!(median > 0.0 && median.is_finite(), "{figure}");
        assert_eq!(figure["samples"], 1, "{figure}");
    }
}
