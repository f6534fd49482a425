//! Connections: order, segments, the ways to end.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::lab::{LabError, TcpSegment};

#[tokio::test]
async fn bytes_pass_in_both_directions() {
    let (lab, dut) = plugged();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    ours.write_all(b"to the device").await.unwrap();
    assert_eq!(read_exactly(&theirs, 13).await, b"to the device");
    theirs.write_all(b"and back").await.unwrap();
    assert_eq!(read_exactly(&ours, 8).await, b"and back");
    assert_eq!(ours.peer_addr(), theirs.local_addr());
    assert_eq!(*theirs.local_addr().ip(), lab.dut_address());
}

#[tokio::test]
async fn the_harness_connects_to_a_port_of_the_dut() {
    let (lab, dut) = plugged();
    let mut http = dut.listen(at(lab.dut_address(), 80)).await.unwrap();
    let ours = lab.connect(at(lab.dut_address(), 80), SOON).await.unwrap();
    let theirs = http.accept(SOON).await.unwrap();
    ours.write_all(b"GET").await.unwrap();
    assert_eq!(read_exactly(&theirs, 3).await, b"GET");
}

#[tokio::test]
async fn a_closed_port_refuses_and_a_missing_dut_times_out() {
    let (lab, port) = Lab::ethernet(EthernetOptions::default()).unwrap();
    let nobody = lab
        .connect(at(lab.dut_address(), 80), Duration::from_millis(50))
        .await;
    assert!(matches!(nobody, Err(LabError::Timeout(_))), "{nobody:?}");
    let _dut = dut_at(&port, 7);
    let closed = lab.connect(at(lab.dut_address(), 81), SOON).await;
    assert!(matches!(closed, Err(LabError::Refused)), "{closed:?}");
}

#[tokio::test]
async fn each_piece_leaves_as_a_segment_of_its_own() {
    let (lab, dut) = plugged();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    let data: Vec<u8> = (0..200).collect();
    let every_byte: Vec<usize> = (1..200).collect();
    ours.write_segments(&data, &every_byte).await.unwrap();
    ours.write_segments(&data, &[7, 100]).await.unwrap();
    let got = read_exactly(&theirs, 400).await;
    assert_eq!(got, [data.clone(), data.clone()].concat());
    let mut expected: Vec<Vec<u8>> = data.iter().map(|byte| vec![*byte]).collect();
    expected.extend([
        data[..7].to_vec(),
        data[7..100].to_vec(),
        data[100..].to_vec(),
    ]);
    assert_eq!(payloads_to_dut(&lab.capture().frames), expected);
}

