//! A lease on its way to its end: renewed, rebound, given up (RFC 2131 §4.4.5).

use std::net::Ipv4Addr;
use std::time::Duration;

use dhcproto::v4::MessageType;
use firmproof_bootconfig::Network;

use super::clock::{configure, next_poll, request};
use super::lease::{answer, any, next, not_seen, offered, settles};
use super::names::NEEDS;
use crate::bench::Bench;
use crate::case::{Case, Judged, Stop, require};
use crate::peers::dhcp_server::{DhcpRequest, DhcpServer, Lease};
use crate::peers::ntp_server::NtpServer;
use crate::profile::Capability::{LabFrames, TimeScale};

pub(super) fn cases() -> Vec<Case> {
    [
        Case::must(
            "ntp/renewal/renewed",
            &["RFC2131-4.4.5-1", "RFC2131-4.4.5-2"],
            "Half through its lease the client asks the server that gave it, by unicast, and the address stays",
            dhcp_renewed,
        ),
        Case::must(
            "ntp/renewal/rebound",
            &["RFC2131-4.4.5-1", "RFC2131-4.4.5-3"],
            "When that server does not answer, any server is asked, by broadcast, before the lease ends",
            dhcp_rebound,
        ),
        Case::must(
            "ntp/renewal/expired",
            &["RFC2131-4.4.5-6", "RFC2131-4.4.5-8"],
            "When the lease ends its address is given up: nothing comes from it, and the client begins anew",
            dhcp_expired,
        ),
        Case::must(
            "ntp/renewal/refused",
            &["RFC2131-4.4.5-8", "RFC2131-3.1-1"],
            "A refused renewal (DHCPNAK) ends the use of the address: the client begins anew, and uses the new one",
            dhcp_renewal_refused,
        ),
    ]
    .into_iter()
    .map(|case| case.needs(NEEDS).needs(&[LabFrames, TimeScale]).long())
    .collect()
}

/// How much faster the clock runs for a lease of a minute.
const LEASE_SCALE: u16 = 20;
const LEASE_S: u32 = 60;

/// A device that has a lease of a minute and one time server, and its first renewal.
async fn leased(bench: &Bench, statement: &str) -> Judged<(DhcpServer, NtpServer, Lease)> {
    let time = bench.ntp_server(2).await?;
    configure(bench, 2, |ntp| {
        ntp.servers.remove(0);
        ntp.max_poll_s = 20;
        ntp.reply_timeout_s = 5;
    });
    bench.configure(|config| config.network = Network::Dhcp);
    bench.scale_time(LEASE_SCALE);
    let server = DhcpServer::bind(bench.lab(), bench.evidence())
        .await
        .map_err(|e| Stop::inconclusive(format!("no DHCP server: {e}")))?;
    let lease = Lease {
        address: bench.lab().dut_address(),
        mask: Ipv4Addr::new(255, 255, 255, 0),
        router: bench.lab().peer_address(1),
        dns: vec![],
        seconds: LEASE_S,
    };
    bench.power_on().await?;
    let asked = offered(&server, &lease, statement, None).await?;
    answer(&server, &asked, MessageType::Ack, &lease).await?;
    settles(bench, &lease, statement).await?;
    Ok((server, time, lease))
}

/// The device's request to keep its lease: sent to `to`, with its address, and without what only the answer to an
/// offer has (RFC 2131 §4.3.2, §4.4.5).
async fn extension(
    bench: &Bench,
    server: &DhcpServer,
    lease: &Lease,
    statement: &str,
    to: Option<Ipv4Addr>,
) -> Judged<DhcpRequest> {
    let request = next(bench, server, statement, MessageType::Request).await?;
    let ciaddr = request.message.ciaddr();
    let seen = format!(
        "to {}, ciaddr {ciaddr}, server {:?}, requested {:?}",
        request.to,
        request.server(),
        request.requested()
    );
    let plain =
        ciaddr == lease.address && request.server().is_none() && request.requested().is_none();
    let expected = format!(
        "ciaddr {}, no server identifier, no requested address",
        lease.address
    );
    require(plain, statement, expected, seen.clone())?;
    if let Some(to) = to {
        require(request.to == to, statement, format!("sent to {to}"), seen)?;
    }
    Ok(request)
}

