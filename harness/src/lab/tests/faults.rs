//! What goes wrong on the wire, and only that.

use super::*;
use crate::lab::{Action, Fate, LabError, Matcher, Protocol, TcpSegment, UdpSocket, Which};

async fn datagrams(lab: &Lab, dut: &Lab) -> (UdpSocket, UdpSocket) {
    let ours = lab.udp(at(lab.peer_address(1), 123)).await.unwrap();
    let theirs = dut.udp(at(lab.dut_address(), 123)).await.unwrap();
    (ours, theirs)
}

/// Sends datagrams 0 to n - 1 to the DUT, then an end mark, and lists what came before it.
async fn passed(lab: &Lab, ours: &UdpSocket, theirs: &UdpSocket, n: u8) -> Vec<u8> {
    for number in 0..n {
        ours.send_from_to(&[number], None, theirs.local_addr())
            .await
            .unwrap();
    }
    let end = lab.udp(at(lab.peer_address(2), 0)).await.unwrap();
    let elsewhere = at(lab.peer_address(2), 9);
    end.send_from_to(b"end", Some(elsewhere), theirs.local_addr())
        .await
        .unwrap();
    let mut seen = Vec::new();
    loop {
        let datagram = theirs.recv_within(SOON).await.unwrap();
        if datagram.payload == b"end" {
            return seen;
        }
        seen.push(datagram.payload[0]);
    }
}

fn numbered() -> Matcher {
    // The end mark fits too: it comes last, behind the counts that the rules pick by.
    Matcher::protocol(Protocol::Udp).to_dut().port(123)
}

#[tokio::test]
async fn exactly_the_nth_frame_is_dropped() {
    let (lab, dut) = plugged();
    let (ours, theirs) = datagrams(&lab, &dut).await;
    let faults = lab.faults().unwrap();
    let rule = faults.add(numbered().which(Which::Nth(3)), Action::Drop);
    assert_eq!(passed(&lab, &ours, &theirs, 6).await, [0, 1, 3, 4, 5]);
    assert_eq!(faults.remove(rule), Some(1));
    assert_eq!(passed(&lab, &ours, &theirs, 3).await, [0, 1, 2]);
    let dropped = lab
        .capture()
        .frames
        .into_iter()
        .filter(|frame| frame.fate == Fate::Dropped);
    assert_eq!(
        dropped
            .map(|frame| frame.udp().unwrap().payload.to_vec())
            .collect::<Vec<_>>(),
        [[2]]
    );
}

