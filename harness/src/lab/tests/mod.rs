//! The lab against a second TCP/IP stack in the DUT's place.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::{
    Direction, EthernetOptions, Frame, FramePort, Kind, Lab, Listener, Stream, Traffic, ethernet,
};

mod capture;
mod faults;
mod os;
mod tcp;
mod udp;

/// Long enough for a busy machine; nothing waits this long unless it fails.
const SOON: Duration = Duration::from_secs(10);

/// A lab, and a stack plugged in as its DUT.
fn plugged() -> (Lab, Lab) {
    plugged_with(EthernetOptions::default())
}

fn plugged_with(options: EthernetOptions) -> (Lab, Lab) {
    let (lab, port) = Lab::ethernet(options).unwrap();
    let dut = dut_at(&port, 7);
    (lab, dut)
}

fn dut_at(port: &FramePort, seed: u8) -> Lab {
    Lab(Kind::Ethernet(
        ethernet::Ethernet::plug_in(port, [seed; 32]).unwrap(),
    ))
}

fn at(ip: Ipv4Addr, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(ip, port)
}

/// A connection that the DUT has opened to a peer's port 1883: the peer's end, the DUT's end, the listener.
async fn connected(lab: &Lab, dut: &Lab) -> (Stream, Stream, Listener) {
    let mut listener = lab.listen(at(lab.peer_address(1), 1883)).await.unwrap();
    let theirs = dut.connect(listener.local_addr(), SOON).await.unwrap();
    let ours = listener.accept(SOON).await.unwrap();
    (ours, theirs, listener)
}

async fn read_exactly(stream: &Stream, count: usize) -> Vec<u8> {
    let mut all = vec![0; count];
    let mut filled = 0;
    while filled < count {
        match tokio::time::timeout(SOON, stream.read(&mut all[filled..]))
            .await
            .unwrap()
            .unwrap()
        {
            0 => panic!("closed after {filled} of {count} bytes"),
            read => filled += read,
        }
    }
    all
}

/// Waits until the DUT has put a UDP datagram with this payload on the wire, and the lab has taken it in: all that
/// the DUT sent before is then in the capture.
async fn fence(lab: &Lab, dut: &Lab) {
    let ours = lab.udp(at(lab.peer_address(7), 0)).await.unwrap();
    let theirs = dut.udp(at(lab.dut_address(), 0)).await.unwrap();
    theirs
        .send_from_to(b"fence", None, ours.local_addr())
        .await
        .unwrap();
    assert_eq!(ours.recv_within(SOON).await.unwrap().payload, b"fence");
}

fn payloads_to_dut(frames: &[Frame]) -> Vec<Vec<u8>> {
    let to_dut = frames
        .iter()
        .filter(|frame| frame.direction == Direction::ToDut);
    to_dut
        .filter_map(|frame| frame.tcp())
        .filter(|tcp| !tcp.payload.is_empty())
        .map(|tcp| tcp.payload.to_vec())
        .collect()
}
