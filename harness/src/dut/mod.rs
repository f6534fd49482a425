//! The device under test: how it is started, what its firmware is, and what its process does.

pub mod availability;
pub mod external;
pub mod firmware;
pub mod host;
pub mod launch;
pub mod named_setting;
pub mod partitions;
pub mod process;
pub mod qemu;
pub mod settings;

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
pub use qemu::Qemu;

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
    /// A command of its `[power]` did not succeed.
    #[error("[power]: `{command}`: {how}")]
    PowerCommand {
        /// The program.
        command: String,
        /// What went wrong, with what it said.
        how: String,
    },
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
    /// There is no firmware to run.
    #[error("there is no image of its firmware; --elf names one")]
    NoImage,
    /// The image that was given is none for this board.
    #[error("{path}: {problem}")]
    Image {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The emulator does not do as its control socket is told.
    #[error("QEMU's control socket: {0}")]
    Qmp(String),
    /// It has no such part, or no such control.
    #[error("this kind of device cannot {0}")]
    Unsupported(&'static str),
}

/// What can be done to a device that is emulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// A reset, with memory and flash as they are.
    Reset,
    /// Stops its CPU, and with it its clock.
    Pause,
    /// Lets its CPU go on.
    Resume,
    /// Pulls (`false`) or plugs in (`true`) its network cable.
    Link(bool),
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

    /// Turns its power off in the middle of a case, to be turned on again: as [`Self::cut_power`], and by a command
    /// where the harness does not hold the device itself.
    ///
    /// # Errors
    /// See [`DutError`].
    async fn switch_off(&mut self) -> Result<(), DutError> {
        self.cut_power().await;
        Ok(())
    }

    /// The life of its process; `None` without one.
    fn life(&self) -> Option<Life>;

    /// How one learns that it is ready.
    fn ready(&self) -> Ready;

    /// Erases its flash, while its power is off.
    ///
    /// # Errors
    /// See [`DutError`].
    async fn erase_flash(&mut self) -> Result<(), DutError>;

    /// Does something to it that only an emulator can.
    ///
    /// # Errors
    /// See [`DutError`].
    async fn control(&mut self, _control: Control) -> Result<(), DutError> {
        Err(DutError::Unsupported("be controlled by an emulator"))
    }

    /// The register that its lamps hang on: bit 0 the lamp, bit 1 the beeper.
    ///
    /// # Errors
    /// See [`DutError`].
    async fn led_register(&mut self) -> Result<u32, DutError> {
        Err(DutError::Unsupported("show a register"))
    }

    /// What its memory holds.
    ///
    /// # Errors
    /// See [`DutError`].
    async fn memory(&mut self, _place: qemu::Memory) -> Result<Vec<u8>, DutError> {
        Err(DutError::Unsupported("show its memory"))
    }

    /// Whether what runs the device still does: an emulator can hang.
    ///
    /// # Errors
    /// See [`DutError`].
    async fn responds(&mut self) -> Result<(), DutError> {
        Ok(())
    }
}
