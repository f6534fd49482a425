//! Starts the device process and talks with it, every wait with a deadline.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use tempfile::TempDir;

use crate::frame;

/// The argument that makes the test program the device.
pub(crate) const DEVICE: &str = "device-host";
const DEADLINE: Duration = Duration::from_secs(20);

/// The files and sockets of one device, which outlive its process.
pub(crate) struct Folder {
    folder: TempDir,
    peer: Option<UnixDatagram>,
}

impl Folder {
    pub(crate) fn with_config(stored: &[u8]) -> Self {
        let mut folder = Self {
            folder: tempfile::tempdir().unwrap(),
            peer: None,
        };
        fs::write(folder.config(), stored).unwrap();
        folder.open_peer();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("config")
    }

    pub(crate) fn device_socket(&self) -> PathBuf {
        self.path("device")
    }

    pub(crate) fn open_peer(&mut self) {
        let peer = UnixDatagram::bind(self.path("peer")).unwrap();
        peer.set_read_timeout(Some(DEADLINE)).unwrap();
        self.peer = Some(peer);
    }

    pub(crate) fn close_peer(&mut self) {
        self.peer = None;
        fs::remove_file(self.path("peer")).unwrap();
    }

    fn peer(&self) -> &UnixDatagram {
        self.peer.as_ref().expect("the peer is open")
    }

    pub(crate) fn send(&self, frame: &[u8]) {
        self.peer().send_to(frame, self.device_socket()).unwrap();
    }

    /// The first thing that `wanted` finds in the frames from the device.
    pub(crate) fn receive<T>(&self, wanted: impl Fn(&[u8]) -> Option<T>) -> Result<T, Failed> {
        let start = Instant::now();
        let mut frame = [0; 2048];
        while start.elapsed() < DEADLINE {
            let len = self.peer().recv(&mut frame)?;
            if let Some(found) = wanted(&frame[..len]) {
                return Ok(found);
            }
        }
        Err("other frames, but not the one that was waited for".into())
    }
}

/// A running device; dropping it kills it.
pub(crate) struct DeviceProcess {
    child: Child,
    console: Receiver<String>,
}

impl DeviceProcess {
    pub(crate) fn start(folder: &Folder) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(DEVICE)
            .arg("--frames-from")
            .arg(folder.device_socket())
            .arg("--frames-to")
            .arg(folder.path("peer"))
            .arg("--config")
            .arg(folder.config())
            .arg("--flash")
            .arg(folder.path("flash"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, console) = channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, console }
    }

    /// The first console line from here on that starts with `start`.
    pub(crate) fn console_line(&self, start: &str) -> Result<String, Failed> {
        let mut seen = Vec::new();
        loop {
            match self.console.recv_timeout(DEADLINE) {
                Ok(line) if line.starts_with(start) => return Ok(line),
                Ok(line) => seen.push(line),
                Err(error) => return Err(format!("{error} for {start:?} after {seen:#?}").into()),
            }
        }
    }

    /// How long it has run on any processor (proc(5): fields 14 and 15 of `stat`, in ticks of 10 ms).
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The second field is the program's name in brackets, which may hold spaces.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(10 * ticks)
    }

    /// Asks for the device's hardware address over ARP.
    pub(crate) fn resolve(&self, folder: &Folder) -> Result<[u8; 6], Failed> {
        folder.send(&frame::arp_request());
        folder.receive(frame::arp_reply)
    }

    pub(crate) fn take_input(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("taken once")
    }

    /// Waits for the end of the process, which its console's end announces.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus, Failed> {
        while self.console.recv_timeout(DEADLINE).is_ok() {}
        let status = self.child.try_wait()?;
        status.map_or_else(|| Ok(self.child.wait()?), Ok)
    }
}

impl Drop for DeviceProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
