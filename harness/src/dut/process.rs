//! A device that is a process: its console is its output, its power is its life.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::{DutError, Launch};
use crate::evidence::Console;
use crate::evidence::console::KEPT_LINE_BYTES;

/// How long the output of an ended process may stay open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A running process and the processes that it started. Dropping it cuts its power.
#[derive(Debug)]
pub struct Process {
    life: Life,
    power: oneshot::Sender<()>,
}

/// How a process ended whose power the harness cut.
pub const POWER_CUT: &str = "its power was cut";

/// Whether a process still runs, for whoever wants to know.
#[derive(Debug, Clone)]
pub struct Life(watch::Receiver<Option<String>>);

impl Life {
    /// How the process ended, when it has.
    pub fn ended(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    /// Whether a signal has ended the process, as one does that crashes; an exit status is the program's own.
    pub fn crashed(&self) -> bool {
        // As `ExitStatus` writes it.
        self.ended().is_some_and(|how| how.starts_with("signal"))
    }

    /// Waits until the process has ended, and tells how.
    pub async fn end(mut self) -> String {
        match self.0.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            // The task that watches the process went with the runtime.
            Err(_) => "with the harness".into(),
        }
    }
}

impl Process {
    /// Starts the program; every line that it writes goes to `console`.
    ///
    /// # Errors
    /// The operating system's, as when there is no such program.
    pub fn start(launch: &Launch, console: &Arc<Console>) -> Result<Self, DutError> {
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.arguments)
            .envs(&launch.environment)
            .current_dir(launch.working_folder.as_deref().unwrap_or(Path::new(".")))
            // The reference device ends when its input does, so it cannot outlive the harness.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is the harness's to handle: it writes its results first, then ends the device.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|source| DutError::Start {
            program: launch.program.to_string_lossy().into_owned(),
            source,
        })?;
        let mut readers = JoinSet::new();
        if let Some(output) = child.stdout.take() {
            readers.spawn(read_lines(output, console.clone()));
        }
        if let Some(output) = child.stderr.take() {
            readers.spawn(read_lines(output, console.clone()));
        }
        let (power, cut) = oneshot::channel();
        let (ended, life) = watch::channel(None);
        tokio::spawn(watch_over(child, readers, cut, ended));
        Ok(Self {
            life: Life(life),
            power,
        })
    }

    /// Its life, to be watched.
    pub fn life(&self) -> Life {
        self.life.clone()
    }

    /// Ends the process at once, as a power cut ends a device: nothing is flushed, no FIN is sent
    /// by a stack of its own.
    pub async fn cut_power(self) {
        // An error means that the process has ended already, which is what is wanted.
        let _ = self.power.send(());
        self.life.end().await;
    }
}

/// The process group of a device, which may be a shell with programs of its own; it ends when this
/// is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            // An error means that there is nobody left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Tells how `child` ends: by itself, or because its power is cut or nobody holds it any more.
async fn watch_over(
    mut child: Child,
    mut readers: JoinSet<()>,
    cut: oneshot::Receiver<()>,
    ended: watch::Sender<Option<String>>,
) {
    // Held until the end: the reference device ends when its input does.
    let _input = child.stdin.take();
    let group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let how = tokio::select! {
        status = child.wait() => match status {
            Ok(status) => status.to_string(),
            Err(error) => format!("its state cannot be read: {error}"),
        },
        _ = cut => {
            // An error means that it has ended already, which is what is wanted.
            let _ = child.kill().await;
            POWER_CUT.into()
        }
    };
    drop(group);
    // Its last words are on the console before anybody hears that it has ended. A program that left
    // the group can hold the output open: that one is not waited for.
    let last_words = async { while readers.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
    ended.send_replace(Some(how));
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
