//! The device's own address by DHCP (RFC 2131).

use std::net::Ipv4Addr;
use std::time::Duration;

use dhcproto::v4::MessageType;
use firmproof_bootconfig::Network;

use super::names::{NEEDS, SCALE, configured, query, sent, synchronises, told};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::dut::Control;
use crate::lab::LabError;
use crate::peers::dhcp_server::{DhcpError, DhcpRequest, DhcpServer, Lease};
use crate::peers::dns_server::DnsServer;
use crate::profile::Capability;

/// How often a client may begin anew before it takes an offer.
const MOST_DISCOVERS: usize = 8;
/// How long the cable is out, in wall time.
const CABLE_OUT: Duration = Duration::from_secs(1);

pub(super) fn cases() -> Vec<Case> {
    let cases = [
        Case::must(
            "ntp/names/dhcp-lease",
            &["RFC2131-4.4.1-1"],
            "Address and DNS server come from the lease that the server acknowledged",
            dhcp_lease,
        ),
        Case::must(
            "ntp/names/dhcp-refused",
            &["RFC2131-3.1-1"],
            "A refused request (DHCPNAK) makes the client begin anew with DHCPDISCOVER",
            dhcp_refused,
        ),
        Case::must(
            "ntp/names/dhcp-another-transaction",
            &["RFC2131-4.4.1-2"],
            "An offer of another transaction is ignored",
            dhcp_another_transaction,
        ),
        Case::new(
            Level::Should,
            "ntp/names/dhcp-after-the-cable",
            &["RFC2131-3.7-1"],
            "A client whose cable was pulled and plugged in verifies its lease, or asks for one anew",
            dhcp_after_the_cable,
        )
        .needs(&[Capability::Monitor]),
    ];
    let needing = |case: Case| case.needs(NEEDS).needs(&[Capability::LabFrames]);
    cases.into_iter().map(needing).collect()
}

/// A device that asks for its address, and the server that it asks.
async fn asking(bench: &Bench) -> Judged<(DhcpServer, Lease)> {
    bench.configure(|config| config.network = Network::Dhcp);
    bench.scale_time(SCALE);
    let server = DhcpServer::bind(bench.lab(), bench.evidence())
        .await
        .map_err(|e| Stop::inconclusive(format!("no DHCP server: {e}")))?;
    let lease = Lease {
        address: bench.lab().dut_address(),
        mask: Ipv4Addr::new(255, 255, 255, 0),
        router: bench.lab().peer_address(1),
        dns: vec![bench.lab().peer_address(4)],
        seconds: 86_400,
    };
    bench.power_on().await?;
    Ok((server, lease))
}

async fn answer(server: &DhcpServer, to: &DhcpRequest, kind: MessageType, lease: &Lease) -> Judged {
    let message = server.message(to, kind, lease);
    let sent = server.send(to, &message).await;
    sent.map_err(|e| Stop::inconclusive(format!("DHCP server: {e}")))
}

/// Offers the lease at each DISCOVER, after that of `decoy` in another transaction, until the device requests it. A client may
/// begin anew at any time, as when its link comes up; but it requests nothing before it was offered something.
async fn offered(
    server: &DhcpServer,
    lease: &Lease,
    statement: &str,
    decoy: Option<&Lease>,
) -> Judged<DhcpRequest> {
    let expected = format!("DISCOVER, and REQUEST for {}", lease.address);
    let mut discovered = false;
    for _ in 0..MOST_DISCOVERS {
        let message = match server.next(PATIENCE).await {
            Ok(message) => message,
            Err(DhcpError::Lab(LabError::Timeout(_))) => {
                return Err(Stop::fail(statement, expected, "nothing"));
            }
            Err(DhcpError::Malformed(seen)) => return Err(Stop::fail(statement, expected, seen)),
            Err(DhcpError::Lab(error)) => {
                return Err(Stop::inconclusive(format!("DHCP server: {error}")));
            }
        };
        match message.kind {
            MessageType::Discover => {
                discovered = true;
                if let Some(decoy) = decoy {
                    let mut offer = server.message(&message, MessageType::Offer, decoy);
                    offer.set_xid(message.message.xid() ^ 1);
                    let sent = server.send(&message, &offer).await;
                    sent.map_err(|e| Stop::inconclusive(format!("DHCP server: {e}")))?;
                }
                answer(server, &message, MessageType::Offer, lease).await?;
            }
            MessageType::Request if discovered => {
                let wanted = message.requested();
                let seen = format!("REQUEST for {wanted:?}");
                require(wanted == Some(lease.address), statement, expected, seen)?;
                return Ok(message);
            }
            other => {
                let seen = format!("{other:?}").to_uppercase();
                return Err(Stop::fail(statement, expected, seen));
            }
        }
    }
    Err(Stop::fail(statement, expected, "DISCOVER again and again"))
}

