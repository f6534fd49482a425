//! Moves bytes between the NTP client and its servers, and sets the clock.

use core::net::Ipv4Addr;

use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{IpAddress, IpEndpoint, Stack};
use embassy_time::{Duration, Instant, Timer, with_timeout};
use firmproof_bootconfig::Host;

use crate::civil::Civil;
use crate::console::Escaped;
use crate::names;
use crate::ntp::client::{Client, MAX_SERVERS, Step};
use crate::ntp::packet::{Answer, Exchange, Refusal};
use crate::ntp::selection::Candidate;
use crate::status::count;
use crate::{Board, Device};

/// The most that the first request waits, in milliseconds. RFC 4330 §10 (2) would have it wait for
/// one to five minutes, so that a population of clients does not wake up as one after a power
/// failure; a device that is asked for the time right after it starts spreads over less.
const FIRST_WAIT_MS: u32 = 250;
/// Room for replies that wait, with extension fields. Longer ones are dropped.
const RECEIVE_BUFFER: usize = 1024;

/// Runs the NTP client for ever; it does nothing without servers.
pub async fn run<B: Board>(device: &Device<'_, B>, stack: Stack<'_>) {
    let config = &device.config.ntp;
    if config.servers.is_empty() {
        core::future::pending::<()>().await;
    }
    let mut client = Client::new(config.servers.len(), config.min_poll_s, config.max_poll_s);
    let mut addresses = [None; MAX_SERVERS];
    Timer::after_millis(device.random.below(FIRST_WAIT_MS).into()).await;
    loop {
        match client.next(Instant::now()) {
            Step::Ask(server) => {
                if let Some(address) = address(device, stack, &mut addresses, server).await {
                    ask(device, stack, &mut client, address).await;
                }
            }
            Step::Take(candidate) => take(device, &candidate),
            Step::Disagreement(servers) => {
                device.event("ntp.disagreement", format_args!("servers={servers}"));
            }
            Step::Wait(seconds) => {
                device.event("ntp.poll", format_args!("seconds={seconds}"));
                Timer::after_secs(seconds.into()).await;
            }
        }
    }
}

/// An address, and until when it may be used.
type Known = Option<(Ipv4Addr, Instant)>;

/// The address of a server of the configuration. A name is looked up when its address is not known
/// or has reached the end of its time to live, and no earlier (RFC 4330 §10 (7)).
async fn address<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    known: &mut [Known; MAX_SERVERS],
    server: usize,
) -> Option<Ipv4Addr> {
    let host = device.config.ntp.servers.get(server)?;
    let name = match host {
        Host::Address(octets) => return Some(Ipv4Addr::from(*octets)),
        Host::Name(name) => name,
    };
    let known = known.get_mut(server)?;
    match *known {
        Some((address, until)) if Instant::now() < until => return Some(address),
        _ => *known = None,
    }
    let answer = names::look_up(device, stack, name).await.ok()?;
    let until = Instant::now().checked_add(Duration::from_secs(answer.ttl_s.into()))?;
    *known = Some((answer.address, until));
    Some(answer.address)
}

/// Asks one server and tells the client what came of it.
async fn ask<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    client: &mut Client,
    address: Ipv4Addr,
) {
    if !client.may_ask(address) {
        return;
    }
    device.event("ntp.query", format_args!("server={address}"));
    let timeout = Duration::from_secs(device.config.ntp.reply_timeout_s.into());
    match with_timeout(timeout, exchange(device, stack, address)).await {
        Ok(Some((Answer::Time(sample), arrived))) => client.given(Candidate {
            address,
            sample,
            arrived,
        }),
        Ok(Some((Answer::Kiss(code), _))) => {
            count(&device.status.counters.ntp_refused);
            device.event(
                "ntp.kod",
                format_args!("server={address} code={}", Escaped(&code)),
            );
            match &code {
                b"DENY" | b"RSTR" => client.denied(address),
                b"RATE" => client.rate_limited(Instant::now()),
                // RFC 5905 §7.4: other codes are for information; the server has given no time.
                _ => {}
            }
        }
        Ok(None) => {}
        Err(_) => device.event("ntp.timeout", format_args!("server={address}")),
    }
}

/// One exchange, from a source port of its own (RFC 9109 §4): the answer, and when it came. `None`
/// when the reply was refused, and its reason told.
///
/// A packet that anybody could have sent ends nothing. The first one that echoes the request does,
/// whatever it says: RFC 5905 §8 clears the transmit timestamp then, so that a second reply, which
/// a replayed request brings about, finds nothing to match.
async fn exchange<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    address: Ipv4Addr,
) -> Option<(Answer, Instant)> {
    let mut rx_meta = [PacketMetadata::EMPTY; 4];
    let mut tx_meta = [PacketMetadata::EMPTY; 1];
    let mut rx = [0; RECEIVE_BUFFER];
    let mut tx = [0; 64];
    let mut socket = UdpSocket::new(stack, &mut rx_meta, &mut rx, &mut tx_meta, &mut tx);
    let server = IpEndpoint::new(IpAddress::Ipv4(address), device.config.ntp.port);
    let sent = Exchange::new(device.random.next_u64(), Instant::now());
    let lost = socket.bind(device.random.source_port()).is_err()
        || socket.send_to(&sent.request(), server).await.is_err();
    if lost {
        // Without a route the request is lost, as on the way.
        core::future::pending::<()>().await;
    }
    let mut packet = [0; RECEIVE_BUFFER];
    loop {
        let Ok((len, from)) = socket.recv_from(&mut packet).await else {
            continue;
        };
        let now = Instant::now();
        let judged = if from.endpoint == server {
            let pivot = device.config.ntp.era_pivot_unix_s;
            sent.judge(packet.get(..len).unwrap_or_default(), pivot, now)
        } else {
            Err(Refusal::WrongSource)
        };
        match judged {
            Ok(answer) => return Some((answer, now)),
            Err(refusal) => {
                count(&device.status.counters.ntp_refused);
                let source = from.endpoint.addr;
                let reason = refusal.reason();
                device.event(
                    "ntp.refused",
                    format_args!("server={source} reason={reason}"),
                );
                if !refusal.may_be_forged() {
                    return None;
                }
            }
        }
    }
}

/// Sets the clock, and tells of it. The line shows what the server sent, its transmit timestamp; the
/// clock runs from that plus half the way.
fn take<B: Board>(device: &Device<'_, B>, candidate: &Candidate) {
    let Candidate {
        address,
        sample,
        arrived,
    } = candidate;
    device.clock.set(candidate.unix(), *arrived, sample.leap);
    let before = device.status.counters.ntp_taken.get();
    count(&device.status.counters.ntp_taken);
    let unix_s = sample.transmitted.secs;
    device.event(
        "ntp.sync",
        format_args!(
            "server={address} unix_s={unix_s} utc={} local={} stratum={} leap={}",
            OrNone(Civil::from_unix(unix_s, 0)),
            OrNone(Civil::from_unix(unix_s, device.config.ntp.utc_offset_s)),
            sample.stratum,
            sample.leap.bits(),
        ),
    );
    // The state topic shows whether the clock is set; a poll that only confirms it is no news.
    if before == 0 {
        device.state_changed.signal(());
    }
}

/// A civil time, or `none` for one that four digits of year cannot show.
struct OrNone(Option<Civil>);

impl core::fmt::Display for OrNone {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(civil) => civil.fmt(f),
            None => f.write_str("none"),
        }
    }
}
