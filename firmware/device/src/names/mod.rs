//! Names to addresses: a DNS stub resolver (RFC 1035 §7, RFC 5452) without a cache. Who asks often
//! keeps the answer for its time to live.

pub mod message;

use core::net::Ipv4Addr;

use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{IpAddress, IpEndpoint, Stack};
use embassy_time::{Duration, with_timeout};
use firmproof_bootconfig::Host;
use heapless::Vec;

use crate::console::Escaped;
use crate::{Board, Device};
use message::{Answer, MAX_MESSAGE_LEN, ReplyError};

/// The port of DNS servers.
const PORT: u16 = 53;
/// How long to wait for one reply (RFC 1035 §4.2.1 recommends 2 to 5 seconds).
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often each server is asked.
const ROUNDS: usize = 2;

/// Why a name has no address for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolveError {
    /// Neither the configuration nor the lease names a DNS server.
    NoServer,
    /// The name cannot be asked for (RFC 1035 §2.3.4).
    InvalidName,
    /// The name does not exist.
    NoSuchName,
    /// The name has no usable IPv4 address.
    NoAddress,
    /// The last server asked failed, or sent what cannot be read.
    ServerFailed,
    /// No reply.
    Timeout,
}

impl ResolveError {
    /// The reason as the console names it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoServer => "no-server",
            Self::InvalidName => "invalid-name",
            Self::NoSuchName => "no-such-name",
            Self::NoAddress => "no-address",
            Self::ServerFailed => "server-failed",
            Self::Timeout => "timeout",
        }
    }
}

/// The address of `host`: itself, or looked up. A lookup ends with the console event `dns.ok` or
/// `dns.failed`; it takes at most 30 seconds of device time.
///
/// # Errors
/// Why there is no address.
pub async fn resolve<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    host: &Host,
) -> Result<Ipv4Addr, ResolveError> {
    match host {
        Host::Address(octets) => Ok(Ipv4Addr::from(*octets)),
        Host::Name(name) => resolve_name(device, stack, name).await,
    }
}

/// Like [`resolve`], for a name or an address in dotted form that is not part of the configuration.
///
/// # Errors
/// Why there is no address.
pub async fn resolve_name<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    name: &str,
) -> Result<Ipv4Addr, ResolveError> {
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    look_up(device, stack, name).await.map(|it| it.address)
}

/// Like [`resolve`], for a name that is none of an address: also how long the answer holds.
///
/// # Errors
/// Why there is no address.
pub async fn look_up<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    name: &str,
) -> Result<Answer, ResolveError> {
    let result = ask_all(device, stack, name).await;
    let name = Escaped(name.as_bytes());
    match result {
        Ok(Answer { address, .. }) => {
            device.event("dns.ok", format_args!("name={name} address={address}"));
        }
        Err(error) => device.event(
            "dns.failed",
            format_args!("name={name} reason={}", error.reason()),
        ),
    }
    result
}

/// Asks each server in turn until one knows.
async fn ask_all<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    name: &str,
) -> Result<Answer, ResolveError> {
    let mut query = [0; MAX_MESSAGE_LEN];
    let mut last = ResolveError::NoServer;
    for _ in 0..ROUNDS {
        for server in servers(device, stack) {
            // RFC 5452 §9.2: a fresh id for each query, as unpredictable as its source port.
            let id = (device.random.next_u32() >> 16) as u16;
            let len =
                message::write_query(name, id, &mut query).ok_or(ResolveError::InvalidName)?;
            let query = query.get(..len).unwrap_or_default();
            match ask(device, stack, server, query).await {
                Ok(answer) => return Ok(answer),
                Err(error @ (ResolveError::NoSuchName | ResolveError::NoAddress)) => {
                    return Err(error);
                }
                Err(error) => last = error,
            }
        }
    }
    Err(last)
}

/// The configured servers, or those of the DHCP lease when none is configured.
fn servers<B: Board>(device: &Device<'_, B>, stack: Stack<'_>) -> Vec<Ipv4Addr, 3> {
    if device.config.dns.is_empty() {
        stack
            .config_v4()
            .map(|config| config.dns_servers)
            .unwrap_or_default()
    } else {
        device
            .config
            .dns
            .iter()
            .copied()
            .map(Ipv4Addr::from)
            .collect()
    }
}

/// Sends one query and waits for its reply.
async fn ask<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    server: Ipv4Addr,
    query: &[u8],
) -> Result<Answer, ResolveError> {
    let mut rx_meta = [PacketMetadata::EMPTY; 2];
    let mut tx_meta = [PacketMetadata::EMPTY; 1];
    let mut rx = [0; 2 * MAX_MESSAGE_LEN];
    let mut tx = [0; MAX_MESSAGE_LEN];
    let mut socket = UdpSocket::new(stack, &mut rx_meta, &mut rx, &mut tx_meta, &mut tx);
    // Cannot fail for a fresh socket and a port that is not 0.
    socket
        .bind(device.random.source_port())
        .map_err(|_| ResolveError::ServerFailed)?;
    let endpoint = IpEndpoint::new(IpAddress::Ipv4(server), PORT);
    let exchange = async {
        // Without a route the query is lost, as on the way.
        if socket.send_to(query, endpoint).await.is_err() {
            core::future::pending::<()>().await;
        }
        let mut reply = [0; MAX_MESSAGE_LEN];
        loop {
            let Ok((len, from)) = socket.recv_from(&mut reply).await else {
                continue;
            };
            // RFC 5452 §9.1: what does not come from where the query went is not its reply.
            if from.endpoint != endpoint {
                continue;
            }
            match message::read_reply(query, reply.get(..len).unwrap_or_default()) {
                Err(ReplyError::Unrelated) => {}
                Ok(answer) => return Ok(answer),
                Err(ReplyError::NoSuchName) => return Err(ResolveError::NoSuchName),
                Err(ReplyError::NoAddress) => return Err(ResolveError::NoAddress),
                Err(ReplyError::ServerFailed) => return Err(ResolveError::ServerFailed),
            }
        }
    };
    with_timeout(REPLY_TIMEOUT, exchange)
        .await
        .unwrap_or(Err(ResolveError::Timeout))
}
