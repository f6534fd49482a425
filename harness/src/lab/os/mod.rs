//! The operating system's sockets, for DUTs that the harness does not carry the frames of.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::{Capture, Direction, LabError, LabFeature, OsOptions};

mod record;
mod stream;
mod udp;

use record::{Connection, Record};
pub(super) use stream::Stream;
pub(super) use udp::UdpSocket;

/// A lab on this machine's own network.
#[derive(Debug, Clone)]
pub(super) struct Os {
    options: OsOptions,
    record: Arc<Record>,
}

impl Os {
    pub(super) fn new(options: OsOptions) -> Self {
        Self {
            options,
            record: Arc::new(Record::new()),
        }
    }

    pub(super) fn capture(&self) -> Capture {
        self.record.capture()
    }

    pub(super) fn dut_address(&self) -> Ipv4Addr {
        self.options.dut
    }

    pub(super) fn supports(&self, feature: LabFeature) -> bool {
        match feature {
            LabFeature::Reset => true,
            LabFeature::StandardPorts | LabFeature::Addresses => self.options.own_network,
            _ => false,
        }
    }

    pub(super) fn peer_address(&self, n: u8) -> Ipv4Addr {
        match n {
            2..=7 if self.options.own_network => Ipv4Addr::new(127, 0, 0, n),
            _ => self.options.peer,
        }
    }

    /// Ports below 1024 need privilege and all are shared with this machine: ephemeral ones are used, but for those
    /// that the DUT knows.
    fn bound(&self, at: SocketAddrV4) -> SocketAddrV4 {
        match self.options.fixed.get(&at.port()) {
            Some(fixed) => *fixed,
            None if self.options.own_network => at,
            None => SocketAddrV4::new(self.options.peer, 0),
        }
    }

    pub(super) async fn listen(&self, at: SocketAddrV4) -> Result<Listener, LabError> {
        let bound = self.bound(at);
        let listener = TcpListener::bind(bound).await;
        let listener = listener.map_err(|e| unbound(bound, e))?;
        let local = v4(listener.local_addr()?)?;
        Ok(Listener {
            shown: self.shown(at, local),
            record: self.record.clone(),
            listener,
            local,
        })
    }

    pub(super) async fn connect(
        &self,
        to: SocketAddrV4,
        deadline: Duration,
    ) -> Result<Stream, LabError> {
        match tokio::time::timeout(deadline, TcpStream::connect(to)).await {
            Ok(stream) => {
                let stream = stream?;
                let local = v4(stream.local_addr()?)?;
                let record = Connection::opened(self.record.clone(), Direction::ToDut, local, to);
                Stream::new(stream, record)
            }
            Err(_) => Err(LabError::Timeout(deadline)),
        }
    }

    pub(super) async fn udp(&self, at: SocketAddrV4) -> Result<UdpSocket, LabError> {
        let bound = self.bound(at);
        let own_network = self.options.own_network;
        let mut socket = UdpSocket::bind(bound, own_network, self.record.clone()).await?;
        socket.shown = self.shown(at, socket.local_addr());
        Ok(socket)
    }

    /// How a socket at `local` stands in the record, when `wanted` was asked for.
    fn shown(&self, wanted: SocketAddrV4, local: SocketAddrV4) -> SocketAddrV4 {
        match wanted.port() {
            0 => local,
            port => SocketAddrV4::new(*local.ip(), port),
        }
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
    record: Arc<Record>,
    shown: SocketAddrV4,
}

impl Listener {
    pub(super) fn local_addr(&self) -> SocketAddrV4 {
        self.local
    }

    pub(super) async fn accept(&self) -> Result<Stream, LabError> {
        let (stream, from) = self.listener.accept().await?;
        let record = Connection::opened(
            self.record.clone(),
            Direction::FromDut,
            self.shown,
            v4(from)?,
        );
        Stream::new(stream, record)
    }
}

/// These sockets are bound to IPv4 addresses, so they only ever see those.
fn v4(address: SocketAddr) -> Result<SocketAddrV4, LabError> {
    match address {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(_) => Err(LabError::Io(std::io::ErrorKind::InvalidInput.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
    }

    #[tokio::test]
    async fn a_port_that_the_dut_insists_on_is_the_one_and_any_other_is_ephemeral() {
        let free = TcpListener::bind(at(0)).await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let os = Os::new(OsOptions::default().with_ports(&[port]));
        let listener = os.listen(at(port)).await.unwrap();
        assert_eq!(listener.local_addr().port(), port);
        let socket = os.udp(at(port)).await.unwrap();
        assert_eq!(socket.local_addr().port(), port);
        let other = os.listen(at(1883)).await.unwrap();
        assert_ne!(other.local_addr().port(), 1883);
        let again = os.listen(at(port)).await;
        assert!(matches!(again, Err(LabError::AddressInUse(_))));
    }

    #[test]
    fn a_port_that_needs_privilege_is_told_with_what_to_do() {
        let denied = unbound(at(123), std::io::ErrorKind::PermissionDenied.into());
        let text = denied.to_string();
        assert!(text.starts_with("port 123 needs privilege"), "{text}");
        assert!(text.contains("ip_unprivileged_port_start=123"), "{text}");
    }
}
