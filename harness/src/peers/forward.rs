//! Joins the lab and this machine's sockets: a real broker for the device, a browser for its page.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::lab::{Lab, Listener, UdpSocket};

/// How long an idle listener is asked before it is asked again.
const ACCEPT: Duration = Duration::from_secs(3600);

/// Carries every connection that the device makes to `listener` on to `target` on this machine.
pub async fn to_machine(mut listener: Listener, target: SocketAddr) {
    loop {
        let Ok(mut device) = listener.accept(ACCEPT).await else {
            continue;
        };
        tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(target).await {
                // Either end may go at any time; the other is told by the close of its stream.
                let _ = tokio::io::copy_bidirectional(&mut device, &mut server).await;
            }
        });
    }
}

/// Carries every connection that this machine makes to `listener` on to `target` in the lab.
pub async fn to_device(listener: TcpListener, lab: Lab, target: SocketAddrV4) {
    while let Ok((mut client, _)) = listener.accept().await {
        let lab = lab.clone();
        tokio::spawn(async move {
            if let Ok(mut device) = lab.connect(target, Duration::from_secs(5)).await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut device).await;
            }
        });
    }
}

/// How long a datagram's answer is waited for.
const ANSWER: Duration = Duration::from_secs(60);
/// Most ports of the device whose answers are waited for at a time.
const MOST_PORTS: usize = 256;

/// Carries every datagram that the device sends to `socket` on to `target` on this machine, and
/// the answers back.
pub async fn datagrams_to_machine(socket: UdpSocket, target: SocketAddr) {
    let socket = Arc::new(socket);
    let mut ports: HashMap<SocketAddrV4, Arc<tokio::net::UdpSocket>> = HashMap::new();
    loop {
        let Ok(datagram) = socket.recv().await else {
            continue;
        };
        // Only the one who waits for answers holds the other handle.
        ports.retain(|_, port| Arc::strong_count(port) > 1);
        let port = match ports.get(&datagram.from) {
            Some(port) => port.clone(),
            None if ports.len() >= MOST_PORTS => continue,
            None => {
                let Ok(port) = connected(target).await else {
                    continue;
                };
                let port = Arc::new(port);
                ports.insert(datagram.from, port.clone());
                tokio::spawn(answers(socket.clone(), port.clone(), datagram.from));
                port
            }
        };
        // A datagram may be lost.
        let _ = port.send(&datagram.payload).await;
    }
}

async fn connected(target: SocketAddr) -> std::io::Result<tokio::net::UdpSocket> {
    let port = tokio::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    port.connect(target).await?;
    Ok(port)
}

/// Carries answers to the device until there is none for a while.
async fn answers(socket: Arc<UdpSocket>, port: Arc<tokio::net::UdpSocket>, device: SocketAddrV4) {
    let mut bytes = [0; 2048];
    while let Ok(Ok(length)) = tokio::time::timeout(ANSWER, port.recv(&mut bytes)).await {
        let _ = socket.send_from_to(&bytes[..length], None, device).await;
    }
}
