//! What is kept of the wire.

use super::*;
use crate::lab::capture::Recorder;
use crate::lab::pcapng::{read_pcapng, write_pcapng};
use crate::lab::{Fate, LabError};

#[test]
fn the_first_and_the_last_frames_are_kept_within_the_budget() {
    let mut recorder = Recorder::new(64 << 10);
    for number in 0..10_000u32 {
        let mut frame = vec![0; 60 + number as usize % 1454];
        frame[..4].copy_from_slice(&number.to_be_bytes());
        let at = Duration::from_micros(number.into());
        recorder.record(at, Direction::FromDut, Fate::Delivered, &frame);
    }
    let capture = recorder.kept();
    assert_eq!(capture.frames.len() as u64 + capture.lost, 10_000);
    let sent: u64 = (0..10_000).map(|number| 60 + number % 1454).sum();
    let counted = (capture.from_dut, capture.to_dut);
    let all = Traffic {
        frames: 10_000,
        bytes: sent,
    };
    assert_eq!(counted, (all, Traffic::default()));
    let bytes: usize = capture.frames.iter().map(|frame| frame.bytes.len()).sum();
    assert!(bytes <= 64 << 10 && bytes > 32 << 10, "{bytes}");
    let number = |frame: &Frame| u32::from_be_bytes(*frame.bytes.first_chunk().unwrap());
    let (head, tail) = capture.frames.split_at(capture.gap_at);
    assert!(head.iter().map(number).eq(0..head.len() as u32));
    assert!(
        tail.iter()
            .map(number)
            .eq(10_000 - tail.len() as u32..10_000)
    );
    assert!(!head.is_empty() && !tail.is_empty());
}

#[tokio::test]
async fn a_capture_is_read_back_as_it_was_written() {
    let (lab, dut) = plugged();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    ours.write_all(b"kept").await.unwrap();
    assert_eq!(read_exactly(&theirs, 4).await, b"kept");
    let mut capture = lab.capture();
    assert!(!capture.frames.is_empty());
    capture.frames[1].fate = Fate::Dropped;
    (capture.lost, capture.gap_at) = (3, 2);
    let mut file = Vec::new();
    write_pcapng(&capture, &mut file).unwrap();
    let read = read_pcapng(&file).unwrap();
    assert_eq!(read.frames, capture.frames);
    assert_eq!((read.lost, read.gap_at), (3, 2));
}

#[tokio::test]
async fn a_watch_made_before_the_stimulus_misses_nothing_and_times_out_without_one() {
    let (lab, dut) = plugged();
    let theirs = dut.udp(at(lab.dut_address(), 5)).await.unwrap();
    let mut watch = lab
        .on_frame(|frame| frame.udp().is_some_and(|udp| udp.payload == b"event"))
        .unwrap();
    let none = watch.next(Duration::from_millis(1)).await;
    assert!(matches!(none, Err(LabError::Timeout(_))));
    theirs
        .send_from_to(b"event", None, at(lab.peer_address(1), 5))
        .await
        .unwrap();
    let frame = watch.next(SOON).await.unwrap();
    assert_eq!(frame.udp().unwrap().source, theirs.local_addr());
}

#[tokio::test]
async fn a_raw_frame_reaches_the_dut_and_an_oversized_one_from_it_is_dropped() {
    let (lab, port) = Lab::ethernet(EthernetOptions::default()).unwrap();
    let dut = tokio::net::UnixDatagram::bind(&port.dut_socket).unwrap();
    lab.send_frame(&[0xaa; 60]).unwrap();
    let mut got = [0; 2000];
    let length = tokio::time::timeout(SOON, dut.recv(&mut got))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(got[..length], [0xaa; 60]);
    let mut seen = lab
        .on_frame(|frame| frame.direction == Direction::FromDut)
        .unwrap();
    for length in [0, 1, 13, 1515, 9000] {
        dut.send_to(&vec![0; length], &port.harness_socket)
            .await
            .unwrap();
        assert_eq!(seen.next(SOON).await.unwrap().fate, Fate::Dropped);
    }
    dut.send_to(&[0; 14], &port.harness_socket).await.unwrap();
    assert_eq!(seen.next(SOON).await.unwrap().fate, Fate::Delivered);
}
