//! The lab that owns the wire: a user-space TCP/IP stack on one end of a datagram socket, the DUT on the other.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use self::link::Link;
use self::stack::Stack;
use self::wire::Wire;
use super::capture::Predicate;
use super::{Capture, EthernetOptions, Faults, FramePort, FrameWatch, LabError};

mod link;
mod nic;
mod ports;
mod stack;
mod tcp;
mod udp;
mod wire;

pub(super) use tcp::{Listener, Stream};
pub(super) use udp::UdpSocket;

/// The DUT's address on every Ethernet lab (TEST-NET-1, RFC 5737).
pub(super) const DUT_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
/// The harness's hardware address, locally administered; all peers share it.
const PEER_MAC: [u8; 6] = [0x02, 0x00, 0xc0, 0x00, 0x02, 0x01];
/// How many peers have an address of their own.
const PEERS: u8 = 7;
/// The longest frame, without FCS.
const LONGEST_FRAME: usize = 1514;
/// How many frames the engine takes in before others get a turn.
const BATCH: usize = 64;

/// The address of peer `n`, or of peer 1 if there is no such peer.
pub(super) fn peer_address(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, if (1..=PEERS).contains(&n) { n } else { 1 })
}

/// Who this side is on the link.
#[derive(Debug, Clone)]
struct Station {
    mac: [u8; 6],
    addresses: Vec<Ipv4Addr>,
    /// The way to addresses that are not on the link. The peers are that way themselves.
    gateway: Option<Ipv4Addr>,
}

impl Station {
    fn peers() -> Self {
        Self {
            mac: PEER_MAC,
            addresses: (1..=PEERS).map(peer_address).collect(),
            gateway: None,
        }
    }

    /// The address that connections and datagrams leave from, if nothing else is asked for.
    fn address(&self) -> Ipv4Addr {
        self.addresses
            .first()
            .copied()
            .unwrap_or(Ipv4Addr::UNSPECIFIED)
    }
}

#[derive(Clone)]
pub(super) struct Ethernet {
    shared: Arc<Shared>,
    _engine: Arc<Engine>,
}

/// What the handle, the sockets and the engine share.
struct Shared {
    stack: Mutex<Stack>,
    faults: Arc<Faults>,
    wake: Notify,
    /// Removed with its sockets when the last of them goes.
    _directory: Option<TempDir>,
}

/// Ends the engine's task with the last handle and socket.
struct Engine(AbortHandle);

impl Drop for Engine {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Ethernet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ethernet").finish_non_exhaustive()
    }
}

