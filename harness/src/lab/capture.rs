//! What passed on the wire: a bounded record of frames, and watches that wait for one.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;

use super::LabError;
use super::segment::{TcpSegment, UdpPacket};

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a peer to the DUT.
    ToDut,
    /// From the DUT to its peers.
    FromDut,
}

/// What the wire did with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fate {
    /// It passed.
    Delivered,
    /// It passed, with a bit changed by a fault rule.
    Altered,
    /// It passed late, by a fault rule: the time is that of its arrival.
    Late,
    /// A second copy of the frame before it, by a fault rule.
    Repeated,
    /// A fault rule dropped it.
    Dropped,
    /// The wire was cut.
    Cut,
    /// It belonged to a connection that had [vanished](super::Stream::vanish).
    Ignored,
    /// No DUT was plugged in.
    Unplugged,
}

impl Fate {
    /// Whether the other side got it.
    pub fn arrived(self) -> bool {
        matches!(
            self,
            Self::Delivered | Self::Altered | Self::Late | Self::Repeated
        )
    }
}

/// One Ethernet frame on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// When, since the lab's start.
    pub at: Duration,
    /// Which way.
    pub direction: Direction,
    /// What became of it.
    pub fate: Fate,
    /// The whole frame, without FCS.
    pub bytes: Vec<u8>,
}

impl Frame {
    /// The TCP segment in it, if it is one.
    pub fn tcp(&self) -> Option<TcpSegment<'_>> {
        TcpSegment::of(&self.bytes)
    }

    /// The UDP datagram in it, if it is one.
    pub fn udp(&self) -> Option<UdpPacket<'_>> {
        UdpPacket::of(&self.bytes)
    }
}

/// What was sent one way, arrived or not. Copies that a fault rule made do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many frames.
    pub frames: u64,
    /// Their bytes, without FCS.
    pub bytes: u64,
}

/// What was kept of the frames: the first ones and the last ones, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capture {
    /// All that was sent to the DUT, kept or not.
    pub to_dut: Traffic,
    /// All that the DUT sent, kept or not.
    pub from_dut: Traffic,
    /// The frames kept.
    pub frames: Vec<Frame>,
    /// How many frames were not kept.
    pub lost: u64,
    /// Where in `frames` the lost ones would stand.
    pub gap_at: usize,
    /// Whether the frames are made up from what the operating system's sockets carried. What was sent is counted in
    /// them, not in those of the wire.
    pub of_sockets: bool,
}

/// A watch for frames, made by [`Lab::on_frame`](super::Lab::on_frame). It keeps up to 1024 matching frames until
/// they are asked for; more are lost.
#[derive(Debug)]
pub struct FrameWatch {
    seen: mpsc::Receiver<Frame>,
}

impl FrameWatch {
    /// The next matching frame since the watch was made.
    ///
    /// # Errors
    /// [`LabError::Timeout`] when there is none within `deadline`.
    pub async fn next(&mut self, deadline: Duration) -> Result<Frame, LabError> {
        match tokio::time::timeout(deadline, self.seen.recv()).await {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) | Err(_) => Err(LabError::Timeout(deadline)),
        }
    }
}

/// Decides whether a watch wants a frame.
pub(super) type Predicate = Box<dyn FnMut(&Frame) -> bool + Send>;

/// Records frames within a fixed budget of memory.
pub(super) struct Recorder {
    head: Vec<Frame>,
    head_budget: usize,
    head_open: bool,
    tail: VecDeque<Frame>,
    tail_bytes: usize,
    tail_budget: usize,
    lost: u64,
    to_dut: Traffic,
    from_dut: Traffic,
    watches: Vec<(Predicate, mpsc::Sender<Frame>)>,
}

/// What a kept frame costs apart from its bytes.
const OVERHEAD: usize = size_of::<Frame>();

impl Recorder {
    /// Keeps about `budget` bytes: a quarter for the first frames, the rest for the last ones.
    pub(super) fn new(budget: usize) -> Self {
        Self {
            head: Vec::new(),
            head_budget: budget / 4,
            head_open: true,
            tail: VecDeque::new(),
            tail_bytes: 0,
            tail_budget: budget - budget / 4,
            lost: 0,
            to_dut: Traffic::default(),
            from_dut: Traffic::default(),
            watches: Vec::new(),
        }
    }

    pub(super) fn watch(&mut self, predicate: Predicate) -> FrameWatch {
        let (sender, seen) = mpsc::channel(1024);
        self.watches.push((predicate, sender));
        FrameWatch { seen }
    }

    pub(super) fn record(&mut self, at: Duration, direction: Direction, fate: Fate, bytes: &[u8]) {
        if fate != Fate::Repeated {
            let traffic = match direction {
                Direction::ToDut => &mut self.to_dut,
                Direction::FromDut => &mut self.from_dut,
            };
            traffic.frames += 1;
            traffic.bytes += bytes.len() as u64;
        }
        if !self.watches.is_empty() {
            let frame = Frame {
                at,
                direction,
                fate,
                bytes: bytes.to_vec(),
            };
            self.watches.retain_mut(|(wants, sender)| {
                if wants(&frame) {
                    // A full watch loses frames, as documented.
                    let _ = sender.try_send(frame.clone());
                }
                !sender.is_closed()
            });
        }
        let cost = bytes.len() + OVERHEAD;
        if self.head_open && cost <= self.head_budget {
            self.head_budget -= cost;
            self.head.push(Frame {
                at,
                direction,
                fate,
                bytes: bytes.to_vec(),
            });
            return;
        }
        self.head_open = false;
        let mut recycled = None;
        while self.tail_bytes + cost > self.tail_budget {
            let Some(oldest) = self.tail.pop_front() else {
                self.lost += 1;
                return;
            };
            self.tail_bytes -= oldest.bytes.capacity() + OVERHEAD;
            self.lost += 1;
            recycled = Some(oldest.bytes);
        }
        // Reusing the buffer of a frame that was pushed out keeps the allocator out of bulk transfers.
        let mut kept = recycled.unwrap_or_default();
        kept.clear();
        if kept.capacity() > bytes.len() * 4 {
            kept.shrink_to(bytes.len());
        }
        kept.extend_from_slice(bytes);
        self.tail_bytes += kept.capacity() + OVERHEAD;
        self.tail.push_back(Frame {
            at,
            direction,
            fate,
            bytes: kept,
        });
    }

    pub(super) fn kept(&self) -> Capture {
        let mut frames = self.head.clone();
        let gap_at = frames.len();
        frames.extend(self.tail.iter().cloned());
        Capture {
            to_dut: self.to_dut,
            from_dut: self.from_dut,
            frames,
            lost: self.lost,
            gap_at,
            of_sockets: false,
        }
    }
}
