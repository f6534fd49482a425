//! The device under test: how it is started, what its firmware is, and what its process does.

pub mod external;
pub mod firmware;
pub mod host;
pub mod launch;
pub mod process;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use firmproof_bootconfig::BootConfig;

use crate::evidence::Console;
pub use external::External;
pub use host::Host;
pub use launch::{Launch, LaunchError};
pub use process::{Life, Process};

/// What a device is told at its start.
#[derive(Debug, Clone)]
pub struct Boot {
    /// The boot configuration, for devices that take it.
    pub config: BootConfig,
    /// Addresses of the peers, by the placeholder that stands for them in a command line.
    pub places: BTreeMap<String, String>,
}

/// How one learns that a device is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// By a console line that contains this text, within the deadline.
    Line(String, Duration),
    /// By its HTTP port, when it has one: open within the deadline.
    Port(Duration),
}

/// Why a device does not do as it is told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DutError {
    /// Its program cannot be started.
    #[error("the device cannot be started: {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// Its command line cannot be filled in.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// Its configuration does not fit the format.
    #[error("the boot configuration cannot be stored: {0}")]
    Config(String),
    /// A file of it cannot be written or removed.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// It has no such part, or no such control.
    #[error("this kind of device cannot {0}")]
    Unsupported(&'static str),
}

/// A device that the harness holds in its hands: its power, its flash, its console.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait Device: Send {
    /// Supplies power. What the device writes goes to `console`. A device that runs already, and is
    /// not the harness's to start, is left as it is.
    ///
    /// # Errors
    /// See [`DutError`].
    async fn power_on(&mut self, boot: &Boot, console: &Arc<Console>) -> Result<(), DutError>;

    /// Ends it at once: nothing is flushed, no FIN is sent. Its flash stays.
    async fn cut_power(&mut self);

    /// The life of its process; `None` without one.
    fn life(&self) -> Option<Life>;

    /// How one learns that it is ready.
    fn ready(&self) -> Ready;

    /// Erases its flash, while its power is off.
    ///
    /// # Errors
    /// See [`DutError`].
    async fn erase_flash(&mut self) -> Result<(), DutError>;
}
