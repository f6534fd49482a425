//! The operating system's sockets: the same behaviour where it is supported, and a name for the rest.

use super::*;
use crate::lab::{LabError, LabFeature, OsOptions, TcpSegment};

fn lab() -> Lab {
    Lab::os(OsOptions::default())
}

#[tokio::test]
async fn connections_pass_bytes_and_end_by_fin_or_reset() {
    let lab = lab();
    let (ours, theirs, listener) = connected(&lab, &lab).await;
    assert_ne!(listener.local_addr().port(), 1883);
    ours.write_segments(b"to the device", &[1, 2])
        .await
        .unwrap();
    ours.finish();
    assert_eq!(read_exactly(&theirs, 13).await, b"to the device");
    assert_eq!(theirs.read(&mut [0]).await.unwrap(), 0);
    theirs.write_all(b"back").await.unwrap();
    assert_eq!(read_exactly(&ours, 4).await, b"back");
    assert!(matches!(ours.write_all(b"no").await, Err(LabError::Closed)));
    theirs.reset();
    assert!(matches!(ours.read(&mut [0]).await, Err(LabError::Reset)));
    assert!(matches!(theirs.read(&mut [0]).await, Err(LabError::Reset)));
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let lab = lab();
    let listener = lab.listen(at(lab.peer_address(1), 80)).await.unwrap();
    let to = listener.local_addr();
    drop(listener);
    assert!(matches!(
        lab.connect(to, SOON).await,
        Err(LabError::Refused)
    ));
}

#[tokio::test]
async fn datagrams_pass() {
    let lab = lab();
    let server = lab.udp(at(lab.peer_address(1), 123)).await.unwrap();
    let client = lab.udp(at(lab.dut_address(), 0)).await.unwrap();
    client
        .send_from_to(b"?", None, server.local_addr())
        .await
        .unwrap();
    let query = server.recv_within(SOON).await.unwrap();
    assert_eq!(
        (query.from, &query.payload[..]),
        (client.local_addr(), &b"?"[..])
    );
    let elsewhere = Some(at(lab.peer_address(2), 5));
    let refused = server.send_from_to(b"!", elsewhere, query.from).await;
    assert!(matches!(
        refused,
        Err(LabError::Unsupported(LabFeature::Addresses))
    ));
}

#[tokio::test]
async fn what_it_cannot_do_is_refused_by_name() {
    let lab = lab();
    assert!(lab.supports(LabFeature::Reset));
    assert!(!lab.supports(LabFeature::Frames));
    assert!(lab.faults().is_none());
    assert!(matches!(
        lab.cut(),
        Err(LabError::Unsupported(LabFeature::Frames))
    ));
    let (ours, _theirs, _listener) = connected(&lab, &lab).await;
    let vanished = ours.vanish();
    assert!(matches!(
        vanished,
        Err(LabError::Unsupported(LabFeature::HalfOpen))
    ));
}

#[tokio::test]
async fn what_the_sockets_carried_is_kept_as_frames_at_the_protocols_ports() {
    let lab = lab();
    let (ours, theirs, _listener) = connected(&lab, &lab).await;
    ours.write_all(b"to the device").await.unwrap();
    assert_eq!(read_exactly(&theirs, 13).await, b"to the device");
    theirs.write_all(&[7; 4000]).await.unwrap();
    assert_eq!(read_exactly(&ours, 4000).await, [7; 4000]);
    drop(theirs);
    assert_eq!(ours.read(&mut [0; 9]).await.unwrap(), 0);
    drop(ours);
    let capture = lab.capture();
    assert!(capture.of_sockets);
    let segments: Vec<TcpSegment<'_>> = capture.frames.iter().filter_map(Frame::tcp).collect();
    assert_eq!(segments.len(), capture.frames.len());
    // The device's connection to the broker's port, as its listener saw it.
    let of_device = |s: &&TcpSegment<'_>| s.destination.port() == 1883;
    let said: Vec<u8> = segments
        .iter()
        .filter(of_device)
        .flat_map(|s| s.payload)
        .copied()
        .collect();
    assert_eq!(said, [7; 4000]);
    let flags = |s: &TcpSegment<'_>| s.flags;
    let from_device: Vec<u8> = segments.iter().filter(of_device).map(flags).collect();
    assert_eq!(from_device.first(), Some(&TcpSegment::SYN));
    assert!(from_device.last().unwrap() & TcpSegment::FIN != 0);
}
