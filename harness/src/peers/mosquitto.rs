//! Mosquitto: a broker that we did not write, with every QoS and with persistence. Where a Docker engine is there it
//! runs in a container, otherwise as a process of this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use testcontainers::core::{ContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// The image that `ci/mosquitto-image` builds from Debian's package, and the one of the project.
const IMAGES: [(&str, &str); 2] = [
    ("firmproof-mosquitto", "debian"),
    ("eclipse-mosquitto", "2"),
];
/// The broker's port in its container.
const PORT: u16 = 1883;
/// Where its configuration is in its container.
const CONFIG: &str = "/firmproof.conf";
/// How long the engine may take for an answer.
const ENGINE: Duration = Duration::from_secs(10);
/// How long an image may take to be pulled.
const PULL: Duration = Duration::from_secs(60);
/// How long the broker may take to start.
const START: Duration = Duration::from_secs(20);

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MosquittoError {
    /// This machine has neither way to run it.
    #[error("{0}")]
    Absent(String),
    /// It does not run.
    #[error("Mosquitto {0}")]
    Broken(String),
}

/// How this machine runs Mosquitto.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// In a container, from this image.
    Container(&'static str, &'static str),
    /// As a process, from this program.
    Process(PathBuf),
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Container(image, tag) => write!(f, "in a container of {image}:{tag}"),
            Self::Process(program) => write!(f, "as the process {}", program.display()),
        }
    }
}

impl Way {
    /// How this machine runs it; looked for once.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub async fn of_this_machine() -> Result<Self, String> {
        static WAY: OnceCell<Result<Way, String>> = OnceCell::const_new();
        WAY.get_or_init(Self::look).await.clone()
    }

    async fn look() -> Result<Self, String> {
        if docker(&["version", "--format", "{{.Server.Version}}"], ENGINE).await {
            for (image, tag) in IMAGES {
                if docker(&["image", "inspect", &format!("{image}:{tag}")], ENGINE).await {
                    return Ok(Self::Container(image, tag));
                }
            }
            let (image, tag) = IMAGES[1];
            if docker(&["pull", "--quiet", &format!("{image}:{tag}")], PULL).await {
                return Ok(Self::Container(image, tag));
            }
        }
        program().map(Self::Process).ok_or_else(|| {
            "a Docker engine with an image of Mosquitto (ci/mosquitto-image builds one), and the program \
             `mosquitto` (Debian's package mosquitto)"
                .into()
        })
    }
}

/// Whether the `docker` command succeeds.
async fn docker(arguments: &[&str], deadline: Duration) -> bool {
    let mut command = Command::new("docker");
    command
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true);
    let status = tokio::time::timeout(deadline, command.status()).await;
    matches!(status, Ok(Ok(status)) if status.success())
}

/// Debian installs it where only root's path leads.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|folder| folder.join("mosquitto"))
        .find(|file| file.is_file())
}

/// A broker of one case.
#[derive(Debug)]
pub struct MosquittoBroker {
    way: Way,
    running: Running,
    address: SocketAddr,
}

#[derive(Debug)]
enum Running {
    Container(Box<ContainerAsync<GenericImage>>),
    Process { child: Box<Child>, folder: TempDir },
}

impl MosquittoBroker {
    /// Starts a broker with persistence, and waits until it answers CONNECT.
    ///
    /// # Errors
    /// See [`MosquittoError`].
    pub async fn start() -> Result<Self, MosquittoError> {
        let way = Way::of_this_machine()
            .await
            .map_err(MosquittoError::Absent)?;
        let (running, address) = match &way {
            Way::Container(image, tag) => container(image, tag).await?,
            Way::Process(program) => {
                let folder = tempfile::tempdir().map_err(broken)?;
                let address = free_address()?;
                let config = config("127.0.0.1", address.port(), folder.path());
                tokio::fs::write(folder.path().join("config"), config)
                    .await
                    .map_err(broken)?;
                let child = spawn(program, folder.path())?;
                (
                    Running::Process {
                        child: Box::new(child),
                        folder,
                    },
                    address,
                )
            }
        };
        let broker = Self {
            way,
            running,
            address,
        };
        broker.answers().await?;
        Ok(broker)
    }

