//! The bench: one device wired to its peers for the length of one case.
//!
//! A case makes the peers that it needs, says how the device is configured, and starts it. It never
//! learns which kind of device it has.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use firmproof_bootconfig::{BootConfig, Host, MAX_ENCODED_LEN, Mqtt, Network};
use tempfile::TempDir;

use crate::case::{Judged, Stop};
use crate::dut::{Launch, Process, launch};
use crate::evidence::Evidence;
use crate::evidence::console::Line;
use crate::lab::{EthernetOptions, FramePort, Lab, OsOptions};
use crate::peers::http_prober::{Answer, HttpConnection};
use crate::peers::ntp_server::NtpServer;
use crate::peers::scripted_broker::ScriptedBroker;
use crate::profile::{Capability, Kind, Profile};

/// How long anything may take that has no bound of its own, in wall time.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// One device wired to its peers. Clones share it; the device's power goes with the last.
#[derive(Clone)]
pub struct Bench(Arc<Inner>);

struct Inner {
    profile: Arc<Profile>,
    program: PathBuf,
    evidence: Evidence,
    lab: Lab,
    frames: Option<FramePort>,
    folder: TempDir,
    config: Mutex<BootConfig>,
    /// Addresses of the peers, by the placeholder that stands for them.
    endpoints: Mutex<BTreeMap<String, String>>,
    device: tokio::sync::Mutex<Option<Process>>,
    /// Console place where the device was last started.
    started_at: Mutex<usize>,
}

impl Bench {
    /// Wires up a bench. `program` is the `firmproof` command, which is also the host device.
    ///
    /// # Errors
    /// The lab or its folder cannot be made.
    pub fn new(profile: Arc<Profile>, program: &Path, seed: [u8; 32]) -> std::io::Result<Self> {
        let (lab, frames) = match profile.kind {
            Kind::Host => {
                let (lab, port) = Lab::ethernet(EthernetOptions::seeded(seed))?;
                (lab, Some(port))
            }
            Kind::External => (Lab::os(OsOptions::default()), None),
        };
        let config = standard_config(&lab, seed);
        Ok(Self(Arc::new(Inner {
            profile,
            program: program.into(),
            evidence: Evidence::new(),
            lab,
            frames,
            folder: tempfile::Builder::new().prefix("firmproof-").tempdir()?,
            config: Mutex::new(config),
            endpoints: Mutex::default(),
            device: tokio::sync::Mutex::new(None),
            started_at: Mutex::new(0),
        })))
    }

    /// What the device can do.
    pub fn profile(&self) -> &Profile {
        &self.0.profile
    }

