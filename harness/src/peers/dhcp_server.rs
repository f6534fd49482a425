//! A DHCP server that leads the device to an address, or astray (RFC 2131).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use dhcproto::v4::{DhcpOption, Message, MessageType, Opcode, OptionCode};
use dhcproto::{Decodable, Encodable};

use crate::evidence::{Direction, Evidence, Place};
use crate::lab::{Datagram, Lab, LabError, UdpSocket};

/// The server's port (RFC 2131 §4.1).
pub const SERVER_PORT: u16 = 67;
/// The client's port (RFC 2131 §4.1).
pub const CLIENT_PORT: u16 = 68;
const PEER: &str = "dhcp";

/// Why there is no message.
#[derive(Debug, thiserror::Error)]
pub enum DhcpError {
    /// The device sent what no client may send.
    #[error("not a message of a DHCP client: {0}")]
    Malformed(String),
    /// The wire, or no message in time.
    #[error(transparent)]
    Lab(#[from] LabError),
}

/// A message of the device's client.
#[derive(Debug, Clone)]
pub struct DhcpRequest {
    /// The message; its op is BOOTREQUEST.
    pub message: Message,
    /// What option 53 says.
    pub kind: MessageType,
    /// The client's hardware address.
    pub mac: [u8; 6],
    /// The address that it was sent to: the server's, or a broadcast address.
    pub to: Ipv4Addr,
}

impl DhcpRequest {
    /// The address that option 50 asks for.
    pub fn requested(&self) -> Option<Ipv4Addr> {
        match self.message.opts().get(OptionCode::RequestedIpAddress) {
            Some(DhcpOption::RequestedIpAddress(address)) => Some(*address),
            _ => None,
        }
    }

    /// The server that option 54 names.
    pub fn server(&self) -> Option<Ipv4Addr> {
        match self.message.opts().get(OptionCode::ServerIdentifier) {
            Some(DhcpOption::ServerIdentifier(address)) => Some(*address),
            _ => None,
        }
    }

    /// The parameters that option 55 asks for, as their codes.
    pub fn parameters(&self) -> Option<Vec<u8>> {
        match self.message.opts().get(OptionCode::ParameterRequestList) {
            Some(DhcpOption::ParameterRequestList(codes)) => {
                Some(codes.iter().map(|code| (*code).into()).collect())
            }
            _ => None,
        }
    }
}

/// What a server leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The client's address.
    pub address: Ipv4Addr,
    /// The mask of its network.
    pub mask: Ipv4Addr,
    /// The default gateway.
    pub router: Ipv4Addr,
    /// DNS servers, best first.
    pub dns: Vec<Ipv4Addr>,
    /// For how long, in seconds.
    pub seconds: u32,
}

/// A DHCP server at peer 1.
#[derive(Debug)]
pub struct DhcpServer {
    evidence: Evidence,
    socket: UdpSocket,
    identifier: Ipv4Addr,
}

