//! A board behind a debug probe: its image in flash, its boot configuration in a partition, its
//! console over RTT, its power on a switch where the rig has one.

pub mod debugger;
mod link;
pub mod power;
#[cfg(feature = "probe")]
pub mod probe_rs;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use firmproof_bootconfig::{BootConfig, MAX_ENCODED_LEN, WifiCredentials};
use tokio::sync::watch;

use super::partitions::{self, TableError};
use super::{Boot, Device, DutError, Life, Ready};
use crate::dut::process::POWER_CUT;
use crate::evidence::Console;
pub use debugger::{Chip, FoundProbe, Image, NoProbes, ProbeError, Probes};
use link::{Link, Reader};
pub use power::{PowerCommands, PowerError, PowerSwitch};

/// From reset to ready line, with joining a Wi-Fi network twice.
const READY: Duration = Duration::from_secs(60);
/// Bounds of what a probe is asked.
#[derive(Debug, Clone, Copy)]
struct Limits {
    attach: Duration,
    flash: Duration,
    write: Duration,
    reset: Duration,
    console: Duration,
    stop: Duration,
}

impl Limits {
    /// With room for a slow hub.
    const DEFAULT: Self = Self {
        attach: Duration::from_secs(20),
        flash: Duration::from_secs(180),
        write: Duration::from_secs(30),
        reset: Duration::from_secs(10),
        console: Duration::from_secs(10),
        stop: Duration::from_secs(5),
    };
}

/// Between two looks for the console of a program that has just started.
const CONSOLE_LOOK: Duration = Duration::from_millis(20);

/// One board of a rig, as the harness reaches it.
#[derive(Clone)]
pub struct Wiring {
    /// The board's name in the rig; every error begins with it.
    pub board: String,
    /// Serial number of its probe.
    pub serial: String,
    /// The chip, as probe-rs calls it.
    pub chip: String,
    /// What it boots.
    pub image: Image,
    /// Its Wi-Fi network; `None` for a board that has none.
    pub wifi: Option<WifiCredentials>,
    /// The switch of its power; `None` when it is always on.
    pub power: Option<Arc<dyn PowerSwitch>>,
    /// The probes of this machine.
    pub probes: Arc<dyn Probes>,
}

impl fmt::Debug for Wiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Wiring");
        shown.field("board", &self.board).finish_non_exhaustive()
    }
}

/// What went wrong with a board of the rig.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("board {board}: {trouble}")]
pub struct BoardError {
    /// Which board.
    pub board: String,
    /// What it is.
    pub trouble: Trouble,
}

