//! The probes of this machine, through probe-rs.

use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use probe_rs::flashing::{
    DownloadOptions, FileDownloadError, FlashError, download_file_with_options,
};
use probe_rs::probe::list::{Accessibility, Lister};
use probe_rs::rtt::{Error as RttError, Rtt, ScanRegion, find_rtt_control_block_in_raw_file};
use probe_rs::{Error, Permissions, Session, config::TargetSelector};
use probe_rs_espressif::image_format::IdfLoader;

use super::debugger::{Chip, FoundProbe, Image, ProbeError, Probes, pick};

/// How long a core may take to halt after its reset.
const HALT: Duration = Duration::from_millis(500);
/// The partition that an image is flashed into.
const FIRST_SLOT: &str = "slot_a";

/// The probes of this machine.
pub struct UsbProbes {
    lister: fn() -> Lister,
}

impl UsbProbes {
    /// All that probe-rs knows, Espressif's built-in ones among them.
    pub fn new() -> Self {
        static ESPRESSIF: Once = Once::new();
        // Without it the ESP32-S3 is an unknown chip.
        ESPRESSIF.call_once(probe_rs_espressif::register_plugin);
        Self {
            lister: Lister::new,
        }
    }
}

impl Default for UsbProbes {
    fn default() -> Self {
        Self::new()
    }
}

impl Probes for UsbProbes {
    fn list(&self) -> Result<Vec<FoundProbe>, ProbeError> {
        let found = (self.lister)().list_all_with_access();
        Ok(found
            .into_iter()
            .map(|item| FoundProbe {
                name: item.info.identifier.clone(),
                serial: item.info.serial_number.clone(),
                accessible: item.accessibility == Accessibility::Accessible,
            })
            .collect())
    }

    fn attach(&self, serial: &str, chip: &str) -> Result<Box<dyn Chip>, ProbeError> {
        pick(&self.list()?, serial)?;
        let session = self.session(serial, chip)?;
        let found = session.target().name.clone();
        if !found.eq_ignore_ascii_case(chip) {
            return Err(ProbeError::WrongChip {
                wanted: chip.into(),
                found,
            });
        }
        Ok(Box::new(Attached {
            session,
            console: None,
        }))
    }
}

impl UsbProbes {
    /// Attaches to whatever chip is there. Only when probe-rs cannot tell which, the rig's word for
    /// it is taken.
    fn session(&self, serial: &str, chip: &str) -> Result<Session, ProbeError> {
        match self.attach_to(serial, TargetSelector::Auto) {
            Err(Error::ChipNotFound(_)) => self
                .attach_to(serial, TargetSelector::from(chip))
                .map_err(|error| ProbeError::Attach(chain(&error))),
            attached => attached.map_err(|error| ProbeError::Attach(chain(&error))),
        }
    }

    fn attach_to(&self, serial: &str, target: TargetSelector) -> Result<Session, Error> {
        let lister = (self.lister)();
        let all = lister.list_all();
        let info = all
            .iter()
            .find(|info| info.serial_number.as_deref() == Some(serial))
            .ok_or_else(|| Error::Other("the probe is gone".into()))?;
        let probe = lister.open(info)?;
        probe.attach(target, Permissions::default())
    }
}

/// A chip with a session.
struct Attached {
    session: Session,
    console: Option<Found>,
}

/// Where the program's console is, and the console while it can be read.
struct Found {
    elf: PathBuf,
    at: u64,
    rtt: Option<Rtt>,
}

impl Attached {
    fn options() -> DownloadOptions<'static> {
        let mut options = DownloadOptions::new();
        options.verify = true;
        // Pages that hold the same already are left alone, which spares the flash.
        options.preverify = true;
        options
    }

    /// Where the console of `elf` is, looked up once.
    fn place(&mut self, elf: &Path) -> Result<u64, ProbeError> {
        if let Some(found) = self.console.as_ref().filter(|found| found.elf == elf) {
            return Ok(found.at);
        }
        let unusable = |reason: String| ProbeError::Image {
            path: elf.into(),
            reason,
        };
        let bytes = std::fs::read(elf).map_err(|error| unusable(error.to_string()))?;
        let at = find_rtt_control_block_in_raw_file(&bytes)
            .map_err(|error| unusable(error.to_string()))?
            .ok_or_else(|| unusable("it has no RTT console".into()))?;
        self.console = Some(Found {
            elf: elf.into(),
            at,
            rtt: None,
        });
        Ok(at)
    }

    /// Attaches to the console at `at`; `false` while there is none.
    fn open_console(&mut self, at: u64) -> Result<bool, ProbeError> {
        let mut core = self.session.core(0).map_err(lost)?;
        let rtt = match Rtt::attach_region(&mut core, &ScanRegion::Exact(at)) {
            Ok(rtt) => rtt,
            Err(RttError::Probe(error)) => return Err(lost(error)),
            Err(_) => return Ok(false),
        };
        if let Some(found) = &mut self.console {
            found.rtt = Some(rtt);
        }
        Ok(true)
    }
}

