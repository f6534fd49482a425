//! The wire between a DUT and its peers, and what can be done to it: one lab per bench.
//!
//! Two kinds hide behind [`Lab`]. The *Ethernet* lab owns every frame: a user-space TCP/IP stack on one side of a
//! pair of local datagram sockets, the DUT on the other. The *operating system's* lab reaches DUTs that live
//! elsewhere; what it cannot do, [`Lab::supports`] says, and asking for it is [`LabError::Unsupported`].

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

mod capture;
mod error;
mod ethernet;
mod faults;
mod feature;
mod listener;
mod os;
pub mod pcapng;
mod segment;
mod stream;
#[cfg(test)]
mod tests;
mod udp;

pub use capture::{Capture, Direction, Fate, Frame, FrameWatch, Traffic};
pub use error::LabError;
pub use faults::{Action, Faults, Matcher, Protocol, RuleId, Which};
pub use feature::LabFeature;
pub use listener::Listener;
pub use segment::{TcpSegment, UdpPacket};
pub use stream::Stream;
pub use udp::{Datagram, UdpSocket};

/// How to set up an Ethernet lab.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EthernetOptions {
    /// Seed of everything that the lab draws: initial sequence numbers, ephemeral ports, faults.
    pub seed: [u8; 32],
    /// How many bytes of frames the capture keeps at most, split between the first and the last ones.
    pub capture_bytes: usize,
}

impl Default for EthernetOptions {
    fn default() -> Self {
        Self {
            seed: [0; 32],
            capture_bytes: 4 << 20,
        }
    }
}

impl EthernetOptions {
    /// The default options with this seed.
    pub fn seeded(seed: [u8; 32]) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }
}

/// How to set up a lab on the operating system's sockets.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OsOptions {
    /// The address of this machine at which the DUT reaches the peers.
    pub peer: Ipv4Addr,
    /// The address at which the DUT is reached.
    pub dut: Ipv4Addr,
    /// Where a standard port is bound, for a DUT that looks for it there.
    pub fixed: BTreeMap<u16, SocketAddrV4>,
    /// Whether the network is the harness's own, so that 127.0.0.0/8 and every port are free.
    pub own_network: bool,
}

impl Default for OsOptions {
    fn default() -> Self {
        Self {
            peer: Ipv4Addr::LOCALHOST,
            dut: Ipv4Addr::LOCALHOST,
            fixed: BTreeMap::new(),
            own_network: false,
        }
    }
}

impl OsOptions {
    /// A DUT at `dut`, which reaches this machine at `peer`.
    pub fn between(peer: Ipv4Addr, dut: Ipv4Addr) -> Self {
        Self {
            peer,
            dut,
            ..Self::default()
        }
    }

    /// The same, with ports that a peer must have when it asks for them, because the DUT knows no others.
    #[must_use]
    pub fn with_ports(mut self, ports: &[u16]) -> Self {
        let at_peer = |&port| (port, SocketAddrV4::new(self.peer, port));
        self.fixed = ports.iter().map(at_peer).collect();
        self
    }
}

/// Where the DUT of an Ethernet lab plugs in: Unix datagram sockets, one whole Ethernet frame (no FCS, at most
/// 1514 bytes) per datagram.
///
/// The lab is bound to `harness_socket`. The DUT binds `dut_socket` (removing a stale file first) and sends its
/// frames to `harness_socket` with an address per datagram: frames reach it from a socket other than
/// `harness_socket`, so it must not `connect` its own. While nothing is bound, frames to the DUT are lost, as on
/// an unplugged cable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FramePort {
    /// Where the DUT sends its frames to.
    pub harness_socket: PathBuf,
    /// Where the DUT receives its frames.
    pub dut_socket: PathBuf,
}

/// The network between one DUT and its peers. Cheap to clone; the wire lives as long as any handle or socket on it.
#[derive(Clone, Debug)]
pub struct Lab(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Ethernet(ethernet::Ethernet),
    Os(os::Os),
}

impl Lab {
    /// A virtual Ethernet of its own, 192.0.2.0/24 (TEST-NET-1, RFC 5737), with the DUT at .10 and peers at .1 to .7.
    ///
    /// # Errors
    /// The sockets cannot be made, or this is called outside a Tokio runtime.
    pub fn ethernet(options: EthernetOptions) -> io::Result<(Self, FramePort)> {
        let (lab, port) = ethernet::Ethernet::start(options)?;
        Ok((Self(Kind::Ethernet(lab)), port))
    }

    /// The operating system's sockets.
    pub fn os(options: OsOptions) -> Self {
        Self(Kind::Os(os::Os::new(options)))
    }

    /// Whether this lab can do what `feature` names.
    pub fn supports(&self, feature: LabFeature) -> bool {
        match &self.0 {
            Kind::Ethernet(_) => true,
            Kind::Os(os) => os.supports(feature),
        }
    }

    /// The address at which the DUT is reached.
    pub fn dut_address(&self) -> Ipv4Addr {
        match &self.0 {
            Kind::Ethernet(_) => ethernet::DUT_ADDRESS,
            Kind::Os(os) => os.dut_address(),
        }
    }

