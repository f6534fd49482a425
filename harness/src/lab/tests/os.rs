//! The operating system's sockets: the same behaviour where it is supported, and a name for the rest.

use super::*;
use crate::lab::{LabError, LabFeature, OsOptions};

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