/// Where the trouble is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// With its probe, or the chip behind it.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// With its power.
    #[error(transparent)]
    Power(#[from] PowerError),
    /// With the partition table that the harness knows.
    #[error(transparent)]
    Partitions(#[from] TableError),
    /// With what is to be stored on it.
    #[error("{0}")]
    Config(String),
}

/// What holds the chip.
enum Hold {
    /// Nobody: its power may be off.
    None,
    /// The harness, which reads no console.
    Link(Link),
    /// The task that reads its console.
    Console(Running),
}

struct Running {
    life: Life,
    stop: Arc<watch::Sender<bool>>,
    back: tokio::task::JoinHandle<Option<Link>>,
}

/// A board of the rig as a device under test.
pub struct Probe {
    wiring: Wiring,
    limits: Limits,
    hold: Hold,
    powered: bool,
    /// What went wrong when nobody could be told.
    broken: Option<Trouble>,
}

impl Probe {
    /// A board whose state nobody knows yet.
    pub fn new(wiring: Wiring) -> Self {
        Self {
            wiring,
            limits: Limits::DEFAULT,
            hold: Hold::None,
            powered: false,
            broken: None,
        }
    }

    /// Attaches, and tries once more when that hangs, after a power cycle where there is a switch.
    async fn attach(&mut self) -> Result<Link, Trouble> {
        if !self.powered {
            if let Some(power) = &self.wiring.power {
                power.on().await?;
            }
            self.powered = true;
        }
        let (wiring, limit) = (self.wiring.clone(), self.limits.attach);
        let attach = || {
            Link::attach(
                wiring.probes.clone(),
                wiring.serial.clone(),
                wiring.chip.clone(),
                limit,
            )
        };
        match attach().await {
            Err(ProbeError::TimedOut { .. }) => {
                if let Some(power) = &self.wiring.power {
                    power.off().await?;
                    power.on().await?;
                }
                Ok(attach().await?)
            }
            attached => Ok(attached?),
        }
    }

    /// Takes the chip away from whoever holds it.
    async fn take(&mut self) -> Result<Link, Trouble> {
        match std::mem::replace(&mut self.hold, Hold::None) {
            Hold::Link(link) => Ok(link),
            Hold::Console(running) => match running.end().await {
                Some(link) => Ok(link),
                None => self.attach().await,
            },
            Hold::None => self.attach().await,
        }
    }

    async fn tell<T: Send + 'static>(
        &mut self,
        what: &'static str,
        limit: Duration,
        work: impl FnOnce(&mut dyn Chip) -> Result<T, ProbeError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let link = self.take().await?;
        let (link, done) = link.tell(what, limit, work).await;
        // A chip that failed is attached to anew: what it is in the middle of, nobody knows.
        if let (Some(link), Ok(_)) = (link, &done) {
            self.hold = Hold::Link(link);
        }
        Ok(done?)
    }

    /// Writes the image into the first slot, and reads it back.
    ///
    /// # Errors
    /// With the board's name.
    pub async fn flash(&mut self) -> Result<(), BoardError> {
        let done = self.flash_first_slot().await;
        self.named(done)
    }

    async fn flash_first_slot(&mut self) -> Result<(), Trouble> {
        let image = self.wiring.image.clone();
        let limit = self.limits.flash;
        self.tell("flashing", limit, move |chip| chip.flash(&image))
            .await?;
        // An update before may have left the other slot selected.
        self.erase("otadata").await
    }

    async fn erase(&mut self, partition: &'static str) -> Result<(), Trouble> {
        let place = region(partition)?;
        let blank = vec![0xff; place.len()];
        let limit = self.limits.write;
        self.tell("erasing flash", limit, move |chip| {
            chip.write(place.start, &blank)
        })
        .await
    }

    async fn start(&mut self, config: &BootConfig, console: &Arc<Console>) -> Result<(), Trouble> {
        if let Some(trouble) = self.broken.take() {
            return Err(trouble);
        }
        let page = config_page(config, self.wiring.wifi.as_ref())?;
        let place = region("boot_config")?;
        let (limit, elf) = (self.limits, self.wiring.image.elf.clone());
        self.tell("writing the configuration", limit.write, move |chip| {
            chip.write(place.start, &page)
        })
        .await?;
        self.tell("a reset", limit.reset, move |chip| chip.reset(&elf))
            .await?;
        self.find_console().await?;
        let link = self.take().await?;
        self.hold = Hold::Console(Running::new(link.read(console.clone()), self.limits.stop));
        Ok(())
    }

    async fn find_console(&mut self) -> Result<(), Trouble> {
        let began = tokio::time::Instant::now();
        let limit = self.limits.console;
        while began.elapsed() < limit {
            let elf = self.wiring.image.elf.clone();
            let look = move |chip: &mut dyn Chip| chip.find_console(&elf);
            if self.tell("looking for the console", limit, look).await? {
                return Ok(());
            }
            // The program sets it up early; nothing tells when.
            tokio::time::sleep(CONSOLE_LOOK).await;
        }
        Err(ProbeError::NoConsole(limit).into())
    }

    /// Power off where there is a switch; otherwise the chip is held in reset, so that it says nothing
    /// more.
    async fn stop(&mut self) -> Result<(), Trouble> {
        if let Some(power) = self.wiring.power.clone() {
            if let Hold::Console(running) = std::mem::replace(&mut self.hold, Hold::None) {
                running.end().await;
            }
            if std::mem::take(&mut self.powered) {
                power.off().await?;
            }
            return Ok(());
        }
        if matches!(self.hold, Hold::None) {
            return Ok(());
        }
        let limit = self.limits.reset;
        self.tell("holding the chip", limit, |chip| chip.hold())
            .await
    }

    fn named<T>(&self, done: Result<T, Trouble>) -> Result<T, BoardError> {
        done.map_err(|trouble| BoardError {
            board: self.wiring.board.clone(),
            trouble,
        })
    }
}