impl Chip for Attached {
    fn flash(&mut self, image: &Image) -> Result<(), ProbeError> {
        let loader = IdfLoader {
            partition_table: Some(image.partition_table.clone()),
            target_app_partition: Some(FIRST_SLOT.into()),
            ..IdfLoader::default()
        };
        self.console = None;
        download_file_with_options(&mut self.session, &image.elf, loader, Self::options()).map_err(
            |error| match error {
                FileDownloadError::Flash(error) => flash_error(&error),
                FileDownloadError::IncompatibleImageChip { .. }
                | FileDownloadError::ImageFormatSpecific { .. }
                | FileDownloadError::Object(_)
                | FileDownloadError::IO(_) => ProbeError::Image {
                    path: image.elf.clone(),
                    reason: chain(&error),
                },
                other => ProbeError::Flash(chain(&other)),
            },
        )
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), ProbeError> {
        let mut loader = self.session.target().flash_loader();
        loader
            .add_data(offset.into(), bytes)
            .map_err(|error| flash_error(&error))?;
        loader
            .commit(&mut self.session, Self::options())
            .map_err(|error| flash_error(&error))
    }

    fn reset(&mut self, elf: &Path) -> Result<(), ProbeError> {
        let at = self.place(elf)?;
        if let Some(found) = &mut self.console {
            found.rtt = None;
        }
        let mut core = self.session.core(0).map_err(lost)?;
        core.halt(HALT).map_err(lost)?;
        // Memory that was never a console cannot be cleared of one, which is fine.
        let _ = Rtt::clear_control_block(&mut core, &ScanRegion::Exact(at));
        core.reset().map_err(lost)
    }

    fn hold(&mut self) -> Result<(), ProbeError> {
        let mut core = self.session.core(0).map_err(lost)?;
        core.reset_and_halt(HALT).map_err(lost).map(drop)
    }

    fn find_console(&mut self, elf: &Path) -> Result<bool, ProbeError> {
        let at = self.place(elf)?;
        self.open_console(at)
    }

    fn read_console(&mut self, buffer: &mut [u8]) -> Result<usize, ProbeError> {
        let Some(found) = &mut self.console else {
            return Ok(0);
        };
        let at = found.at;
        let Some(up) = found.rtt.as_mut().and_then(|rtt| rtt.up_channel(0)) else {
            // The program starts again, and sets its console up.
            self.open_console(at)?;
            return Ok(0);
        };
        let mut core = self.session.core(0).map_err(lost)?;
        match up.read(&mut core, buffer) {
            Ok(count) => Ok(count),
            Err(RttError::Probe(error)) => Err(lost(error)),
            Err(_) => {
                found.rtt = None;
                Ok(0)
            }
        }
    }
}

fn flash_error(error: &FlashError) -> ProbeError {
    match error {
        FlashError::Verify => ProbeError::Verify,
        other => ProbeError::Flash(chain(other)),
    }
}

fn lost(error: Error) -> ProbeError {
    ProbeError::Lost(chain(&error))
}

/// An error with all that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use probe_rs::probe::fake_probe::FakeProbe;
    use probe_rs::probe::list::{ProbeListItem, ProbeLister};
    use probe_rs::probe::{
        DebugProbe, DebugProbeError, DebugProbeInfo, DebugProbeSelector, Probe, ProbeFactory,
    };

    use super::*;

    /// probe-rs's fake probe, plugged in twice. It can be listed and chosen; attaching to a chip that
    /// is no Arm core is what it has not implemented.
    #[derive(Debug)]
    struct Fakes;

    impl fmt::Display for Fakes {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("fake probe")
        }
    }

    impl ProbeFactory for Fakes {
        fn open(&self, _: &DebugProbeSelector) -> Result<Box<dyn DebugProbe>, DebugProbeError> {
            Ok(Box::new(FakeProbe::with_mocked_core()))
        }

        fn list_probes(&self) -> Vec<ProbeListItem> {
            let fake = |serial: &str| {
                let serial = Some(serial.into());
                let info = DebugProbeInfo::new("fake", 0x303a, 0x1001, serial, &Fakes, None, false);
                ProbeListItem::accessible(info)
            };
            vec![fake("7C:DF:A1:00:00:01"), fake("7C:DF:A1:00:00:02")]
        }
    }

    impl ProbeLister for Fakes {
        fn open(&self, selector: &DebugProbeSelector) -> Result<Probe, DebugProbeError> {
            ProbeFactory::open(self, selector).map(Probe::from_specific_probe)
        }

        fn list_with_access(&self, selector: Option<&DebugProbeSelector>) -> Vec<ProbeListItem> {
            self.list_probes_filtered(selector)
        }
    }

    fn fakes() -> UsbProbes {
        let mut probes = UsbProbes::new();
        probes.lister = || Lister::with_lister(Box::new(Fakes));
        probes
    }

    #[test]
    fn probes_are_listed_and_chosen_by_their_serial_number() {
        let found = fakes().list().unwrap();
        let serials: Vec<_> = found.iter().filter_map(|p| p.serial.clone()).collect();
        assert_eq!(serials, ["7C:DF:A1:00:00:01", "7C:DF:A1:00:00:02"]);
        let missing = fakes().attach("7C:DF:A1:00:00:03", "esp32s3");
        let Err(ProbeError::NotFound { found, .. }) = missing else {
            panic!("it is not there");
        };
        assert_eq!(found, serials);
    }

    #[test]
    fn both_chips_are_known_and_have_a_flash_algorithm() {
        let _registered = UsbProbes::new();
        let registry = probe_rs::config::Registry::from_builtin_families();
        for chip in ["esp32s3", "esp32c3"] {
            let target = registry.get_target_by_name(chip).unwrap();
            assert!(!target.flash_algorithms.is_empty(), "{chip}");
            // Where the harness writes the configuration, and the last byte of the second slot.
            for address in [0xb000, 0x3d_ffff] {
                let mut loader = target.flash_loader();
                assert!(
                    loader.add_data(address, &[0]).is_ok(),
                    "{chip} {address:#x}"
                );
            }
        }
    }
}
