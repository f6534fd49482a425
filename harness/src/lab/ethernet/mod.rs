//! The lab that owns the wire.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::task::{Context, Poll};
use std::time::Duration;

use super::capture::Predicate;
use super::{Capture, Datagram, EthernetOptions, Faults, FramePort, FrameWatch, LabError};

pub(super) const DUT_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

pub(super) fn peer_address(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, if (1..=7).contains(&n) { n } else { 1 })
}
macro_rules! never { ($($name:ident)*) => {$( #[derive(Debug, Clone)] pub(super) struct $name(Infallible); )*} }
never!(Ethernet Listener Stream UdpSocket);
impl Ethernet {
    pub(super) fn start(_: EthernetOptions) -> io::Result<(Self, FramePort)> {
        Err(io::ErrorKind::Unsupported.into())
    }
    pub(super) fn listen(&self, _: SocketAddrV4) -> Result<Listener, LabError> {
        match self.0 {}
    }
    pub(super) async fn connect(&self, _: SocketAddrV4, _: Duration) -> Result<Stream, LabError> {
        match self.0 {}
    }
    pub(super) fn udp(&self, _: SocketAddrV4) -> Result<UdpSocket, LabError> {
        match self.0 {}
    }
    pub(super) fn faults(&self) -> &Faults {
        match self.0 {}
    }
    pub(super) fn set_cut(&self, _: bool) {
        match self.0 {}
    }
    pub(super) fn capture(&self) -> Capture {
        match self.0 {}
    }
    pub(super) fn watch(&self, _: Predicate) -> FrameWatch {
        match self.0 {}
    }
    pub(super) fn send_frame(&self, _: &[u8]) {
        match self.0 {}
    }
}
impl Listener {
    pub(super) fn local_addr(&self) -> SocketAddrV4 {
        match self.0 {}
    }
    pub(super) async fn accept(&self) -> Stream {
        match self.0 {}
    }
}
impl Stream {
    pub(super) fn peer_addr(&self) -> SocketAddrV4 {
        match self.0 {}
    }
    pub(super) fn local_addr(&self) -> SocketAddrV4 {
        match self.0 {}
    }
    pub(super) fn poll_read(
        &self,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<Result<usize, LabError>> {
        match self.0 {}
    }
    pub(super) fn poll_write(
        &self,
        _: &mut Context<'_>,
        _: &[u8],
    ) -> Poll<Result<usize, LabError>> {
        match self.0 {}
    }
    pub(super) fn poll_sent(&self, _: &mut Context<'_>) -> Poll<Result<(), LabError>> {
        match self.0 {}
    }
    pub(super) fn poll_acknowledged(&self, _: &mut Context<'_>) -> Poll<Result<(), LabError>> {
        match self.0 {}
    }
    pub(super) fn reset(&self) {
        match self.0 {}
    }
    pub(super) fn finish(&self) {
        match self.0 {}
    }
    pub(super) fn vanish(self) {
        match self.0 {}
    }
}
impl UdpSocket {
    pub(super) fn local_addr(&self) -> SocketAddrV4 {
        match self.0 {}
    }
    pub(super) async fn recv(&self) -> Datagram {
        match self.0 {}
    }
    pub(super) fn send(
        &self,
        _: &[u8],
        _: Option<SocketAddrV4>,
        _: SocketAddrV4,
        _: Option<[u8; 6]>,
    ) -> Result<(), LabError> {
        match self.0 {}
    }
}
