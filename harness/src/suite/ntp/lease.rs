//! The device's own address by DHCP (RFC 2131).

use std::net::Ipv4Addr;

use dhcproto::v4::MessageType;
use firmproof_bootconfig::Network;

use super::clock::{configure, next_poll};
use super::names::{NEEDS, SCALE, configured, query, sent, synchronises, told};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Stop, require};
use crate::lab::LabError;
use crate::peers::dhcp_server::{DhcpError, DhcpRequest, DhcpServer, Lease};
use crate::peers::dns_server::DnsServer;
use crate::peers::ntp_server::NtpServer;
use crate::profile::Capability;

/// How often a client may begin anew before it takes an offer.
const MOST_DISCOVERS: usize = 8;

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
        Case::must(
            "ntp/names/dhcp-request-names-the-offer",
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
        Case::must(
            "ntp/names/dhcp-renewed",
            &["RFC2131-4.4.5-1", "RFC2131-4.4.5-2"],
            "Half through its lease the client asks the server that gave it, by unicast, and the address stays",
            dhcp_renewed,
        ),
        Case::must(
            "ntp/names/dhcp-rebound",
            &["RFC2131-4.4.5-1", "RFC2131-4.4.5-3"],
            "When that server does not answer, any server is asked, by broadcast, before the lease ends",
            dhcp_rebound,
        ),
        Case::must(
            "ntp/names/dhcp-expired",
            &["RFC2131-4.4.5-6", "RFC2131-4.4.5-8"],
            "When the lease ends its address is given up: nothing comes from it, and the client begins anew",
            dhcp_expired,
        ),
        Case::must(
            "ntp/names/dhcp-renewal-refused",
            &["RFC2131-4.4.5-8", "RFC2131-3.1-1"],
            "A refused renewal (DHCPNAK) ends the use of the address: the client begins anew, and uses the new one",
            dhcp_renewal_refused,
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
    let expected = format!("a REQUEST to {}, {} seconds", discover.to, discover.message.secs());
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

/// How much faster the clock runs for a lease of a minute.
const LEASE_SCALE: u16 = 20;
const LEASE_S: u32 = 60;

/// A device that has a lease of a minute and one time server, and its first renewal.
async fn leased(bench: &Bench, statement: &str) -> Judged<(DhcpServer, NtpServer, Lease)> {
    let time = bench.ntp_server(2).await?;
    configure(bench, 2, |ntp| {
        ntp.servers.remove(0);
        ntp.max_poll_s = 20;
        ntp.reply_timeout_s = 1;
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
    let request = offered(&server, &lease, statement, None).await?;
    answer(&server, &request, MessageType::Ack, &lease).await?;
    settles(bench, &lease, statement).await?;
    Ok((server, time, lease))
}

/// The device's next message.
async fn any(
    bench: &Bench,
    server: &DhcpServer,
    statement: &str,
    expected: &str,
) -> Judged<DhcpRequest> {
    let wait = PATIENCE + bench.device_time(f64::from(LEASE_S));
    server.next(wait).await.map_err(|error| match error {
        DhcpError::Lab(LabError::Timeout(_)) | DhcpError::Malformed(_) => {
            Stop::fail(statement, expected, bench.with_console(&error.to_string()))
        }
        DhcpError::Lab(error) => Stop::inconclusive(format!("DHCP server: {error}")),
    })
}

/// The device's next message, which is of this kind.
async fn next(
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
    while time.next_request(std::time::Duration::ZERO).await.is_ok() {}
    let asked = super::clock::request(bench, time, next_poll(bench), statement).await?;
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
    while time.next_request(std::time::Duration::ZERO).await.is_ok() {}
    // Two poll intervals: the wire's other end is there, so that a request would come.
    if let Ok(asked) = time.next_request(bench.device_time(40.0)).await {
        let expected = "nothing from the address whose lease has ended";
        return Err(Stop::fail(
            STATEMENT,
            expected,
            format!("a request from {}", asked.from),
        ));
    }
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
