//! The bench: one device wired to its peers for the length of one case.
//!
//! A case makes the peers that it needs, says how the device is configured, and starts it. It never
//! learns which kind of device it has.

mod board;
mod foreign;
mod monitor;
mod observe;
mod ports;
mod power;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use firmproof_bootconfig::{BootConfig, Host, Mqtt};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::case::{Judged, Stop};
use crate::dut::{self, Device};
use crate::evidence::Evidence;
use crate::lab::{EthernetOptions, Lab, OsOptions};
use crate::peers::ntp_server::{NTP_PORT, NtpServer};
use crate::peers::scripted_broker::{MQTT_PORT, ScriptedBroker};
use crate::peers::state_topic::StateTopic;
use crate::profile::{Capability, Kind, Profile};

pub use board::Seat;
pub use foreign::Clock;
pub use settings::text;

/// How long anything may take that has no bound of its own, in wall time.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// One device wired to its peers. Clones share it; the device's power goes with the last.
#[derive(Clone)]
pub struct Bench(Arc<Inner>);

struct Inner {
    profile: Arc<Profile>,
    evidence: Evidence,
    lab: Lab,
    folder: TempDir,
    config: Mutex<BootConfig>,
    /// Addresses of the peers, by the placeholder that stands for them.
    endpoints: Mutex<BTreeMap<String, String>>,
    /// Ports that the device was told to listen on.
    ports: Mutex<Vec<ports::Port>>,
    device: tokio::sync::Mutex<Box<dyn Device>>,
    /// Console place where the device was last started.
    started_at: Mutex<usize>,
    /// The broker of a device that shows its state on a topic.
    state_topic: Mutex<Option<StateTopic>>,
    /// How the device's process ended, when nobody had cut its power.
    ended: watch::Sender<Option<String>>,
}

