//! How a device in QEMU is run.

use std::path::PathBuf;

use serde::Deserialize;

/// The `[qemu]` part of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QemuSettings {
    /// QEMU's program, by path or as `PATH` has it.
    pub program: String,
    /// The board.
    pub machine: Machine,
    /// The image. Without it `kc705` runs the one that `firmproof build` makes.
    pub elf: Option<PathBuf>,
    /// Whether the CPU's clock counts instructions (`-icount`); for `firmproof bench`.
    #[serde(skip)]
    pub count_instructions: bool,
}

impl Default for QemuSettings {
    fn default() -> Self {
        Self {
            program: "qemu-system-xtensa".into(),
            machine: Machine::default(),
            elf: None,
            count_instructions: false,
        }
    }
}

/// A board that QEMU emulates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Machine {
    /// Mainline QEMU's `kc705-nommu`; its image is an ELF file.
    #[default]
    Kc705,
    /// The machine `esp32s3` of Espressif's QEMU; its image is what the flash chip holds.
    Esp32s3,
}

impl Machine {
    /// What QEMU calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kc705 => "kc705-nommu",
            Self::Esp32s3 => "esp32s3",
        }
    }
}
