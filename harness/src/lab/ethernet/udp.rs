//! UDP on the Ethernet lab.

use std::fmt;
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::task::Poll;

use smoltcp::iface::SocketHandle;

use super::Ethernet;
use super::stack::{v4, v4_address};
use crate::lab::segment::udp_frame;
use crate::lab::{Datagram, LabError};

/// The link's own broadcast address.
const LINK_BROADCAST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 255);

pub(in crate::lab) struct UdpSocket {
    lab: Ethernet,
    handle: SocketHandle,
    local: SocketAddrV4,
}

impl UdpSocket {
    pub(super) fn open(lab: Ethernet, at: SocketAddrV4) -> Result<Self, LabError> {
        let (handle, local) = lab.act(|stack| stack.open_udp(at))?;
        Ok(Self { lab, handle, local })
    }

    pub(in crate::lab) fn local_addr(&self) -> SocketAddrV4 {
        self.local
    }

    pub(in crate::lab) async fn recv(&self) -> Datagram {
        poll_fn(|cx| {
            let mut stack = self.lab.shared.lock();
            let socket = stack.udp(self.handle);
            let Ok((payload, meta)) = socket.recv() else {
                socket.register_recv_waker(cx.waker());
                return Poll::Pending;
            };
            let to = meta.local_address.map_or(*self.local.ip(), v4_address);
            Poll::Ready(Datagram {
                payload: payload.to_vec(),
                from: v4(meta.endpoint),
                to: SocketAddrV4::new(to, self.local.port()),
            })
        })
        .await
    }

    pub(in crate::lab) fn send(
        &self,
        payload: &[u8],
        source: Option<SocketAddrV4>,
        to: SocketAddrV4,
        mac: Option<[u8; 6]>,
    ) -> Result<(), LabError> {
        self.lab.act(|stack| {
            let bound = match self.local.ip().is_unspecified() {
                true => SocketAddrV4::new(stack.station().address(), self.local.port()),
                false => self.local,
            };
            // The wire has one DUT, so its address is known without asking.
            let mac = mac.unwrap_or_else(|| match *to.ip() {
                Ipv4Addr::BROADCAST | LINK_BROADCAST => [0xff; 6],
                _ => stack.wire().dut_mac(),
            });
            let macs = (stack.station().mac, mac);
            let identification = stack.random_u16();
            let frame = udp_frame(macs, source.unwrap_or(bound), to, identification, payload);
            let Some(mut frame) = frame else {
                return Err(LabError::TooLong(payload.len()));
            };
            stack.wire().send(&mut frame);
            Ok(())
        })
    }
}

impl Drop for UdpSocket {
    fn drop(&mut self) {
        self.lab.act(|stack| stack.close_udp(self.handle));
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpSocket")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}