impl Ethernet {
    pub(super) fn start(options: EthernetOptions) -> io::Result<(Self, FramePort)> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let directory = private_directory()?;
        let port = FramePort {
            harness_socket: directory.path().join("h"),
            dut_socket: directory.path().join("d"),
        };
        let lab = Self::attach(
            &runtime,
            options,
            Station::peers(),
            Some(directory),
            &port.harness_socket,
            &port.dut_socket,
        )?;
        Ok((lab, port))
    }

    /// The other end of a lab's cable, to stand in for a DUT.
    #[cfg(test)]
    pub(super) fn plug_in(port: &FramePort, seed: [u8; 32]) -> io::Result<Self> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let station = Station {
            mac: [2, 0, 0, 0, 0, 10],
            addresses: vec![DUT_ADDRESS],
            gateway: Some(peer_address(1)),
        };
        let options = EthernetOptions::seeded(seed);
        Self::attach(
            &runtime,
            options,
            station,
            None,
            &port.dut_socket,
            &port.harness_socket,
        )
    }

    fn attach(
        runtime: &Handle,
        options: EthernetOptions,
        station: Station,
        directory: Option<TempDir>,
        own: &Path,
        other: &Path,
    ) -> io::Result<Self> {
        let incoming = UnixDatagram::bind(own)?;
        // A socket of its own for sending: only a connected datagram socket learns when its peer's queue has room,
        // and a connected one would not hear a DUT that was started anew.
        let outgoing = Arc::new(UnixDatagram::unbound()?);
        let faults = Arc::new(Faults::new(options.seed));
        let link = Link::new(Arc::clone(&outgoing), other.to_owned());
        let wire = Wire::new(
            link,
            Arc::clone(&faults),
            station.addresses.clone(),
            options.capture_bytes,
        );
        let shared = Arc::new(Shared {
            stack: Mutex::new(Stack::new(wire, station, options.seed)),
            faults,
            wake: Notify::new(),
            _directory: directory,
        });
        let engine = runtime.spawn(run(Arc::downgrade(&shared), incoming, outgoing));
        Ok(Self {
            shared,
            _engine: Arc::new(Engine(engine.abort_handle())),
        })
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    pub(super) fn set_cut(&self, cut: bool) {
        self.act(|stack| stack.wire().set_cut(cut));
    }

    pub(super) fn capture(&self) -> Capture {
        self.shared.lock().wire().captured()
    }

    pub(super) fn watch(&self, predicate: Predicate) -> FrameWatch {
        self.shared.lock().wire().watch(predicate)
    }

    pub(super) fn send_frame(&self, bytes: &[u8]) {
        self.act(|stack| stack.wire().send(&mut bytes.to_vec()));
    }

    /// Does something to the stack, and lets the stack do at once what follows from it.
    fn act<R>(&self, action: impl FnOnce(&mut Stack) -> R) -> R {
        let mut stack = self.shared.lock();
        let result = action(&mut stack);
        self.settle(&mut stack);
        result
    }

    /// Lets the stack act, and wakes the engine if it would otherwise sleep too long.
    fn settle(&self, stack: &mut Stack) {
        stack.poll();
        if stack.needs_engine() {
            self.shared.wake.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Stack> {
        self.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves frames and runs timers until the lab is gone.
async fn run(shared: Weak<Shared>, incoming: UnixDatagram, outgoing: Arc<UnixDatagram>) {
    // One byte more than fits, to tell an oversized frame.
    let mut buffer = [0; LONGEST_FRAME + 1];
    loop {
        let Some(lab) = shared.upgrade() else { return };
        let (deadline, blocked) = {
            let mut stack = lab.lock();
            for _ in 0..BATCH {
                let Ok(length) = incoming.try_recv(&mut buffer) else {
                    break;
                };
                stack.wire().receive(&mut buffer[..length]);
            }
            stack.poll();
            stack.engine_sleeps()
        };
        let woken = lab.wake.notified();
        let timer = async {
            match deadline {
                // Timers have no finer grain; a deadline in the past must not make this loop spin.
                Some(at) => {
                    let at = at.max(Instant::now() + Duration::from_millis(1));
                    tokio::time::sleep_until(at.into()).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            readable = incoming.readable() => if readable.is_err() { return },
            () = woken => {}
            _ = outgoing.writable(), if blocked => {}
            () = timer => {}
        }
    }
}

/// A directory for the two sockets, with a path short enough for `sun_path` (108 bytes).
fn private_directory() -> io::Result<TempDir> {
    let directory = tempfile::Builder::new().prefix("fp").tempdir()?;
    if directory.path().as_os_str().len() <= 100 {
        return Ok(directory);
    }
    tempfile::Builder::new().prefix("fp").tempdir_in("/tmp")
}

impl Ethernet {
    pub(super) fn listen(&self, at: SocketAddrV4) -> Result<Listener, LabError> {
        Listener::open(self.clone(), at)
    }

    pub(super) async fn connect(
        &self,
        to: SocketAddrV4,
        deadline: Duration,
    ) -> Result<Stream, LabError> {
        let stream = Stream::open(self.clone(), to)?;
        match tokio::time::timeout(deadline, stream.established()).await {
            Ok(Ok(())) => Ok(stream),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(LabError::Timeout(deadline)),
        }
    }

    pub(super) fn udp(&self, at: SocketAddrV4) -> Result<UdpSocket, LabError> {
        UdpSocket::open(self.clone(), at)
    }
}
