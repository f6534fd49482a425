//! Devices that the harness does not start: it listens where they look for it, and waits for them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use firmproof::case::Verdict;
use firmproof::result::RunResult;

use super::{firmproof, run_against};

/// CONNECT of MQTT 3.1.1, clean session 1, keep alive 60, client identifier `hand`.
const CONNECT: &[u8] = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04hand";

/// An address of this machine on which nothing listens now.
fn free_tcp() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// Runs `client` until `on` is false, again each time that it ends.
fn again_and_again(on: &Arc<AtomicBool>, client: impl Fn() + Send + 'static) {
    let on = on.clone();
    std::thread::spawn(move || {
        while on.load(Ordering::Relaxed) {
            client();
            std::thread::sleep(Duration::from_millis(50));
        }
    });
}

#[test]
fn an_mqtt_client_that_is_configured_by_hand_is_waited_for_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let at = free_tcp();
    let on = Arc::new(AtomicBool::new(true));
    again_and_again(&on, move || {
        let Ok(mut stream) = TcpStream::connect(at) else {
            return;
        };
        // What fails here is seen by the harness.
        let _ = stream.write_all(CONNECT);
        let mut answer = [0; 4];
        if stream.read_exact(&mut answer).is_ok() && answer == [0x20, 2, 0, 0] {
            let _ = stream.read(&mut [0; 64]);
        }
    });
    let profile = format!(
        "name = \"mine\"\nkind = \"external\"\ncapabilities = [\"mqtt\"]\nliveness = \"reconnects\"\n\
         [at]\nmqtt = \"{at}\"\n"
    );
    let output = run_against(folder.path(), &profile, "mqtt/connack/code-");
    on.store(false, Ordering::Relaxed);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("MQTT broker on {at}")), "{said}");
    let run = RunResult::read(&folder.path().join("out")).unwrap();
    let judged: Vec<_> = run
        .cases
        .iter()
        .filter(|case| case.verdict != Verdict::Skipped)
        .map(|case| (case.id.as_str(), case.verdict))
        .collect();
    assert!(judged.len() >= 16, "{judged:?}");
    assert!(
        judged.iter().all(|(_, verdict)| *verdict == Verdict::Pass),
        "{judged:?}"
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn an_ntp_client_that_is_configured_by_hand_is_waited_for_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let at = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let on = Arc::new(AtomicBool::new(true));
    again_and_again(&on, move || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut request = [0; 48];
        // Version 4, and the mode of a server.
        request[0] = 0x24;
        request[40] = 0xE9;
        socket.send_to(&request, at).unwrap();
    });
    let profile = format!(
        "name = \"mine\"\nkind = \"external\"\ncapabilities = [\"ntp\"]\n[at]\nntp = \"{at}\"\n"
    );
    let output = run_against(folder.path(), &profile, "ntp/requests/mode");
    on.store(false, Ordering::Relaxed);
    let run = RunResult::read(&folder.path().join("out")).unwrap();
    let finding = run.cases[0].finding.as_ref().expect("mode 4 is not mode 3");
    assert_eq!(finding.statement, "RFC5905-14-1");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_device_that_never_comes_is_inconclusive_after_the_wait_that_its_profile_states() {
    let folder = tempfile::tempdir().unwrap();
    let profile = format!(
        "name = \"mine\"\nkind = \"external\"\ncapabilities = [\"mqtt\"]\n[at]\nmqtt = \"{}\"\nwait_s = 1\n",
        free_tcp()
    );
    let output = run_against(folder.path(), &profile, "mqtt/connack/length-0");
    let run = RunResult::read(&folder.path().join("out")).unwrap();
    let reason = run.cases[0].reason.clone().unwrap();
    assert!(
        reason.contains("nothing from the device within 11000 ms"),
        "{reason}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn several_cases_at_a_time_are_refused_where_they_would_share_the_device() {
    let folder = tempfile::tempdir().unwrap();
    let profile = "name = \"mine\"\nkind = \"external\"\ncapabilities = [\"http\"]\n[at]\nhttp = \"192.0.2.7:80\"\n";
    std::fs::write(folder.path().join("mine.toml"), profile).unwrap();
    let output = firmproof(
        folder.path(),
        &["run", "--dut", "mine.toml", "http", "--jobs", "4"],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("judged by 1 case at a time"), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_reset_command_runs_before_each_case_and_one_that_fails_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let profile = |command: &str| {
        format!(
            "name = \"mine\"\nkind = \"external\"\ncapabilities = [\"mqtt\"]\n[at]\nmqtt = \"{}\"\nwait_s = 0\n\
             [power]\nreset = [\"sh\", \"-c\", \"{command}\"]\n",
            free_tcp()
        )
    };
    let output = run_against(
        folder.path(),
        &profile("echo no such relay >&2; exit 3"),
        "mqtt/connack/length-0",
    );
    let run = RunResult::read(&folder.path().join("out")).unwrap();
    let reason = run.cases[0].reason.clone().unwrap();
    assert!(reason.contains("exit status: 3: no such relay"), "{reason}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn init_writes_a_profile_that_run_takes_and_overwrites_none() {
    let folder = tempfile::tempdir().unwrap();
    let init = &[
        "init",
        "--name",
        "sensor",
        "--protocols",
        "mqtt",
        "--command",
        "./no-such-sensor {mqtt_port}",
    ];
    let output = firmproof(folder.path(), init);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("firmproof run --dut sensor.toml"), "{said}");
    let run = [
        "run",
        "--dut",
        "sensor.toml",
        "mqtt/connack/length-0",
        "--out",
        "out",
    ];
    assert_eq!(firmproof(folder.path(), &run).status.code(), Some(2));
    let run = RunResult::read(&folder.path().join("out")).unwrap();
    let reason = run.cases[0].reason.clone().unwrap();
    assert!(reason.contains("./no-such-sensor"), "{reason}");
    let again = firmproof(folder.path(), init);
    assert_eq!(again.status.code(), Some(2));
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.contains("sensor.toml is there already"), "{said}");
}
