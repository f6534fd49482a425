//! The peers' TCP/IP stack, and the book-keeping that smoltcp leaves to its user: connections that were
//! reset, and those that nobody holds any more.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use smoltcp::iface::{Config, Interface, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::{tcp, udp};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};

use super::Station;
use super::nic::Nic;
use super::ports::{Port, clash};
use super::wire::{Pair, Wire};
use crate::lab::{LabError, TcpSegment};

const RECEIVE_BUFFER: usize = 128 << 10;
const SEND_BUFFER: usize = 256 << 10;

pub(super) struct Stack {
    nic: Nic,
    interface: Interface,
    station: Station,
    pub(super) sockets: SocketSet<'static>,
    pub(super) connections: HashMap<SocketHandle, Connection>,
    orphans: Vec<SocketHandle>,
    pub(super) ports: Vec<Port>,
    pub(super) udp_ports: HashMap<SocketHandle, SocketAddrV4>,
    pub(super) next_port: u64,
    pub(super) random: ChaCha8Rng,
    /// Until when the engine sleeps, and whether it waits for the DUT to take frames.
    engine: (Option<Instant>, bool),
}

/// A TCP connection that is, or was, established, or that is being opened from here.
pub(super) struct Connection {
    pub(super) pair: Pair,
    /// Ended by RST, from either side.
    pub(super) reset: bool,
    /// Bytes given to the stack.
    pub(super) written: u64,
}

impl Stack {
    pub(super) fn new(wire: Wire, station: Station, seed: [u8; 32]) -> Self {
        let mut random = ChaCha8Rng::from_seed(seed);
        // Faults draw from the same seed, on another stream.
        random.set_stream(1);
        let mut nic = Nic::new(wire);
        let mut config = Config::new(EthernetAddress(station.mac).into());
        config.random_seed = random.next_u64();
        let now = now(&nic.wire);
        let mut interface = Interface::new(config, &mut nic, now);
        interface.update_ip_addrs(|addresses| {
            for &address in &station.addresses {
                // The list holds eight.
                let _ = addresses.push(IpCidr::new(address.into(), 24));
            }
        });
        if let Some(gateway) = station.gateway {
            // The table has room for two.
            let _ = interface.routes_mut().add_default_ipv4_route(gateway);
        }
        interface.set_any_ip(true);
        Self {
            nic,
            interface,
            station,
            sockets: SocketSet::new(Vec::new()),
            connections: HashMap::new(),
            orphans: Vec::new(),
            ports: Vec::new(),
            udp_ports: HashMap::new(),
            next_port: 0,
            random,
            engine: (None, false),
        }
    }

    pub(super) fn station(&self) -> &Station {
        &self.station
    }

    pub(super) fn wire(&mut self) -> &mut Wire {
        &mut self.nic.wire
    }

    pub(super) fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    pub(super) fn udp(&mut self, handle: SocketHandle) -> &mut udp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    pub(super) fn connection(&mut self, handle: SocketHandle) -> Option<&mut Connection> {
        self.connections.get_mut(&handle)
    }

    /// Takes in what has arrived, and sends what can be sent.
    pub(super) fn poll(&mut self) {
        self.wire().release();
        while let Some(frame) = self.nic.wire.peek_inbound() {
            let tcp = TcpSegment::of(frame).map(|tcp| (tcp.flags, (tcp.destination, tcp.source)));
            self.take_in(tcp);
        }
        loop {
            let now = now(&self.nic.wire);
            while self
                .interface
                .poll_egress(now, &mut self.nic, &mut self.sockets)
                != PollResult::None
            {}
            if !self.reap() {
                return;
            }
        }
    }

    /// Takes in one frame.
    fn take_in(&mut self, tcp: Option<(u8, Pair)>) {
        let Some((flags, pair)) = tcp else {
            let now = now(&self.nic.wire);
            self.interface
                .poll_ingress_single(now, &mut self.nic, &mut self.sockets);
            return;
        };
        let opens = flags & TcpSegment::SYN != 0 && flags & TcpSegment::ACK == 0;
        if opens && self.is_pending(pair) {
            // SYN again. The stack would open a second connection for it where a listening socket comes first; the
            // answer to the first SYN is sent again in its own time.
            let repeated = self.nic.wire.next_inbound();
            repeated
                .into_iter()
                .for_each(|frame| self.nic.wire.recycle(frame));
            return;
        }
        if opens {
            self.give_way(pair);
        }
        let open = if flags & TcpSegment::RST != 0 {
            self.open_connection(pair)
        } else {
            None
        };
        let now = now(&self.nic.wire);
        self.interface
            .poll_ingress_single(now, &mut self.nic, &mut self.sockets);
        // An RST that the stack did not accept (RFC 9293 §3.10.7.4) leaves the connection open.
        if let Some(handle) = open
            && self.tcp(handle).state() == tcp::State::Closed
        {
            self.mark_reset(handle);
        }
        self.scan_ports();
    }

    fn open_connection(&mut self, pair: Pair) -> Option<SocketHandle> {
        // An ended connection between the same ends may still be held.
        let open = self.connections.iter().find(|(handle, known)| {
            known.pair == pair
                && self.sockets.get::<tcp::Socket<'_>>(**handle).state() != tcp::State::Closed
        });
        open.map(|(handle, _)| *handle)
    }

    pub(super) fn mark_reset(&mut self, handle: SocketHandle) {
        if let Some(connection) = self.connections.get_mut(&handle) {
            connection.reset = true;
            let pair = connection.pair;
            self.wire().end_flow(pair);
        }
    }

