//! What all cases of a run on one device have in common.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::bench::Seat;
use crate::case::Verdict;
use crate::dut::firmware;
use crate::profile::{Kind, Profile};
use crate::result::{DutSummary, RunFolder};

/// Which captures are written to the run's folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Captures {
    /// Every case's
    All,
    /// Those of cases that failed or were inconclusive
    #[default]
    Failed,
    /// None
    None,
}

impl Captures {
    /// Whether the capture of a case that came to `verdict` is written.
    pub fn include(self, verdict: Verdict) -> bool {
        match self {
            Self::All => true,
            Self::Failed => matches!(verdict, Verdict::Fail | Verdict::Inconclusive),
            Self::None => false,
        }
    }
}

/// What all cases of a run on one device have in common.
#[derive(Debug)]
pub struct Setup {
    /// The device.
    pub profile: Arc<Profile>,
    /// The `firmproof` program, which is also the host device.
    pub program: PathBuf,
    /// Where results go.
    pub folder: RunFolder,
    /// Which captures go there.
    pub captures: Captures,
    /// The device, as results name it; its version only shows when it runs.
    pub dut: DutSummary,
    /// Where the board is, when the device is one of a rig.
    pub seat: Option<Seat>,
}

impl Setup {
    /// Looks the device's firmware up.
    pub fn new(
        profile: Arc<Profile>,
        program: PathBuf,
        folder: RunFolder,
        captures: Captures,
    ) -> Self {
        let dut = dut_summary(&profile, &program);
        Self {
            profile,
            program,
            folder,
            captures,
            dut,
            seat: None,
        }
    }

    /// The same for one board of a rig: results have its own name.
    #[must_use]
    pub fn for_board(mut self, name: &str, seat: Option<Seat>) -> Self {
        self.dut.name = name.into();
        if let Some(seat) = &seat {
            self.dut.firmware_sha256 = firmware::sha256(&seat.wiring.image.elf);
        }
        self.seat = seat;
        self
    }
}

/// The device of `profile`, as results name it; `program` is the host device's.
pub fn dut_summary(profile: &Profile, program: &Path) -> DutSummary {
    let file = match (profile.kind, &profile.start) {
        (Kind::Host, _) => Some(program.to_owned()),
        (Kind::Qemu, _) => profile.qemu.elf.clone(),
        (Kind::External, Some(start)) => start.command.first().and_then(firmware::find),
        (Kind::Probe, _) | (Kind::External, None) => None,
    };
    DutSummary {
        name: profile.name.clone(),
        kind: profile.kind.to_string(),
        firmware_sha256: file.as_deref().and_then(firmware::sha256),
        version: None,
        metrics: measured(profile, file.as_deref()),
        tools: tools(profile),
    }
}

/// How large the firmware is; of the host device, whose program is the harness's own, nothing is said.
fn measured(profile: &Profile, file: Option<&Path>) -> BTreeMap<String, f64> {
    let measured = file.filter(|_| profile.kind != Kind::Host);
    let bytes = measured.and_then(firmware::image_bytes);
    bytes
        .map(|bytes| ("image_bytes".to_owned(), bytes as f64))
        .into_iter()
        .collect()
}

/// What runs and judges the device, with versions, so that a release can say what it was judged with.
fn tools(profile: &Profile) -> BTreeMap<String, String> {
    let mut tools = BTreeMap::from([
        ("firmproof".into(), env!("CARGO_PKG_VERSION").into()),
        (
            "system".into(),
            format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        ),
    ]);
    if profile.kind == Kind::Qemu {
        let asked = Command::new(&profile.qemu.program)
            .arg("--version")
            .output();
        // A program that cannot be started is the first case's affair.
        let said = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        if let Some(line) = said
            .ok()
            .and_then(|said| said.lines().next().map(str::to_owned))
        {
            tools.insert("qemu".into(), line);
        }
    }
    tools
}
