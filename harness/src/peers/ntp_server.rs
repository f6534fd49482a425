//! A time server that answers the device's requests as it is told to: rightly, wrongly, late or not at all
//! (RFC 5905 §9.2).

use std::net::SocketAddrV4;
use std::time::Duration;

use super::ntp_packet::{NtpPacket, ntp_timestamp};
use crate::evidence::{Direction, Evidence};
use crate::lab::{Datagram, Lab, LabError, UdpSocket};

/// The port of NTP (RFC 5905 §7.2).
pub const NTP_PORT: u16 = 123;

/// A request of the device's client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The header; all zeros when the datagram is too short for one.
    pub packet: NtpPacket,
    /// The client's address and port.
    pub from: SocketAddrV4,
    /// The whole datagram.
    pub raw: Vec<u8>,
    /// When it arrived.
    pub at: tokio::time::Instant,
}

impl Request {
    /// The reply of a well-kept primary server whose clock says `unix_s` and `nanos` (0 to 999,999,999), with the
    /// request's transmit timestamp as its originate timestamp (RFC 5905 §8).
    pub fn good_reply(&self, unix_s: i64, nanos: u32) -> NtpPacket {
        let now = ntp_timestamp(unix_s, nanos);
        NtpPacket {
            leap: 0,
            version: 4,
            mode: 4,
            stratum: 1,
            poll: 6,
            precision: -20,
            root_delay: 0,
            root_dispersion: 0,
            reference_id: *b"GPS\0",
            // All zeros would mean that the clock was never set (RFC 5905 §6).
            reference: now.max(1),
            originate: self.packet.transmit,
            receive: now,
            transmit: now,
        }
    }
}

/// A time server at one of the lab's peers.
#[derive(Debug)]
pub struct NtpServer {
    lab: Lab,
    evidence: Evidence,
    socket: UdpSocket,
    name: String,
    /// How much longer than a case says the device may take to ask.
    longer: Duration,
}

impl NtpServer {
    /// Binds port 123 of peer `n`, or the port that the lab has instead.
    ///
    /// # Errors
    /// As [`Lab::udp`].
    pub async fn bind(lab: &Lab, evidence: &Evidence, n: u8) -> Result<Self, LabError> {
        let at = SocketAddrV4::new(lab.peer_address(n), NTP_PORT);
        Ok(Self {
            lab: lab.clone(),
            evidence: evidence.clone(),
            socket: lab.udp(at).await?,
            name: format!("ntp-{n}"),
            longer: Duration::ZERO,
        })
    }

    /// The device may take so much longer than a case says until it asks.
    #[must_use]
    pub fn waiting_longer(self, longer: Duration) -> Self {
        Self { longer, ..self }
    }

    /// Where the device reaches it.
    pub fn address(&self) -> SocketAddrV4 {
        self.socket.local_addr()
    }

    /// Waits for the device's next request.
    ///
    /// # Errors
    /// [`LabError::Timeout`] when there is none within `deadline` of wall time.
    pub async fn next_request(&self, deadline: Duration) -> Result<Request, LabError> {
        let Datagram { payload, from, .. } =
            self.socket.recv_within(deadline + self.longer).await?;
        let (packet, summary) = match NtpPacket::decode(&payload) {
            Ok(packet) => (packet, format!("{packet} port={}", from.port())),
            Err(error) => (NtpPacket::default(), error.to_string()),
        };
        let transcript = &self.evidence.transcript;
        transcript.record(self.name.as_str(), Direction::FromDevice, summary, &payload);
        Ok(Request {
            packet,
            from,
            raw: payload,
            at: tokio::time::Instant::now(),
        })
    }

    /// Sends `packet` back to where the request came from.
    ///
    /// # Errors
    /// As [`UdpSocket::send_from_to`].
    pub async fn reply(&self, to: &Request, packet: &NtpPacket) -> Result<(), LabError> {
        self.reply_raw(to, &packet.encode()).await
    }

    /// Sends any bytes at all back to where the request came from.
    ///
    /// # Errors
    /// As [`UdpSocket::send_from_to`].
    pub async fn reply_raw(&self, to: &Request, payload: &[u8]) -> Result<(), LabError> {
        self.send(None, to, payload).await
    }

    /// Sends `packet` from another address or port than the one asked.
    ///
    /// # Errors
    /// [`LabError::Unsupported`] where the lab has one address only.
    pub async fn reply_from(
        &self,
        source: SocketAddrV4,
        to: &Request,
        packet: &NtpPacket,
    ) -> Result<(), LabError> {
        self.send(Some(source), to, &packet.encode()).await
    }

    /// The address of peer `n` of the same lab.
    pub fn peer(&self, n: u8) -> std::net::Ipv4Addr {
        self.lab.peer_address(n)
    }

    async fn send(
        &self,
        source: Option<SocketAddrV4>,
        to: &Request,
        payload: &[u8],
    ) -> Result<(), LabError> {
        let what = match NtpPacket::decode(payload) {
            Ok(packet) => packet.to_string(),
            Err(error) => error.to_string(),
        };
        let summary = match source {
            Some(source) => format!("{what} from={source}"),
            None => what,
        };
        let transcript = &self.evidence.transcript;
        transcript.record(self.name.as_str(), Direction::ToDevice, summary, payload);
        self.socket.send_from_to(payload, source, to.from).await
    }
}