    /// A connection in TIME-WAIT gives way to a new one between the same ends (RFC 9293 §3.6.1).
    fn give_way(&mut self, pair: Pair) {
        let old = self.orphans.iter().copied().find(|handle| {
            self.connections
                .get(handle)
                .is_some_and(|known| known.pair == pair)
                && self.sockets.get::<tcp::Socket<'_>>(*handle).state() == tcp::State::TimeWait
        });
        if let Some(handle) = old {
            self.orphans.retain(|orphan| *orphan != handle);
            self.remove(handle);
        }
    }

    /// Removes connections that nobody holds when they have ended; `true` if one has yet something to send.
    fn reap(&mut self) -> bool {
        let mut again = false;
        for handle in std::mem::take(&mut self.orphans) {
            let socket = self.tcp(handle);
            if socket.state() == tcp::State::Closed && socket.remote_endpoint().is_none() {
                self.remove(handle);
                continue;
            }
            // Data for a process that is gone is answered by RST (RFC 9293 §3.10.7.1, RFC 2525 §2.17).
            if socket.can_recv() && socket.state() != tcp::State::Closed {
                socket.abort();
                again = true;
            }
            self.orphans.push(handle);
        }
        again
    }

    pub(super) fn remove(&mut self, handle: SocketHandle) {
        self.sockets.remove(handle);
        if let Some(Connection { pair, .. }) = self.connections.remove(&handle)
            && self.open_connection(pair).is_none()
        {
            self.wire().end_flow(pair);
        }
    }

    /// Nobody holds this connection any more; it ends by itself.
    pub(super) fn orphan(&mut self, handle: SocketHandle) {
        if self.tcp(handle).state() == tcp::State::SynSent {
            // Nothing to end. An RST to somebody who never answered would wait for an answer to ARP for ever.
            self.remove(handle);
            return;
        }
        self.orphans.push(handle);
    }

    /// Drops a connection without a word.
    pub(super) fn forget(&mut self, handle: SocketHandle) {
        if let Some(connection) = self.connections.get(&handle) {
            let pair = connection.pair;
            self.wire().forget(pair);
        }
        self.remove(handle);
    }

    pub(super) fn open_connection_to(
        &mut self,
        to: SocketAddrV4,
    ) -> Result<(SocketHandle, SocketAddrV4), LabError> {
        let from = SocketAddrV4::new(self.station.address(), 0);
        let from = self.free_port(from, |stack, from| {
            stack
                .connections
                .values()
                .any(|known| known.pair == (from, to))
                || stack.ports.iter().any(|port| clash(port.at, from))
        })?;
        let mut socket = tcp_socket();
        let opened = socket.connect(self.interface.context(), endpoint(to), endpoint(from));
        if opened.is_err() {
            // An unspecified address or port.
            return Err(LabError::Io(std::io::ErrorKind::AddrNotAvailable.into()));
        }
        let handle = self.sockets.add(socket);
        let connection = Connection {
            pair: (from, to),
            reset: false,
            written: 0,
        };
        self.connections.insert(handle, connection);
        Ok((handle, from))
    }

    pub(super) fn random_u16(&mut self) -> u16 {
        self.random.next_u32() as u16
    }

    fn next(&mut self) -> (Option<Instant>, bool) {
        let blocked = self.nic.wire.blocked();
        let stack = match blocked {
            // The stack would always have something to do, and cannot do it.
            true => None,
            false => {
                let now = now(&self.nic.wire);
                let at = self.interface.poll_at(now, &self.sockets);
                let micros = at.map(|at| u64::try_from(at.total_micros()).unwrap_or(0));
                micros.map(|micros| self.nic.wire.at(Duration::from_micros(micros)))
            }
        };
        (
            stack.into_iter().chain(self.nic.wire.next_release()).min(),
            blocked,
        )
    }

    /// Until when the engine may sleep, and whether it must wait for the DUT to take frames.
    pub(super) fn engine_sleeps(&mut self) -> (Option<Instant>, bool) {
        self.engine = self.next();
        self.engine
    }

    /// Whether the engine sleeps too long, now that something has changed.
    pub(super) fn needs_engine(&mut self) -> bool {
        let (deadline, blocked) = self.next();
        let sooner = match (deadline, self.engine.0) {
            (Some(new), Some(old)) => new < old,
            (Some(_), None) => true,
            (None, _) => false,
        };
        sooner || (blocked && !self.engine.1)
    }
}

pub(super) fn tcp_socket() -> tcp::Socket<'static> {
    let mut socket = tcp::Socket::new(
        tcp::SocketBuffer::new(vec![0; RECEIVE_BUFFER]),
        tcp::SocketBuffer::new(vec![0; SEND_BUFFER]),
    );
    // What a case writes leaves when it is written, and is acknowledged when it arrives.
    socket.set_nagle_enabled(false);
    socket.set_ack_delay(None);
    socket
}

fn now(wire: &Wire) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(wire.now().as_micros() as i64)
}

fn endpoint(address: SocketAddrV4) -> IpEndpoint {
    IpEndpoint::new(IpAddress::Ipv4(*address.ip()), address.port())
}

pub(super) fn v4(endpoint: IpEndpoint) -> SocketAddrV4 {
    SocketAddrV4::new(v4_address(endpoint.addr), endpoint.port)
}

pub(super) fn v4_address(address: IpAddress) -> Ipv4Addr {
    // The only kind that this build of smoltcp has.
    let IpAddress::Ipv4(address) = address;
    address
}
