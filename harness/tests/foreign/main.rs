//! Programs that we did not write, judged from outside by the command: real ones of the distribution, whose every
//! failure has been checked by hand (`fixtures/checked_by_hand.toml`), and bad ones of our own, which must fail.
//!
//! A program that is not installed shows as an ignored test with its name. `FIRMPROOF_REQUIRE=foreign` turns that into
//! a failure, and a checked failure that is none any more: then a case may have lost its teeth, or the program has
//! another version than the one that was checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use firmproof::case::Verdict;
use firmproof::result::RunResult;
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;

/// Profiles of real programs, and what each takes to run.
const REAL: [(&str, &str); 10] = [
    ("mosquitto-sub", "mosquitto_sub"),
    ("mosquitto-pub", "mosquitto_pub"),
    ("rumqttc", ""),
    ("paho", "/usr/lib/python3/dist-packages/paho/mqtt/client.py"),
    ("chrony", "chronyd"),
    ("ntpdig", "ntpdig"),
    ("lighttpd", "lighttpd"),
    ("nginx", "nginx"),
    ("busybox-httpd", "busybox"),
    ("python-http-server", "python3"),
];

/// Failures of one program with one cause, checked by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    dut: String,
    cases: BTreeSet<String>,
    #[expect(dead_code, reason = "for the table that ci/foreign writes")]
    clause: String,
    #[expect(dead_code, reason = "for the table that ci/foreign writes")]
    reading: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Checked {
    finding: Vec<Finding>,
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.map(Path::to_path_buf).unwrap_or_default()
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most of a run is waiting, and each has several cases at a time already.
    arguments.test_threads.get_or_insert(4);
    let required = std::env::var("FIRMPROOF_REQUIRE").unwrap_or_default();
    let required = required.split(',').any(|name| name.trim() == "foreign");
    let mut trials = Vec::new();
    for (dut, program) in REAL {
        let trial = Trial::test(
            format!("{dut}_fails_only_what_was_checked_by_hand"),
            move || real(dut, required),
        );
        trials.push(if program.is_empty() || is_installed(program) {
            trial
        } else {
            trial
                .with_kind(format!("{program} is not installed"))
                .with_ignored_flag(!required)
        });
    }
    for (name, profile, filter, must_fail) in BAD {
        let trial = Trial::test(name, move || bad(profile, filter, must_fail));
        let missing = !is_installed("python3");
        trials.push(trial.with_ignored_flag(missing && !required));
    }
    let trial = Trial::test(
        "a_client_that_shows_its_clock_on_a_topic_is_judged_by_it",
        shows_its_clock_on_a_topic,
    );
    trials.push(trial.with_ignored_flag(!is_installed("python3") && !required));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .any(|folder| folder.join(program).is_file())
}

/// Runs the cases that fit `filter` on the profile `dut`.
fn run(dut: &str, filter: &[&str]) -> Result<RunResult, Failed> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("out");
    let output = Command::new(env!("CARGO_BIN_EXE_firmproof"))
        .args(["run", "--dut", dut, "--capture", "none", "--out"])
        .arg(&out)
        .args(filter)
        .env("PATH", with_system_programs())
        .current_dir(root())
        .output()?;
    RunResult::read(&out).map_err(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        Failed::from(format!("{error}\n{said}"))
    })
}

/// Servers are where an ordinary user's `PATH` does not look; and the distribution's own programs come first.
fn with_system_programs() -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = ["/usr/bin", "/usr/sbin"].map(PathBuf::from);
    let folders = own.into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap_or(path)
}

fn real(dut: &str, required: bool) -> Result<(), Failed> {
    let text = std::fs::read_to_string(root().join("fixtures/checked_by_hand.toml"))?;
    let checked: Checked = toml::from_str(&text)?;
    let own = checked
        .finding
        .into_iter()
        .filter(|finding| finding.dut == dut);
    let read: BTreeSet<String> = own.flat_map(|finding| finding.cases).collect();
    let profile = std::fs::read_to_string(root().join(format!("fixtures/duts/{dut}.toml")))?;
    // The example is beside this test's own programs, wherever those are.
    let built = Path::new(env!("CARGO_BIN_EXE_firmproof")).with_file_name("examples");
    let profile = profile.replace("target/debug/examples", &built.display().to_string());
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("profile.toml");
    std::fs::write(&file, profile)?;
    let run = run(&file.display().to_string(), &[])?;
    let mut problems = Vec::new();
    let mut failed = BTreeSet::new();
    for case in run.cases {
        let seen = case.finding.map(|finding| finding.seen).or(case.reason);
        match case.verdict {
            Verdict::Fail if read.contains(&case.id) => {
                failed.insert(case.id);
            }
            Verdict::Fail => problems.push(format!("{} fails, unchecked: {seen:?}", case.id)),
            Verdict::Inconclusive => problems.push(format!("{} is not judged: {seen:?}", case.id)),
            Verdict::Pass | Verdict::Skipped => (),
        }
    }
    let stale = read.difference(&failed);
    let stale = stale.map(|id| format!("{id} is in checked_by_hand.toml, and does not fail"));
    if required {
        problems.extend(stale);
    } else {
        stale.for_each(|line| eprintln!("{dut}: {line}"));
    }
    if run.totals.pass == 0 {
        problems.push("nothing passes".into());
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.join("\n").into())
}

