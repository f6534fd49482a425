//! A client that sends the device's HTTP server any bytes at all, and reads its answers strictly (RFC 9112).

use std::net::SocketAddrV4;
use std::time::Duration;

use super::http_message::{self, Framing, Malformed, Response};
use crate::evidence::{Direction, Evidence, Place};
use crate::lab::{Lab, LabError, Stream};

const PEER: &str = "http";
/// The peer that looks at the device's state between a case's steps.
const OBSERVER: &str = "state";
/// How long bytes may wait for a device that does not take them, in wall time.
const SEND_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of one answer beyond which a device only floods.
const ANSWER_LIMIT: usize = 1 << 20;

/// What came next from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A well-formed response, interim or final.
    Response(Response),
    /// Bytes that no server may send.
    Malformed(Malformed),
    /// The server closed the connection with nothing more to say.
    Closed,
    /// The server reset the connection.
    Reset,
    /// No whole response within the deadline.
    Timeout,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Response(response) => response.fmt(f),
            Self::Malformed(malformed) => write!(f, "a malformed response ({malformed})"),
            Self::Closed => f.write_str("the connection was closed without a response"),
            Self::Reset => f.write_str("the connection was reset"),
            Self::Timeout => f.write_str("no response in time"),
        }
    }
}

/// How the server's side of the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Open,
    Closed,
    Reset,
}

/// One connection to the device's server.
#[derive(Debug)]
pub struct HttpConnection {
    stream: Stream,
    evidence: Evidence,
    unread: Vec<u8>,
    ending: Ending,
    place: Place<'static>,
    path: String,
}

impl HttpConnection {
    /// Connects to the server at `to`.
    ///
    /// # Errors
    /// As [`Lab::connect`].
    pub async fn connect(
        lab: &Lab,
        evidence: &Evidence,
        to: SocketAddrV4,
        deadline: Duration,
    ) -> Result<Self, LabError> {
        let mut place = Place::from(PEER);
        // Numbered before the handshake: connections that are made at the same time keep their order.
        place.connection = Some(evidence.transcript.begin_connection(PEER));
        Self::connect_as(place, lab, evidence, to, deadline).await
    }

    /// [`Self::connect`] for a look at the device's state, which is no step of the case.
    ///
    /// # Errors
    /// As [`Lab::connect`].
    pub async fn connect_to_observe(
        lab: &Lab,
        evidence: &Evidence,
        to: SocketAddrV4,
        deadline: Duration,
    ) -> Result<Self, LabError> {
        let mut place = Place::from(OBSERVER);
        place.connection = Some(evidence.transcript.begin_connection(OBSERVER));
        place.aside = true;
        Self::connect_as(place, lab, evidence, to, deadline).await
    }

    async fn connect_as(
        place: Place<'static>,
        lab: &Lab,
        evidence: &Evidence,
        to: SocketAddrV4,
        deadline: Duration,
    ) -> Result<Self, LabError> {
        let stream = lab.connect(to, deadline).await?;
        Ok(Self {
            stream,
            evidence: evidence.clone(),
            unread: Vec::new(),
            ending: Ending::Open,
            place,
            path: "/".into(),
        })
    }

    /// The same connection, for requests of the resource `path`.
    #[must_use]
    pub fn of(mut self, path: &str) -> Self {
        self.path = path.into();
        self
    }

    /// The path of a resource there that answers GET, `/` unless [`Self::of`] gave another.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The authority of this server, as `Host` names it (RFC 9110 §7.2).
    pub fn host(&self) -> String {
        let to = self.stream.peer_addr();
        if to.port() == 80 {
            to.ip().to_string()
        } else {
            to.to_string()
        }
    }

