//! The ports of the peers' stack: who listens where, which connections are pending, and which ports are free.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::task::Waker;

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::{tcp, udp};
use smoltcp::wire::{IpAddress, IpListenEndpoint};

use super::stack::{Connection, Stack, tcp_socket, v4};
use super::wire::Pair;
use crate::lab::LabError;

/// How many sockets of a listener wait for a SYN at a time.
const ARMED: usize = 4;
/// How many connections of a listener may be pending.
const PENDING: usize = 64;

/// A listening port.
pub(super) struct Port {
    id: u64,
    pub(super) at: SocketAddrV4,
    armed: Vec<SocketHandle>,
    ready: VecDeque<SocketHandle>,
    waiting: Option<Waker>,
}

impl Stack {
    /// Moves connections that are established to the ready queue, and arms sockets in their place.
    pub(super) fn scan_ports(&mut self) {
        for port in &mut self.ports {
            let mut listening = 0;
            port.armed.retain(|&handle| {
                let socket = self.sockets.get::<tcp::Socket<'_>>(handle);
                match socket.state() {
                    tcp::State::Listen => listening += 1,
                    tcp::State::SynReceived => {}
                    _ => {
                        if let Some(pair) = pair_of(socket) {
                            let connection = Connection {
                                pair,
                                reset: false,
                                written: 0,
                            };
                            self.connections.insert(handle, connection);
                            port.ready.push_back(handle);
                            port.waiting.take().into_iter().for_each(Waker::wake);
                        } else {
                            self.sockets.remove(handle);
                        }
                        return false;
                    }
                }
                true
            });
            while listening < ARMED && port.armed.len() + port.ready.len() < PENDING {
                port.armed.push(arm(&mut self.sockets, port.at));
                listening += 1;
            }
        }
    }

    /// Whether a SYN between these ends was answered, and the answer is not acknowledged yet.
    pub(super) fn is_pending(&self, pair: Pair) -> bool {
        let mut armed = self.ports.iter().flat_map(|port| &port.armed);
        armed.any(|&handle| {
            let socket = self.sockets.get::<tcp::Socket<'_>>(handle);
            socket.state() == tcp::State::SynReceived && pair_of(socket) == Some(pair)
        })
    }

    pub(super) fn open_port(&mut self, at: SocketAddrV4) -> Result<(u64, SocketAddrV4), LabError> {
        let at = self.free_port(at, |stack, at| {
            stack.ports.iter().any(|port| clash(port.at, at))
        })?;
        let id = self.next_port;
        self.next_port += 1;
        let port = Port {
            id,
            at,
            armed: Vec::new(),
            ready: VecDeque::new(),
            waiting: None,
        };
        self.ports.push(port);
        self.scan_ports();
        Ok((id, at))
    }

    pub(super) fn next_ready(&mut self, id: u64, waker: &Waker) -> Option<SocketHandle> {
        let port = self.ports.iter_mut().find(|port| port.id == id)?;
        let ready = port.ready.pop_front();
        if ready.is_none() {
            port.waiting = Some(waker.clone());
        }
        ready
    }

    pub(super) fn close_port(&mut self, id: u64) {
        let Some(at) = self.ports.iter().position(|port| port.id == id) else {
            return;
        };
        let port = self.ports.remove(at);
        for handle in port.armed.into_iter().chain(port.ready) {
            if self.tcp(handle).state() == tcp::State::Listen {
                self.remove(handle);
            } else {
                self.tcp(handle).abort();
                self.orphan(handle);
            }
        }
    }

    pub(super) fn open_udp(
        &mut self,
        at: SocketAddrV4,
    ) -> Result<(SocketHandle, SocketAddrV4), LabError> {
        let at = self.free_port(at, |stack, at| {
            stack.udp_ports.values().any(|bound| clash(*bound, at))
        })?;
        let received =
            udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; 64], vec![0; 128 << 10]);
        // Sent datagrams are framed here, from any source, and never pass this socket.
        let sent = udp::PacketBuffer::new(Vec::new(), Vec::new());
        let mut socket = udp::Socket::new(received, sent);
        // Fails only for port 0 and for a socket that is bound.
        let _ = socket.bind(listen_endpoint(at));
        let handle = self.sockets.add(socket);
        self.udp_ports.insert(handle, at);
        Ok((handle, at))
    }

    pub(super) fn close_udp(&mut self, handle: SocketHandle) {
        self.udp_ports.remove(&handle);
        self.sockets.remove(handle);
    }

    /// `at`, with a free ephemeral port (RFC 6335 §6) in place of 0.
    pub(super) fn free_port(
        &mut self,
        at: SocketAddrV4,
        taken: impl Fn(&Self, SocketAddrV4) -> bool,
    ) -> Result<SocketAddrV4, LabError> {
        if at.port() != 0 {
            return if taken(self, at) {
                Err(LabError::AddressInUse(at))
            } else {
                Ok(at)
            };
        }
        let first = self.random_u16();
        (0..1 << 14)
            .map(|n| SocketAddrV4::new(*at.ip(), 0xc000 | (first.wrapping_add(n) & 0x3fff)))
            .find(|at| !taken(self, *at))
            .ok_or(LabError::AddressInUse(at))
    }
}

fn arm(sockets: &mut SocketSet<'static>, at: SocketAddrV4) -> SocketHandle {
    let mut socket = tcp_socket();
    // Fails only for port 0 and for an open socket.
    let _ = socket.listen(listen_endpoint(at));
    sockets.add(socket)
}

fn pair_of(socket: &tcp::Socket<'_>) -> Option<Pair> {
    Some((v4(socket.local_endpoint()?), v4(socket.remote_endpoint()?)))
}

/// Whether two sockets cannot both have these addresses.
pub(super) fn clash(a: SocketAddrV4, b: SocketAddrV4) -> bool {
    a.port() == b.port() && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
}

fn listen_endpoint(at: SocketAddrV4) -> IpListenEndpoint {
    let addr = (!at.ip().is_unspecified()).then(|| IpAddress::Ipv4(*at.ip()));
    IpListenEndpoint {
        addr,
        port: at.port(),
    }
}