    /// An address of the harness's side. Peer 1 is also the DUT's gateway; peers 2 to 7 exist where
    /// [`LabFeature::Addresses`] does, and any other number means peer 1.
    pub fn peer_address(&self, n: u8) -> Ipv4Addr {
        match &self.0 {
            Kind::Ethernet(_) => ethernet::peer_address(n),
            Kind::Os(os) => os.peer_address(n),
        }
    }

    /// Listens for TCP connections. Port 0 means an ephemeral port; without [`LabFeature::StandardPorts`] every port
    /// means that, and without [`LabFeature::Addresses`] every address means peer 1: ask [`Listener::local_addr`].
    /// 0.0.0.0 listens on all addresses. The Ethernet lab also serves addresses beyond the gateway.
    ///
    /// # Errors
    /// The port is taken, or the operating system refuses.
    pub async fn listen(&self, at: SocketAddrV4) -> Result<Listener, LabError> {
        match &self.0 {
            Kind::Ethernet(lab) => lab.listen(at).map(Listener::ethernet),
            Kind::Os(os) => os.listen(at).await.map(Listener::os),
        }
    }

    /// Opens a TCP connection from peer 1.
    ///
    /// # Errors
    /// [`LabError::Refused`] when answered by RST, [`LabError::Timeout`] when not established within `deadline`.
    pub async fn connect(&self, to: SocketAddrV4, deadline: Duration) -> Result<Stream, LabError> {
        match &self.0 {
            Kind::Ethernet(lab) => lab.connect(to, deadline).await.map(Stream::ethernet),
            Kind::Os(os) => os.connect(to, deadline).await.map(Stream::os),
        }
    }

    /// Binds a UDP socket; port and address are read as in [`Self::listen`]. Bound to 0.0.0.0 it also receives
    /// broadcasts.
    ///
    /// # Errors
    /// The port is taken, or the operating system refuses.
    pub async fn udp(&self, at: SocketAddrV4) -> Result<UdpSocket, LabError> {
        match &self.0 {
            Kind::Ethernet(lab) => lab.udp(at).map(UdpSocket::ethernet),
            Kind::Os(os) => os.udp(at).await.map(UdpSocket::os),
        }
    }

    /// What goes wrong on the wire; `None` without [`LabFeature::Frames`].
    pub fn faults(&self) -> Option<&Faults> {
        match &self.0 {
            Kind::Ethernet(lab) => Some(lab.faults()),
            Kind::Os(_) => None,
        }
    }

    /// Stops the wire dead in both directions; frames under way are lost, nobody is told.
    ///
    /// # Errors
    /// [`LabError::Unsupported`] without [`LabFeature::Frames`].
    pub fn cut(&self) -> Result<(), LabError> {
        self.frames().map(|lab| lab.set_cut(true))
    }

    /// Undoes [`Self::cut`]. Retransmission, not the lab, brings back what was lost.
    ///
    /// # Errors
    /// [`LabError::Unsupported`] without [`LabFeature::Frames`].
    pub fn restore(&self) -> Result<(), LabError> {
        self.frames().map(|lab| lab.set_cut(false))
    }

    /// The frames kept so far; without [`LabFeature::Frames`], [those that could have carried](Capture::of_sockets)
    /// what the sockets did.
    pub fn capture(&self) -> Capture {
        match &self.0 {
            Kind::Ethernet(lab) => lab.capture(),
            Kind::Os(os) => os.capture(),
        }
    }

    /// Watches for frames that satisfy `predicate`, from now on. Register first, then give the stimulus.
    ///
    /// # Errors
    /// [`LabError::Unsupported`] without [`LabFeature::Frames`].
    pub fn on_frame(
        &self,
        predicate: impl FnMut(&Frame) -> bool + Send + 'static,
    ) -> Result<FrameWatch, LabError> {
        self.frames().map(|lab| lab.watch(Box::new(predicate)))
    }

    /// Waits for the next frame that satisfies `predicate`.
    ///
    /// # Errors
    /// [`LabError::Timeout`] after `deadline`; [`LabError::Unsupported`] without [`LabFeature::Frames`].
    pub async fn wait_for_frame(
        &self,
        predicate: impl FnMut(&Frame) -> bool + Send + 'static,
        deadline: Duration,
    ) -> Result<Frame, LabError> {
        self.on_frame(predicate)?.next(deadline).await
    }

    /// Puts a whole Ethernet frame on the wire to the DUT, as it is (no FCS).
    ///
    /// # Errors
    /// [`LabError::Unsupported`] without [`LabFeature::Frames`].
    pub fn send_frame(&self, bytes: &[u8]) -> Result<(), LabError> {
        self.frames().map(|lab| lab.send_frame(bytes))
    }

    fn frames(&self) -> Result<&ethernet::Ethernet, LabError> {
        match &self.0 {
            Kind::Ethernet(lab) => Ok(lab),
            Kind::Os(_) => Err(LabError::Unsupported(LabFeature::Frames)),
        }
    }
}
