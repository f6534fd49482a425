//! The server that the device downloads from: it reads requests strictly (RFC 9112 §3), and answers with any bytes at
//! all.

use std::net::SocketAddrV4;
use std::time::Duration;

use tokio::time::Instant;

use super::http_message::Malformed;
use super::http_request::{self, Request};
use crate::evidence::{Direction, Evidence};
use crate::lab::{Lab, LabError, Listener, Stream};

const PEER: &str = "download";
/// The port of HTTP (RFC 9110 §4.2.1).
pub const HTTP_PORT: u16 = 80;
/// How long bytes may wait for a device that does not take them, in wall time.
const SEND_PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a request beyond which a device only floods.
const REQUEST_LIMIT: usize = 64 << 10;

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The device sent what no client may send.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The device ended its connection before its request.
    #[error("the device ended the connection within its request")]
    Ended,
    /// The wire, or no connection in time.
    #[error(transparent)]
    Lab(#[from] LabError),
}

/// A server for downloads at peer 1.
#[derive(Debug)]
pub struct DownloadServer {
    listener: Listener,
    evidence: Evidence,
}

impl DownloadServer {
    /// Listens on port 80 of peer 1, or the port that the lab has instead.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn listen(lab: &Lab, evidence: &Evidence) -> Result<Self, LabError> {
        Self::listen_at(lab, evidence, 1, HTTP_PORT).await
    }

    /// Listens on a port of peer `n`, or on what the lab has instead.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn listen_at(
        lab: &Lab,
        evidence: &Evidence,
        n: u8,
        port: u16,
    ) -> Result<Self, LabError> {
        let at = SocketAddrV4::new(lab.peer_address(n), port);
        Ok(Self {
            listener: lab.listen(at).await?,
            evidence: evidence.clone(),
        })
    }

    /// The URL of `path` on this server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host())
    }

    /// The authority of this server, as Host names it (RFC 9110 §7.2).
    pub fn host(&self) -> String {
        let at = self.listener.local_addr();
        if at.port() == HTTP_PORT {
            at.ip().to_string()
        } else {
            at.to_string()
        }
    }

    /// The device's next connection, and the request on it.
    ///
    /// # Errors
    /// [`LabError::Timeout`] in [`DownloadError::Lab`] when it is not complete within `deadline` of wall time.
    pub async fn next(&mut self, deadline: Duration) -> Result<Exchange, DownloadError> {
        let until = Instant::now() + deadline;
        let stream = self.listener.accept(deadline).await?;
        let mut bytes = Vec::new();
        let reading = read_request(&stream, &mut bytes);
        let read = match tokio::time::timeout_at(until, reading).await {
            Ok(read) => read,
            Err(_) => Err(LabError::Timeout(deadline).into()),
        };
        let summary = match &read {
            Ok(request) => request.to_string(),
            Err(error) => error.to_string(),
        };
        let transcript = &self.evidence.transcript;
        transcript.record(PEER, Direction::FromDevice, summary, &bytes);
        Ok(Exchange {
            request: read?,
            stream,
            evidence: self.evidence.clone(),
        })
    }
}

