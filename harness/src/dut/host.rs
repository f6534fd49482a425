//! The reference device as a process of this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use firmproof_bootconfig::{BootConfig, MAX_ENCODED_LEN};

use super::{Boot, Device, DutError, Launch, Life, Process, Ready};
use crate::evidence::Console;
use crate::lab::FramePort;

/// How long the device may take to become ready.
const READY: Duration = Duration::from_secs(10);

/// The reference device, a child of the harness's own program.
#[derive(Debug)]
pub struct Host {
    program: PathBuf,
    port: FramePort,
    config: PathBuf,
    flash: PathBuf,
    process: Option<Process>,
}

impl Host {
    /// A device that is off. `program` is the `firmproof` command; configuration and flash are
    /// files in `folder`.
    pub fn new(program: &Path, port: FramePort, folder: &Path) -> Self {
        Self {
            program: program.into(),
            port,
            config: folder.join("config"),
            flash: folder.join("flash"),
            process: None,
        }
    }
}

#[async_trait]
impl Device for Host {
    async fn power_on(&mut self, boot: &Boot, console: &Arc<Console>) -> Result<(), DutError> {
        self.cut_power().await;
        store_config(&boot.config, &self.config).await?;
        let launch = Launch::host(&self.program, &self.port, &self.config, &self.flash);
        self.process = Some(Process::start(&launch, console)?);
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
        Ready::Line("event=ready".into(), READY)
    }

    async fn erase_flash(&mut self) -> Result<(), DutError> {
        tokio::fs::remove_file(&self.flash)
            .await
            .map_err(|source| file_error(&self.flash, source))
    }
}

/// Writes the boot configuration in the format that devices read.
pub(super) async fn store_config(config: &BootConfig, file: &Path) -> Result<(), DutError> {
    tokio::fs::write(file, encoded(config)?)
        .await
        .map_err(|source| file_error(file, source))
}

/// The boot configuration in the format that devices read.
pub(super) fn encoded(config: &BootConfig) -> Result<Vec<u8>, DutError> {
    let mut stored = vec![0; MAX_ENCODED_LEN];
    let length = firmproof_bootconfig::encode(config, &mut stored)
        .map_err(|error| DutError::Config(error.to_string()))?;
    stored.truncate(length);
    Ok(stored)
}

pub(super) fn file_error(file: &Path, source: std::io::Error) -> DutError {
    DutError::File {
        path: file.display().to_string(),
        source,
    }
}
