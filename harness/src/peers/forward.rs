//! Joins the lab and this machine's sockets: a real broker for the device, a browser for its page.

use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::lab::{Lab, Listener};

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
