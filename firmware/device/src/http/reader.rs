//! Reads requests off a connection: bytes in, one request at a time out. Sans-IO.

use heapless::Vec;

use super::MAX_CONTENT_LEN;
use super::body::Body;
use super::chunked::{ChunkError, Chunked};
use super::framing::Framing;
use super::head::{Folding, Head, Progress};
use super::request::{CONTENT_TOO_LARGE, Request, RequestLine};
use super::status::Refusal;

/// What [`RequestReader::receive`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// All input is used and the request is not complete.
    More,
    /// The head is complete: [`RequestReader::request`]. The caller may answer now, or go on
    /// receiving; this is where 100 (Continue) is sent.
    Head,
    /// The request is complete: [`RequestReader::content`]. Call [`RequestReader::next`] before
    /// receiving again.
    Complete,
    /// The request is refused; nothing after it on this connection can be trusted.
    Refused(Refusal),
}

/// What the connection waits for, which decides how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The first byte of a request.
    Request,
    /// The rest of the head.
    Head,
    /// The rest of the content.
    Content,
}

#[derive(Debug)]
enum State {
    Head,
    Content(Body),
    Complete,
    Refused(Refusal),
}

/// Reads one request after the other. What follows a complete request stays with the caller.
#[derive(Debug)]
pub struct RequestReader {
    head: Head,
    content: Vec<u8, MAX_CONTENT_LEN>,
    state: State,
}

impl Default for RequestReader {
    fn default() -> Self {
        Self {
            head: Head::new(Folding::Refuse),
            content: Vec::new(),
            state: State::Head,
        }
    }
}

impl RequestReader {
    /// Forgets the request, for the next one.
    pub fn next(&mut self) {
        self.head.clear();
        self.content.clear();
        self.state = State::Head;
    }

    /// What the connection waits for.
    pub fn waiting(&self) -> Waiting {
        match self.state {
            State::Head if self.head.is_empty() => Waiting::Request,
            State::Head => Waiting::Head,
            _ => Waiting::Content,
        }
    }

    /// The request line, once it is complete and sound.
    pub fn request_line(&self) -> Option<RequestLine<'_>> {
        RequestLine::parse(self.head.start_line()).ok()
    }

    /// The request, once its head is complete.
    pub fn request(&self) -> Result<Request<'_>, Refusal> {
        Request::parse(&self.head)
    }

    /// The content, once the request is complete.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// Takes input up to the next event; returns how many bytes it used.
    pub fn receive(&mut self, input: &[u8]) -> (usize, Event) {
        match &self.state {
            State::Head => self.receive_head(input),
            State::Content(_) => self.receive_content(input),
            State::Complete => (0, Event::Complete),
            State::Refused(refusal) => (0, Event::Refused(*refusal)),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> Event {
        self.state = State::Refused(refusal);
        Event::Refused(refusal)
    }

    fn receive_head(&mut self, input: &[u8]) -> (usize, Event) {
        for (at, &byte) in input.iter().enumerate() {
            let used = at + 1;
            let verdict = match self.head.push(byte) {
                Err(error) => Err(error.into()),
                Ok(Progress::More) if self.head.in_start_line() => {
                    RequestLine::check_partial(self.head.start_line()).map(|()| None)
                }
                Ok(Progress::More) => Ok(None),
                Ok(Progress::StartLine) => RequestLine::parse(self.head.start_line()).map(|_| None),
                Ok(Progress::Complete) => self.request().map(|request| Some(request.framing)),
            };
            match verdict {
                Ok(None) => {}
                Ok(Some(framing)) => {
                    self.state = State::Content(match framing {
                        Framing::Unstated => Body::Length(0),
                        Framing::Length(length) => Body::Length(length),
                        Framing::Chunked => Body::Chunked(Chunked::new(MAX_CONTENT_LEN as u64)),
                    });
                    return (used, Event::Head);
                }
                Err(refusal) => return (used, self.refuse(refusal)),
            }
        }
        (input.len(), Event::More)
    }

    fn receive_content(&mut self, input: &[u8]) -> (usize, Event) {
        let mut used = 0;
        loop {
            let State::Content(body) = &mut self.state else {
                return (used, Event::More);
            };
            if body.is_done() {
                self.state = State::Complete;
                return (used, Event::Complete);
            }
            let rest = input.get(used..).unwrap_or_default();
            if rest.is_empty() {
                return (used, Event::More);
            }
            match body.step(rest) {
                Ok(step) => {
                    used += step.consumed;
                    let data = rest.get(step.data).unwrap_or_default();
                    if self.content.extend_from_slice(data).is_err() {
                        return (used, self.refuse(CONTENT_TOO_LARGE));
                    }
                }
                Err(error) => return (used, self.refuse(error.into())),
            }
        }
    }
}

impl From<ChunkError> for Refusal {
    fn from(error: ChunkError) -> Self {
        match error {
            ChunkError::TooLarge => CONTENT_TOO_LARGE,
            ChunkError::BadSize => Self::bad("a chunk's size is not a hexadecimal number"),
            ChunkError::BadLine => Self::bad("a chunk does not end with CRLF"),
            ChunkError::ExtensionsTooLong => Self::bad("the chunk extensions are too long"),
            ChunkError::BadTrailer => Self::bad("the trailer section is malformed or too long"),
        }
    }
}