impl Running {
    /// Watches over a console that is being read.
    fn new(mut reader: Reader, limit: Duration) -> Self {
        let (ended, life) = Life::of_a_board();
        let stop = Arc::new(watch::channel(false).0);
        let mut stopped = stop.subscribe();
        let back = tokio::spawn(async move {
            tokio::select! {
                (_, error) = reader.lost() => {
                    // The link is dropped: a new one begins with a new attach.
                    ended.send_replace(Some(error.to_string()));
                    None
                }
                // `changed` and not `wait_for`: what that returns is not `Send`.
                _ = stopped.changed() => {
                    reader.stop();
                    let back = tokio::time::timeout(limit, reader.lost()).await;
                    ended.send_replace(Some(POWER_CUT.into()));
                    back.ok().and_then(|(link, _)| link)
                }
            }
        });
        Self { life, stop, back }
    }

    /// Ends the reading, and gives the chip back when it can be had.
    async fn end(self) -> Option<Link> {
        self.stop.send_replace(true);
        self.back.await.ok().flatten()
    }
}

#[async_trait]
impl Device for Probe {
    async fn power_on(&mut self, boot: &Boot, console: &Arc<Console>) -> Result<(), DutError> {
        let done = self.start(&boot.config, console).await;
        Ok(self.named(done)?)
    }

    async fn cut_power(&mut self) {
        if let Err(trouble) = self.stop().await {
            self.broken = Some(trouble);
        }
    }

    fn life(&self) -> Option<Life> {
        match &self.hold {
            Hold::Console(running) => Some(running.life.clone()),
            Hold::Link(_) | Hold::None => None,
        }
    }

    fn ready(&self) -> Ready {
        Ready::Line("event=ready".into(), READY)
    }

    async fn erase_flash(&mut self) -> Result<(), DutError> {
        let done = self.erase("state").await;
        Ok(self.named(done)?)
    }
}

/// Where a partition is in the flash.
fn region(name: &'static str) -> Result<Range<u32>, Trouble> {
    let layout = partitions::layout()?;
    let found = layout.into_iter().find(|partition| partition.name == name);
    let partition = found.ok_or_else(|| {
        Trouble::Config(format!(
            "firmware/boards/esp32s3/partitions.csv has no `{name}`"
        ))
    })?;
    Ok(partition.offset..partition.offset + partition.size)
}

/// The page with the boot configuration, and behind it the Wi-Fi credentials.
fn config_page(config: &BootConfig, wifi: Option<&WifiCredentials>) -> Result<Vec<u8>, Trouble> {
    let refused = |error: firmproof_bootconfig::EncodeError| Trouble::Config(error.to_string());
    let mut page = vec![0xff; region("boot_config")?.len()];
    let (first, second) = page.split_at_mut(WifiCredentials::PARTITION_OFFSET);
    const { assert!(WifiCredentials::PARTITION_OFFSET >= MAX_ENCODED_LEN) };
    firmproof_bootconfig::encode(config, first).map_err(refused)?;
    if let Some(wifi) = wifi {
        wifi.check()
            .map_err(|out| Trouble::Config(out.to_string()))?;
        wifi.encode(second).map_err(refused)?;
    }
    Ok(page)
}
