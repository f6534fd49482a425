//! The device's own address by DHCP (RFC 2131).

use std::net::Ipv4Addr;
use std::time::Duration;

use dhcproto::v4::MessageType;
use firmproof_bootconfig::Network;

use super::names::{NEEDS, SCALE, configured, query, sent, synchronises, told};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, Stop, require};
use crate::dut::Control;
use crate::lab::LabError;
use crate::peers::dhcp_server::{DhcpError, DhcpRequest, DhcpServer, Lease};
use crate::peers::dns_server::DnsServer;
use crate::profile::Capability;

/// How long a device may take from power-on to its first message, on a busy machine.
const STARTS: Duration = Duration::from_secs(30);
/// How often a client may begin anew before it takes an offer.
const MOST_DISCOVERS: usize = 8;
/// How long the cable is out, in wall time.
const CABLE_OUT: Duration = Duration::from_secs(1);

pub(super) fn cases() -> Vec<Case> {
    let cases = [
        Case::must(
            "ntp/lease/acknowledged",
            &["RFC2131-4.4.1-1"],
            "Address and DNS server come from the lease that the server acknowledged",
            dhcp_lease,
        ),
        Case::must(
            "ntp/lease/refused",
            &["RFC2131-3.1-1"],
            "A refused request (DHCPNAK) makes the client begin anew with DHCPDISCOVER",
            dhcp_refused,
        ),
        Case::must(
            "ntp/lease/another-transaction",
            &["RFC2131-4.4.1-2"],
            "An offer of another transaction is ignored",
            dhcp_another_transaction,
        ),
        Case::new(
            Level::Should,
            "ntp/lease/after-the-cable",
            &["RFC2131-3.7-1"],
            "A client whose cable was pulled and plugged in verifies its lease, or asks for one anew",
            dhcp_after_the_cable,
        )
        .needs(&[Capability::Monitor]),
        Case::must(
            "ntp/lease/request-names-the-offer",
            &[
                "RFC2131-3.1-2",
                "RFC2131-3.1-3",
                "RFC2131-3.1-4",
                "RFC2131-4.4.1-4",
                "RFC2131-4.4.1-5",
            ],
            "The request names server and address of the offer, goes where the DISCOVER went, and asks for the same parameters",
            dhcp_request,
        ),
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

pub(super) async fn answer(
    server: &DhcpServer,
    to: &DhcpRequest,
    kind: MessageType,
    lease: &Lease,
) -> Judged {
    let message = server.message(to, kind, lease);
    let sent = server.send(to, &message).await;
    sent.map_err(|e| Stop::inconclusive(format!("DHCP server: {e}")))
}

/// Offers the lease at each DISCOVER, after that of `decoy` in another transaction, until the device requests it. A client may
/// begin anew at any time, as when its link comes up; but it requests nothing before it was offered something.
pub(super) async fn offered(
    server: &DhcpServer,
    lease: &Lease,
    statement: &str,
    decoy: Option<&Lease>,
) -> Judged<DhcpRequest> {
    let expected = format!("DISCOVER, and REQUEST for {}", lease.address);
    let mut discovered = false;
    for _ in 0..MOST_DISCOVERS {
        let message = match server.next(STARTS).await {
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
pub(super) async fn settles(bench: &Bench, lease: &Lease, statement: &str) -> Judged {
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
    let expected = "DHCPDISCOVER or DHCPREQUEST";
    let message = any(&bench, &server, STATEMENT, expected).await?;
    let asks = matches!(message.kind, MessageType::Discover | MessageType::Request);
    let seen = format!("{:?}", message.kind).to_uppercase();
    require(asks, STATEMENT, expected, seen)?;
    bench.alive(STATEMENT).await
}

async fn dhcp_request(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC2131-3.1-2";
    let (server, lease) = asking(&bench).await?;
    let discover = next(&bench, &server, STATEMENT, MessageType::Discover).await?;
    answer(&server, &discover, MessageType::Offer, &lease).await?;
    // A client may begin anew at any time, as when its link comes up.
    let request = offered_again(&bench, &server, &lease).await?;
    let named = format!(
        "server {:?}, address {:?}",
        request.server(),
        request.requested()
    );
    let right = request.server() == Some(bench.lab().peer_address(1));
    let expected = "the server identifier of the offer";
    require(right, STATEMENT, expected, named.clone())?;
    let right = request.requested() == Some(lease.address);
    require(right, "RFC2131-3.1-3", "the address of the offer", named)?;
    let place = |message: &DhcpRequest| (message.to, message.message.secs());
    let expected = format!(
        "a REQUEST to {}, {} seconds",
        discover.to,
        discover.message.secs()
    );
    let seen = format!("to {}, {} seconds", request.to, request.message.secs());
    let same = place(&request) == place(&discover);
    require(same, "RFC2131-3.1-4", expected, seen)?;
    let asked = (discover.parameters(), request.parameters());
    let seen = format!("{asked:?}");
    let same = asked.0.is_none() || asked.0 == asked.1;
    require(same, "RFC2131-4.4.1-5", "the same parameters in both", seen)?;
    let seen = format!("{:02x?}", request.mac);
    let own = request.mac == discover.mac && request.mac[0] & 1 == 0;
    require(
        own,
        "RFC2131-4.4.1-4",
        "a hardware address of its own",
        seen,
    )?;
    answer(&server, &request, MessageType::Ack, &lease).await?;
    settles(&bench, &lease, STATEMENT).await
}

/// The next REQUEST; a DISCOVER in between is offered the lease once more.
async fn offered_again(bench: &Bench, server: &DhcpServer, lease: &Lease) -> Judged<DhcpRequest> {
    for _ in 0..MOST_DISCOVERS {
        let message = any(bench, server, "RFC2131-3.1-2", "REQUEST").await?;
        if message.kind == MessageType::Request {
            return Ok(message);
        }
        answer(server, &message, MessageType::Offer, lease).await?;
    }
    Err(Stop::fail(
        "RFC2131-3.1-2",
        "REQUEST",
        "DISCOVER again and again",
    ))
}

/// The device's next message.
pub(super) async fn any(
    bench: &Bench,
    server: &DhcpServer,
    statement: &str,
    expected: &str,
) -> Judged<DhcpRequest> {
    // A renewal comes after half of a lease, a minute at most in these cases.
    let wait = STARTS + bench.device_time(60.0);
    let next = server.next(wait).await;
    next.map_err(|error| not_seen(bench, error, statement, expected))
}

/// Why there is no such message as was expected.
pub(super) fn not_seen(bench: &Bench, error: DhcpError, statement: &str, expected: &str) -> Stop {
    match error {
        DhcpError::Lab(LabError::Timeout(_)) | DhcpError::Malformed(_) => {
            Stop::fail(statement, expected, bench.with_console(&error.to_string()))
        }
        DhcpError::Lab(error) => Stop::inconclusive(format!("DHCP server: {error}")),
    }
}

/// The device's next message, which is of this kind.
pub(super) async fn next(
    bench: &Bench,
    server: &DhcpServer,
    statement: &str,
    kind: MessageType,
) -> Judged<DhcpRequest> {
    let expected = format!("{kind:?}").to_uppercase();
    let message = any(bench, server, statement, &expected).await?;
    let seen = format!("{:?}", message.kind).to_uppercase();
    require(message.kind == kind, statement, expected, seen)?;
    Ok(message)
}