    /// How it runs.
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// Where it listens; another place after a restart.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the broker in order, so that it writes its state, and starts it again.
    ///
    /// # Errors
    /// It does not come back.
    pub async fn restart(&mut self) -> Result<(), MosquittoError> {
        match (&mut self.running, &self.way) {
            (Running::Container(container), _) => {
                container
                    .stop_with_timeout(Some(10))
                    .await
                    .map_err(broken)?;
                container.start().await.map_err(broken)?;
                self.address = mapped(container).await?;
            }
            (Running::Process { child, folder }, Way::Process(program)) => {
                if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
                    kill_process(pid, Signal::TERM).map_err(broken)?;
                }
                child.wait().await.map_err(broken)?;
                **child = spawn(program, folder.path())?;
            }
            (Running::Process { .. }, Way::Container(..)) => (),
        }
        self.answers().await
    }

    /// Waits until CONNECT is answered: a container's port is open before its broker is there.
    async fn answers(&self) -> Result<(), MosquittoError> {
        let until = Instant::now() + START;
        let connect = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x0a\x00\x01?";
        while Instant::now() < until {
            let asked = async {
                let mut stream = TcpStream::connect(self.address).await?;
                stream.write_all(connect).await?;
                let mut connack = [0; 4];
                stream.read_exact(&mut connack).await?;
                stream.write_all(&[0xE0, 0]).await?;
                Ok::<_, std::io::Error>(connack == [0x20, 2, 0, 0])
            };
            if let Ok(Ok(true)) = tokio::time::timeout(Duration::from_secs(1), asked).await {
                return Ok(());
            }
            // Nothing tells when a foreign program begins to listen: ask again shortly.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(broken(format!(
            "does not answer CONNECT on {}",
            self.address
        )))
    }
}

fn broken(error: impl std::fmt::Display) -> MosquittoError {
    MosquittoError::Broken(format!("does not run: {error}"))
}

/// Every client may come; nothing is dropped for being too much; all outlives a restart.
fn config(address: &str, port: u16, folder: &Path) -> String {
    format!(
        "listener {port} {address}\nallow_anonymous true\npersistence true\npersistence_location {}/\n\
         max_queued_messages 0\nset_tcp_nodelay true\nuser root\nlog_dest stderr\n",
        folder.display()
    )
}

fn free_address() -> Result<SocketAddr, MosquittoError> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(broken)
}

fn spawn(program: &Path, folder: &Path) -> Result<Child, MosquittoError> {
    Command::new(program)
        .arg("-c")
        .arg(folder.join("config"))
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(broken)
}

async fn container(image: &str, tag: &str) -> Result<(Running, SocketAddr), MosquittoError> {
    let request = GenericImage::new(image, tag)
        .with_exposed_port(ContainerPort::Tcp(PORT))
        .with_wait_for(WaitFor::message_on_either_std("running"))
        .with_cmd(["/usr/sbin/mosquitto", "-c", CONFIG])
        .with_copy_to(
            CONFIG,
            config("0.0.0.0", PORT, Path::new("/tmp")).into_bytes(),
        )
        .with_startup_timeout(START);
    let container = request.start().await.map_err(broken)?;
    let address = mapped(&container).await?;
    Ok((Running::Container(Box::new(container)), address))
}

/// Where the engine has put the container's port: elsewhere after each start.
async fn mapped(container: &ContainerAsync<GenericImage>) -> Result<SocketAddr, MosquittoError> {
    let port = container.get_host_port_ipv4(PORT).await.map_err(broken)?;
    Ok((Ipv4Addr::LOCALHOST, port).into())
}