    /// Sends `bytes` as they are. A server that closes or resets meanwhile is no error here: what it answered
    /// first is kept, and [`Self::answer`] tells.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.send_split(bytes, &[]).await;
    }

    /// [`Self::send`] in TCP segments cut at the offsets `cuts`, ascending.
    pub async fn send_split(&mut self, bytes: &[u8], cuts: &[usize]) {
        let summary = summary(bytes, cuts.len() + 1);
        self.evidence
            .transcript
            .record(self.place, Direction::ToDevice, summary, bytes);
        let Self {
            stream,
            unread,
            ending,
            ..
        } = self;
        let both = async {
            let write = stream.write_segments(bytes, cuts);
            tokio::pin!(write);
            while *ending == Ending::Open {
                // A server may refuse before it has read all (RFC 9110 §15.5.14): reading meanwhile keeps both
                // windows open.
                tokio::select! {
                    biased;
                    _ = &mut write => return,
                    after = read_some(stream, unread) => *ending = after,
                }
            }
        };
        if tokio::time::timeout(SEND_PATIENCE, both).await.is_err() {
            self.evidence
                .transcript
                .note("the device did not take all the bytes in time");
        }
    }

    /// Whether the server's end of the connection, or bytes of an answer, have been seen while sending.
    pub fn has_ended(&self) -> bool {
        self.ending != Ending::Open || !self.unread.is_empty()
    }

    /// What the server sent and no answer has taken: of another protocol, or the part of an answer.
    pub fn unread(&self) -> &[u8] {
        &self.unread
    }

    /// Ends this side of the connection: FIN, and reading goes on.
    pub fn finish(&self) {
        self.evidence.transcript.note("http: FIN sent");
        self.stream.finish();
    }

    /// Resets the connection.
    pub fn reset(&self) {
        self.evidence.transcript.note("http: RST sent");
        self.stream.reset();
    }

    /// The next response, to a request whose method was `method`, interim ones (1xx) included.
    pub async fn any_answer(&mut self, deadline: Duration, method: &str) -> Answer {
        let answer = tokio::time::timeout(deadline, self.next(method))
            .await
            .unwrap_or(Answer::Timeout);
        if !matches!(answer, Answer::Response(_)) {
            // What was there of it, so that the evidence holds the bytes behind the verdict.
            self.evidence.transcript.record(
                self.place,
                Direction::FromDevice,
                answer.to_string(),
                &self.unread,
            );
        }
        answer
    }

    /// The next final response, to a request whose method was `method`.
    pub async fn answer(&mut self, deadline: Duration, method: &str) -> Answer {
        let until = tokio::time::Instant::now() + deadline;
        loop {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            match self.any_answer(left, method).await {
                Answer::Response(response) if response.is_interim() => {}
                answer => return answer,
            }
        }
    }

    async fn next(&mut self, method: &str) -> Answer {
        loop {
            let closed = self.ending == Ending::Closed;
            match http_message::parse(&self.unread, method, closed) {
                Ok(Some((response, taken))) => {
                    let bytes: Vec<u8> = self.unread.drain(..taken).collect();
                    self.evidence.transcript.record(
                        self.place,
                        Direction::FromDevice,
                        response.to_string(),
                        &bytes,
                    );
                    return Answer::Response(response);
                }
                Ok(None) => {}
                Err(malformed) => return Answer::Malformed(malformed),
            }
            match self.ending {
                Ending::Open => {}
                Ending::Closed => return Answer::Closed,
                Ending::Reset => return self.cut_by_reset(method),
            }
            if self.unread.len() > ANSWER_LIMIT {
                return Answer::Timeout;
            }
            self.ending = read_some(&self.stream, &mut self.unread).await;
        }
    }

    /// What is left when the connection was reset: an answer whose head is whole and whose content would end with the
    /// connection tells its status all the same, be its content complete or not (RFC 9112 §8, §9.6). A server that
    /// closes without reading on makes its own TCP reset the connection.
    fn cut_by_reset(&mut self, method: &str) -> Answer {
        match http_message::parse(&self.unread, method, true) {
            Ok(Some((response, _))) if response.framing == Framing::UntilClose => {
                let bytes = std::mem::take(&mut self.unread);
                let summary = format!("{response}, cut by RST");
                self.evidence
                    .transcript
                    .record(self.place, Direction::FromDevice, summary, &bytes);
                Answer::Response(response)
            }
            _ => Answer::Reset,
        }
    }

    /// Waits for the server to end the connection; [`Answer::Closed`], [`Answer::Reset`], or what came instead.
    pub async fn ended(&mut self, deadline: Duration) -> Answer {
        self.any_answer(deadline, "GET").await
    }
}

async fn read_some(stream: &Stream, unread: &mut Vec<u8>) -> Ending {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer).await {
        Ok(0) => Ending::Closed,
        Ok(count) => {
            unread.extend_from_slice(&buffer[..count]);
            Ending::Open
        }
        Err(_) => Ending::Reset,
    }
}

/// The first line of what is sent, for the transcript.
fn summary(bytes: &[u8], pieces: usize) -> String {
    let line = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let shown = &line[..line.len().min(80)];
    let mut text = format!("{} ({} bytes", shown.escape_ascii(), bytes.len());
    if pieces > 1 {
        text += &format!(" in {pieces} pieces");
    }
    text + ")"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::OsOptions;
    use std::net::Ipv4Addr;

    const SECOND: Duration = Duration::from_secs(1);

    async fn wired(reply: &'static [u8]) -> HttpConnection {
        let lab = Lab::os(OsOptions::default());
        let mut listener = lab
            .listen(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a listener");
        let to = listener.local_addr();
        tokio::spawn(async move {
            let server = listener
                .accept(Duration::from_secs(5))
                .await
                .expect("a connection");
            let mut request = [0; 64];
            let read = server.read(&mut request).await.expect("a request");
            assert!(read > 0);
            server.write_all(reply).await.expect("an answer");
        });
        let mut connection = HttpConnection::connect(&lab, &Evidence::new(), to, SECOND)
            .await
            .expect("a connection");
        connection.send(b"GET / HTTP/1.1\r\n\r\n").await;
        connection
    }

    #[tokio::test]
    async fn interim_responses_are_passed_over_and_the_end_of_the_connection_is_told() {
        let mut connection =
            wired(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n").await;
        match connection.answer(SECOND, "GET").await {
            Answer::Response(response) => assert_eq!(response.status, 204),
            other => panic!("{other}"),
        }
        assert_eq!(connection.ended(SECOND).await, Answer::Closed);
    }

    #[tokio::test]
    async fn an_answer_cut_short_is_malformed() {
        let mut connection = wired(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort").await;
        let answer = connection.answer(SECOND, "GET").await;
        assert!(matches!(answer, Answer::Malformed(_)), "{answer}");
    }
}
