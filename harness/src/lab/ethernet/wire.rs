//! The cable itself: every frame passes here, meets the faults, and is recorded.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::LONGEST_FRAME;
use super::link::Link;
use crate::lab::capture::{Predicate, Recorder};
use crate::lab::faults::REORDER_LIMIT;
use crate::lab::segment::{Carried, carried};
use crate::lab::{Action, Capture, Direction, Fate, Faults, FrameWatch, TcpSegment};

/// A connection: the peer's end, the DUT's end.
pub(super) type Pair = (SocketAddrV4, SocketAddrV4);

pub(super) struct Wire {
    start: Instant,
    addresses: Vec<Ipv4Addr>,
    link: Link,
    recorder: Recorder,
    faults: Arc<Faults>,
    cut: bool,
    /// What the stack has not taken in yet, and buffers to use again.
    inbound: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    /// Delayed frames, earliest first; the number keeps frames of one instant in order.
    late: BinaryHeap<Reverse<(Instant, u64, Late)>>,
    late_count: u64,
    /// A frame per direction that the next one shall overtake, and when it goes at the latest.
    held: [Option<(Instant, Vec<u8>)>; 2],
    flows: HashMap<Pair, Flow>,
    forgotten: HashSet<Pair>,
    dut_mac: Option<[u8; 6]>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Late {
    to_dut: bool,
    bytes: Vec<u8>,
}

/// How far a connection has been sent.
struct Flow {
    initial: u32,
    next: u32,
    waiting: Option<Waker>,
}

impl Wire {
    pub(super) fn new(
        link: Link,
        faults: Arc<Faults>,
        addresses: Vec<Ipv4Addr>,
        capture_bytes: usize,
    ) -> Self {
        Self {
            start: Instant::now(),
            addresses,
            link,
            recorder: Recorder::new(capture_bytes),
            faults,
            cut: false,
            inbound: VecDeque::new(),
            spare: Vec::new(),
            late: BinaryHeap::new(),
            late_count: 0,
            held: [None, None],
            flows: HashMap::new(),
            forgotten: HashSet::new(),
            dut_mac: None,
        }
    }

    /// Time since the lab's start.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(super) fn at(&self, since_start: Duration) -> Instant {
        self.start + since_start
    }

    /// The DUT's hardware address, as its last frame told; broadcast before it has sent any.
    pub(super) fn dut_mac(&self) -> [u8; 6] {
        self.dut_mac.unwrap_or([0xff; 6])
    }

    pub(super) fn captured(&self) -> Capture {
        self.recorder.kept()
    }

    pub(super) fn watch(&mut self, predicate: Predicate) -> FrameWatch {
        self.recorder.watch(predicate)
    }

    pub(super) fn set_cut(&mut self, cut: bool) {
        self.cut = cut;
        if cut {
            self.link.clear();
            let now = self.now();
            for Reverse((_, _, late)) in self.late.drain() {
                let direction = if late.to_dut {
                    Direction::ToDut
                } else {
                    Direction::FromDut
                };
                self.recorder.record(now, direction, Fate::Cut, &late.bytes);
            }
            for direction in [Direction::ToDut, Direction::FromDut] {
                if let Some((_, bytes)) = self.held[slot(direction)].take() {
                    self.recorder.record(now, direction, Fate::Cut, &bytes);
                }
            }
        }
    }

    /// Whether frames wait for the DUT to take them.
    pub(super) fn blocked(&self) -> bool {
        self.link.blocked()
    }

    /// Takes a frame from the DUT.
    pub(super) fn receive(&mut self, frame: &mut [u8]) {
        // Longer frames do not exist on this Ethernet; shorter ones have no header.
        if frame.len() > LONGEST_FRAME || frame.len() < 14 {
            self.recorder
                .record(self.now(), Direction::FromDut, Fate::Dropped, frame);
            return;
        }
        self.dut_mac = frame[6..].first_chunk().copied();
        self.carry(Direction::FromDut, frame);
    }

    /// Sends a frame to the DUT.
    pub(super) fn send(&mut self, frame: &mut [u8]) {
        self.carry(Direction::ToDut, frame);
    }

    /// Sends a frame of the stack to the DUT.
    pub(super) fn send_from_stack(&mut self, frame: &mut [u8]) {
        self.follow(frame);
        self.send(frame);
    }

    /// The next frame for the stack.
    pub(super) fn next_inbound(&mut self) -> Option<Vec<u8>> {
        self.inbound.pop_front()
    }

    pub(super) fn peek_inbound(&self) -> Option<&[u8]> {
        self.inbound.front().map(Vec::as_slice)
    }

    /// Takes back a buffer.
    pub(super) fn recycle(&mut self, buffer: Vec<u8>) {
        if self.spare.len() < 2 * super::BATCH {
            self.spare.push(buffer);
        }
    }

    /// Lets go of what waited: the backlog as far as the DUT takes it, and delayed frames whose time has come.
    pub(super) fn release(&mut self) {
        self.link.flush();
        let now = Instant::now();
        for direction in [Direction::ToDut, Direction::FromDut] {
            if self.held[slot(direction)]
                .as_ref()
                .is_some_and(|(limit, _)| *limit <= now)
            {
                self.release_held(direction);
            }
        }
        while self
            .late
            .peek()
            .is_some_and(|Reverse((due, _, _))| *due <= now)
        {
            if let Some(Reverse((_, _, mut late))) = self.late.pop() {
                let direction = if late.to_dut {
                    Direction::ToDut
                } else {
                    Direction::FromDut
                };
                self.deliver(direction, Fate::Late, &mut late.bytes);
            }
        }
    }

