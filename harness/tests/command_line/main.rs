//! The built command from outside: what it says to people, and its exit status.

mod by_hand;
mod compare;
mod gate;
mod hostile_device;
mod interrupted;
mod merge;
mod results;
mod terminal;
mod up;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use firmproof::result::RunResult;

/// Runs the command in `folder`, where it finds no fixtures but its own.
fn firmproof(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_firmproof"))
        .args(arguments)
        .current_dir(folder)
        // Help is wrapped to the terminal's width, were there one.
        .env("COLUMNS", "100")
        .output()
        .unwrap()
}

/// Exit status, standard output and standard error; `folder`, which is another each time, as `DIR`.
fn said(folder: &Path, output: &Output) -> String {
    let text = format!(
        "exit status {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().unwrap(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    text.replace(&folder.display().to_string(), "DIR")
}

/// [`said`] without the progress on standard error, which has times, and the seed of the run in `out`.
fn said_of_run(folder: &Path, output: &Output) -> String {
    let output = Output {
        stderr: Vec::new(),
        ..output.clone()
    };
    let run = RunResult::read(&folder.join("out")).unwrap();
    said(folder, &output).replace(&run.seed, "SEED")
}

/// What the command says in an empty folder.
fn alone(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    said(folder.path(), &firmproof(folder.path(), arguments))
}

/// Writes `profile` and runs `filter` against it.
fn run_against(folder: &Path, profile: &str, filter: &str) -> Output {
    std::fs::write(folder.join("mine.toml"), profile).unwrap();
    firmproof(
        folder,
        &["run", "--dut", "mine.toml", filter, "--out", "out"],
    )
}

#[test]
fn the_help_of_the_command() {
    insta::assert_snapshot!(alone(&["--help"]));
}

#[test]
fn the_help_of_run() {
    insta::assert_snapshot!(alone(&["run", "--help"]));
}

#[test]
fn the_list_of_one_topic() {
    insta::assert_snapshot!(alone(&["list", "mqtt/connack/code-5"]));
}

#[test]
fn a_filter_that_fits_nothing_is_named_with_the_way_to_the_ids() {
    insta::assert_snapshot!(alone(&["run", "mqtt/conack", "telnet"]));
}

#[test]
fn an_unknown_command_ends_with_usage() {
    insta::assert_snapshot!(alone(&["runn"]));
}

#[test]
fn an_unknown_device_is_named_with_the_known_ones() {
    insta::assert_snapshot!(alone(&["run", "--dut", "toaster"]));
}

#[test]
fn a_profile_that_is_not_there_is_named() {
    insta::assert_snapshot!(alone(&["run", "--dut", "devices/toaster.toml"]));
}

#[test]
fn a_mistake_in_a_profile_is_shown_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let profile =
        "name = \"mine\"\nkind = \"external\"\ncapabilities = [\"mqtt\", \"telepathy\"]\n";
    let output = run_against(folder.path(), profile, "mqtt/connack");
    insta::assert_snapshot!(said(folder.path(), &output));
}

#[test]
fn a_seed_of_the_wrong_length_is_refused() {
    insta::assert_snapshot!(alone(&["run", "mqtt/connack/code-0", "--seed", "abc"]));
}

#[test]
fn a_truncated_result_is_named_with_the_place_where_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let begun = "{\n  \"schema\": 1,\n  \"cases\": [\n";
    std::fs::write(folder.path().join("run.json"), begun).unwrap();
    let output = firmproof(folder.path(), &["show", "mqtt", "--run", "."]);
    insta::assert_snapshot!(said(folder.path(), &output));
}

#[test]
fn a_result_of_another_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("run.json"), "{\"schema\": 7}").unwrap();
    let output = firmproof(folder.path(), &["show", "mqtt", "--run", "."]);
    insta::assert_snapshot!(said(folder.path(), &output));
}

#[test]
fn without_a_run_there_is_nothing_to_show() {
    insta::assert_snapshot!(alone(&["show", "mqtt/connack/code-0-accepted"]));
}

#[test]
fn a_run_in_which_every_must_passes_ends_with_0() {
    let folder = tempfile::tempdir().unwrap();
    let output = firmproof(
        folder.path(),
        &["run", "mqtt/connack/code-0", "--out", "out"],
    );
    let run = RunResult::read(&folder.path().join("out")).unwrap();
    assert_eq!((run.totals.pass, run.complete), (1, true));
    insta::assert_snapshot!(said_of_run(folder.path(), &output));
}

#[test]
fn a_run_in_which_a_must_fails_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    // A server that fails whatever it is asked. It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            while stream.read(&mut request).is_ok_and(|length| length > 0) {
                // A prober that has gone is its own affair.
                let _ = stream.write_all(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
            }
        }
    });
    let profile = format!(
        "name = \"mine\"\nkind = \"external\"\ncapabilities = [\"http\"]\n[at]\nhttp = \"{at}\"\n"
    );
    let output = run_against(folder.path(), &profile, "http/methods/no-such-resource");
    insta::assert_snapshot!(said_of_run(folder.path(), &output).replace(&at, "ADDRESS"));
}

#[test]
fn a_run_whose_device_cannot_be_started_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let profile = "name = \"mine\"\nkind = \"external\"\ncapabilities = [\"mqtt\"]\n\
                   [start]\ncommand = [\"./no-such-program\"]\n";
    let output = run_against(folder.path(), profile, "mqtt/connack/length-0");
    insta::assert_snapshot!(said_of_run(folder.path(), &output));
}

#[test]
fn a_run_that_skips_everything_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let profile = "name = \"mine\"\nkind = \"external\"\ncapabilities = []\n\
                   [start]\ncommand = [\"true\"]\n";
    let output = run_against(folder.path(), profile, "mqtt/connack/length-0");
    insta::assert_snapshot!(said_of_run(folder.path(), &output));
}