impl DhcpServer {
    /// Binds port 67, where broadcasts arrive too.
    ///
    /// # Errors
    /// As [`Lab::udp`].
    pub async fn bind(lab: &Lab, evidence: &Evidence) -> Result<Self, LabError> {
        let at = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, SERVER_PORT);
        Ok(Self {
            evidence: evidence.clone(),
            socket: lab.udp(at).await?,
            identifier: lab.peer_address(1),
        })
    }

    /// Waits for the device's next message.
    ///
    /// # Errors
    /// [`LabError::Timeout`] in [`DhcpError::Lab`] when there is none within `deadline` of wall time.
    pub async fn next(&self, deadline: Duration) -> Result<DhcpRequest, DhcpError> {
        self.take(PEER.into(), deadline).await
    }

    /// The latest of the messages that have come already; how many there are depends on the time, so they are on
    /// record as aside.
    ///
    /// # Errors
    /// [`DhcpError::Malformed`] for one that no client may send.
    pub async fn latest(&self) -> Result<Option<DhcpRequest>, DhcpError> {
        let mut latest = None;
        let aside = Place {
            peer: PEER,
            connection: None,
            aside: true,
        };
        loop {
            match self.take(aside, Duration::ZERO).await {
                Ok(request) => latest = Some(request),
                Err(DhcpError::Lab(LabError::Timeout(_))) => return Ok(latest),
                Err(other) => return Err(other),
            }
        }
    }

    async fn take(&self, place: Place<'_>, deadline: Duration) -> Result<DhcpRequest, DhcpError> {
        let Datagram { payload, to, .. } = self.socket.recv_within(deadline).await?;
        let read = read(&payload, *to.ip());
        let summary = match &read {
            Ok(request) => shown(request.kind, &request.message),
            Err(error) => error.to_string(),
        };
        let transcript = &self.evidence.transcript;
        transcript.record(place, Direction::FromDevice, summary, &payload);
        read
    }

    /// The server's message of this kind about `lease` (RFC 2131 §4.3.1, table 3).
    pub fn message(&self, to: &DhcpRequest, kind: MessageType, lease: &Lease) -> Message {
        let any = Ipv4Addr::UNSPECIFIED;
        let granted = match kind {
            MessageType::Nak => any,
            _ => lease.address,
        };
        let (xid, chaddr) = (to.message.xid(), to.message.chaddr());
        let giaddr = to.message.giaddr();
        let mut message = Message::new_with_id(xid, any, granted, any, giaddr, chaddr);
        message.set_opcode(Opcode::BootReply);
        message.set_flags(to.message.flags());
        let options = message.opts_mut();
        options.insert(DhcpOption::MessageType(kind));
        options.insert(DhcpOption::ServerIdentifier(self.identifier));
        if kind != MessageType::Nak {
            options.insert(DhcpOption::AddressLeaseTime(lease.seconds));
            options.insert(DhcpOption::SubnetMask(lease.mask));
            options.insert(DhcpOption::Router(vec![lease.router]));
            options.insert(DhcpOption::DomainNameServer(lease.dns.clone()));
        }
        message
    }

    /// Sends `message` to the device: to its hardware address and the address that it is given, or as a broadcast
    /// where it asked for that or is refused (RFC 2131 §4.1).
    ///
    /// # Errors
    /// As [`UdpSocket::send_to_hardware`]; [`DhcpError::Malformed`] when `message` cannot be written.
    pub async fn send(&self, to: &DhcpRequest, message: &Message) -> Result<(), DhcpError> {
        let bytes = message
            .to_vec()
            .map_err(|error| DhcpError::Malformed(error.to_string()))?;
        let kind = message.opts().msg_type().unwrap_or(MessageType::Unknown(0));
        let transcript = &self.evidence.transcript;
        transcript.record(PEER, Direction::ToDevice, shown(kind, message), &bytes);
        let source = Some(SocketAddrV4::new(self.identifier, SERVER_PORT));
        let broadcast = message.flags().broadcast() || kind == MessageType::Nak;
        let (address, mac) = if broadcast {
            (Ipv4Addr::BROADCAST, [0xff; 6])
        } else {
            (message.yiaddr(), to.mac)
        };
        let at = SocketAddrV4::new(address, CLIENT_PORT);
        let sent = self.socket.send_to_hardware(&bytes, source, at, mac);
        Ok(sent.await?)
    }
}

fn read(bytes: &[u8], to: Ipv4Addr) -> Result<DhcpRequest, DhcpError> {
    let malformed = |what: &str| Err(DhcpError::Malformed(what.into()));
    let message = Message::from_bytes(bytes).map_err(|e| DhcpError::Malformed(e.to_string()))?;
    if message.opcode() != Opcode::BootRequest {
        return malformed("op is not BOOTREQUEST");
    }
    let Some(kind) = message.opts().msg_type() else {
        return malformed("no DHCP message type");
    };
    let Ok(mac) = <[u8; 6]>::try_from(message.chaddr()) else {
        return malformed("a hardware address that is not 6 bytes long");
    };
    Ok(DhcpRequest {
        message,
        kind,
        mac,
        to,
    })
}

/// One line of a message, for the transcript.
fn shown(kind: MessageType, message: &Message) -> String {
    let kind = format!("{kind:?}").to_uppercase();
    let mut text = format!("{kind} xid={:08x}", message.xid());
    for (name, address) in [("ciaddr", message.ciaddr()), ("yiaddr", message.yiaddr())] {
        if !address.is_unspecified() {
            text += &format!(" {name}={address}");
        }
    }
    if let Some(DhcpOption::RequestedIpAddress(address)) =
        message.opts().get(OptionCode::RequestedIpAddress)
    {
        text += &format!(" requested={address}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A DISCOVER as RFC 2131 §2 lays it out, of the hardware address 02:00:00:00:00:01.
    fn discover() -> Vec<u8> {
        let mut bytes = vec![0; 236];
        bytes[..8].copy_from_slice(&[1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef]);
        bytes[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        bytes.extend_from_slice(&[99, 130, 83, 99, 53, 1, 1, 255]);
        bytes
    }

    #[test]
    fn a_discover_is_read() {
        let request = read(&discover(), Ipv4Addr::BROADCAST).expect("a message");
        assert_eq!(request.kind, MessageType::Discover);
        assert_eq!(request.message.xid(), 0xdead_beef);
        assert_eq!(request.mac, [2, 0, 0, 0, 0, 1]);
        assert_eq!(request.requested(), None);
    }

    #[test]
    fn what_no_client_may_send_is_malformed() {
        for (at, value) in [(0, 2), (2, 5), (240, 0)] {
            let mut bytes = discover();
            bytes[at] = value;
            assert!(
                read(&bytes, Ipv4Addr::BROADCAST).is_err(),
                "byte {at} is {value}"
            );
        }
    }
}
