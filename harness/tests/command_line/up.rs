//! `firmproof up`: a person's browser, broker and download server around a running device.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::firmproof;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);
const IMAGE: &[u8] = &[0x5a; 20_000];

/// A running `firmproof up` and the lines that it writes.
struct Up {
    child: Child,
    lines: Receiver<String>,
    hands: ChildStdin,
}

impl Up {
    fn start(folder: &std::path::Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_firmproof"))
            .arg("up")
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // Nobody reads once the test is over.
                let _ = sender.send(line);
            }
        });
        let hands = child.stdin.take().unwrap();
        Self {
            child,
            lines,
            hands,
        }
    }

    /// The next line that contains `part`.
    fn line_with(&self, part: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("no line with `{part}`: {error}"));
            if line.contains(part) {
                return line;
            }
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends `request` to `at` and reads until the other end closes.
fn exchange(at: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Serves the image to whoever connects first.
fn serve_image(listener: TcpListener) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = [0; 2048];
    assert!(stream.read(&mut request).unwrap() > 0);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        IMAGE.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(IMAGE).unwrap();
}

#[test]
fn the_page_shows_a_signed_image_is_taken_and_the_power_can_be_cut() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let join = format!("8000={}", listener.local_addr().unwrap());
    std::thread::spawn(move || serve_image(listener));
    std::fs::write(folder.path().join("image"), IMAGE).unwrap();
    let arguments = ["--join", &join, "--set", "device_id=lamp", "--key", "key"];
    let mut up = Up::start(folder.path(), &arguments);

    let page = up.line_with("page ");
    let at = page.split("http://").nth(1).unwrap().trim_end_matches('/');
    let token = up.line_with("Bearer");
    let token = token.split('\'').nth(1).unwrap();
    let shown = exchange(
        at,
        &format!("GET / HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"),
    );
    assert!(shown.starts_with("HTTP/1.1 200 OK\r\n"), "{shown}");
    assert!(shown.contains("<h1>lamp</h1>"), "{shown}");

    let url = "http://192.0.2.1:8000/image";
    let sign = ["sign", "image", "--version", "2", "--url", url];
    let offer = firmproof(folder.path(), &[&sign[..], &["--key", "key"]].concat());
    let offer = String::from_utf8(offer.stdout).unwrap();
    let taken = exchange(
        at,
        &format!(
            "POST /api/update HTTP/1.1\r\nHost: {at}\r\n{token}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{offer}",
            offer.len()
        ),
    );
    assert!(taken.starts_with("HTTP/1.1 202 "), "{taken}");
    up.line_with("event=update.ready slot=b version=2");

    up.hands.write_all(b"power of\n").unwrap();
    up.line_with("power of: not known");
    up.hands.write_all(b"power off\n").unwrap();
    up.line_with("power off: done");
    up.hands.write_all(b"power on\n").unwrap();
    up.line_with("event=ready version=0.1.0 board=host slot=b");
}

#[test]
fn a_setting_that_does_not_exist_is_named_with_those_that_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = firmproof(folder.path(), &["up", "--set", "mqtt.keepalive=3"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("keep_alive_s"), "{said}");
    let output = firmproof(folder.path(), &["up", "--set", "http_port=0"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("http_port must be"), "{said}");
}