impl Bench {
    /// Wires up a bench. `program` is the `firmproof` command, which is also the host device.
    ///
    /// # Errors
    /// The lab or its folder cannot be made.
    pub fn new(profile: Arc<Profile>, program: &Path, seed: [u8; 32]) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("firmproof-").tempdir()?;
        let (lab, device): (Lab, Box<dyn Device>) = match profile.kind {
            Kind::Host => {
                let (lab, port) = Lab::ethernet(EthernetOptions::seeded(seed))?;
                let device = dut::Host::new(program, port, folder.path());
                (lab, Box::new(device))
            }
            Kind::Qemu => {
                let (lab, port) = Lab::ethernet(EthernetOptions::seeded(seed))?;
                let device = dut::Qemu::new(&profile.qemu, port, folder.path());
                (lab, Box::new(device))
            }
            Kind::Probe => {
                let reason = "it is a board of a rig: `firmproof rig run` reaches it";
                return Err(std::io::Error::other(reason));
            }
            Kind::External => {
                let device = dut::External::new(&profile, folder.path());
                (Lab::os(os_options(&profile)), Box::new(device))
            }
        };
        Ok(Self::wire(profile, seed, folder, lab, device))
    }

    fn wire(
        profile: Arc<Profile>,
        seed: [u8; 32],
        folder: TempDir,
        lab: Lab,
        device: Box<dyn Device>,
    ) -> Self {
        let config = settings::standard_config(&lab, seed);
        Self(Arc::new(Inner {
            profile,
            evidence: Evidence::new(),
            lab,
            folder,
            config: Mutex::new(config),
            endpoints: Mutex::default(),
            ports: Mutex::default(),
            device: tokio::sync::Mutex::new(device),
            started_at: Mutex::new(0),
            state_topic: Mutex::default(),
            ended: watch::channel(None).0,
        }))
    }

    /// What the device can do.
    pub fn profile(&self) -> &Profile {
        &self.0.profile
    }

    /// The evidence so far.
    pub fn evidence(&self) -> &Evidence {
        &self.0.evidence
    }

    /// Puts on record what the device chose where the specification leaves it a choice.
    pub fn observed(&self, choice: impl Into<String>) {
        let choice = choice.into();
        let transcript = &self.0.evidence.transcript;
        transcript.note(format!("the device {choice}"));
        self.0.evidence.observed.add(choice);
    }

    /// The wire.
    pub fn lab(&self) -> &Lab {
        &self.0.lab
    }

    /// Skips the case when the profile lacks `capability`.
    ///
    /// # Errors
    /// [`Stop::Skip`].
    pub fn need(&self, capability: Capability) -> Judged {
        if self.0.profile.has(capability) {
            Ok(())
        } else {
            Err(Stop::Skip(capability))
        }
    }

    /// Changes what the device is told at its next start.
    pub fn configure(&self, change: impl FnOnce(&mut BootConfig)) {
        change(&mut lock(&self.0.config));
    }

    /// What the device is told at its next start.
    pub fn config(&self) -> BootConfig {
        lock(&self.0.config).clone()
    }

    /// Turns the MQTT client on, with the standard settings, and changes them.
    pub fn configure_mqtt(&self, change: impl FnOnce(&mut Mqtt)) {
        let broker = Host::Address(self.0.lab.peer_address(1).octets());
        self.configure(|config| {
            change(
                config
                    .mqtt
                    .get_or_insert_with(|| settings::standard_mqtt(broker)),
            );
        });
    }

    /// Tells an external device where a peer is.
    pub fn announce(&self, peer: &str, at: SocketAddrV4) {
        let mut endpoints = lock(&self.0.endpoints);
        endpoints.insert(format!("{peer}_host"), at.ip().to_string());
        endpoints.insert(format!("{peer}_port"), at.port().to_string());
    }

    /// Puts a scripted broker where the device expects its broker.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when its port is taken.
    pub async fn broker(&self) -> Judged<ScriptedBroker> {
        let mut broker = ScriptedBroker::listen(&self.0.lab, &self.0.evidence)
            .await
            .map_err(|e| Stop::inconclusive(format!("the broker cannot listen: {e}")))?;
        if self.need(Capability::Command).is_err() {
            broker.serve_own_traffic();
        }
        broker.wait_longer(self.coming() + self.profile().reconnects_later(PATIENCE));
        self.announce("mqtt", broker.address());
        Ok(broker)
    }

    /// The device's wall-clock equivalent of a time in its own seconds.
    pub fn device_time(&self, seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds / f64::from(lock(&self.0.config).time_scale))
    }

    /// Speeds the device's clock up `scale` times, as far as its profile allows.
    pub fn scale_time(&self, scale: u16) {
        let scale = scale.clamp(1, self.0.profile.max_time_scale);
        self.configure(|config| config.time_scale = scale);
    }

    /// A time server at peer `n`. An external device is told of the first; a case configures the others.
    ///
    /// # Errors
    /// [`Stop::Skip`] without `ntp`; [`Stop::Inconclusive`] when its port cannot be bound.
    pub async fn ntp_server(&self, n: u8) -> Judged<NtpServer> {
        self.need(Capability::Ntp)?;
        let server = NtpServer::bind(&self.0.lab, &self.0.evidence, n)
            .await
            .map_err(|e| Stop::inconclusive(format!("no time server at peer {n}: {e}")))?;
        if n == 1 {
            self.announce("ntp", server.address());
        }
        Ok(server.waiting_longer(self.coming()))
    }

    /// How much longer than a program of this machine's the device may take until it comes: nobody has started it.
    fn coming(&self) -> Duration {
        let at = &self.0.profile.at;
        Duration::from_secs(if at.is_fixed() { at.wait_s.into() } else { 0 })
    }

    /// The bench's own folder, gone with it.
    pub fn folder(&self) -> &Path {
        self.0.folder.path()
    }
}

/// The operating system's network, as the profile has it.
fn os_options(profile: &Profile) -> OsOptions {
    let mut options = OsOptions::default();
    for (port, fixed) in [(MQTT_PORT, profile.at.mqtt), (NTP_PORT, profile.at.ntp)] {
        options.fixed.extend(fixed.map(|fixed| (port, fixed)));
    }
    options.own_network = profile.has_own_network();
    options
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
