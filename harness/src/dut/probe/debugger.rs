//! What the harness asks of a debug probe. Everything here blocks; `super::link` puts a bound on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// A debug probe that is plugged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundProbe {
    /// What it calls itself.
    pub name: String,
    /// Its serial number, when it has one.
    pub serial: Option<String>,
    /// Whether this user may open it.
    pub accessible: bool,
}

/// What a board boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The ELF file, in ESP-IDF's sense: with an application descriptor.
    pub elf: PathBuf,
    /// The partition table, ESP-IDF's text form.
    pub partition_table: PathBuf,
}

/// The debug probes of this machine.
#[cfg_attr(test, mockall::automock)]
pub trait Probes: Send + Sync {
    /// All that are plugged in.
    ///
    /// # Errors
    /// See [`ProbeError`].
    fn list(&self) -> Result<Vec<FoundProbe>, ProbeError>;

    /// Opens the probe with this serial number and attaches to the chip behind it.
    ///
    /// # Errors
    /// See [`ProbeError`].
    fn attach(&self, serial: &str, chip: &str) -> Result<Box<dyn Chip>, ProbeError>;
}

/// A chip behind a probe. Dropping it lets go of the probe, and leaves the chip as it is.
#[cfg_attr(test, mockall::automock)]
pub trait Chip: Send {
    /// Writes bootloader, partition table and image, and reads them back.
    ///
    /// # Errors
    /// See [`ProbeError`].
    fn flash(&mut self, image: &Image) -> Result<(), ProbeError>;

    /// Erases the pages from `offset` on and writes `bytes` there, and reads them back. Bytes from
    /// the flash's start.
    ///
    /// # Errors
    /// See [`ProbeError`].
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), ProbeError>;

    /// Resets the chip, and lets it run. What is left in memory of the RTT console of the program
    /// `elf` is forgotten, so that it is not taken for the new one.
    ///
    /// # Errors
    /// See [`ProbeError`].
    fn reset(&mut self, elf: &Path) -> Result<(), ProbeError>;

    /// Resets the chip, and keeps it from running.
    ///
    /// # Errors
    /// See [`ProbeError`].
    fn hold(&mut self) -> Result<(), ProbeError>;

    /// Looks for the RTT console of the program `elf`. `false` while the program has not set it up.
    ///
    /// # Errors
    /// See [`ProbeError`].
    fn find_console(&mut self, elf: &Path) -> Result<bool, ProbeError>;

    /// Takes what the console holds; 0 bytes when that is nothing.
    ///
    /// # Errors
    /// See [`ProbeError`].
    fn read_console(&mut self, buffer: &mut [u8]) -> Result<usize, ProbeError>;
}

/// Why a probe does not do as it is told: what is wrong, and what to check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// This build has no probes in it.
    #[error(
        "this firmproof was built without debug probes; build it with `cargo build --release --features probe`"
    )]
    NotBuiltIn,
    /// No probe has the serial number.
    #[error("no probe has the serial number {serial}; {}; check its cable, its power and `serial` in the rig", seen(.found))]
    NotFound {
        /// The rig's.
        serial: String,
        /// Serial numbers that are there.
        found: Vec<String>,
    },
    /// Several probes have the serial number.
    #[error(
        "{count} probes have the serial number {serial}; unplug all but one, or give them different ones"
    )]
    Ambiguous {
        /// The rig's.
        serial: String,
        /// How many.
        count: usize,
    },
    /// The operating system does not let this user open the probe.
    #[error("the probe {serial} cannot be opened by this user; ci/rig.md has the udev rules")]
    NotAllowed {
        /// The rig's.
        serial: String,
    },
    /// The probe or the chip does not answer as it should.
    #[error("attaching to the chip failed: {0}; check the wiring and the chip's power")]
    Attach(String),
    /// Another chip hangs on the probe.
    #[error(
        "the chip is {found}, and the rig says {wanted}; check `chip`, or which board the probe is on"
    )]
    WrongChip {
        /// The rig's.
        wanted: String,
        /// What is there.
        found: String,
    },
    /// The image cannot be used.
    #[error("{}: {reason}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The flash could not be erased or written.
    #[error("writing the flash failed: {0}; check the chip's power and the cable")]
    Flash(String),
    /// What was written reads back as something else.
    #[error(
        "the flash holds something else than was written; try again, then suspect the flash chip or its power"
    )]
    Verify,
    /// The program has no console, or does not come that far.
    #[error(
        "the program set up no console within {} s; it does not start, or is another program than the rig's `elf`",
        .0.as_secs()
    )]
    NoConsole(Duration),
    /// The probe or the chip went away.
    #[error("the connection to the chip was lost: {0}; check the cable, the hub and the power")]
    Lost(String),
    /// It did not happen in time.
    #[error("{what} took longer than {} s; unplug the probe and plug it in again", limit.as_secs())]
    TimedOut {
        /// What was asked.
        what: &'static str,
        /// The bound.
        limit: Duration,
    },
}

fn seen(serials: &[String]) -> String {
    if serials.is_empty() {
        "no probe is plugged in".into()
    } else {
        format!("there are {}", serials.join(", "))
    }
}

/// Picks the one probe with this serial number.
///
/// # Errors
/// [`ProbeError::NotFound`], [`ProbeError::Ambiguous`], [`ProbeError::NotAllowed`].
pub fn pick<'a>(found: &'a [FoundProbe], serial: &str) -> Result<&'a FoundProbe, ProbeError> {
    let has = |probe: &&FoundProbe| probe.serial.as_deref() == Some(serial);
    let mut matching = found.iter().filter(has);
    let Some(probe) = matching.next() else {
        return Err(ProbeError::NotFound {
            serial: serial.into(),
            found: found.iter().filter_map(|p| p.serial.clone()).collect(),
        });
    };
    let others = matching.count();
    if others > 0 {
        return Err(ProbeError::Ambiguous {
            serial: serial.into(),
            count: others + 1,
        });
    }
    if !probe.accessible {
        return Err(ProbeError::NotAllowed {
            serial: serial.into(),
        });
    }
    Ok(probe)
}

/// The probes of a `firmproof` that was built without any.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProbes;

impl Probes for NoProbes {
    fn list(&self) -> Result<Vec<FoundProbe>, ProbeError> {
        Err(ProbeError::NotBuiltIn)
    }

    fn attach(&self, _: &str, _: &str) -> Result<Box<dyn Chip>, ProbeError> {
        Err(ProbeError::NotBuiltIn)
    }
}
