//! A program that we did not write, or a device that runs already.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Boot, Device, DutError, Launch, Life, Process, Ready, settings};
use crate::evidence::Console;
use crate::profile::Start;

/// How long a device that is not ours to start may take until its HTTP port is open.
const READY: Duration = Duration::from_secs(10);

/// A device on the operating system's sockets.
#[derive(Debug)]
pub struct External {
    start: Option<Start>,
    process: Option<Process>,
}

impl External {
    /// A program that is off, or, without `start`, a device that runs already.
    pub fn new(start: Option<Start>) -> Self {
        Self {
            start,
            process: None,
        }
    }
}

#[async_trait]
impl Device for External {
    async fn power_on(&mut self, boot: &Boot, console: &Arc<Console>) -> Result<(), DutError> {
        self.cut_power().await;
        if let Some(start) = &self.start {
            let mqtt = boot.config.mqtt.as_ref();
            let asked = mqtt.map(|mqtt| settings::arguments(&start.settings, mqtt));
            let asked = asked.transpose()?.unwrap_or_default();
            let launch = Launch::external(start, &boot.places, asked)?;
            self.process = Some(Process::start(&launch, console)?);
        }
        Ok(())
    }

    async fn cut_power(&mut self) {
        if let Some(process) = self.process.take() {
            process.cut_power().await;
        }
    }

    fn life(&self) -> Option<Life> {
        self.process.as_ref().map(Process::life)
    }

    fn ready(&self) -> Ready {
        match &self.start {
            Some(start) => {
                let deadline = Duration::from_secs(start.deadline_s.into());
                match &start.ready_line {
                    Some(text) => Ready::Line(text.clone(), deadline),
                    None => Ready::Port(deadline),
                }
            }
            None => Ready::Port(READY),
        }
    }

    async fn erase_flash(&mut self) -> Result<(), DutError> {
        Err(DutError::Unsupported("erase its flash"))
    }
}
