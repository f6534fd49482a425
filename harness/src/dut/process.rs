//! A device that is a process: its console is its output, its power is its life.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::Launch;
use crate::evidence::Console;
use crate::evidence::console::KEPT_LINE_BYTES;

/// How long the output of an ended process may stay open: a program that left its group can hold it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A running process and the processes that it started. Dropping it cuts its power.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// The process group that the child leads; none once it was ended.
    group: Option<Pid>,
    /// The readers of its output; each ends when nobody can write any more.
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts the program; every line that it writes goes to `console`.
    ///
    /// # Errors
    /// The operating system's, as when there is no such program.
    pub fn start(launch: &Launch, console: &Arc<Console>) -> std::io::Result<Self> {
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .envs(&launch.environment)
            // The reference device ends when its input does, so it cannot outlive the harness.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is the harness's to handle: it writes its results first, then ends the device.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let mut readers = Vec::new();
        if let Some(output) = child.stdout.take() {
            readers.push(tokio::spawn(read_lines(output, console.clone())));
        }
        if let Some(output) = child.stderr.take() {
            readers.push(tokio::spawn(read_lines(output, console.clone())));
        }
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self {
            child,
            group,
            readers,
        })
    }

    /// How the process ended, when it has. Its last words are on the console then.
    pub async fn ended(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(Some(status)) => {
                self.end_group().await;
                Some(status.to_string())
            }
            Ok(None) => None,
            Err(error) => Some(format!("its state cannot be read: {error}")),
        }
    }

    /// Waits until the process ends by itself.
    pub async fn wait(&mut self) -> String {
        let ended = self.child.wait().await;
        self.end_group().await;
        match ended {
            Ok(status) => status.to_string(),
            Err(error) => format!("its state cannot be read: {error}"),
        }
    }

    /// Ends the process at once, as a power cut ends a device: nothing is flushed, no FIN is sent
    /// by a stack of its own.
    pub async fn cut_power(mut self) {
        self.kill_group();
        // An error means that the process has ended already, which is what is wanted.
        let _ = self.child.kill().await;
        self.end_group().await;
    }

    /// Ends what the child left behind, and waits for the last words of all.
    async fn end_group(&mut self) {
        self.kill_group();
        let all_read = async {
            while let Some(reader) = self.readers.last_mut() {
                // A reader has nothing to say but that it is done.
                let _ = reader.await;
                self.readers.pop();
            }
        };
        // Who still holds the output open after that is not waited for.
        let _ = tokio::time::timeout(LAST_WORDS, all_read).await;
    }

    /// Kills the child's whole group: a device may be a shell with programs of its own. Only once,
    /// while the number is surely the group's.
    fn kill_group(&mut self) {
        if let Some(group) = self.group.take() {
            // An error means that there is nobody left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// Reads lines of any length and any bytes in bounded memory.
async fn read_lines(mut output: impl AsyncRead + Unpin, console: Arc<Console>) {
    let mut chunk = [0; 4096];
    let mut line = Vec::with_capacity(KEPT_LINE_BYTES);
    loop {
        let count = match output.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        for &byte in &chunk[..count] {
            if byte == b'\n' {
                console.push(String::from_utf8_lossy(&line).trim_end_matches('\r'));
                line.clear();
            } else if line.len() < KEPT_LINE_BYTES {
                line.push(byte);
            }
        }
    }
    if !line.is_empty() {
        console.push(&String::from_utf8_lossy(&line));
    }
}
