//! A UDP socket of the operating system.

use std::net::SocketAddrV4;
use std::sync::Arc;

use super::{LabError, Record, unbound, v4};
use crate::lab::{Datagram, Direction, LabFeature};

/// The largest UDP payload over IPv4.
const LARGEST: usize = 65_507;

#[derive(Debug)]
pub(in crate::lab) struct UdpSocket {
    socket: tokio::net::UdpSocket,
    local: SocketAddrV4,
    /// Whether this machine's other addresses and ports are free to send from.
    own_network: bool,
    record: Arc<Record>,
    /// Where it stands in the record.
    pub(super) shown: SocketAddrV4,
}

impl UdpSocket {
    pub(super) async fn bind(
        at: SocketAddrV4,
        own_network: bool,
        record: Arc<Record>,
    ) -> Result<Self, LabError> {
        let bound = tokio::net::UdpSocket::bind(at).await;
        let socket = bound.map_err(|error| unbound(at, error))?;
        let local = v4(socket.local_addr()?)?;
        Ok(Self {
            socket,
            local,
            own_network,
            record,
            shown: local,
        })
    }

    pub(in crate::lab) fn local_addr(&self) -> SocketAddrV4 {
        self.local
    }

    pub(in crate::lab) async fn recv(&self) -> Result<Datagram, LabError> {
        let mut buffer = vec![0; LARGEST];
        let (length, from) = self.socket.recv_from(&mut buffer).await?;
        buffer.truncate(length);
        let from = v4(from)?;
        self.record
            .datagram(Direction::FromDut, self.shown, from, &buffer);
        Ok(Datagram {
            payload: buffer,
            from,
            to: self.local,
        })
    }

    pub(in crate::lab) async fn send(
        &self,
        payload: &[u8],
        source: Option<SocketAddrV4>,
        to: SocketAddrV4,
    ) -> Result<(), LabError> {
        if payload.len() > LARGEST {
            return Err(LabError::TooLong(payload.len()));
        }
        if let Some(source) = source.filter(|source| *source != self.local) {
            if !self.own_network {
                return Err(LabError::Unsupported(LabFeature::Addresses));
            }
            let other = tokio::net::UdpSocket::bind(source).await?;
            other.send_to(payload, to).await?;
            self.record.datagram(Direction::ToDut, source, to, payload);
            return Ok(());
        }
        self.socket.send_to(payload, to).await?;
        self.record
            .datagram(Direction::ToDut, self.shown, to, payload);
        Ok(())
    }
}