    /// The evidence so far.
    pub fn evidence(&self) -> &Evidence {
        &self.0.evidence
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
            change(config.mqtt.get_or_insert_with(|| standard_mqtt(broker)));
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
        let broker = ScriptedBroker::listen(&self.0.lab, &self.0.evidence)
            .await
            .map_err(|e| Stop::inconclusive(format!("the broker cannot listen: {e}")))?;
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

    /// Starts the device and waits until it is ready.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] with the device's last console lines, when it does not get there.
    pub async fn start(&self) -> Judged {
        let began = std::time::Instant::now();
        self.power_on().await?;
        self.ready().await?;
        if self.0.device.lock().await.is_some() {
            let took = began.elapsed().as_secs_f64() * 1000.0;
            self.0.evidence.metrics.set("start_to_ready_ms", took);
        }
        Ok(())
    }

    /// Starts the device without waiting for it.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when it cannot be started.
    pub async fn power_on(&self) -> Judged {
        let mut device = self.0.device.lock().await;
        if let Some(running) = device.take() {
            running.cut_power().await;
        }
        self.hide_secrets();
        let Some(launch) = self.launch().await? else {
            return Ok(());
        };
        *lock(&self.0.started_at) = self.0.evidence.console.mark();
        self.0.evidence.transcript.note("power on");
        let process = Process::start(&launch, &self.0.evidence.console).map_err(|error| {
            let program = launch.program.to_string_lossy();
            Stop::inconclusive(format!("the device cannot be started: {program}: {error}"))
        })?;
        *device = Some(process);
        Ok(())
    }

    fn hide_secrets(&self) {
        let config = self.config();
        let secrets = &self.0.evidence.secrets;
        secrets.hide(config.update.token.as_bytes());
        if let Some(password) = config.mqtt.and_then(|mqtt| mqtt.password) {
            secrets.hide(&password);
        }
    }

    async fn launch(&self) -> Judged<Option<Launch>> {
        if let Some(port) = &self.0.frames {
            let config_file = self.0.folder.path().join("config");
            let mut stored = [0; MAX_ENCODED_LEN];
            let length = firmproof_bootconfig::encode(&self.config(), &mut stored)
                .map_err(|e| Stop::inconclusive(e.to_string()))?;
            tokio::fs::write(&config_file, &stored[..length])
                .await
                .map_err(|e| Stop::inconclusive(format!("{}: {e}", config_file.display())))?;
            let flash = self.flash_file();
            return Ok(Some(Launch::host(
                &self.0.program,
                port,
                &config_file,
                &flash,
            )));
        }
        let Some(start) = &self.0.profile.start else {
            return Ok(None);
        };
        let values = self.placeholders()?;
        Launch::external(start, &values)
            .map(Some)
            .map_err(|e| Stop::inconclusive(e.to_string()))
    }

    /// The file that holds the host device's flash; absent before its first start.
    pub fn flash_file(&self) -> PathBuf {
        self.0.folder.path().join("flash")
    }

    /// The bench's own folder, gone with it.
    pub fn folder(&self) -> &Path {
        self.0.folder.path()
    }

    fn placeholders(&self) -> Judged<BTreeMap<String, String>> {
        let mut values = lock(&self.0.endpoints);
        values
            .entry("client_id".into())
            .or_insert_with(|| "firmproof".into());
        if !values.contains_key("http_port") {
            values.insert("http_port".into(), free_port()?.to_string());
        }
        for peer in ["mqtt", "ntp"] {
            let port = format!("{peer}_port");
            if !values.contains_key(&port) {
                // The case has no such peer: a port where nothing answers.
                values.insert(format!("{peer}_host"), "127.0.0.1".into());
                values.insert(port, free_port()?.to_string());
            }
        }
        Ok(values.clone())
    }

    /// Waits until the device is ready.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] with the device's last console lines.
    pub async fn ready(&self) -> Judged {
        let mark = *lock(&self.0.started_at);
        match (self.0.profile.kind, &self.0.profile.start) {
            (Kind::Host, _) => self.ready_line(mark, "event=ready", PATIENCE).await,
            (Kind::External, Some(start)) => {
                let deadline = Duration::from_secs(start.deadline_s.into());
                match &start.ready_line {
                    Some(text) => self.ready_line(mark, text, deadline).await,
                    None => self.ready_port(deadline).await,
                }
            }
            (Kind::External, None) => self.ready_port(PATIENCE).await,
        }
    }

    async fn ready_line(&self, mark: usize, text: &str, deadline: Duration) -> Judged {
        let console = &self.0.evidence.console;
        let line = console.wait(mark, deadline, |l| l.text.contains(text));
        tokio::select! {
            found = line => if found.is_some() { return Ok(()) },
            how = self.death() => {
                return Err(Stop::inconclusive(self.with_console(&format!("the device ended ({how}) before it was ready"))));
            }
        }
        Err(Stop::inconclusive(self.with_console(&format!(
            "the device was not ready within {} s: no console line with `{text}`",
            deadline.as_secs_f32()
        ))))
    }

    async fn ready_port(&self, deadline: Duration) -> Judged {
        if self.0.profile.at.http.is_none() {
            return Ok(());
        }
        let at = self.http_address()?;
        let open = async {
            loop {
                if tokio::net::TcpStream::connect(at).await.is_ok() {
                    return;
                }
                // Nothing tells when a foreign process begins to listen: ask again shortly.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            opened = tokio::time::timeout(deadline, open) => opened.map_err(|_| Stop::inconclusive(
                self.with_console(&format!("nothing listens on {at} after {} s", deadline.as_secs_f32())))),
            how = self.death() => Err(Stop::inconclusive(
                self.with_console(&format!("the device ended ({how}) before it was ready")))),
        }
    }