async fn read_request(stream: &Stream, bytes: &mut Vec<u8>) -> Result<Request, DownloadError> {
    let mut buffer = [0; 4096];
    loop {
        if let Some((request, taken)) = http_request::parse(bytes)? {
            if taken < bytes.len() {
                let detail = format!("{} octets after the request", bytes.len() - taken);
                return Err(Malformed::new("RFC 9112 §2.2", detail).into());
            }
            return Ok(request);
        }
        match stream.read(&mut buffer).await? {
            0 => return Err(DownloadError::Ended),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
        if bytes.len() > REQUEST_LIMIT {
            let detail = format!("a request of more than {REQUEST_LIMIT} bytes");
            return Err(Malformed::new("RFC 9112 §3", detail).into());
        }
    }
}

/// A request that waits for its response. Dropping it closes the connection: FIN after all that was sent.
#[derive(Debug)]
pub struct Exchange {
    /// What the device asked for.
    pub request: Request,
    stream: Stream,
    evidence: Evidence,
}

impl Exchange {
    /// Sends bytes of the response as they are. A device that ends the connection meanwhile is no error here: it may
    /// refuse a response before its end.
    ///
    /// # Errors
    /// [`LabError::Timeout`] when the device keeps its receive window closed for 10 s.
    pub async fn send(&self, bytes: &[u8]) -> Result<(), LabError> {
        let transcript = &self.evidence.transcript;
        transcript.record(PEER, Direction::ToDevice, summary(bytes), bytes);
        match tokio::time::timeout(SEND_PATIENCE, self.stream.write_all(bytes)).await {
            Ok(Ok(()) | Err(LabError::Reset | LabError::Closed)) => Ok(()),
            Ok(Err(other)) => Err(other),
            Err(_) => Err(LabError::Timeout(SEND_PATIENCE)),
        }
    }

    /// Waits until the device's stack has acknowledged all that was sent, where the lab can tell.
    ///
    /// # Errors
    /// [`LabError::Timeout`] after `deadline`, [`LabError::Reset`] after an RST.
    pub async fn acknowledged(&self, deadline: Duration) -> Result<(), LabError> {
        match self.stream.acknowledged(deadline).await {
            Err(LabError::Unsupported(_)) => Ok(()),
            other => other,
        }
    }

    /// Ends the connection with RST; bytes that were sent may be lost.
    pub fn reset(self) {
        let transcript = &self.evidence.transcript;
        transcript.record(PEER, Direction::ToDevice, "RST", &[]);
        self.stream.reset();
    }
}

/// The status line of what is sent, for the transcript.
fn summary(bytes: &[u8]) -> String {
    if !bytes.starts_with(b"HTTP/") {
        return format!("{} bytes", bytes.len());
    }
    let line = bytes.split(|&byte| byte == b'\r').next();
    let line = line.unwrap_or_default();
    let shown = &line[..line.len().min(80)];
    format!("{} ({} bytes)", shown.escape_ascii(), bytes.len())
}

/// A response: this status and reason, these field lines (each with its CRLF), this body.
pub fn response(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\n{fields}Connection: close\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// `content` as a chunked body with chunks of at most `size` bytes (RFC 9112 §7.1).
pub fn chunked(content: &[u8], size: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(content.len() + content.len() / 8);
    for chunk in content.chunks(size.max(1)) {
        body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n\r\n");
    body
}

/// The first byte that `Range: bytes=<first>-` or `bytes=<first>-<last>` asks for, and the last one, where it says
/// (RFC 9110 §14.1.2). `None` without exactly one such range.
pub fn byte_range(request: &Request) -> Option<(u64, Option<u64>)> {
    let mut ranges = request.all("range");
    let (Some(range), None) = (ranges.next(), ranges.next()) else {
        return None;
    };
    let (unit, set) = range.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let last = match last {
        "" => None,
        last => Some(last.parse().ok()?),
    };
    Some((first.parse().ok()?, last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::OsOptions;

    const SECOND: Duration = Duration::from_secs(1);

    fn asking(range: &str) -> Request {
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{range}\r\n");
        let parsed = http_request::parse(text.as_bytes());
        parsed.expect("well-formed").expect("complete").0
    }

    #[test]
    fn a_range_is_one_range_of_bytes() {
        for (fields, expected) in [
            ("Range: bytes=5-\r\n", Some((5, None))),
            ("Range: Bytes=5-9\r\n", Some((5, Some(9)))),
            ("", None),
            ("Range: bytes=-5\r\n", None),
            ("Range: bytes=1-2,4-5\r\n", None),
            ("Range: pages=1-\r\n", None),
            ("Range: bytes=1-\r\nRange: bytes=1-\r\n", None),
        ] {
            assert_eq!(byte_range(&asking(fields)), expected, "{fields:?}");
        }
    }

    #[test]
    fn chunks_carry_the_content_and_end_with_the_last_chunk() {
        assert_eq!(chunked(b"abcde", 3), b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        assert_eq!(chunked(b"", 3), b"0\r\n\r\n");
    }

    #[tokio::test]
    async fn a_request_is_read_and_answered_and_a_malformed_one_is_told() {
        let lab = Lab::os(OsOptions::default());
        let mut server = DownloadServer::listen(&lab, &Evidence::new())
            .await
            .expect("a listener");
        let at = server.listener.local_addr();
        let client = lab.connect(at, SECOND).await.expect("a connection");
        client
            .write_all(b"GET /image HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .expect("sent");
        let exchange = server.next(SECOND).await.expect("a request");
        assert_eq!(exchange.request.target, "/image");
        exchange.send(b"anything").await.expect("sent");
        drop(exchange);
        let mut answer = [0; 16];
        let count = client.read(&mut answer).await.expect("an answer");
        assert_eq!(&answer[..count], b"anything");

        let client = lab.connect(at, SECOND).await.expect("a connection");
        client
            .write_all(b"GET /image HTTP/1.1\r\n\r\n")
            .await
            .expect("sent");
        let read = server.next(SECOND).await;
        assert!(matches!(read, Err(DownloadError::Malformed(_))), "{read:?}");
    }
}