    /// When [`Self::release`] has something to do next, the backlog apart.
    pub(super) fn next_release(&self) -> Option<Instant> {
        let held = self.held.iter().flatten().map(|(limit, _)| *limit);
        held.chain(self.late.peek().map(|Reverse((due, _, _))| *due))
            .min()
    }

    fn carry(&mut self, direction: Direction, frame: &mut [u8]) {
        if self.cut {
            self.recorder
                .record(self.now(), direction, Fate::Cut, frame);
            return;
        }
        match self.faults.judge(direction, frame) {
            None => self.deliver(direction, Fate::Delivered, frame),
            Some(Action::CorruptBit) => self.deliver(direction, Fate::Altered, frame),
            Some(Action::Duplicate) => {
                self.deliver(direction, Fate::Delivered, frame);
                self.deliver(direction, Fate::Repeated, frame);
            }
            Some(Action::Drop) => {
                self.recorder
                    .record(self.now(), direction, Fate::Dropped, frame);
                return;
            }
            Some(Action::Delay(by)) => {
                self.late_count += 1;
                let late = Late {
                    to_dut: direction == Direction::ToDut,
                    bytes: frame.to_vec(),
                };
                self.late
                    .push(Reverse((Instant::now() + by, self.late_count, late)));
                return;
            }
            Some(Action::Reorder) => {
                let held = &mut self.held[slot(direction)];
                if held.is_none() {
                    *held = Some((Instant::now() + REORDER_LIMIT, frame.to_vec()));
                    return;
                }
                self.deliver(direction, Fate::Delivered, frame);
            }
        }
        self.release_held(direction);
    }

    fn release_held(&mut self, direction: Direction) {
        if let Some((_, mut bytes)) = self.held[slot(direction)].take() {
            self.deliver(direction, Fate::Late, &mut bytes);
        }
    }

    fn deliver(&mut self, direction: Direction, mut fate: Fate, frame: &mut [u8]) {
        let mut inbound = false;
        match direction {
            Direction::ToDut => {
                if !self.link.send(frame) {
                    fate = Fate::Unplugged;
                }
            }
            Direction::FromDut if self.is_forgotten(frame) => fate = Fate::Ignored,
            Direction::FromDut => inbound = self.is_for_this_side(frame),
        }
        self.recorder.record(self.now(), direction, fate, frame);
        if inbound {
            let mut buffer = self.spare.pop().unwrap_or_default();
            buffer.clear();
            buffer.extend_from_slice(frame);
            self.inbound.push_back(buffer);
        }
    }

    /// Follows how far the stack has sent each of its connections.
    fn follow(&mut self, frame: &[u8]) {
        let Some(tcp) = TcpSegment::of(frame) else {
            return;
        };
        let pair = (tcp.source, tcp.destination);
        if tcp.has(TcpSegment::SYN) {
            let next = tcp.sequence.wrapping_add(1);
            // A repeated SYN has nothing new to say.
            let flow = self.flows.entry(pair).or_insert(Flow {
                initial: next,
                next,
                waiting: None,
            });
            if flow.initial != next {
                *flow = Flow {
                    initial: next,
                    next,
                    waiting: None,
                };
            }
        } else if let Some(flow) = self.flows.get_mut(&pair) {
            let end = tcp.sequence.wrapping_add(tcp.payload.len() as u32);
            if (end.wrapping_sub(flow.next) as i32) > 0 {
                flow.next = end;
                flow.waiting.take().into_iter().for_each(Waker::wake);
            }
        }
    }

    /// Whether the first `bytes` bytes of a connection have left; if not, the waker is called at the next progress.
    pub(super) fn has_sent(&mut self, pair: Pair, bytes: u64, waker: &Waker) -> bool {
        let Some(flow) = self.flows.get_mut(&pair) else {
            return false;
        };
        let end = flow.initial.wrapping_add(bytes as u32);
        let sent = (end.wrapping_sub(flow.next) as i32) <= 0;
        if !sent {
            flow.waiting = Some(waker.clone());
        }
        sent
    }

    /// Wakes who waits for a connection's progress: there will be none.
    pub(super) fn end_flow(&mut self, pair: Pair) {
        if let Some(flow) = self.flows.remove(&pair) {
            flow.waiting.into_iter().for_each(Waker::wake);
        }
    }

    /// From now on segments of this connection meet silence, until the DUT opens it anew.
    pub(super) fn forget(&mut self, pair: Pair) {
        self.end_flow(pair);
        self.forgotten.insert(pair);
    }

    fn is_forgotten(&mut self, frame: &[u8]) -> bool {
        if self.forgotten.is_empty() {
            return false;
        }
        let Some(tcp) = TcpSegment::of(frame) else {
            return false;
        };
        let pair = (tcp.destination, tcp.source);
        if tcp.has(TcpSegment::SYN) && !tcp.has(TcpSegment::ACK) {
            self.forgotten.remove(&pair);
            return false;
        }
        self.forgotten.contains(&pair)
    }

    /// The stack takes packets for any address, so as to serve those beyond the gateway; but on the link itself it
    /// must not claim addresses that nobody has, or the DUT's own (RFC 5227).
    fn is_for_this_side(&self, frame: &[u8]) -> bool {
        match carried(frame) {
            Carried::Arp { target } => self.addresses.contains(&target),
            _ => true,
        }
    }
}

fn slot(direction: Direction) -> usize {
    match direction {
        Direction::ToDut => 0,
        Direction::FromDut => 1,
    }
}