/// The device is ready at the leased address.
async fn settles(bench: &Bench, lease: &Lease, statement: &str) -> Judged {
    let at = lease.address.to_string();
    told(
        bench,
        statement,
        &format!("event=ready address={at}"),
        |line| line.is("ready") && line.field("address") == Some(&at),
    )
    .await?;
    bench.alive(statement).await
}

async fn dhcp_lease(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC2131-4.4.1-1";
    // No DNS server is configured: the one of the lease counts.
    drop(configured(&bench, &[]).await?);
    let dns = DnsServer::bind(bench.lab(), bench.evidence(), 4)
        .await
        .map_err(|e| Stop::inconclusive(format!("no DNS server: {e}")))?;
    let time = bench.ntp_server(2).await?;
    let (server, lease) = asking(&bench).await?;
    let request = offered(&server, &lease, STATEMENT, None).await?;
    answer(&server, &request, MessageType::Ack, &lease).await?;
    settles(&bench, &lease, STATEMENT).await?;
    let query = query(&bench, &dns, STATEMENT).await?;
    sent(dns.reply(&query, &query.answer(&[time.peer(2)], 60)).await)?;
    synchronises(&bench, &time, STATEMENT).await
}

async fn dhcp_refused(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC2131-3.1-1";
    let (server, lease) = asking(&bench).await?;
    let request = offered(&server, &lease, STATEMENT, None).await?;
    answer(&server, &request, MessageType::Nak, &lease).await?;
    let request = offered(&server, &lease, STATEMENT, None).await?;
    answer(&server, &request, MessageType::Ack, &lease).await?;
    settles(&bench, &lease, STATEMENT).await
}

async fn dhcp_another_transaction(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC2131-4.4.1-2";
    let (server, lease) = asking(&bench).await?;
    let decoy = Lease {
        address: bench.lab().peer_address(7),
        ..lease.clone()
    };
    let request = offered(&server, &lease, STATEMENT, Some(&decoy)).await?;
    answer(&server, &request, MessageType::Ack, &lease).await?;
    settles(&bench, &lease, STATEMENT).await
}

/// RFC 2131 §3.7: after the cable was out, the network may be another one. How a client asks is its
/// choice: it verifies the address that it had (INIT-REBOOT), or begins anew.
async fn dhcp_after_the_cable(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC2131-3.7-1";
    let (server, lease) = asking(&bench).await?;
    let request = offered(&server, &lease, STATEMENT, None).await?;
    answer(&server, &request, MessageType::Ack, &lease).await?;
    settles(&bench, &lease, STATEMENT).await?;
    bench.control(Control::Link(false)).await?;
    // The board looks at its cable now and then, and nothing outside tells when: a second of the wall is ten looks of
    // any device that polls its PHY as slowly as every 100 ms.
    tokio::time::sleep(CABLE_OUT).await;
    bench.control(Control::Link(true)).await?;
    let message = server.next(PATIENCE).await.map_err(|error| match error {
        DhcpError::Lab(LabError::Timeout(_)) => {
            let seen = bench.with_console("nothing");
            Stop::fail(STATEMENT, "DHCPDISCOVER or DHCPREQUEST", seen)
        }
        DhcpError::Malformed(seen) => Stop::fail(STATEMENT, "DHCPDISCOVER or DHCPREQUEST", seen),
        DhcpError::Lab(error) => Stop::inconclusive(format!("DHCP server: {error}")),
    })?;
    let asks = matches!(message.kind, MessageType::Discover | MessageType::Request);
    let seen = format!("{:?}", message.kind).to_uppercase();
    require(asks, STATEMENT, "DHCPDISCOVER or DHCPREQUEST", seen)?;
    bench.alive(STATEMENT).await
}
