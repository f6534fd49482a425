//! The reference device in QEMU: firmware on an emulated board, its frames on the bench's wire.

mod flash;
mod kc705;
pub mod qmp;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::qmp::Qmp;
use super::host::{file_error, store_config};
use super::{Boot, Control, Device, DutError, Life, Process, Ready};
use crate::evidence::Console;
use crate::lab::FramePort;
use crate::profile::QemuSettings;

/// How long the firmware may take from QEMU's start to its ready line.
const READY: Duration = Duration::from_secs(20);
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
    /// The program for the CPU.
    elf: PathBuf,
    /// The boot configuration, which QEMU's loader puts into memory at every reset.
    config: PathBuf,
    /// What the flash chip holds.
    flash: PathBuf,
    /// QEMU's control socket.
    control: PathBuf,
}

/// A board in QEMU.
#[derive(Debug)]
pub struct Qemu {
    program: String,
    count_instructions: bool,
    port: FramePort,
    files: Files,
    process: Option<Process>,
    qmp: Option<Qmp>,
}

impl Qemu {
    /// A board that is off. Its configuration, flash and control socket are files in `folder`.
    pub fn new(settings: &QemuSettings, port: FramePort, folder: &Path) -> Self {
        Self {
            program: settings.program.clone(),
            count_instructions: settings.count_instructions,
            files: Files {
                elf: settings.elf(),
                config: folder.join("config"),
                flash: folder.join("flash"),
                control: folder.join("qmp"),
            },
            port,
            process: None,
            qmp: None,
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
        if !self.files.elf.is_file() {
            return Err(DutError::NoFirmware(self.files.elf.display().to_string()));
        }
        store_config(&boot.config, &self.files.config).await?;
        if !self.files.flash.exists() {
            flash::blank(&self.files.flash).map_err(|e| file_error(&self.files.flash, e))?;
        }
        // A socket of an earlier start would be mistaken for this one's.
        let _ = tokio::fs::remove_file(&self.files.control).await;
        let mut launch = kc705::launch(&self.program, &self.files, &self.port);
        if self.count_instructions {
            let clock = format!("shift={ICOUNT_SHIFT},sleep=on");
            launch.arguments.extend(["-icount".into(), clock.into()]);
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
                serde_json::json!({ "name": kc705::NETDEV, "up": up }),
            ),
        };
        qmp.execute(command, arguments).await.map(drop)
    }

    async fn led_register(&mut self) -> Result<u32, DutError> {
        self.qmp().await?.word(LED_REGISTER).await
    }

    async fn memory(&mut self, place: Memory) -> Result<Vec<u8>, DutError> {
        let (address, length) = place.place();
        let file = self.files.control.with_file_name("memory");
        let arguments = serde_json::json!({ "val": address, "size": length, "filename": file });
        self.qmp().await?.execute("pmemsave", arguments).await?;
        let bytes = tokio::fs::read(&file).await;
        bytes.map_err(|source| file_error(&file, source))
    }

    async fn responds(&mut self) -> Result<(), DutError> {
        let qmp = self.qmp().await?;
        qmp.execute("query-status", serde_json::json!({}))
            .await
            .map(drop)
    }
}
