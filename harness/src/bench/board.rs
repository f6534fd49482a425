//! A bench around a board of a rig.

use std::sync::Arc;

use firmproof_bootconfig::BootConfig;

use super::{Bench, lock};
use crate::dut;
use crate::dut::probe::Wiring;
use crate::lab::{Lab, OsOptions};
use crate::profile::{Kind, Profile};

/// Where a board of a rig is: how it is held, and the network between it and this machine.
#[derive(Debug, Clone)]
pub struct Seat {
    /// Its probe, its power, its image.
    pub wiring: Wiring,
    /// Addresses, and ports that must be the standard ones.
    pub network: OsOptions,
}

impl Bench {
    /// Wires up a bench around a board.
    ///
    /// # Errors
    /// Its folder cannot be made.
    pub fn on_board(profile: Arc<Profile>, seat: &Seat, seed: [u8; 32]) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("firmproof-").tempdir()?;
        let lab = Lab::os(seat.network.clone());
        let device = dut::Probe::new(seat.wiring.clone());
        let bench = Self::wire(profile, seed, folder, lab, Box::new(device));
        if let Some(wifi) = &seat.wiring.wifi {
            let secrets = &bench.0.evidence.secrets;
            secrets.hide(wifi.ssid.as_bytes());
            secrets.hide(wifi.passphrase.as_bytes());
        }
        Ok(bench)
    }

    /// On this machine's own network a peer has the port that was free: a board is told that one.
    pub(super) fn tell_real_ports(&self, config: &mut BootConfig) {
        if self.0.profile.kind != Kind::Probe {
            return;
        }
        let endpoints = lock(&self.0.endpoints);
        let port = |peer: &str| endpoints.get(&format!("{peer}_port"))?.parse().ok();
        if let (Some(mqtt), Some(port)) = (&mut config.mqtt, port("mqtt")) {
            mqtt.port = port;
        }
        if let Some(port) = port("ntp") {
            config.ntp.port = port;
        }
    }
}
