//! A chip that answers in time, or is given up: every call to the blocking [`Chip`] runs on a thread
//! of its own and has a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use super::debugger::{Chip, ProbeError, Probes};
use crate::evidence::Console;
use crate::evidence::console::Lines;

/// Between two looks at a console that was empty.
const LOOK: Duration = Duration::from_millis(5);

/// A chip, and what is going on with it.
pub(super) struct Link(Box<dyn Chip>);

impl Link {
    /// Attaches within `limit`.
    pub(super) async fn attach(
        probes: Arc<dyn Probes>,
        serial: String,
        chip: String,
        limit: Duration,
    ) -> Result<Self, ProbeError> {
        let attaching = on_thread(move || probes.attach(&serial, &chip));
        bounded("attaching to the chip", limit, attaching)
            .await?
            .map(Self)
    }

    /// Has the chip do something within `limit`. Without an answer the chip is lost, with the thread
    /// that waits for it.
    pub(super) async fn tell<T: Send + 'static>(
        self,
        what: &'static str,
        limit: Duration,
        work: impl FnOnce(&mut dyn Chip) -> Result<T, ProbeError> + Send + 'static,
    ) -> (Option<Self>, Result<T, ProbeError>) {
        let mut chip = self.0;
        let working = on_thread(move || {
            let done = work(&mut *chip);
            (chip, done)
        });
        match bounded(what, limit, working).await {
            Ok((chip, done)) => (Some(Self(chip)), done),
            Err(error) => (None, Err(error)),
        }
    }

    /// Reads the console until [`Reader::stop`], each line to `console`.
    pub(super) fn read(self, console: Arc<Console>) -> Reader {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let mut chip = self.0;
        let reading = on_thread(move || {
            let mut lines = Lines::default();
            let mut buffer = [0; 1024];
            let end = loop {
                if stopped.load(Ordering::Relaxed) {
                    break Ok(());
                }
                match chip.read_console(&mut buffer) {
                    Ok(0) => std::thread::sleep(LOOK),
                    Ok(count) => lines.take(&buffer[..count.min(buffer.len())], &console),
                    Err(error) => break Err(error),
                }
            };
            lines.end(&console);
            (chip, end)
        });
        Reader { stop, reading }
    }
}

/// A console that is being read.
pub(super) struct Reader {
    stop: Arc<AtomicBool>,
    reading: oneshot::Receiver<(Box<dyn Chip>, Result<(), ProbeError>)>,
}

impl Reader {
    /// Waits until the connection is lost, which ends the reading. Cancelling this loses nothing.
    pub(super) async fn lost(&mut self) -> (Option<Link>, ProbeError) {
        match (&mut self.reading).await {
            Ok((chip, Err(error))) => (Some(Link(chip)), error),
            Ok((chip, Ok(()))) => (Some(Link(chip)), ProbeError::Lost("it was let go".into())),
            Err(_) => (None, crashed()),
        }
    }

    /// Asks the reading to end.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` on a thread that nobody has to wait for: one that hangs in a driver must not keep the
/// program from ending.
fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (done, result) = oneshot::channel();
    std::thread::spawn(move || {
        // Nobody waits any more when the time was up.
        let _ = done.send(work());
    });
    result
}

fn crashed() -> ProbeError {
    ProbeError::Lost("the thread that talks to the probe crashed".into())
}

async fn bounded<T>(
    what: &'static str,
    limit: Duration,
    work: oneshot::Receiver<T>,
) -> Result<T, ProbeError> {
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(crashed()),
        Err(_) => Err(ProbeError::TimedOut { what, limit }),
    }
}
