//! Joins the lab and this machine's sockets: a real broker for the device, a browser for its page.

use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use crate::lab::{Lab, Listener};

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
