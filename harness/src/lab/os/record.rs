//! What the operating system's sockets carried, written down as the frames that could have carried it.
//!
//! The harness does not see that network's frames. Addresses, data, order and times are true; the
//! harness's own ports are the protocol's (an ephemeral one says nothing to a reader or to Wireshark),
//! and the handshake, sequence numbers and segment boundaries are made up.

use std::net::SocketAddrV4;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr, IpAddress, IpProtocol,
    Ipv4Packet, Ipv4Repr, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber,
};

use crate::lab::capture::{Capture, Direction, Fate, Recorder};
use crate::lab::segment::udp_frame;

/// Locally administered addresses (IEEE 802 §8.4), as no real ones are known.
const HARNESS_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const DUT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x10];
/// How much the record keeps, as on the Ethernet lab.
const BUDGET: usize = 4 << 20;
/// The data of one made-up segment or datagram at most, in bytes.
const SEGMENT: usize = 1460;
const DATAGRAM: usize = 1472;

/// The record of one lab.
pub(super) struct Record {
    start: Instant,
    kept: Mutex<Recorder>,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record").finish_non_exhaustive()
    }
}

impl Record {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            kept: Mutex::new(Recorder::new(BUDGET)),
        }
    }

    pub(super) fn capture(&self) -> Capture {
        Capture {
            of_sockets: true,
            ..self.lock().kept()
        }
    }

    /// A datagram between the harness's socket, which stands for `ours`, and the device.
    pub(super) fn datagram(
        &self,
        direction: Direction,
        ours: SocketAddrV4,
        dut: SocketAddrV4,
        payload: &[u8],
    ) {
        let (macs, from, to) = ends(direction, ours, dut);
        let shown = &payload[..payload.len().min(DATAGRAM)];
        if let Some(frame) = udp_frame(macs, from, to, 0, shown) {
            self.frame(direction, &frame);
        }
    }

    fn frame(&self, direction: Direction, bytes: &[u8]) {
        let at = self.start.elapsed();
        self.lock().record(at, direction, Fate::Delivered, bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Recorder> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Macs = ([u8; 6], [u8; 6]);

fn ends(
    direction: Direction,
    ours: SocketAddrV4,
    dut: SocketAddrV4,
) -> (Macs, SocketAddrV4, SocketAddrV4) {
    match direction {
        Direction::ToDut => ((HARNESS_MAC, DUT_MAC), ours, dut),
        Direction::FromDut => ((DUT_MAC, HARNESS_MAC), dut, ours),
    }
}

/// The record of one TCP connection.
#[derive(Debug)]
pub(super) struct Connection {
    record: Arc<Record>,
    ours: SocketAddrV4,
    dut: SocketAddrV4,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The next sequence number of the harness, and of the device.
    next: [u32; 2],
    /// Who has sent its FIN or RST.
    ended: [bool; 2],
}

fn side(direction: Direction) -> usize {
    match direction {
        Direction::ToDut => 0,
        Direction::FromDut => 1,
    }
}

impl Connection {
    /// A connection that was just opened by `opener`.
    pub(super) fn opened(
        record: Arc<Record>,
        opener: Direction,
        ours: SocketAddrV4,
        dut: SocketAddrV4,
    ) -> Self {
        let connection = Self {
            record,
            ours,
            dut,
            state: Mutex::default(),
        };
        let answer = match opener {
            Direction::ToDut => Direction::FromDut,
            Direction::FromDut => Direction::ToDut,
        };
        connection.segment(opener, TcpControl::Syn, &[]);
        connection.segment(answer, TcpControl::Syn, &[]);
        connection.segment(opener, TcpControl::None, &[]);
        connection
    }

    pub(super) fn data(&self, direction: Direction, bytes: &[u8]) {
        for part in bytes.chunks(SEGMENT) {
            self.segment(direction, TcpControl::Psh, part);
        }
    }

    /// The end of one direction, once: by FIN, or by RST.
    pub(super) fn ended(&self, direction: Direction, by: TcpControl) {
        let first = {
            let mut state = self.lock();
            !std::mem::replace(&mut state.ended[side(direction)], true)
        };
        if first {
            self.segment(direction, by, &[]);
        }
    }

    fn segment(&self, direction: Direction, control: TcpControl, payload: &[u8]) {
        let (macs, from, to) = ends(direction, self.ours, self.dut);
        let mut state = self.lock();
        let (own, other) = (side(direction), 1 - side(direction));
        let opening = control == TcpControl::Syn && state.next[other] == 0;
        let tcp = TcpRepr {
            src_port: from.port(),
            dst_port: to.port(),
            control,
            seq_number: TcpSeqNumber(state.next[own].cast_signed()),
            ack_number: (!opening).then(|| TcpSeqNumber(state.next[other].cast_signed())),
            window_len: u16::MAX,
            window_scale: None,
            max_seg_size: None,
            sack_permitted: false,
            sack_ranges: [None; 3],
            timestamp: None,
            payload,
        };
        let length = u32::try_from(tcp.segment_len()).unwrap_or(0);
        state.next[own] = state.next[own].wrapping_add(length);
        self.record
            .frame(direction, &tcp_frame(macs, from, to, &tcp));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    /// The operating system ends what the harness drops.
    fn drop(&mut self) {
        self.ended(Direction::ToDut, TcpControl::Fin);
    }
}

fn tcp_frame(macs: Macs, from: SocketAddrV4, to: SocketAddrV4, tcp: &TcpRepr<'_>) -> Vec<u8> {
    let checksums = ChecksumCapabilities::default();
    let ip = Ipv4Repr {
        src_addr: *from.ip(),
        dst_addr: *to.ip(),
        next_header: IpProtocol::Tcp,
        payload_len: tcp.buffer_len(),
        hop_limit: 64,
    };
    let ethernet = EthernetRepr {
        src_addr: EthernetAddress(macs.0),
        dst_addr: EthernetAddress(macs.1),
        ethertype: EthernetProtocol::Ipv4,
    };
    let mut bytes = vec![0; ethernet.buffer_len() + ip.buffer_len() + tcp.buffer_len()];
    let mut frame = EthernetFrame::new_unchecked(&mut bytes);
    ethernet.emit(&mut frame);
    let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
    ip.emit(&mut packet, &checksums);
    let mut segment = TcpPacket::new_unchecked(packet.payload_mut());
    tcp.emit(
        &mut segment,
        &IpAddress::Ipv4(*from.ip()),
        &IpAddress::Ipv4(*to.ip()),
        &checksums,
    );
    bytes
}
