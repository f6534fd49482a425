//! Two network stacks on one wire: the server and the update task as a peer meets them.

extern crate std;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::format;
use std::rc::Rc;
use std::string::String;
use std::vec;
use std::vec::Vec;

use ed25519_dalek::{Signer, SigningKey};
use embassy_futures::block_on;
use embassy_futures::select::{Either, select, select3};
use embassy_net::tcp::TcpSocket;
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_time::{Duration, Timer};
use firmproof_bootconfig::BootConfig;
use sha2::{Digest, Sha256};

use super::nor::{Bench, device};
use crate::update::Request;
use crate::update::slots::Record;
use crate::update::url::Url;
use crate::{http, update};

type Frames = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end of the wire. The test polls both ends all the time, so no waker is kept.
struct End {
    incoming: Frames,
    outgoing: Frames,
    mac: u8,
}

struct Incoming(Vec<u8>);
struct Outgoing(Frames);

impl RxToken for Incoming {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, f: F) -> R {
        f(&mut self.0)
    }
}

impl TxToken for Outgoing {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.borrow_mut().push_back(frame);
        result
    }
}

impl Driver for End {
    type RxToken<'a> = Incoming;
    type TxToken<'a> = Outgoing;

    fn receive(&mut self, _: &mut core::task::Context<'_>) -> Option<(Incoming, Outgoing)> {
        let frame = self.incoming.borrow_mut().pop_front()?;
        Some((Incoming(frame), Outgoing(self.outgoing.clone())))
    }
    fn transmit(&mut self, _: &mut core::task::Context<'_>) -> Option<Outgoing> {
        Some(Outgoing(self.outgoing.clone()))
    }
    fn link_state(&mut self, _: &mut core::task::Context<'_>) -> LinkState {
        LinkState::Up
    }
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet([2, 0, 0, 0, 0, self.mac])
    }
}

const DEVICE: Ipv4Address = Ipv4Address::new(10, 0, 0, 1);
const PEER: Ipv4Address = Ipv4Address::new(10, 0, 0, 2);

/// Runs `device` and `peer`, each on its stack, until the peer is done.
fn on_one_wire<T>(
    device: impl AsyncFnOnce(Stack<'_>),
    peer: impl AsyncFnOnce(Stack<'_>) -> T,
) -> T {
    let (there, back) = (Frames::default(), Frames::default());
    let config = |address| {
        Config::ipv4_static(StaticConfigV4 {
            address: Ipv4Cidr::new(address, 24),
            gateway: None,
            dns_servers: heapless::Vec::new(),
        })
    };
    let (mut ours, mut theirs) = (StackResources::<8>::new(), StackResources::<8>::new());
    let end = |incoming: &Frames, outgoing: &Frames, mac| End {
        incoming: incoming.clone(),
        outgoing: outgoing.clone(),
        mac,
    };
    let (stack, mut runner) = embassy_net::new(end(&there, &back, 1), config(DEVICE), &mut ours, 1);
    let (peer_stack, mut peer_runner) =
        embassy_net::new(end(&back, &there, 2), config(PEER), &mut theirs, 2);
    let tested = select3(runner.run(), peer_runner.run(), device(stack));
    let test = async {
        match select(peer(peer_stack), Timer::after(Duration::from_secs(20))).await {
            Either::First(result) => result,
            Either::Second(()) => panic!("the exchange has not ended after 20 s"),
        }
    };
    match block_on(select(tested, test)) {
        Either::First(_) => panic!("the device's task has ended"),
        Either::Second(result) => result,
    }
}

/// Sends each piece after the answer to the one before has begun, then reads to the end.
async fn talk(stack: Stack<'_>, pieces: &[&str]) -> String {
    let (mut receive, mut send) = ([0; 4096], [0; 4096]);
    let mut socket = TcpSocket::new(stack, &mut receive, &mut send);
    socket.connect((DEVICE, 80)).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    for piece in pieces {
        let mut rest = piece.as_bytes();
        while !rest.is_empty() {
            let len = socket.write(rest).await.unwrap();
            rest = &rest[len..];
        }
        let len = socket.read(&mut buffer).await.unwrap();
        answer.extend(&buffer[..len]);
    }
    loop {
        match socket.read(&mut buffer).await.expect("a FIN, not a reset") {
            0 => break,
            len => answer.extend(&buffer[..len]),
        }
    }
    socket.close();
    socket.flush().await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn statuses(answers: &str) -> Vec<&str> {
    answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect()
}

#[test]
fn a_connection_serves_requests_in_order_until_one_asks_to_close() {
    let (board, config) = (Bench::new(), BootConfig::safe_default());
    let device = device(&board, &config);
    let pipelined = "GET / HTTP/1.1\r\nHost: h\r\n\r\n\
        HEAD / HTTP/1.1\r\nHost: h\r\n\r\n\
        PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\
        GET /api/state HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n\
        GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    let answers = on_one_wire(
        async |stack| http::server::run(&device, stack).await,
        async |stack| talk(stack, &[pipelined]).await,
    );
    assert_eq!(statuses(&answers), ["200", "200", "404", "200"]);
    // Every answer is as long as its Content-Length says; HEAD has GET's, and no content.
    let mut rest = answers.as_str();
    let mut lengths = Vec::new();
    for with_content in [true, false, true, true] {
        let (head, after) = rest.split_once("\r\n\r\n").unwrap();
        let (_, length) = head.split_once("Content-Length: ").unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        lengths.push(length);
        rest = &after[if with_content { length } else { 0 }..];
    }
    assert_eq!(rest, "");
    assert_eq!(lengths[0], lengths[1]);
    assert!(answers.contains("\r\nConnection: close\r\n"));
    assert!(!answers.contains("\r\nDate: "), "the clock is not set");
    assert_eq!(device.status.counters.http_requests.get(), 4);
    assert_eq!(
        board.console.borrow()[2],
        "event=http.request method=PUT target=/x status=404"
    );
}

#[test]
fn a_refusal_reaches_the_client_although_it_was_still_sending() {
    let (board, config) = (Bench::new(), BootConfig::safe_default());
    let device = device(&board, &config);
    for (request, status) in [
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(9000)), "414"),
        (
            String::from("GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\nGET / HTTP/1.1\r\n"),
            "400",
        ),
        (String::from("GET / HTTP/3.0\r\n\r\n"), "505"),
        (
            String::from("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999\r\n\r\nabc"),
            "413",
        ),
    ] {
        let answers = on_one_wire(
            async |stack| http::server::run(&device, stack).await,
            async |stack| talk(stack, &[&request]).await,
        );
        assert_eq!(statuses(&answers), [status], "{request}");
        assert!(answers.contains("\r\nConnection: close\r\n"));
    }
}

