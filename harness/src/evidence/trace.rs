//! What each frame of a capture is, for a reader: which segment, and whether it was sent again, came out of
//! order, or got lost.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddrV4;

use crate::lab::pcapng::read_pcapng;
use crate::lab::{Capture, Direction, Frame, TcpSegment};

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// Microseconds since the lab's start.
    pub at_us: u64,
    /// Whether it went to the device.
    pub to_device: bool,
    /// What it is, in one line.
    pub what: String,
    /// How many bytes of data it carries.
    pub data: usize,
    /// What is noteworthy about it, if anything.
    pub mark: Option<String>,
}

/// What each frame of a capture's file is.
///
/// # Errors
/// The file is none of ours.
pub fn trace_of(file: &[u8]) -> io::Result<Vec<Traced>> {
    Ok(trace(&read_pcapng(file)?))
}

fn trace(capture: &Capture) -> Vec<Traced> {
    let mut streams = Streams::new();
    let mut traced = Vec::with_capacity(capture.frames.len());
    for (place, frame) in capture.frames.iter().enumerate() {
        let mut marks = Vec::new();
        if place == capture.gap_at && capture.lost > 0 {
            marks.push(format!("{} frames before it were not kept", capture.lost));
        }
        let (what, data) = if let Some(tcp) = frame.tcp() {
            marks.extend(Stream::mark(&mut streams, &tcp));
            (of_tcp(&streams, &tcp), tcp.payload.len())
        } else if let Some(udp) = frame.udp() {
            let (from, to) = (udp.source.port(), udp.destination.port());
            let length = udp.payload.len();
            (format!("UDP {from} → {to}, {length} bytes"), length)
        } else {
            (other(frame), 0)
        };
        marks.extend(frame.fate.in_words().map(str::to_owned));
        traced.push(Traced {
            at_us: u64::try_from(frame.at.as_micros()).unwrap_or(u64::MAX),
            to_device: frame.direction == Direction::ToDut,
            what,
            data,
            mark: (!marks.is_empty()).then(|| marks.join("; ")),
        });
    }
    traced
}

/// Numbers count from the first byte of data, as in Wireshark: the SYN's is 0.
fn of_tcp(streams: &Streams, tcp: &TcpSegment<'_>) -> String {
    let (from, to) = (tcp.source, tcp.destination);
    let counted = |ends: (SocketAddrV4, SocketAddrV4), number: u32| {
        let first = streams.get(&ends).map_or(number, |stream| stream.first);
        number.wrapping_sub(first)
    };
    let flags = [
        (TcpSegment::SYN, "SYN"),
        (TcpSegment::FIN, "FIN"),
        (TcpSegment::RST, "RST"),
        (TcpSegment::ACK, "ACK"),
    ];
    let set = flags.iter().filter(|(flag, _)| tcp.has(*flag));
    let set: Vec<&str> = set.map(|(_, name)| *name).collect();
    let mut text = format!("TCP {} → {} {}", from.port(), to.port(), set.join("+"));
    let sequence = counted((from, to), tcp.sequence);
    match u32::try_from(tcp.payload.len()) {
        Ok(length @ 1..) => {
            let last = sequence.wrapping_add(length - 1);
            let _ = write!(text, ", bytes {sequence} to {last}");
        }
        _ => {
            let _ = write!(text, ", at {sequence}");
        }
    }
    if tcp.has(TcpSegment::ACK) {
        let _ = write!(
            text,
            ", has all before {}",
            counted((to, from), tcp.acknowledgment)
        );
    }
    let _ = write!(text, ", window {}", tcp.window);
    text
}

fn other(frame: &Frame) -> String {
    match frame.bytes.get(12..14) {
        Some([8, 6]) => "ARP".into(),
        Some([8, 0]) => match frame.bytes.get(23) {
            Some(1) => "ICMP".into(),
            Some(protocol) => format!("IPv4, protocol {protocol}"),
            None => "IPv4, cut short".into(),
        },
        Some([a, b]) => format!("Ethernet, type {a:02x}{b:02x}"),
        _ => "a frame too short to be one".into(),
    }
}

/// The directions of connections, by sender and receiver.
type Streams = BTreeMap<(SocketAddrV4, SocketAddrV4), Stream>;

