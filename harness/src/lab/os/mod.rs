//! The operating system's sockets, for DUTs that the harness does not carry the frames of.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::{LabError, OsOptions};

mod stream;
mod udp;

pub(super) use stream::Stream;
pub(super) use udp::UdpSocket;

/// A lab on this machine's own network.
#[derive(Debug, Clone)]
pub(super) struct Os {
    options: OsOptions,
}

impl Os {
    pub(super) fn new(options: OsOptions) -> Self {
        Self { options }
    }

    pub(super) fn dut_address(&self) -> Ipv4Addr {
        self.options.dut
    }

    pub(super) fn peer_address(&self) -> Ipv4Addr {
        self.options.peer
    }

    /// Ports below 1024 need privilege and all are shared with this machine: only ephemeral ones are
    /// used, but for those that the DUT insists on.
    fn place(&self, asked: SocketAddrV4) -> SocketAddrV4 {
        let port = Some(asked.port()).filter(|port| self.options.ports.contains(port));
        SocketAddrV4::new(self.options.peer, port.unwrap_or(0))
    }

    pub(super) async fn listen(&self, at: SocketAddrV4) -> Result<Listener, LabError> {
        let at = self.place(at);
        let listener = TcpListener::bind(at).await.map_err(|e| unbound(at, e))?;
        let local = v4(listener.local_addr()?)?;
        Ok(Listener { listener, local })
    }

    pub(super) async fn connect(to: SocketAddrV4, deadline: Duration) -> Result<Stream, LabError> {
        match tokio::time::timeout(deadline, TcpStream::connect(to)).await {
            Ok(stream) => Stream::new(stream?),
            Err(_) => Err(LabError::Timeout(deadline)),
        }
    }

    pub(super) async fn udp(&self, at: SocketAddrV4) -> Result<UdpSocket, LabError> {
        UdpSocket::bind(self.place(at)).await
    }
}

/// Why a port cannot be had.
fn unbound(at: SocketAddrV4, error: std::io::Error) -> LabError {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => LabError::NeedsPrivilege(at.port()),
        std::io::ErrorKind::AddrInUse => LabError::AddressInUse(at),
        _ => error.into(),
    }
}

/// A listening port of this machine.
#[derive(Debug)]
pub(super) struct Listener {
    listener: TcpListener,
    local: SocketAddrV4,
}

impl Listener {
    pub(super) fn local_addr(&self) -> SocketAddrV4 {
        self.local
    }

    pub(super) async fn accept(&self) -> Result<Stream, LabError> {
        let (stream, _) = self.listener.accept().await?;
        Stream::new(stream)
    }
}

/// These sockets are bound to IPv4 addresses, so they only ever see those.
fn v4(address: SocketAddr) -> Result<SocketAddrV4, LabError> {
    match address {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(_) => Err(LabError::Io(std::io::ErrorKind::InvalidInput.into())),
    }
}
