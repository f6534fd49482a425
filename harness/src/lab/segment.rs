//! Reading the headers of captured frames (Ethernet II, IPv4 without fragments, TCP, UDP), and writing UDP frames.

use std::net::{Ipv4Addr, SocketAddrV4};

/// Length of an Ethernet II header.
pub(super) const ETHERNET_HEADER: usize = 14;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const IPV4_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;

/// A TCP segment inside a frame (RFC 9293 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpSegment<'a> {
    /// Sender.
    pub source: SocketAddrV4,
    /// Receiver.
    pub destination: SocketAddrV4,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number.
    pub acknowledgment: u32,
    /// Window, not scaled.
    pub window: u16,
    /// The control bits, FIN lowest.
    pub flags: u8,
    /// The data.
    pub payload: &'a [u8],
}

impl<'a> TcpSegment<'a> {
    /// Control bit: no more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Control bit: synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Control bit: reset the connection.
    pub const RST: u8 = 0x04;
    /// Control bit: the acknowledgment field counts.
    pub const ACK: u8 = 0x10;

    /// Reads the segment in an Ethernet frame; `None` if it holds none, or a broken one.
    pub fn of(frame: &'a [u8]) -> Option<Self> {
        let ip = Ipv4::of(frame)?;
        if ip.protocol != PROTOCOL_TCP {
            return None;
        }
        let header = ip.payload;
        let offset = usize::from(*header.get(12)? >> 4) * 4;
        Some(Self {
            source: SocketAddrV4::new(ip.source, be16(header, 0)?),
            destination: SocketAddrV4::new(ip.destination, be16(header, 2)?),
            sequence: be32(header, 4)?,
            acknowledgment: be32(header, 8)?,
            flags: *header.get(13)?,
            window: be16(header, 14)?,
            payload: header.get(offset.max(20)..)?,
        })
    }

    /// Whether all these control bits are set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }
}

/// A UDP datagram inside a frame (RFC 768).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpPacket<'a> {
    /// Sender.
    pub source: SocketAddrV4,
    /// Receiver.
    pub destination: SocketAddrV4,
    /// The data.
    pub payload: &'a [u8],
}

impl<'a> UdpPacket<'a> {
    /// Reads the datagram in an Ethernet frame; `None` if it holds none, or a broken one.
    pub fn of(frame: &'a [u8]) -> Option<Self> {
        let ip = Ipv4::of(frame)?;
        if ip.protocol != PROTOCOL_UDP {
            return None;
        }
        let header = ip.payload;
        Some(Self {
            source: SocketAddrV4::new(ip.source, be16(header, 0)?),
            destination: SocketAddrV4::new(ip.destination, be16(header, 2)?),
            payload: header.get(UDP_HEADER..usize::from(be16(header, 4)?))?,
        })
    }
}

struct Ipv4<'a> {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    payload: &'a [u8],
}

impl<'a> Ipv4<'a> {
    fn of(frame: &'a [u8]) -> Option<Self> {
        if be16(frame, 12)? != ETHERTYPE_IPV4 {
            return None;
        }
        let packet = frame.get(ETHERNET_HEADER..)?;
        let first = *packet.first()?;
        let header = usize::from(first & 0x0f) * 4;
        if first >> 4 != 4 || header < IPV4_HEADER || be16(packet, 6)? & 0x1fff != 0 {
            return None;
        }
        Some(Self {
            source: Ipv4Addr::from_bits(be32(packet, 12)?),
            destination: Ipv4Addr::from_bits(be32(packet, 16)?),
            protocol: *packet.get(9)?,
            // Short frames are padded to 60 bytes: the total length says where the packet ends.
            payload: packet.get(header..usize::from(be16(packet, 2)?))?,
        })
    }
}

/// The transport protocol of a frame, for matching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    Arp { target: Ipv4Addr },
    Tcp { ports: [u16; 2], data: bool },
    Udp { ports: [u16; 2], data: bool },
    Other,
}

pub(super) fn carried(frame: &[u8]) -> Carried {
    if let Some(tcp) = TcpSegment::of(frame) {
        let ports = [tcp.source.port(), tcp.destination.port()];
        return Carried::Tcp {
            ports,
            data: !tcp.payload.is_empty(),
        };
    }
    if let Some(udp) = UdpPacket::of(frame) {
        let ports = [udp.source.port(), udp.destination.port()];
        return Carried::Udp {
            ports,
            data: !udp.payload.is_empty(),
        };
    }
    match (be16(frame, 12), be32(frame, ETHERNET_HEADER + 24)) {
        (Some(ETHERTYPE_ARP), Some(target)) => Carried::Arp {
            target: Ipv4Addr::from_bits(target),
        },
        _ => Carried::Other,
    }
}

/// A whole Ethernet frame with a UDP datagram in it; `None` when that exceeds 1514 bytes.
pub(super) fn udp_frame(
    macs: ([u8; 6], [u8; 6]),
    source: SocketAddrV4,
    destination: SocketAddrV4,
    identification: u16,
    payload: &[u8],
) -> Option<Vec<u8>> {
    let udp_length = UDP_HEADER + payload.len();
    let ip_length = IPV4_HEADER + udp_length;
    if ip_length > 1500 {
        return None;
    }
    let ip_length = u16::try_from(ip_length).ok()?;
    let udp_length = u16::try_from(udp_length).ok()?;
    let mut frame = Vec::with_capacity(ETHERNET_HEADER + usize::from(ip_length));
    frame.extend_from_slice(&macs.1);
    frame.extend_from_slice(&macs.0);
    frame.extend_from_slice(&ETHERTYPE_IPV4.to_be_bytes());

    // Version 4, 5 words of header, don't fragment, TTL 64 (RFC 791 §3.1).
    frame.extend_from_slice(&[0x45, 0]);
    frame.extend_from_slice(&ip_length.to_be_bytes());
    frame.extend_from_slice(&identification.to_be_bytes());
    frame.extend_from_slice(&[0x40, 0, 64, PROTOCOL_UDP, 0, 0]);
    frame.extend_from_slice(&source.ip().octets());
    frame.extend_from_slice(&destination.ip().octets());
    let sum = internet_checksum(0, &frame[ETHERNET_HEADER..]);
    frame[ETHERNET_HEADER + 10..ETHERNET_HEADER + 12].copy_from_slice(&sum.to_be_bytes());

    let udp_at = frame.len();
    frame.extend_from_slice(&source.port().to_be_bytes());
    frame.extend_from_slice(&destination.port().to_be_bytes());
    frame.extend_from_slice(&udp_length.to_be_bytes());
    frame.extend_from_slice(&[0, 0]);
    frame.extend_from_slice(payload);
    // The pseudo-header: addresses, protocol, UDP length (RFC 768).
    let pseudo = [source.ip(), destination.ip()]
        .iter()
        .map(|ip| (ip.to_bits() >> 16) + (ip.to_bits() & 0xffff))
        .sum::<u32>()
        + u32::from(PROTOCOL_UDP)
        + u32::from(udp_length);
    let sum = match internet_checksum(pseudo, &frame[udp_at..]) {
        // Zero means "no checksum"; a computed zero is sent as all ones.
        0 => 0xffff,
        sum => sum,
    };
    frame[udp_at + 6..udp_at + 8].copy_from_slice(&sum.to_be_bytes());
    Some(frame)
}

/// The Internet checksum (RFC 1071) of `bytes`, with `start` already added up.
fn internet_checksum(start: u32, bytes: &[u8]) -> u16 {
    let mut sum = start;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from);
    }
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
