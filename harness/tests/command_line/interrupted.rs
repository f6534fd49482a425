//! Ctrl-C in the middle of a run: what was judged is kept, and nobody is left behind.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use firmproof::case::Verdict;
use firmproof::result::RunResult;
use rustix::process::{Pid, Signal, kill_process};

use super::firmproof;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does `work` on a thread of its own, and gives up after [`PATIENCE`].
fn within_patience<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, done) = mpsc::channel();
    std::thread::spawn(move || sender.send(work()));
    done.recv_timeout(PATIENCE)
        .unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// A device that never becomes ready: a shell that waits for a program of its own. Both hold the pipe
/// `alive` open, so that its end tells that both are gone.
const DEVICE: &str = r#"
name = "mine"
kind = "external"
capabilities = ["http"]
[at]
http = "127.0.0.1:9"
[start]
command = ["sh", "-c", "exec 9>alive; echo started >&9; sleep 1000 & wait"]
ready_line = "never"
deadline_s = 600
"#;

#[test]
fn an_interrupted_run_keeps_what_was_judged_and_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    std::fs::write(here.join("mine.toml"), DEVICE).unwrap();
    let made = Command::new("mkfifo").arg(here.join("alive")).status();
    assert!(made.unwrap().success());
    // One case is skipped at once, the other waits for the device.
    let mut run: Child = Command::new(env!("CARGO_BIN_EXE_firmproof"))
        .args(["run", "--dut", "mine.toml", "--out", "out"])
        .args(["mqtt/connack/code-0", "http/methods/no-such-resource"])
        .current_dir(here)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = Pid::from_child(&run);
    let pipe = here.join("alive");
    let mut alive = within_patience("the device opens the pipe", move || {
        BufReader::new(std::fs::File::open(pipe).unwrap())
    });
    let mut progress = BufReader::new(run.stderr.take().unwrap());
    let (alive, progress) = within_patience("device and progress speak", move || {
        let mut line = String::new();
        alive.read_line(&mut line).unwrap();
        assert_eq!(line, "started\n");
        line.clear();
        progress.read_line(&mut line).unwrap();
        assert!(line.starts_with("1 of 2 cases"), "{line}");
        (alive, progress)
    });
    kill_process(pid, Signal::INT).unwrap();
    let output: Output = within_patience("the run ends", move || {
        let output = run.wait_with_output().unwrap();
        drop(progress);
        output
    });
    let rest = within_patience("the device's processes end", move || {
        let mut alive = alive;
        let mut rest = String::new();
        alive.read_to_string(&mut rest).unwrap();
        rest
    });
    assert_eq!(rest, "");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("interrupted: 1 of 2 cases were judged"),
        "{said}"
    );
    let result = RunResult::read(&here.join("out")).unwrap();
    assert!(!result.complete);
    let judged: Vec<_> = result
        .cases
        .iter()
        .map(|c| (c.id.as_str(), c.verdict))
        .collect();
    assert_eq!(judged, [("mqtt/connack/code-0-accepted", Verdict::Skipped)]);

    let assembled = firmproof(here, &["assemble", "out"]);
    let said = String::from_utf8(assembled.stdout).unwrap();
    assert_eq!(assembled.status.code(), Some(2));
    assert!(
        said.contains("begun and never judged: mine.http.methods.no-such-resource"),
        "{said}"
    );
}
