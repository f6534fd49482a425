//! A program that we did not write, or a device that runs already.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::host::file_error;
use super::launch::fill;
use super::{Boot, Device, DutError, Launch, Life, Process, Ready, settings};
use crate::evidence::Console;
use crate::profile::{Power, Profile, Start};

/// How long a command that switches the power may take.
const SWITCHING: Duration = Duration::from_secs(60);

/// A device on the operating system's sockets.
#[derive(Debug)]
pub struct External {
    start: Option<Start>,
    power: Power,
    /// How long a device that is not ours to start may take until its HTTP port is open.
    wait: Duration,
    folder: PathBuf,
    process: Option<Process>,
    places: BTreeMap<String, String>,
}

impl External {
    /// A program that is off, or, without `start`, a device that runs already. Its files are in `folder`.
    pub fn new(profile: &Profile, folder: &Path) -> Self {
        Self {
            start: profile.start.clone(),
            power: profile.power.clone(),
            wait: Duration::from_secs(profile.at.wait_s.into()),
            folder: folder.into(),
            process: None,
            places: BTreeMap::new(),
        }
    }

    /// Writes the files that the program reads.
    async fn write_files(&self, start: &Start) -> Result<(), DutError> {
        for (name, template) in &start.files {
            let text = fill(template, &self.places)?;
            let file = self.folder.join(name);
            if let Some(folder) = file.parent() {
                tokio::fs::create_dir_all(folder)
                    .await
                    .map_err(|source| file_error(folder, source))?;
            }
            tokio::fs::write(&file, text)
                .await
                .map_err(|source| file_error(&file, source))?;
        }
        Ok(())
    }

    /// Runs a command that switches the power of a device which the harness does not start.
    async fn switch(&self, command: &[String]) -> Result<(), DutError> {
        let failed = |how: String| DutError::PowerCommand {
            command: command.join(" "),
            how,
        };
        let launch = Launch::command(command, &self.places)?;
        let running = tokio::process::Command::new(&launch.program)
            .args(&launch.arguments)
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(SWITCHING, running)
            .await
            .map_err(|_| failed(format!("not done within {} s", SWITCHING.as_secs())))?
            .map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(failed(format!("{}: {}", output.status, said.trim())))
    }
}

#[async_trait]
impl Device for External {
    async fn power_on(&mut self, boot: &Boot, console: &Arc<Console>) -> Result<(), DutError> {
        self.places.clone_from(&boot.places);
        let Some(start) = self.start.clone() else {
            return match (&self.power.reset, &self.power.off, &self.power.on) {
                (Some(reset), _, _) => self.switch(reset).await,
                (None, Some(off), Some(on)) => {
                    self.switch(off).await?;
                    self.switch(on).await
                }
                _ => Ok(()),
            };
        };
        self.cut_power().await;
        self.write_files(&start).await?;
        let mqtt = boot.config.mqtt.as_ref();
        let asked = mqtt.map(|mqtt| settings::arguments(&start.settings, mqtt));
        let asked = asked.transpose()?.unwrap_or_default();
        let launch = Launch::external(&start, &boot.places, asked)?;
        self.process = Some(Process::start(&launch, console)?);
        Ok(())
    }

    async fn cut_power(&mut self) {
        if let Some(process) = self.process.take() {
            process.cut_power().await;
        }
    }

    async fn switch_off(&mut self) -> Result<(), DutError> {
        match &self.power.off {
            Some(off) if self.start.is_none() => self.switch(off).await,
            _ => {
                self.cut_power().await;
                Ok(())
            }
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
            None => Ready::Port(self.wait),
        }
    }

    async fn erase_flash(&mut self) -> Result<(), DutError> {
        Err(DutError::Unsupported("erase its flash"))
    }
}
