//! What only an emulator can do to a device, or show of it.

use std::time::Duration;

use super::Bench;
use super::power::unable;
use crate::case::{Judged, Stop};
use crate::dut::Control;
use crate::dut::qemu::Memory;
use crate::profile::{Capability, Kind};

/// How often QEMU is asked whether it still answers.
const HEARTBEAT: Duration = Duration::from_secs(1);

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
    /// [`Stop::Skip`] when the profile lacks `monitor.leds`; [`Stop::Inconclusive`] when it cannot be
    /// read.
    pub async fn led_register(&self) -> Judged<u32> {
        self.need(Capability::MonitorLeds)?;
        let mut device = self.0.device.lock().await;
        let leds = device.led_register().await.map_err(unable)?;
        let transcript = &self.0.evidence.transcript;
        transcript.note(format!("the LED register has {leds:#x}"));
        Ok(leds)
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

    fn is_emulated(&self) -> bool {
        self.0.profile.kind == Kind::Qemu
    }

    /// Waits until the emulator ends, though nobody has cut the device's power, or hangs; for ever when
    /// the device has none.
    pub(crate) async fn emulator_fails(&self) -> Stop {
        if !self.is_emulated() {
            return std::future::pending().await;
        }
        let mut ended = self.0.ended.subscribe();
        let hangs = async {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                if self.console().is_empty() {
                    // It is off or starts, which takes long on a busy machine; that has a deadline of its own.
                    continue;
                }
                if let Some(stop) = self.emulator_hangs().await {
                    return stop;
                }
            }
        };
        tokio::select! {
            // The bench holds the sender, so there is a value at the end.
            how = ended.wait_for(Option::is_some) => {
                let how = how.ok().and_then(|how| how.clone()).unwrap_or_default();
                Stop::inconclusive(self.with_console(&format!("QEMU ended ({how})")))
            }
            stop = hangs => stop,
        }
    }

    /// Why a failure may not be the device's: its emulator does not answer.
    pub(crate) async fn emulator_hangs(&self) -> Option<Stop> {
        if !self.is_emulated() {
            return None;
        }
        let mut device = self.0.device.lock().await;
        let life = device.life()?;
        let why = device.responds().await.err()?;
        // One that has ended is told by how it did.
        let why = match life.ended() {
            Some(how) => format!("QEMU ended ({how})"),
            None => why.to_string(),
        };
        Some(Stop::inconclusive(self.with_console(&why)))
    }
}
