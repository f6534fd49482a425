//! A device that is a process: its console is its output, its power is its life.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use super::Launch;
use crate::evidence::Console;
use crate::evidence::console::KEPT_LINE_BYTES;

/// A running process. Dropping it cuts its power.
#[derive(Debug)]
pub struct Process {
    child: Child,
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
        if let Some(output) = child.stdout.take() {
            tokio::spawn(read_lines(output, console.clone()));
        }
        if let Some(output) = child.stderr.take() {
            tokio::spawn(read_lines(output, console.clone()));
        }
        Ok(Self { child })
    }

    /// How the process ended, when it has.
    pub fn ended(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(Some(status)) => Some(status.to_string()),
            Ok(None) => None,
            Err(error) => Some(format!("its state cannot be read: {error}")),
        }
    }

    /// Whether a signal has ended the process, as one does that crashes; an exit status is the program's own.
    pub fn crashed(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(status)) if status.signal().is_some())
    }

    /// Waits until the process ends by itself.
    pub async fn wait(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => format!("its state cannot be read: {error}"),
        }
    }

    /// Ends the process at once, as a power cut ends a device: nothing is flushed, no FIN is sent
    /// by a stack of its own.
    pub async fn cut_power(mut self) {
        // An error means that the process has ended already, which is what is wanted.
        let _ = self.child.kill().await;
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