#[tokio::test]
async fn the_same_seed_drops_the_same_frames() {
    let mut runs = Vec::new();
    for seed in [[1; 32], [1; 32], [2; 32]] {
        let (lab, dut) = plugged_with(EthernetOptions::seeded(seed));
        let (ours, theirs) = datagrams(&lab, &dut).await;
        let half = numbered().which(Which::Chance(0.5));
        lab.faults().unwrap().add(half, Action::Drop);
        for number in 0..60 {
            ours.send_from_to(&[number], None, theirs.local_addr())
                .await
                .unwrap();
        }
        let frames = lab.capture().frames;
        let fates = frames
            .iter()
            .map(|frame| frame.fate == Fate::Dropped)
            .collect::<Vec<_>>();
        runs.push(fates);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    let dropped = runs[0].iter().filter(|dropped| **dropped).count();
    assert!((15..=45).contains(&dropped), "{dropped} of 60");
}

#[tokio::test]
async fn frames_arrive_twice_or_overtaken_as_the_rule_says() {
    let (lab, dut) = plugged();
    let (ours, theirs) = datagrams(&lab, &dut).await;
    let faults = lab.faults().unwrap();
    faults.add(numbered().which(Which::Nth(2)), Action::Duplicate);
    assert_eq!(passed(&lab, &ours, &theirs, 3).await, [0, 1, 1, 2]);
    faults.clear();
    faults.add(numbered().which(Which::Nth(2)), Action::Reorder);
    assert_eq!(passed(&lab, &ours, &theirs, 4).await, [0, 2, 1, 3]);
}

#[tokio::test]
async fn a_delayed_frame_arrives_late_and_one_that_nothing_overtakes_arrives_too() {
    let (lab, dut) = plugged();
    let (ours, theirs) = datagrams(&lab, &dut).await;
    let faults = lab.faults().unwrap();
    let delay = Duration::from_millis(80);
    faults.add(numbered().which(Which::Nth(1)), Action::Delay(delay));
    let sent = std::time::Instant::now();
    assert_eq!(passed(&lab, &ours, &theirs, 2).await, [1]);
    assert_eq!(theirs.recv_within(SOON).await.unwrap().payload, [0]);
    assert!(sent.elapsed() >= delay);
    faults.clear();
    faults.add(numbered(), Action::Reorder);
    ours.send_from_to(b"alone", None, theirs.local_addr())
        .await
        .unwrap();
    assert_eq!(theirs.recv_within(SOON).await.unwrap().payload, b"alone");
}

#[tokio::test]
async fn corrupted_frames_are_discarded_by_the_receiver_and_tcp_recovers() {
    let (lab, dut) = plugged();
    let (ours, theirs) = datagrams(&lab, &dut).await;
    let faults = lab.faults().unwrap();
    faults.add(numbered().which(Which::First(40)), Action::CorruptBit);
    assert_eq!(passed(&lab, &ours, &theirs, 41).await, [40]);
    faults.clear();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    let data = Matcher::protocol(Protocol::Tcp).to_dut().with_payload();
    let rule = faults.add(data.which(Which::Nth(1)), Action::CorruptBit);
    ours.write_all(b"once more").await.unwrap();
    assert_eq!(read_exactly(&theirs, 9).await, b"once more");
    assert_eq!(faults.applied(rule), Some(1));
}

#[tokio::test]
async fn a_cut_stops_both_directions_and_restoring_heals() {
    let (lab, dut) = plugged();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    lab.cut().unwrap();
    let mut lost = lab
        .on_frame(|frame| frame.fate == Fate::Cut && frame.tcp().is_some())
        .unwrap();
    theirs.write_all(b"up").await.unwrap();
    assert_eq!(lost.next(SOON).await.unwrap().direction, Direction::FromDut);
    ours.write_all(b"down").await.unwrap();
    assert_eq!(lost.next(SOON).await.unwrap().direction, Direction::ToDut);
    let through = lab
        .wait_for_frame(|frame| frame.fate.arrived(), Duration::from_millis(50))
        .await;
    assert!(matches!(through, Err(LabError::Timeout(_))), "{through:?}");
    lab.restore().unwrap();
    assert_eq!(read_exactly(&ours, 2).await, b"up");
    assert_eq!(read_exactly(&theirs, 4).await, b"down");
}

/// The one SYN opens one connection, wherever the stack keeps its listening sockets by then.
#[tokio::test]
async fn a_syn_that_is_sent_again_opens_no_second_connection() {
    let (lab, dut) = plugged();
    let (first, _theirs, mut listener) = connected(&lab, &dut).await;
    let port = listener.local_addr();
    let answer = Matcher::protocol(Protocol::Tcp)
        .to_dut()
        .which(Which::Nth(1));
    lab.faults().unwrap().add(answer, Action::Drop);
    let opening = async { dut.connect(port, 4 * SOON).await };
    let meanwhile = async {
        let mut dropped = lab.on_frame(|frame| frame.fate == Fate::Dropped).unwrap();
        dropped.next(SOON).await.unwrap();
        // Its socket is free for the listener, and a third connection makes the listener take it.
        first.reset();
        drop(first);
        dut.connect(port, SOON).await.unwrap()
    };
    let (second, _third) = tokio::join!(opening, meanwhile);
    let second = second.unwrap();
    let third = listener.accept(SOON).await.unwrap();
    let ours = listener.accept(SOON).await.unwrap();
    second.write_all(b"one").await.unwrap();
    assert_eq!(read_exactly(&ours, 3).await, b"one");
    drop(third);
    let frames = lab.capture().frames;
    let resets = frames.iter().filter(|frame| {
        frame.direction == crate::lab::Direction::ToDut
            && frame.tcp().is_some_and(|tcp| {
                tcp.has(TcpSegment::RST) && tcp.destination == second.local_addr()
            })
    });
    assert_eq!(resets.count(), 0);
}
