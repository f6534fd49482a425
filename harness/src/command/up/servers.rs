//! The servers of `firmproof up`: built in, or real ones on this machine.

use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

use firmproof::bench::{Bench, text};
use firmproof::lab::Lab;
use firmproof::peers::forward;
use firmproof::peers::ntp_server::{NTP_PORT, NtpServer};
use firmproof::peers::rumqttd_broker::RumqttdBroker;
use firmproof::profile::Kind;
use firmproof_bootconfig::{Host, Subscription};

/// A port of the lab's first peer and the server behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Join {
    pub(super) port: u16,
    pub(super) to: SocketAddr,
}

/// Reads `PORT=ADDRESS:PORT`.
pub(super) fn join(text: &str) -> Result<Join, String> {
    let wanted = || format!("expected PORT=ADDRESS:PORT, as in 8000=127.0.0.1:8000, not `{text}`");
    let (port, to) = text.split_once('=').ok_or_else(wanted)?;
    match (port.parse(), to.parse()) {
        (Ok(port), Ok(to)) => Ok(Join { port, to }),
        _ => Err(wanted()),
    }
}

/// Carries the port of `join` on; where the device finds it.
pub(super) async fn carry(lab: &Lab, join: Join) -> Result<SocketAddrV4, String> {
    let at = SocketAddrV4::new(lab.peer_address(1), join.port);
    let listener = lab.listen(at).await;
    let listener = listener.map_err(|error| format!("--join {}: {error}", join.port))?;
    let found = listener.local_addr();
    tokio::spawn(forward::to_machine(listener, join.to));
    Ok(found)
}

/// Puts a broker where the device expects it: the one at `real`, or rumqttd. Returns where it is, and where the
/// device finds it.
pub(super) async fn broker(
    bench: &Bench,
    real: Option<SocketAddr>,
) -> Result<(SocketAddr, SocketAddrV4), Box<dyn std::error::Error>> {
    let at = match real {
        Some(real) => real,
        None => RumqttdBroker::start().await?.address(),
    };
    bench.configure_mqtt(|mqtt| {
        if bench.profile().kind == Kind::External {
            // A client may not start without one; there is room: it is the first.
            let filter = text("fp/probe/#");
            let _ = mqtt.subscriptions.push(Subscription { filter, qos: 2 });
        }
    });
    let port = bench.config().mqtt.map_or(1883, |mqtt| mqtt.port);
    let found = carry(bench.lab(), Join { port, to: at }).await?;
    bench.announce("mqtt", found);
    Ok((at, found))
}

/// Puts a time server where the device asks: the one at `real`, or one with this machine's clock. Returns where the
/// device finds it.
pub(super) async fn time(
    bench: &Bench,
    real: Option<SocketAddr>,
) -> Result<SocketAddrV4, Box<dyn std::error::Error>> {
    let lab = bench.lab();
    let address = lab.peer_address(1);
    bench.configure(|config| {
        // It is the first of four.
        let _ = config.ntp.servers.push(Host::Address(address.octets()));
    });
    let found = match real {
        Some(real) => {
            let socket = lab.udp(SocketAddrV4::new(address, NTP_PORT)).await?;
            let found = socket.local_addr();
            tokio::spawn(forward::datagrams_to_machine(socket, real));
            found
        }
        None => {
            let server = NtpServer::bind(lab, bench.evidence(), 1).await?;
            let found = server.address();
            tokio::spawn(tell_machine_time(server));
            found
        }
    };
    bench.announce("ntp", found);
    Ok(found)
}

/// Answers every request with this machine's clock.
async fn tell_machine_time(server: NtpServer) {
    loop {
        let Ok(request) = server.next_request(Duration::from_secs(3600)).await else {
            continue;
        };
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let seconds = i64::try_from(now.as_secs()).unwrap_or_default();
        let reply = request.good_reply(seconds, now.subsec_nanos());
        // A reply that does not fit the wire is lost, and the device asks again.
        let _ = server.reply(&request, &reply).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_has_a_port_and_an_address_and_anything_else_is_named() {
        let joined = join("8000=127.0.0.1:9000").unwrap();
        assert_eq!(joined.port, 8000);
        assert_eq!(joined.to, "127.0.0.1:9000".parse().unwrap());
        for wrong in ["8000", "8000=9000", "x=127.0.0.1:1", "70000=127.0.0.1:1"] {
            let error = join(wrong).unwrap_err();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