/// One direction of a TCP connection.
struct Stream {
    /// The first sequence number that was seen.
    first: u32,
    /// The sequence number that comes next.
    next: u32,
    /// How many segments with data were seen.
    pieces: u32,
    /// The last bytes that were missing: from, and the number after them.
    gap: Option<(u32, u32)>,
}

impl Stream {
    fn mark(streams: &mut Streams, tcp: &TcpSegment<'_>) -> Option<String> {
        let ends = (tcp.source, tcp.destination);
        let length = tcp.payload.len() as u32
            + u32::from(tcp.has(TcpSegment::SYN))
            + u32::from(tcp.has(TcpSegment::FIN));
        let after = tcp.sequence.wrapping_add(length);
        let new = Self {
            first: tcp.sequence,
            next: after,
            pieces: u32::from(!tcp.payload.is_empty()),
            gap: None,
        };
        let Some(stream) = streams.get_mut(&ends) else {
            streams.insert(ends, new);
            return None;
        };
        // How far it is behind (less than 0) or ahead of what comes next (RFC 9293 §3.4, modulo 2^32).
        let ahead = tcp.sequence.wrapping_sub(stream.next).cast_signed();
        if tcp.has(TcpSegment::SYN) {
            let again = after == stream.next && stream.pieces == 0;
            *stream = new;
            return again.then(|| "retransmission".into());
        }
        if length == 0 {
            // A segment one before the next number only asks whether the other end is there (RFC 9293 §3.8.4).
            return (ahead == -1).then(|| "keep-alive or window probe".into());
        }
        let end = after.wrapping_sub(stream.next).cast_signed();
        if ahead > 0 {
            stream.gap = Some((stream.next, tcp.sequence));
        }
        if end > 0 {
            stream.next = after;
        }
        let in_gap = stream.gap.is_some_and(|(from, to)| {
            let behind = tcp.sequence.wrapping_sub(from).cast_signed() >= 0;
            behind && tcp.sequence.wrapping_sub(to).cast_signed() < 0
        });
        stream.pieces += u32::from(!tcp.payload.is_empty());
        match ahead {
            0 => None,
            _ if ahead < 0 && in_gap => Some("late: in the gap before".into()),
            _ if ahead > 0 => Some(format!("gap: {ahead} bytes before it are missing")),
            _ if end <= 0 => Some("retransmission".into()),
            _ => Some("retransmission, with more behind it".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::lab::Fate;

    fn segment(flags: u8, sequence: u32, data: &[u8]) -> Frame {
        let mut bytes = vec![0; 54];
        bytes[12..14].copy_from_slice(&[8, 0]);
        bytes[14] = 0x45;
        bytes[16..18].copy_from_slice(&u16::try_from(40 + data.len()).unwrap().to_be_bytes());
        bytes[23] = 6;
        bytes[34..38].copy_from_slice(&[0x04, 0xd2, 0x07, 0x5b]);
        bytes[38..42].copy_from_slice(&sequence.to_be_bytes());
        (bytes[46], bytes[47]) = (5 << 4, flags);
        bytes.extend_from_slice(data);
        Frame {
            at: Duration::from_millis(3),
            direction: Direction::FromDut,
            fate: Fate::Delivered,
            bytes,
        }
    }

    #[test]
    fn what_was_sent_again_or_is_missing_is_marked() {
        let mut frames = vec![
            segment(TcpSegment::SYN, u32::MAX, &[]),
            segment(TcpSegment::SYN, u32::MAX, &[]),
            segment(TcpSegment::ACK, 0, b"abc"),
            segment(TcpSegment::ACK, 5, b"fg"),
            segment(TcpSegment::ACK, 3, b"de"),
            segment(TcpSegment::ACK, 6, b"gh"),
            segment(TcpSegment::ACK, 7, &[]),
            segment(TcpSegment::FIN | TcpSegment::ACK, 8, &[]),
        ];
        frames[2].fate = Fate::Dropped;
        frames.push(Frame {
            bytes: vec![0; 9],
            ..segment(0, 0, &[])
        });
        let capture = Capture {
            frames,
            lost: 4,
            gap_at: 8,
            ..Capture::default()
        };
        let shown: Vec<String> = trace(&capture)
            .iter()
            .map(|t| format!("{} [{}]", t.what, t.mark.as_deref().unwrap_or("")))
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }
}