async fn dhcp_renewed(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC2131-4.4.5-2";
    let (server, time, lease) = leased(&bench, STATEMENT).await?;
    let at = bench.lab().peer_address(1);
    for _ in 0..2 {
        let request = extension(&bench, &server, &lease, STATEMENT, Some(at)).await?;
        answer(&server, &request, MessageType::Ack, &lease).await?;
    }
    // Both renewals took the lease past its first end; what comes now comes from the address that was kept.
    uses(&bench, &time, lease.address, STATEMENT).await
}

/// The next request for the time comes from `address`.
async fn uses(bench: &Bench, time: &NtpServer, address: Ipv4Addr, statement: &str) -> Judged {
    while time.next_request(Duration::ZERO).await.is_ok() {}
    let asked = request(bench, time, next_poll(bench), statement).await?;
    let expected = format!("a request for the time from {address}");
    let seen = asked.from.to_string();
    require(*asked.from.ip() == address, statement, expected, seen)?;
    bench.alive(statement).await
}

async fn dhcp_rebound(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC2131-4.4.5-3";
    let (server, time, lease) = leased(&bench, STATEMENT).await?;
    let at = bench.lab().peer_address(1);
    let unicast = extension(&bench, &server, &lease, STATEMENT, Some(at)).await?;
    // A client may repeat that one before it asks all.
    let mut request = unicast;
    for _ in 0..4 {
        if request.to == Ipv4Addr::BROADCAST {
            break;
        }
        request = extension(&bench, &server, &lease, STATEMENT, None).await?;
    }
    let seen = request.to.to_string();
    let all = request.to == Ipv4Addr::BROADCAST;
    require(all, STATEMENT, "a broadcast before the lease ends", seen)?;
    answer(&server, &request, MessageType::Ack, &lease).await?;
    uses(&bench, &time, lease.address, STATEMENT).await
}

/// Another lease, which no other peer's address clashes with.
fn another(lease: &Lease) -> Lease {
    let [a, b, c, _] = lease.address.octets();
    Lease {
        address: Ipv4Addr::new(a, b, c, 200),
        ..lease.clone()
    }
}

async fn dhcp_expired(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC2131-4.4.5-6";
    let (server, time, lease) = leased(&bench, STATEMENT).await?;
    let discover = loop {
        let message = any(
            &bench,
            &server,
            STATEMENT,
            "DISCOVER after the end of the lease",
        )
        .await?;
        if message.kind == MessageType::Discover {
            break message;
        }
    };
    while time.next_request(Duration::ZERO).await.is_ok() {}
    // Two poll intervals: the wire's other end is there, so that a request would come.
    if let Ok(asked) = time.next_request(bench.device_time(40.0)).await {
        let expected = "nothing from the address whose lease has ended";
        return Err(Stop::fail(
            STATEMENT,
            expected,
            format!("a request from {}", asked.from),
        ));
    }
    // It has asked again since; the answer to an earlier question would be passed over (RFC 2131 §4.4.1).
    let latest = server.latest().await;
    let discover = latest
        .map_err(|error| not_seen(&bench, error, STATEMENT, "DISCOVER"))?
        .unwrap_or(discover);
    begins_anew(&bench, &server, &time, &lease, &discover, STATEMENT).await
}

/// Answers `discover` and those after it with another lease, which the device then uses.
async fn begins_anew(
    bench: &Bench,
    server: &DhcpServer,
    time: &NtpServer,
    lease: &Lease,
    discover: &DhcpRequest,
    statement: &str,
) -> Judged {
    let other = another(lease);
    answer(server, discover, MessageType::Offer, &other).await?;
    let request = loop {
        let message = any(bench, server, statement, "REQUEST").await?;
        match message.kind {
            MessageType::Request => break message,
            _ => answer(server, &message, MessageType::Offer, &other).await?,
        }
    };
    answer(server, &request, MessageType::Ack, &other).await?;
    uses(bench, time, other.address, "RFC2131-4.4.5-8").await
}

async fn dhcp_renewal_refused(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC2131-4.4.5-8";
    let (server, time, lease) = leased(&bench, STATEMENT).await?;
    let request = next(&bench, &server, STATEMENT, MessageType::Request).await?;
    answer(&server, &request, MessageType::Nak, &lease).await?;
    let discover = next(&bench, &server, STATEMENT, MessageType::Discover).await?;
    begins_anew(&bench, &server, &time, &lease, &discover, STATEMENT).await
}