#[test]
fn a_client_that_waits_for_100_gets_it_or_the_final_answer() {
    let (board, config) = (Bench::new(), BootConfig::safe_default());
    let device = device(&board, &config);
    let head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 6\r\n";
    let typed = format!("{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n");
    let untyped = format!("{head}\r\n");
    for (pieces, expected) in [
        (&[typed.as_str(), "led1=1"][..], &["100", "303"][..]),
        (&[untyped.as_str()], &["415"]),
    ] {
        let answers = on_one_wire(
            async |stack| http::server::run(&device, stack).await,
            async |stack| talk(stack, pieces).await,
        );
        assert_eq!(statuses(&answers), expected);
    }
}

/// Serves one connection: reads a request's head, sends `response`, closes.
async fn serve(stack: Stack<'_>, response: &[u8]) -> String {
    let (mut receive, mut send) = ([0; 4096], [0; 4096]);
    let mut socket = TcpSocket::new(stack, &mut receive, &mut send);
    socket.accept(8080).await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut buffer = [0; 512];
        let len = socket.read(&mut buffer).await.unwrap();
        request.extend(&buffer[..len]);
    }
    let mut rest = response;
    while !rest.is_empty() {
        let len = socket.write(rest).await.unwrap();
        rest = &rest[len..];
    }
    socket.close();
    let _ = socket.flush().await;
    String::from_utf8(request).unwrap()
}

#[test]
fn a_signed_image_is_downloaded_over_two_connections_and_boots_next() {
    let image: Vec<u8> = (0..9000_u32).map(|i| (i % 251) as u8).collect();
    let key = SigningKey::from_bytes(&[7; 32]);
    let mut config = BootConfig::safe_default();
    config.update.public_key = key.verifying_key().to_bytes();
    let board = Bench::new();
    let device = device(&board, &config);
    let sha256: [u8; 32] = Sha256::digest(&image).into();
    let mut message = Vec::from(*b"firmproof-update\0");
    message.extend(9000_u32.to_le_bytes());
    message.extend(3_u32.to_le_bytes());
    message.extend(sha256);
    let request = Request {
        url: Url::parse("http://10.0.0.2:8080/fw.bin").unwrap(),
        length: 9000,
        version: 3,
        sha256,
        signature: key.sign(&message).to_bytes(),
    };
    assert!(device.update_requests.try_send(request.clone()).is_ok());
    let whole = b"HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 9000\r\n\r\n";
    let cut = [&whole[..], &image[..5000]].concat();
    let part = b"HTTP/1.1 206 P\r\nETag: \"e\"\r\nContent-Length: 4000\r\nContent-Range: bytes 5000-8999/9000\r\n\r\n";
    let rest = [&part[..], &image[5000..]].concat();
    on_one_wire(
        async |stack| update::task::run(&device, stack).await,
        async |stack| {
            assert!(!serve(stack, &cut).await.contains("Range"));
            let second = serve(stack, &rest).await;
            assert!(second.contains("\r\nRange: bytes=5000-\r\nIf-Range: \"e\"\r\n"));
            device.state_changed.wait().await;
            // The same offer again is a replay; so is a smaller version.
            device.update_requests.send(request.clone()).await;
            device.state_changed.wait().await;
            // And one that the key did not sign is not even looked at.
            let forged = Request {
                version: 9,
                ..request
            };
            device.update_requests.send(forged).await;
            device.state_changed.wait().await;
        },
    );
    assert_eq!(
        *board.console.borrow(),
        [
            "event=update.started url=http://10.0.0.2:8080/fw.bin",
            "event=update.ready slot=b version=3",
            "event=update.failed reason=version-replay",
            "event=update.failed reason=signature",
        ]
    );
    let mut store = device.store.try_lock().unwrap();
    let (flash, range) = store.slot(1);
    assert_eq!(flash.bytes[range.start as usize..][..9000], image);
    let mut record = block_on(Record::load(&mut store)).unwrap();
    assert_eq!(record.boot(), 1);
}
