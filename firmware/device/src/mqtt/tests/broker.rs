//! A broker that says what the test makes it say. It shares no code with the client.

extern crate std;
use std::vec;
use std::vec::Vec;

use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;

/// The broker's port.
pub(super) const PORT: u16 = 1883;

/// A packet as it came: first byte and what follows the fixed header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) first: u8,
    pub(super) body: Vec<u8>,
}

impl Packet {
    /// Topic, identifier and payload of a PUBLISH at QoS 1 or 2.
    pub(super) fn publish(&self) -> (&str, u16, &[u8]) {
        assert_eq!(self.first & 0xf0, 0x30, "{:02x}", self.first);
        assert_ne!(self.first & 0x06, 0, "QoS 0");
        let len = usize::from(u16::from_be_bytes([self.body[0], self.body[1]]));
        let (topic, rest) = self.body[2..].split_at(len);
        let id = u16::from_be_bytes([rest[0], rest[1]]);
        (core::str::from_utf8(topic).unwrap(), id, &rest[2..])
    }
}

/// The broker's end of a connection.
pub(super) struct Broker<'s> {
    socket: TcpSocket<'s>,
}

impl<'s> Broker<'s> {
    pub(super) async fn accept(stack: Stack<'s>, rx: &'s mut [u8], tx: &'s mut [u8]) -> Broker<'s> {
        let mut socket = TcpSocket::new(stack, rx, tx);
        socket.accept(PORT).await.unwrap();
        Self { socket }
    }

    pub(super) async fn send(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let count = self.socket.write(bytes).await.unwrap();
            bytes = &bytes[count..];
        }
    }

    /// Fills `buffer`; false at the end of the stream.
    async fn fill(&mut self, mut buffer: &mut [u8]) -> bool {
        while !buffer.is_empty() {
            let count = self.socket.read(buffer).await.unwrap();
            if count == 0 {
                return false;
            }
            buffer = &mut buffer[count..];
        }
        true
    }

    /// The next packet; `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> Option<Packet> {
        let mut byte = [0];
        if !self.fill(&mut byte).await {
            return None;
        }
        let first = byte[0];
        let (mut length, mut shift) = (0, 0);
        loop {
            assert!(self.fill(&mut byte).await);
            length |= usize::from(byte[0] & 0x7f) << shift;
            shift += 7;
            if byte[0] < 0x80 {
                break;
            }
        }
        let mut body = vec![0; length];
        assert!(self.fill(&mut body).await);
        Some(Packet { first, body })
    }

    pub(super) async fn expect(&mut self, first: u8) -> Packet {
        let packet = self.next().await.expect("the stream has ended");
        assert_eq!(packet.first, first, "{:02x?}", packet.body);
        packet
    }

    /// Expects the client to end the connection without another packet.
    pub(super) async fn expect_end(mut self) {
        assert_eq!(self.next().await, None);
        self.close().await;
    }

    pub(super) async fn close(mut self) {
        self.socket.close();
        let _ = self.socket.flush().await;
    }

    /// Takes CONNECT, accepts, and answers SUBSCRIBE of two filters; the state comes next.
    pub(super) async fn welcome(&mut self) {
        self.expect(0x10).await;
        self.send(&[0x20, 2, 0, 0]).await;
        let subscribe = self.expect(0x82).await;
        let id = [subscribe.body[0], subscribe.body[1]];
        self.send(&[0x90, 4, id[0], id[1], 2, 1]).await;
    }

    /// Takes the state, and acknowledges it.
    pub(super) async fn take_state(&mut self) -> Packet {
        let state = self.expect(0x33).await;
        let (topic, id, _) = state.publish();
        assert_eq!(topic, "lab/dut/state");
        let id = id.to_be_bytes();
        self.send(&[0x40, 2, id[0], id[1]]).await;
        state
    }
}

/// A short PUBLISH; `id` is left out at QoS 0.
pub(super) fn publish(first: u8, topic: &str, id: Option<u16>, payload: &[u8]) -> Vec<u8> {
    let id = id.map(u16::to_be_bytes);
    let length = 2 + topic.len() + id.map_or(0, |_| 2) + payload.len();
    assert!(length < 128);
    let mut out = vec![first, length as u8, 0, topic.len() as u8];
    out.extend(topic.as_bytes());
    out.extend(id.iter().flatten());
    out.extend(payload);
    out
}
