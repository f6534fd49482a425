//! A DNS server that answers the device's queries as it is told to: rightly, wrongly or not at all (RFC 1035 §4).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};

use crate::evidence::{Direction, Evidence};
use crate::lab::{Datagram, Lab, LabError, UdpSocket};

/// The port of DNS (RFC 1035 §4.2.1).
pub const DNS_PORT: u16 = 53;
const PEER: &str = "dns";

/// Why there is no query.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    /// The device sent what is no standard query for one name.
    #[error("not a standard query: {0}")]
    Malformed(String),
    /// The wire, or no query in time.
    #[error(transparent)]
    Lab(#[from] LabError),
}

/// A query of the device.
#[derive(Debug, Clone)]
pub struct DnsQuery {
    /// The message, with exactly one question, of class IN.
    pub message: Message,
    /// The client's address and port.
    pub from: SocketAddrV4,
}

impl DnsQuery {
    /// The name asked for, without its last dot.
    pub fn name(&self) -> String {
        let name = self.question().map(|q| q.name.to_ascii());
        let name = name.unwrap_or_default();
        name.strip_suffix('.').unwrap_or(&name).into()
    }

    /// The answer that the name has these addresses, for `ttl` seconds.
    pub fn answer(&self, addresses: &[Ipv4Addr], ttl: u32) -> Message {
        let mut message = self.refusal(ResponseCode::NoError);
        if let Some(question) = self.question() {
            for address in addresses {
                let data = RData::A(A(*address));
                let record = Record::from_rdata(question.name.clone(), ttl, data);
                message.add_answer(record);
            }
        }
        message
    }

    /// The answer without an address, with this response code (RFC 1035 §4.1.1).
    pub fn refusal(&self, code: ResponseCode) -> Message {
        let mut message = Message::response(self.message.metadata.id, OpCode::Query);
        message.metadata.recursion_desired = self.message.metadata.recursion_desired;
        message.metadata.recursion_available = true;
        message.metadata.response_code = code;
        message.add_queries(self.question().cloned());
        message
    }

    fn question(&self) -> Option<&Query> {
        self.message.queries.first()
    }
}

/// A DNS server at one of the lab's peers.
#[derive(Debug)]
pub struct DnsServer {
    evidence: Evidence,
    socket: UdpSocket,
}

impl DnsServer {
    /// Binds port 53 of peer `n`.
    ///
    /// # Errors
    /// As [`Lab::udp`].
    pub async fn bind(lab: &Lab, evidence: &Evidence, n: u8) -> Result<Self, LabError> {
        let at = SocketAddrV4::new(lab.peer_address(n), DNS_PORT);
        Ok(Self {
            evidence: evidence.clone(),
            socket: lab.udp(at).await?,
        })
    }

    /// Waits for the device's next query.
    ///
    /// # Errors
    /// [`LabError::Timeout`] in [`DnsError::Lab`] when there is none within `deadline` of wall time.
    pub async fn next_query(&self, deadline: Duration) -> Result<DnsQuery, DnsError> {
        let Datagram { payload, from, .. } = self.socket.recv_within(deadline).await?;
        let read = read_query(&payload);
        let summary = match &read {
            Ok(message) => format!("{} port={}", shown(message), from.port()),
            Err(error) => error.to_string(),
        };
        let transcript = &self.evidence.transcript;
        transcript.record(PEER, Direction::FromDevice, summary, &payload);
        read.map(|message| DnsQuery { message, from })
    }

    /// Sends `message` to where the query came from.
    ///
    /// # Errors
    /// As [`UdpSocket::send_from_to`]; [`DnsError::Malformed`] when `message` cannot be written.
    pub async fn reply(&self, to: &DnsQuery, message: &Message) -> Result<(), DnsError> {
        let bytes = message
            .to_vec()
            .map_err(|error| DnsError::Malformed(error.to_string()))?;
        self.reply_raw(to, &shown(message), &bytes).await
    }

    /// Sends `message` from another address or port than the one asked.
    ///
    /// # Errors
    /// As [`Self::reply`].
    pub async fn reply_from(
        &self,
        source: SocketAddrV4,
        to: &DnsQuery,
        message: &Message,
    ) -> Result<(), DnsError> {
        let bytes = message
            .to_vec()
            .map_err(|error| DnsError::Malformed(error.to_string()))?;
        let summary = format!("{} from={source}", shown(message));
        let transcript = &self.evidence.transcript;
        transcript.record(PEER, Direction::ToDevice, summary, &bytes);
        let sent = self.socket.send_from_to(&bytes, Some(source), to.from);
        Ok(sent.await?)
    }

    /// Sends any bytes at all to where the query came from; `summary` names them in the transcript.
    ///
    /// # Errors
    /// As [`UdpSocket::send_from_to`].
    pub async fn reply_raw(
        &self,
        to: &DnsQuery,
        summary: &str,
        bytes: &[u8],
    ) -> Result<(), DnsError> {
        let transcript = &self.evidence.transcript;
        transcript.record(PEER, Direction::ToDevice, summary, bytes);
        Ok(self.socket.send_from_to(bytes, None, to.from).await?)
    }
}

/// A standard query for the addresses of one name (RFC 1035 §4.1).
fn read_query(bytes: &[u8]) -> Result<Message, DnsError> {
    let malformed = |what: &str| Err(DnsError::Malformed(what.into()));
    let message = Message::from_vec(bytes).map_err(|e| DnsError::Malformed(e.to_string()))?;
    let header = &message.metadata;
    if header.message_type != MessageType::Query || header.op_code != OpCode::Query {
        return malformed("another kind of message");
    }
    if !message.answers.is_empty() || !message.authorities.is_empty() {
        return malformed("records in a query");
    }
    match message.queries.as_slice() {
        [q] if q.query_class == DNSClass::IN && q.query_type == RecordType::A => Ok(message),
        [_] => malformed("not for the addresses (A) of class IN"),
        _ => malformed("not one question"),
    }
}

/// One line of a message, for the transcript.
fn shown(message: &Message) -> String {
    let header = &message.metadata;
    let mut text = match header.message_type {
        MessageType::Query => format!("QUERY id={}", header.id),
        MessageType::Response => format!(
            "RESPONSE id={} rcode={}",
            header.id,
            header.response_code.low()
        ),
    };
    for question in &message.queries {
        text += &format!(" {question}");
    }
    for record in &message.answers {
        text += &format!(" -> {} ttl={}", record.data, record.ttl);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `time.example`, type A, class IN, id 0x1234, recursion desired.
    const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04time\x07example\0\0\x01\0\x01";

    fn query() -> DnsQuery {
        DnsQuery {
            message: read_query(QUERY).expect("a query"),
            from: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1),
        }
    }

    #[test]
    fn an_answer_repeats_identifier_and_question_and_compresses_the_name() {
        let query = query();
        assert_eq!(query.name(), "time.example");
        let bytes = query.answer(&[Ipv4Addr::new(192, 0, 2, 2)], 60).to_vec();
        let expected = [
            b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x04time\x07example\0\0\x01\0\x01".as_slice(),
            b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x02",
        ];
        assert_eq!(bytes.expect("written"), expected.concat());
    }

    #[test]
    fn what_is_no_query_for_one_name_is_malformed() {
        for (at, value) in [(2, 0x81), (5, 0), (25, 28), (27, 3)] {
            let mut bytes = QUERY.to_vec();
            bytes[at] = value;
            assert!(read_query(&bytes).is_err(), "{bytes:x?}");
        }
        assert!(read_query(&QUERY[..20]).is_err());
    }
}
