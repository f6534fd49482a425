//! Datagrams: addresses, broadcasts, bounds.

use super::*;
use crate::lab::LabError;

#[tokio::test]
async fn a_datagram_can_leave_from_another_address_and_port_than_was_asked() {
    let (lab, dut) = plugged();
    let server = lab.udp(at(lab.peer_address(3), 123)).await.unwrap();
    let client = dut.udp(at(lab.dut_address(), 0)).await.unwrap();
    client
        .send_from_to(b"time?", None, server.local_addr())
        .await
        .unwrap();
    let query = server.recv_within(SOON).await.unwrap();
    assert_eq!(
        (query.from, query.to),
        (client.local_addr(), server.local_addr())
    );

    let sources = [
        server.local_addr(),
        at(lab.peer_address(4), 123),
        at(lab.peer_address(3), 1123),
        at(Ipv4Addr::new(203, 0, 113, 5), 9),
    ];
    for source in sources {
        // Odd and even lengths: the checksum pads.
        for payload in [&b"odd"[..], b"even"] {
            server
                .send_from_to(payload, Some(source), query.from)
                .await
                .unwrap();
            let reply = client.recv_within(SOON).await.unwrap();
            assert_eq!((reply.from, &reply.payload[..]), (source, payload));
        }
    }
}

#[tokio::test]
async fn broadcasts_pass_both_ways_for_a_client_without_an_address() {
    let (lab, dut) = plugged();
    let server = lab.udp(at(Ipv4Addr::UNSPECIFIED, 67)).await.unwrap();
    let client = dut.udp(at(Ipv4Addr::UNSPECIFIED, 68)).await.unwrap();
    let unspecified = at(Ipv4Addr::UNSPECIFIED, 68);
    client
        .send_from_to(b"discover", Some(unspecified), at(Ipv4Addr::BROADCAST, 67))
        .await
        .unwrap();
    let discover = server.recv_within(SOON).await.unwrap();
    assert_eq!(discover.from, unspecified);
    assert_eq!(*discover.to.ip(), Ipv4Addr::BROADCAST);

    server
        .send_from_to(b"offer", None, at(Ipv4Addr::BROADCAST, 68))
        .await
        .unwrap();
    let offer = client.recv_within(SOON).await.unwrap();
    assert_eq!(
        (&offer.payload[..], offer.from),
        (&b"offer"[..], at(lab.peer_address(1), 67))
    );

    let mac = [2, 0, 0, 0, 0, 10];
    server
        .send_to_hardware(b"ack", None, at(lab.dut_address(), 68), mac)
        .await
        .unwrap();
    assert_eq!(client.recv_within(SOON).await.unwrap().payload, b"ack");
    let last = lab.capture().frames.pop().unwrap();
    assert_eq!(last.bytes[..6], mac);
}

#[tokio::test]
async fn the_largest_datagram_fills_a_frame_and_a_larger_one_is_refused() {
    let (lab, dut) = plugged();
    let ours = lab.udp(at(lab.peer_address(1), 0)).await.unwrap();
    let theirs = dut.udp(at(lab.dut_address(), 53)).await.unwrap();
    ours.send_from_to(&[0xff; 1472], None, theirs.local_addr())
        .await
        .unwrap();
    assert_eq!(
        theirs.recv_within(SOON).await.unwrap().payload,
        [0xff; 1472]
    );
    assert_eq!(lab.capture().frames[0].bytes.len(), 1514);
    let refused = ours
        .send_from_to(&[0; 1473], None, theirs.local_addr())
        .await;
    assert!(matches!(refused, Err(LabError::TooLong(1473))));
}
