//! The driver against a model of the MAC.

extern crate std;

mod model;

use std::boxed::Box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::vec;
use std::vec::Vec;

use embassy_net_driver::{Driver, LinkState, RxToken, TxToken};

use super::{Buffers, OpenEth, Wakers, on_interrupt};
use model::{Arrival, Model};

const MAC: [u8; 6] = [0x02, 0x46, 1, 2, 3, 4];
const RX: usize = 4;
const TX: usize = 2;

/// Counts how often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Bench {
    model: Model,
    driver: OpenEth<Model>,
    wakers: &'static Wakers,
    woken: Arc<Count>,
}

impl Bench {
    fn new() -> Self {
        let buffers: &'static mut Buffers<RX, TX> = Box::leak(Box::default());
        let wakers: &'static Wakers = Box::leak(Box::default());
        let model = Model::new(core::ptr::from_ref(buffers).cast());
        let driver = OpenEth::new(model.clone(), buffers, wakers, MAC);
        Self {
            model,
            driver,
            wakers,
            woken: Arc::default(),
        }
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        let waker = Waker::from(self.woken.clone());
        let (frame, _) = self.driver.receive(&mut Context::from_waker(&waker))?;
        Some(frame.consume(|bytes| bytes.to_vec()))
    }

    fn send(&mut self, frame: &[u8]) -> bool {
        let waker = Waker::from(self.woken.clone());
        let token = self.driver.transmit(&mut Context::from_waker(&waker));
        token
            .map(|room| room.consume(frame.len(), |bytes| bytes.copy_from_slice(frame)))
            .is_some()
    }

    fn link(&mut self) -> LinkState {
        let waker = Waker::from(self.woken.clone());
        self.driver.link_state(&mut Context::from_waker(&waker))
    }

    /// What the processor does when the MAC's line is high; returns how many wakers that woke.
    fn interrupt(&mut self) -> usize {
        let before = self.woken.0.load(Ordering::SeqCst);
        if self.model.interrupts() {
            on_interrupt(&self.model, self.wakers);
        }
        self.woken.0.load(Ordering::SeqCst) - before
    }
}

/// A frame to the device, of `len` bytes, each of value `fill` behind the addresses.
fn frame(len: usize, fill: u8) -> Vec<u8> {
    let mut frame = vec![fill; len];
    frame[..6].copy_from_slice(&MAC);
    frame
}

#[test]
fn a_frame_comes_in_without_its_check_sequence() {
    let mut bench = Bench::new();
    assert_eq!(bench.model.arrives(&frame(1514, 7)), Arrival::Stored);
    assert_eq!(bench.receive(), Some(frame(1514, 7)));
    assert_eq!(bench.receive(), None);
}

#[test]
fn the_address_is_set_and_broadcasts_are_heard() {
    let mut bench = Bench::new();
    let mut other = frame(60, 1);
    other[5] ^= 1;
    assert_eq!(bench.model.arrives(&other), Arrival::NotForUs);
    let mut everyone = frame(60, 2);
    everyone[..6].fill(0xff);
    assert_eq!(bench.model.arrives(&everyone), Arrival::Stored);
    assert_eq!(bench.receive(), Some(everyone));
}

#[test]
fn frames_keep_their_order_over_many_turns_of_the_ring() {
    let mut bench = Bench::new();
    for turn in 0..20_u8 {
        for n in 0..3 {
            let arrival = bench
                .model
                .arrives(&frame(60 + usize::from(turn), turn + n));
            assert_eq!(arrival, Arrival::Stored);
        }
        for n in 0..3 {
            let expected = frame(60 + usize::from(turn), turn + n);
            assert_eq!(bench.receive(), Some(expected), "turn {turn}");
        }
    }
}

#[test]
fn a_full_ring_drops_and_goes_on_when_there_is_room() {
    let mut bench = Bench::new();
    for n in 0..RX as u8 {
        assert_eq!(bench.model.arrives(&frame(60, n)), Arrival::Stored);
    }
    assert_eq!(bench.model.arrives(&frame(60, 99)), Arrival::Dropped);
    assert_eq!(bench.receive(), Some(frame(60, 0)));
    assert_eq!(bench.model.arrives(&frame(60, 4)), Arrival::Stored);
    for n in 1..=RX as u8 {
        assert_eq!(bench.receive(), Some(frame(60, n)));
    }
    assert_eq!(bench.receive(), None);
}

#[test]
fn a_damaged_frame_is_thrown_away_and_the_next_one_taken() {
    let mut bench = Bench::new();
    bench.model.arrives_damaged(&frame(60, 1));
    bench.model.arrives(&frame(60, 2));
    assert_eq!(bench.receive(), Some(frame(60, 2)));
    assert_eq!(bench.receive(), None);
}

#[test]
fn a_frame_that_comes_in_wakes_who_looked_before() {
    let mut bench = Bench::new();
    assert_eq!(bench.receive(), None);
    assert_eq!(bench.interrupt(), 0);
    bench.model.arrives(&frame(60, 1));
    assert_eq!(bench.interrupt(), 1);
    assert!(!bench.model.interrupts(), "acknowledged");
}

#[test]
fn frames_go_out_whole_and_in_order() {
    let mut bench = Bench::new();
    for n in 0..5 {
        assert!(bench.send(&frame(60 + n, n as u8)));
        bench.model.transmits();
    }
    let sent: Vec<_> = (0..5).map(|n| frame(60 + n, n as u8)).collect();
    assert_eq!(bench.model.sent(), sent);
    assert_eq!(bench.interrupt(), 0, "nobody waited for room");
}

#[test]
fn who_waits_for_room_is_woken_when_a_frame_has_left() {
    let mut bench = Bench::new();
    for n in 0..TX as u8 {
        assert!(bench.send(&frame(60, n)));
    }
    assert!(!bench.send(&frame(60, 9)), "the ring is full");
    assert_eq!(bench.interrupt(), 0);
    bench.model.transmits();
    assert_eq!(bench.interrupt(), 1);
    assert!(bench.send(&frame(60, 2)));
    bench.model.transmits();
    assert_eq!(bench.interrupt(), 0, "nobody waits any more");
}

#[test]
fn a_frame_waits_while_there_is_no_room_for_an_answer() {
    let mut bench = Bench::new();
    for n in 0..TX as u8 {
        assert!(bench.send(&frame(60, n)));
    }
    bench.model.arrives(&frame(60, 1));
    assert_eq!(bench.receive(), None);
    bench.model.transmits();
    assert_ne!(bench.interrupt(), 0);
    assert_eq!(bench.receive(), Some(frame(60, 1)));
}

#[test]
fn a_link_that_changes_is_seen_at_the_second_look() {
    let mut bench = Bench::new();
    assert!(bench.link() == LinkState::Up);
    bench.model.set_link(false);
    bench.link();
    assert!(bench.link() == LinkState::Down);
    let before = bench.woken.0.load(Ordering::SeqCst);
    bench.wakers.look_at_link();
    assert_eq!(bench.woken.0.load(Ordering::SeqCst), before + 1);
}
