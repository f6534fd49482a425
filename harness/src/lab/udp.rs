//! Datagrams to and from the DUT.

use std::net::SocketAddrV4;
use std::time::Duration;

use super::{LabError, LabFeature, ethernet, os};

/// A datagram from the DUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// The UDP payload.
    pub payload: Vec<u8>,
    /// The sender.
    pub from: SocketAddrV4,
    /// The address it was sent to: one of the peers', or a broadcast address.
    pub to: SocketAddrV4,
}

/// A UDP socket. Dropping it closes the port: a later datagram is answered by an ICMP port-unreachable.
#[derive(Debug)]
pub struct UdpSocket(Kind);

#[derive(Debug)]
enum Kind {
    Ethernet(ethernet::UdpSocket),
    Os(os::UdpSocket),
}

impl UdpSocket {
    pub(super) fn ethernet(socket: ethernet::UdpSocket) -> Self {
        Self(Kind::Ethernet(socket))
    }

    pub(super) fn os(socket: os::UdpSocket) -> Self {
        Self(Kind::Os(socket))
    }

    /// The address and port that it really has.
    pub fn local_addr(&self) -> SocketAddrV4 {
        match &self.0 {
            Kind::Ethernet(socket) => socket.local_addr(),
            Kind::Os(socket) => socket.local_addr(),
        }
    }

    /// Waits for the next datagram. Up to 64 wait in line; more are lost.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn recv(&self) -> Result<Datagram, LabError> {
        match &self.0 {
            Kind::Ethernet(socket) => Ok(socket.recv().await),
            Kind::Os(socket) => socket.recv().await,
        }
    }

    /// [`Self::recv`] with a time limit.
    ///
    /// # Errors
    /// [`LabError::Timeout`] when there is none within `deadline`.
    pub async fn recv_within(&self, deadline: Duration) -> Result<Datagram, LabError> {
        match tokio::time::timeout(deadline, self.recv()).await {
            Ok(result) => result,
            Err(_) => Err(LabError::Timeout(deadline)),
        }
    }

    /// Sends a datagram to `to`, from `source` or else from where the socket is bound (peer 1, when bound to
    /// 0.0.0.0). 255.255.255.255 reaches the DUT as a broadcast.
    ///
    /// # Errors
    /// [`LabError::TooLong`] when it does not fit into one frame; [`LabError::Unsupported`] when `source` is not
    /// where the socket is bound and the lab lacks [`LabFeature::Addresses`].
    pub async fn send_from_to(
        &self,
        payload: &[u8],
        source: Option<SocketAddrV4>,
        to: SocketAddrV4,
    ) -> Result<(), LabError> {
        match &self.0 {
            Kind::Ethernet(socket) => socket.send(payload, source, to, None),
            Kind::Os(socket) => socket.send(payload, source, to).await,
        }
    }

    /// Sends a datagram to `to` in a frame addressed to the hardware address `mac`, without asking who has `to`:
    /// how a DHCP server answers a client that has no address yet (RFC 2131 §4.1).
    ///
    /// # Errors
    /// [`LabError::TooLong`]; [`LabError::Unsupported`] without [`LabFeature::Broadcast`].
    pub async fn send_to_hardware(
        &self,
        payload: &[u8],
        source: Option<SocketAddrV4>,
        to: SocketAddrV4,
        mac: [u8; 6],
    ) -> Result<(), LabError> {
        match &self.0 {
            Kind::Ethernet(socket) => socket.send(payload, source, to, Some(mac)),
            Kind::Os(_) => Err(LabError::Unsupported(LabFeature::Broadcast)),
        }
    }
}
