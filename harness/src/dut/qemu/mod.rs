//! The reference device in QEMU: firmware on an emulated board, its frames on the bench's wire.

mod command;
mod esp32s3;
mod flash;
mod kc705;
pub mod qmp;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::qmp::Qmp;
use super::host::{encoded, file_error, store_config};
use super::{Boot, Control, Device, DutError, Launch, Life, Process, Ready};
use crate::evidence::Console;
use crate::lab::FramePort;
use crate::profile::{Machine, QemuSettings};

/// How long the firmware may take from QEMU's start to its ready line.
const READY: Duration = Duration::from_secs(30);
/// The board's LED register, as QEMU's monitor reads it (`kc705`: FPGA registers, offset 8).
const LED_REGISTER: u32 = 0x9d02_0008;

/// Real nanoseconds that each instruction takes by the board's clock under `-icount`, as a power of 2.
const ICOUNT_SHIFT: u32 = 5;
/// CPU cycles that each instruction takes then: the board's clock has 40 MHz.
pub const CYCLES_PER_INSTRUCTION: f64 = (1 << ICOUNT_SHIFT) as f64 * 0.04;

/// A part of the board's memory (`firmware/boards/kc705/link.ld`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// The stack, lowest address first: it grows down.
    Stack,
    /// The word that counts cycles at work (`firmware/boards/kc705/src/load.rs`).
    CyclesAtWork,
}

impl Memory {
    /// Address and length in bytes.
    const fn place(self) -> (u32, u32) {
        match self {
            Self::Stack => (0x6000_0000, 256 << 10),
            Self::CyclesAtWork => (0x6004_0800, 4),
        }
    }
}

/// The files of one emulated board.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Files {
    /// The firmware: for `kc705` the program, for `esp32s3` what the flash chip holds.
    image: Option<PathBuf>,
    /// The boot configuration, which QEMU's loader puts into memory at every reset.
    config: PathBuf,
    /// What the flash chip holds.
    flash: PathBuf,
    /// QEMU's control socket.
    control: PathBuf,
    /// Where a debugger may connect.
    debugger: PathBuf,
}

impl Files {
    fn image(&self) -> Result<&Path, DutError> {
        self.image.as_deref().ok_or(DutError::NoImage)
    }

    /// The fuses of an `esp32s3`.
    fn fuses(&self) -> PathBuf {
        self.flash.with_file_name("fuses")
    }
}

/// Where a debugger may connect to the device of the bench whose folder this is.
pub fn debugger(folder: &Path) -> PathBuf {
    folder.join("gdb")
}

/// A board in QEMU.
#[derive(Debug)]
pub struct Qemu {
    settings: QemuSettings,
    port: FramePort,
    files: Files,
    process: Option<Process>,
    qmp: Option<Qmp>,
}

impl Qemu {
    /// A board that is off. Its configuration, flash and control socket are files in `folder`.
    pub fn new(settings: &QemuSettings, port: FramePort, folder: &Path) -> Self {
        Self {
            settings: settings.clone(),
            files: Files {
                image: settings.elf.clone(),
                config: folder.join("config"),
                flash: folder.join("flash"),
                control: folder.join("qmp"),
                debugger: debugger(folder),
            },
            port,
            process: None,
            qmp: None,
        }
    }

    /// Writes the files that the machine starts from, and gives its command line.
    async fn wire(&self, boot: &Boot) -> Result<Launch, DutError> {
        let (files, program) = (&self.files, &self.settings.program);
        match self.settings.machine {
            Machine::Kc705 => {
                store_config(&boot.config, &files.config).await?;
                if !files.flash.exists() {
                    flash::blank(&files.flash).map_err(|e| file_error(&files.flash, e))?;
                }
                kc705::launch(program, files, &self.port)
            }
            Machine::Esp32s3 => {
                esp32s3::store(files, &encoded(&boot.config)?)?;
                Ok(esp32s3::launch(program, files, &self.port))
            }
        }
    }

    async fn qmp(&mut self) -> Result<&mut Qmp, DutError> {
        match &mut self.qmp {
            Some(_) => {}
            none => *none = Some(Qmp::connect(&self.files.control).await?),
        }
        self.qmp
            .as_mut()
            .ok_or(DutError::Unsupported("be asked while it is off"))
    }
}

#[async_trait]
impl Device for Qemu {
    async fn power_on(&mut self, boot: &Boot, console: &Arc<Console>) -> Result<(), DutError> {
        self.cut_power().await;
        let mut launch = self.wire(boot).await?;
        if self.settings.count_instructions {
            let clock = format!("shift={ICOUNT_SHIFT},sleep=on");
            launch.arguments.extend(["-icount".into(), clock.into()]);
        }
        // Sockets of an earlier start would be mistaken for this one's.
        for socket in [&self.files.control, &self.files.debugger] {
            let _ = tokio::fs::remove_file(socket).await;
        }
        self.process = Some(Process::start(&launch, console)?);
        Ok(())
    }

    async fn cut_power(&mut self) {
        self.qmp = None;
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
        tokio::fs::remove_file(&self.files.flash)
            .await
            .map_err(|source| file_error(&self.files.flash, source))
    }

    async fn control(&mut self, control: Control) -> Result<(), DutError> {
        let qmp = self.qmp().await?;
        let (command, arguments) = match control {
            Control::Reset => ("system_reset", serde_json::json!({})),
            Control::Pause => ("stop", serde_json::json!({})),
            Control::Resume => ("cont", serde_json::json!({})),
            Control::Link(up) => (
                "set_link",
                serde_json::json!({ "name": command::NETDEV, "up": up }),
            ),
        };
        qmp.execute(command, arguments).await.map(drop)
    }

    async fn led_register(&mut self) -> Result<u32, DutError> {
        if self.settings.machine != Machine::Kc705 {
            return Err(DutError::Unsupported("show its lamp's register"));
        }
        self.qmp().await?.word(LED_REGISTER).await
    }

    async fn memory(&mut self, place: Memory) -> Result<Vec<u8>, DutError> {
        if self.settings.machine != Machine::Kc705 {
            return Err(DutError::Unsupported("show its memory"));
        }
        let (address, length) = place.place();
        let file = self.files.control.with_file_name("memory");
        let arguments = serde_json::json!({ "val": address, "size": length, "filename": file });
        self.qmp().await?.execute("pmemsave", arguments).await?;
        let bytes = tokio::fs::read(&file).await;
        bytes.map_err(|source| file_error(&file, source))
    }

    async fn responds(&mut self) -> Result<(), DutError> {
        if self.qmp.is_none() && !self.files.control.exists() {
            // It has only just been started, or is off.
            return Ok(());
        }
        let qmp = self.qmp().await?;
        qmp.execute("query-status", serde_json::json!({}))
            .await
            .map(drop)
    }
}
