//! Joins the lab and this machine's sockets: a real broker for the device, a browser for its page.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use crate::lab::{Lab, Listener, UdpSocket};

/// How long an idle listener is asked before it is asked again.
const ACCEPT: Duration = Duration::from_secs(3600);

/// Carries every connection that the device makes to a listener on to a server on this machine. Dropping it
/// ends them all.
#[derive(Debug)]
pub struct ToMachine {
    target: watch::Sender<SocketAddr>,
    cuts: broadcast::Sender<()>,
    _carrying: JoinSet<()>,
}

impl ToMachine {
    /// Begins to carry connections to `target`.
    pub fn start(listener: Listener, target: SocketAddr) -> Self {
        let (target, wanted) = watch::channel(target);
        let (cuts, _) = broadcast::channel(1);
        let mut carrying = JoinSet::new();
        carrying.spawn(carry(listener, wanted, cuts.clone()));
        Self {
            target,
            cuts,
            _carrying: carrying,
        }
    }

    /// Later connections go to another server.
    pub fn retarget(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }

    /// Resets the device's connections, and drops those to the server.
    pub fn cut(&self) {
        // An error means that there is no connection to cut.
        let _ = self.cuts.send(());
    }
}

async fn carry(
    mut listener: Listener,
    target: watch::Receiver<SocketAddr>,
    cuts: broadcast::Sender<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        let Ok(mut device) = listener.accept(ACCEPT).await else {
            continue;
        };
        let target = *target.borrow();
        let mut cut = cuts.subscribe();
        connections.spawn(async move {
            let Ok(mut server) = TcpStream::connect(target).await else {
                return device.reset();
            };
            // As the device does: a small packet waits for nobody.
            let _ = server.set_nodelay(true);
            let is_cut = {
                // Either end may go at any time; the other is told by the close of its stream.
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut device, &mut server) => false,
                    _ = cut.recv() => true,
                }
            };
            if is_cut {
                device.reset();
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// As [`ToMachine`], without an end and without cuts.
pub async fn to_machine(listener: Listener, target: SocketAddr) {
    // Both are held for as long as this goes on.
    let (_target, wanted) = watch::channel(target);
    let (cuts, _) = broadcast::channel(1);
    carry(listener, wanted, cuts).await;
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