/// Name of the test, profile, cases, and those of them that must fail.
const BAD: [(&str, &str, &[&str], &[&str]); 3] = [
    (
        "a_server_that_takes_two_hosts_and_both_lengths_fails",
        "name = \"bad\"\nkind = \"external\"\ncapabilities = [\"http\"]\n\
         [start]\ncommand = [\"python3\", \"{script}/bad_http_server.py\", \"{http_port}\"]\ndeadline_s = 60\n\
         [at]\nhttp = \"127.0.0.1:{http_port}\"\n",
        &["http/host/", "http/framing/", "http/methods/"],
        &[
            "http/host/missing",
            "http/host/doubled",
            "http/host/doubled-with-one-value",
            "http/host/with-a-space",
            "http/framing/both-lengths",
            "http/framing/chunk-size-of-letters",
        ],
    ),
    (
        "a_client_that_ignores_connack_codes_fails",
        "name = \"bad\"\nkind = \"external\"\ncapabilities = [\"mqtt\"]\nliveness = \"restarted\"\n\
         [start]\ncommand = [\"python3\", \"{script}/bad_mqtt_client.py\", \"{mqtt_host}\", \"{mqtt_port}\", \"bad\"]\n\
         [start.settings]\nsubscription = [\"{filter}\", \"{qos}\"]\n\
         [observe]\nmessage = \"message {payload_hex}\"\n",
        &["mqtt/connack/", "mqtt/publish/in-"],
        &[
            "mqtt/connack/code-1-unacceptable-protocol-version",
            "mqtt/connack/code-5-not-authorised",
            "mqtt/connack/code-255-reserved",
            "mqtt/connack/reserved-flag-bit-1",
            "mqtt/publish/in-qos-2-duplicate-with-dup-1",
        ],
    ),
    (
        "a_client_that_takes_any_reply_for_the_right_one_fails",
        "name = \"bad\"\nkind = \"external\"\ncapabilities = [\"ntp\"]\nliveness = \"restarted\"\n\
         [start]\ncommand = [\"python3\", \"{script}/bad_sntp_client.py\", \"{ntp_host}\", \"{ntp_port}\"]\n\
         [observe]\nclock = { console = \"unix time {unix_s}\" }\n",
        &["ntp/replies/"],
        &[
            "ntp/replies/wrong-originate",
            "ntp/replies/originate-of-zero",
            "ntp/replies/stratum-16",
        ],
    ),
];

/// A clock that can be seen on a topic alone.
const SENSOR: &str = "name = \"sensor\"\nkind = \"external\"\ncapabilities = [\"mqtt\", \"ntp\"]\n\
     liveness = \"runs\"\n[start]\ncommand = [\"python3\", \"{script}/sntp_client_with_a_topic.py\", \
     \"{ntp_host}\", \"{ntp_port}\", \"{mqtt_host}\", \"{mqtt_port}\", \"{care}\"]\n\
     [observe.clock.topic]\nname = \"{topic}\"\nunix_s = \"/time/unix_s\"\nsynced = \"/time/synced\"\n";

fn shows_its_clock_on_a_topic() -> Result<(), Failed> {
    let sensor = |care, topic| SENSOR.replace("{care}", care).replace("{topic}", topic);
    for (id, verdict) in judged(&sensor("careful", "sensor/state"), &["ntp/replies/"])? {
        // Another address is there only in a network of the run's own.
        if verdict != Verdict::Pass && !id.contains("/from-another-") {
            return Err(format!("a careful client: {id}: {verdict:?}").into());
        }
    }
    let careless = sensor("careless", "sensor/state");
    bad(
        &careless,
        &["ntp/replies/"],
        &["ntp/replies/wrong-originate", "ntp/replies/leap-3"],
    )?;
    // A profile with the wrong topic says which there are.
    let folder = tempfile::tempdir()?;
    let file = written(folder.path(), &sensor("careful", "sensor/clock"))?;
    let run = run(&file, &["ntp/replies/leap-3"])?;
    let reasons: Vec<String> = run
        .cases
        .into_iter()
        .filter_map(|case| case.reason)
        .collect();
    let wanted =
        "nothing was published on the topic `sensor/clock`; it has published on `sensor/state`";
    if !reasons.iter().any(|reason| reason.contains(wanted)) {
        return Err(format!("not said what is wrong: {reasons:?}").into());
    }
    Ok(())
}

/// Writes the profile `text` of a program of ours into `folder`; the file's path.
fn written(folder: &Path, text: &str) -> Result<String, Failed> {
    let file = folder.join("profile.toml");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign");
    std::fs::write(
        &file,
        text.replace("{script}", &scripts.display().to_string()),
    )?;
    Ok(file.display().to_string())
}

/// The verdicts of the cases that fit `filter` on the device that `profile` describes.
fn judged(profile: &str, filter: &[&str]) -> Result<BTreeMap<String, Verdict>, Failed> {
    let folder = tempfile::tempdir()?;
    let run = run(&written(folder.path(), profile)?, filter)?;
    let verdicts = run.cases.into_iter().map(|case| (case.id, case.verdict));
    Ok(verdicts.collect())
}

fn bad(profile: &str, filter: &[&str], must_fail: &[&str]) -> Result<(), Failed> {
    let verdicts = judged(profile, filter)?;
    let missed: Vec<String> = must_fail
        .iter()
        .filter(|id| verdicts.get(**id) != Some(&Verdict::Fail))
        .map(|id| format!("{id}: {:?}", verdicts.get(*id)))
        .collect();
    let passed = verdicts.values().any(|verdict| *verdict == Verdict::Pass);
    if missed.is_empty() && passed {
        return Ok(());
    }
    Err(format!("not failed as they must: {missed:?}; anything passed: {passed}").into())
}
