//! What only an emulator can do to a device, or show of it.

use super::Bench;
use super::power::unable;
use crate::case::{Judged, Stop};
use crate::dut::Control;
use crate::dut::qemu::Memory;
use crate::profile::Capability;

impl Bench {
    /// Resets, pauses, resumes or unplugs the device.
    ///
    /// # Errors
    /// [`Stop::Skip`] when the profile lacks `monitor`; [`Stop::Inconclusive`] when it cannot be done.
    pub async fn control(&self, control: Control) -> Judged {
        self.need(Capability::Monitor)?;
        self.0.evidence.transcript.note(match control {
            Control::Reset => "reset",
            Control::Pause => "pause",
            Control::Resume => "resume",
            Control::Link(true) => "link up",
            Control::Link(false) => "link down",
        });
        let mut device = self.0.device.lock().await;
        device.control(control).await.map_err(unable)
    }

    /// The register that the device's lamps hang on: bit 0 the lamp, bit 1 the beeper.
    ///
    /// # Errors
    /// [`Stop::Skip`] when the profile lacks `monitor`; [`Stop::Inconclusive`] when it cannot be read.
    pub async fn led_register(&self) -> Judged<u32> {
        self.need(Capability::Monitor)?;
        let mut device = self.0.device.lock().await;
        device.led_register().await.map_err(unable)
    }

    /// What a part of the device's memory holds.
    ///
    /// # Errors
    /// [`Stop::Skip`] when the profile lacks `monitor`; [`Stop::Inconclusive`] when it cannot be read.
    pub async fn memory(&self, place: Memory) -> Judged<Vec<u8>> {
        self.need(Capability::Monitor)?;
        let mut device = self.0.device.lock().await;
        device.memory(place).await.map_err(unable)
    }

    /// Waits until the emulator ends, though nobody has cut the device's power; for ever when the
    /// device has none.
    pub(crate) async fn emulator_ended(&self) -> Stop {
        if !self.0.profile.has(Capability::Monitor) {
            return std::future::pending().await;
        }
        let mut ended = self.0.ended.subscribe();
        // The bench holds the sender, so there is a value at the end.
        let how = ended.wait_for(Option::is_some).await;
        let how = how.ok().and_then(|how| how.clone()).unwrap_or_default();
        Stop::inconclusive(self.with_console(&format!("QEMU ended ({how})")))
    }

    /// Why a failure may not be the device's: its emulator does not answer.
    pub(crate) async fn emulator_hangs(&self) -> Option<Stop> {
        if !self.0.profile.has(Capability::Monitor) {
            return None;
        }
        let mut device = self.0.device.lock().await;
        device.life()?;
        let why = device.responds().await.err()?;
        Some(Stop::inconclusive(self.with_console(&why.to_string())))
    }
}