    /// Waits until the device's process has ended; for ever when it has none.
    async fn death(&self) -> String {
        loop {
            {
                let mut device = self.0.device.lock().await;
                match device.as_mut() {
                    Some(process) => {
                        if let Some(how) = process.ended().await {
                            return how;
                        }
                    }
                    None => std::future::pending().await,
                }
            }
            // The process is shared with power_cut, so it is asked, not awaited.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Where the device's HTTP server is.
    ///
    /// # Errors
    /// [`Stop::Skip`] when the profile does not say.
    pub fn http_address(&self) -> Judged<SocketAddrV4> {
        if self.0.frames.is_some() {
            return Ok(SocketAddrV4::new(
                self.0.lab.dut_address(),
                self.config().http_port,
            ));
        }
        let at = self
            .0
            .profile
            .at
            .http
            .as_ref()
            .ok_or(Stop::Skip(Capability::Http))?;
        let filled = launch::fill(at, &self.placeholders()?)
            .map_err(|e| Stop::inconclusive(format!("at.http: {e}")))?;
        filled.parse().map_err(|_| {
            Stop::inconclusive(format!(
                "at.http: `{filled}` is not an IPv4 address and port"
            ))
        })
    }

    /// Connects to the device's HTTP server.
    ///
    /// # Errors
    /// [`Stop::Skip`] without `http`; [`Stop::Inconclusive`] when the connection is not established.
    pub async fn http(&self) -> Judged<HttpConnection> {
        self.need(Capability::Http)?;
        let at = self.http_address()?;
        HttpConnection::connect(&self.0.lab, &self.0.evidence, at, PATIENCE)
            .await
            .map_err(|error| {
                let seen = format!("no connection to the HTTP server at {at}: {error}");
                Stop::inconclusive(self.with_console(&seen))
            })
    }

    /// What the device says of itself: `GET /api/state`, on a connection of its own.
    ///
    /// # Errors
    /// [`Stop::Skip`] without `observe.state`; [`Stop::Fail`] when the answer is not 200 with JSON.
    pub async fn state(&self) -> Judged<serde_json::Value> {
        self.need(Capability::ObserveState)?;
        let mut connection = self.http().await?;
        let host = connection.host();
        let request =
            format!("GET /api/state HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        connection.send(request.as_bytes()).await;
        let seen = match connection.answer(PATIENCE, "GET").await {
            Answer::Response(response) if response.status == 200 => {
                match serde_json::from_slice(&response.body) {
                    Ok(state) => return Ok(state),
                    Err(error) => format!("a body that is not JSON: {error}"),
                }
            }
            other => other.to_string(),
        };
        let expected = "GET /api/state is answered by 200 with JSON";
        Err(Stop::fail(
            "FIRMPROOF-PAGE-6",
            expected,
            self.with_console(&seen),
        ))
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
        Ok(server)
    }

    /// Cuts the device's power; its flash stays.
    ///
    /// # Errors
    /// [`Stop::Skip`] when the profile lacks `power`.
    pub async fn cut_power(&self) -> Judged {
        self.need(Capability::Power)?;
        if let Some(process) = self.0.device.lock().await.take() {
            process.cut_power().await;
        }
        self.0.evidence.transcript.note("power cut");
        Ok(())
    }

    /// Waits for a console event since the device's last start.
    ///
    /// # Errors
    /// [`Stop::Skip`] without `observe.console`; a `None` becomes the caller's failure.
    pub async fn event(
        &self,
        deadline: Duration,
        wanted: impl Fn(&Line) -> bool,
    ) -> Judged<Option<Line>> {
        self.need(Capability::ObserveConsole)?;
        let mark = *lock(&self.0.started_at);
        Ok(self.0.evidence.console.wait(mark, deadline, wanted).await)
    }

    /// The console since the device's last start.
    pub fn console(&self) -> Vec<Line> {
        self.0.evidence.console.since(*lock(&self.0.started_at))
    }

    /// Whether the device lives: its process runs, and its console tells of no panic, no crash and
    /// no unasked restart.
    ///
    /// # Errors
    /// [`Stop::Fail`] with what the console says.
    pub async fn alive(&self, statement: &str) -> Judged {
        let ended = match self.0.device.lock().await.as_mut() {
            Some(process) => process.ended().await,
            None => None,
        };
        let lines = self.console();
        let boots = lines.iter().filter(|l| l.is("ready")).count();
        let panic = lines.iter().find(|l| l.is("panic"));
        let wrong = match (panic, ended) {
            (Some(line), _) => Some(line.text.clone()),
            (None, Some(how)) => Some(format!("its process ended: {how}")),
            (None, None) if boots > 1 => Some("it restarted".into()),
            (None, None) => None,
        };
        match wrong {
            Some(seen) => Err(Stop::fail(
                statement,
                "the device is still alive",
                self.with_console(&seen),
            )),
            None => Ok(()),
        }
    }

    /// `text` and the device's last console lines.
    pub fn with_console(&self, text: &str) -> String {
        let tail = self.0.evidence.console.tail(5);
        if tail.is_empty() {
            return format!("{text}; its console is empty");
        }
        let lines: Vec<String> = tail.into_iter().map(|l| l.text).collect();
        format!("{text}; last on its console: {}", lines.join(" ⏎ "))
    }

    /// Ends the device. The evidence stays.
    pub async fn end(&self) {
        if let Some(process) = self.0.device.lock().await.take() {
            process.cut_power().await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn free_port() -> Judged<u16> {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|e| Stop::inconclusive(format!("no free port on this machine: {e}")))
}

/// What a case starts from: a static address, no time server, no broker.
fn standard_config(lab: &Lab, seed: [u8; 32]) -> BootConfig {
    let mut config = BootConfig::safe_default();
    config.device_id = text("dut");
    config.network = Network::Static {
        address: lab.dut_address().octets(),
        prefix_len: 24,
        gateway: Some(lab.peer_address(1).octets()),
    };
    config.seed = seed;
    config
}

fn standard_mqtt(broker: Host) -> Mqtt {
    Mqtt {
        broker,
        port: 1883,
        client_id: text("firmproof-dut"),
        clean_session: true,
        keep_alive_s: 60,
        will: None,
        user_name: None,
        password: None,
        topic_prefix: text("fp"),
        subscriptions: heapless::Vec::new(),
        backoff_min_ms: 100,
        backoff_max_ms: 400,
        response_timeout_s: 5,
    }
}

/// A bounded string of the boot configuration; text that does not fit is a mistake in a case, and
/// is cut short.
pub fn text<const N: usize>(value: &str) -> heapless::String<N> {
    let mut fitted = heapless::String::new();
    for character in value.chars() {
        if fitted.push(character).is_err() {
            break;
        }
    }
    fitted
}