#[tokio::test]
async fn a_reset_is_seen_as_a_reset_and_not_as_the_end() {
    let (lab, dut) = plugged();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    ours.write_all(b"x").await.unwrap();
    assert_eq!(read_exactly(&theirs, 1).await, b"x");
    ours.reset();
    assert!(matches!(theirs.read(&mut [0]).await, Err(LabError::Reset)));
    assert!(matches!(theirs.write_all(b"y").await, Err(LabError::Reset)));
    assert!(matches!(ours.read(&mut [0]).await, Err(LabError::Reset)));

    let (ours, theirs, _listener) = {
        drop(_listener);
        connected(&lab, &dut).await
    };
    theirs.reset();
    let error = (&ours).read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_reader_that_waits_learns_of_a_reset() {
    let (lab, dut) = plugged();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    let reader = async { ours.read(&mut [0]).await };
    let resetter = async { theirs.reset() };
    let (read, ()) = tokio::time::timeout(SOON, async { tokio::join!(reader, resetter) })
        .await
        .unwrap();
    assert!(matches!(read, Err(LabError::Reset)));
}

#[tokio::test]
async fn after_a_half_close_reading_goes_on() {
    let (lab, dut) = plugged();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    ours.write_all(b"last").await.unwrap();
    ours.finish();
    assert_eq!(read_exactly(&theirs, 4).await, b"last");
    assert_eq!(theirs.read(&mut [0; 8]).await.unwrap(), 0);
    theirs.write_all(b"still here").await.unwrap();
    assert_eq!(read_exactly(&ours, 10).await, b"still here");
    ours.acknowledged(SOON).await.unwrap();
    assert!(matches!(ours.write_all(b"no").await, Err(LabError::Closed)));
}

#[tokio::test]
async fn a_vanished_connection_is_half_open_until_it_is_opened_anew() {
    let (lab, dut) = plugged();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    ours.vanish().unwrap();
    let mut unanswered = lab
        .on_frame(|frame| frame.tcp().is_some_and(|tcp| tcp.payload == b"anyone?"))
        .unwrap();
    theirs.write_all(b"anyone?").await.unwrap();
    // Sent, and sent again by the retransmission timer.
    for _ in 0..2 {
        assert_eq!(
            unanswered.next(SOON).await.unwrap().fate,
            crate::lab::Fate::Ignored
        );
    }
    fence(&lab, &dut).await;
    let frames = lab.capture().frames;
    let mut answers = frames.iter().filter_map(Frame::tcp);
    assert!(!answers.any(|tcp| tcp.has(TcpSegment::RST) || tcp.has(TcpSegment::FIN)));
}

#[tokio::test]
async fn connections_are_accepted_in_the_order_of_their_establishment() {
    let (lab, dut) = plugged();
    let mut listener = lab.listen(at(lab.peer_address(2), 1883)).await.unwrap();
    let mut theirs = Vec::new();
    for _ in 0..9 {
        theirs.push(dut.connect(listener.local_addr(), SOON).await.unwrap());
    }
    for stream in &theirs {
        assert_eq!(
            listener.accept(SOON).await.unwrap().peer_addr(),
            stream.local_addr()
        );
    }
    let none = listener.accept(Duration::from_millis(1)).await;
    assert!(matches!(none, Err(LabError::Timeout(_))));
}

#[tokio::test]
async fn a_dropped_listener_refuses_and_resets_what_nobody_accepted() {
    let (lab, dut) = plugged();
    let listener = lab.listen(at(lab.peer_address(1), 1883)).await.unwrap();
    let to = listener.local_addr();
    let pending = dut.connect(to, SOON).await.unwrap();
    assert!(matches!(
        lab.listen(to).await,
        Err(LabError::AddressInUse(_))
    ));
    drop(listener);
    assert!(matches!(pending.read(&mut [0]).await, Err(LabError::Reset)));
    assert!(matches!(
        dut.connect(to, SOON).await,
        Err(LabError::Refused)
    ));
    lab.listen(to).await.unwrap();
}

#[tokio::test]
async fn a_dropped_stream_finishes_or_resets_when_bytes_lie_unread() {
    let (lab, dut) = plugged();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    drop(ours);
    assert_eq!(theirs.read(&mut [0]).await.unwrap(), 0);
    drop((theirs, _listener));

    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    theirs.write_all(b"unread").await.unwrap();
    theirs.acknowledged(SOON).await.unwrap();
    drop(ours);
    assert!(matches!(theirs.read(&mut [0]).await, Err(LabError::Reset)));
}

#[tokio::test]
async fn nobody_answers_for_an_address_that_no_peer_has() {
    let (lab, dut) = plugged();
    let mut asked = lab.on_frame(|frame| frame.bytes[12..14] == [8, 6]).unwrap();
    for address in [Ipv4Addr::new(192, 0, 2, 99), lab.dut_address()] {
        let nobody = dut
            .connect(at(address, 1883), Duration::from_millis(50))
            .await;
        assert!(matches!(nobody, Err(LabError::Timeout(_))));
    }
    assert_eq!(
        asked.next(SOON).await.unwrap().direction,
        Direction::FromDut
    );
    fence_by_connection(&lab, &dut).await;
    let frames = lab.capture().frames;
    let answers = frames.iter().filter(|frame| {
        // ARP, operation reply, sender protocol address.
        frame.bytes[12..14] == [8, 6]
            && frame.bytes[21] == 2
            && frame.bytes[28..32] == [192, 0, 2, 99]
    });
    assert_eq!(answers.count(), 0);
}

async fn fence_by_connection(lab: &Lab, dut: &Lab) {
    let (ours, theirs, _listener) = connected(lab, dut).await;
    theirs.write_all(b"fence").await.unwrap();
    assert_eq!(read_exactly(&ours, 5).await, b"fence");
}

#[tokio::test]
async fn addresses_beyond_the_gateway_are_served() {
    let (lab, dut) = plugged();
    let far = at(Ipv4Addr::new(203, 0, 113, 80), 80);
    let mut listener = lab.listen(far).await.unwrap();
    let theirs = dut.connect(far, SOON).await.unwrap();
    let ours = listener.accept(SOON).await.unwrap();
    assert_eq!(ours.local_addr(), far);
    theirs.write_all(b"far").await.unwrap();
    assert_eq!(read_exactly(&ours, 3).await, b"far");
}

#[tokio::test]
async fn a_stream_can_be_split_and_forwarded() {
    let (lab, dut) = plugged();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    let (mut reader, mut writer) = tokio::io::split(ours);
    let echo = async {
        tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let client = async {
        theirs.write_all(b"ping").await.unwrap();
        assert_eq!(read_exactly(&theirs, 4).await, b"ping");
        theirs.finish();
        assert_eq!(theirs.read(&mut [0]).await.unwrap(), 0);
    };
    tokio::time::timeout(SOON, async { tokio::join!(echo, client) })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_dut_that_is_started_anew_is_reached_at_the_same_port() {
    let (lab, port) = Lab::ethernet(EthernetOptions::default()).unwrap();
    let first = dut_at(&port, 7);
    let (ours, theirs, listener) = connected(&lab, &first).await;
    // A power cut: the stack is gone without a word.
    theirs.vanish().unwrap();
    drop(first);
    drop(listener);
    std::fs::remove_file(&port.dut_socket).unwrap();
    let second = dut_at(&port, 8);
    let (again, theirs, _listener) = connected(&lab, &second).await;
    again.write_all(b"hello").await.unwrap();
    assert_eq!(read_exactly(&theirs, 5).await, b"hello");
    drop(ours);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_transfer_arrives_whole_and_the_capture_stays_bounded() {
    const LENGTH: usize = 24 << 20;
    let options = EthernetOptions {
        capture_bytes: 1 << 20,
        ..EthernetOptions::default()
    };
    let (lab, dut) = plugged_with(options);
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    let writer = tokio::spawn(async move {
        let block: Vec<u8> = (0..=250).cycle().take(251 * 64).collect();
        let mut left = LENGTH;
        while left > 0 {
            let part = left.min(block.len());
            ours.write_all(&block[..part]).await.unwrap();
            left -= part;
        }
        ours.finish();
        ours
    });
    let mut buffer = vec![0; 64 << 10];
    let mut received = 0;
    loop {
        let read = theirs.read(&mut buffer).await.unwrap();
        if read == 0 {
            break;
        }
        assert!(
            buffer[..read]
                .iter()
                .enumerate()
                .all(|(n, byte)| usize::from(*byte) == (received + n) % 251)
        );
        received += read;
    }
    assert_eq!(received, LENGTH);
    writer.await.unwrap();
    let capture = lab.capture();
    assert!(capture.lost > 10_000);
    assert!(
        capture
            .frames
            .iter()
            .map(|frame| frame.bytes.len())
            .sum::<usize>()
            <= 1 << 20
    );
}

/// Run by hand, in release: how fast a DUT that only reads is fed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a check: run it in release with --nocapture"]
async fn throughput_to_the_dut() {
    const LENGTH: usize = 268_435_455;
    let (lab, dut) = plugged();
    let (ours, theirs, _listener) = connected(&lab, &dut).await;
    let started = std::time::Instant::now();
    let writer = tokio::spawn(async move {
        let block = vec![0x5a; 64 << 10];
        let mut left = LENGTH;
        while left > 0 {
            let part = left.min(block.len());
            ours.write_all(&block[..part]).await.unwrap();
            left -= part;
        }
        ours
    });
    let mut buffer = vec![0; 64 << 10];
    let mut received = 0;
    while received < LENGTH {
        received += theirs.read(&mut buffer).await.unwrap();
    }
    println!("{received} bytes in {:?}", started.elapsed());
    writer.await.unwrap();
}
