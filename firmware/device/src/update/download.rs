//! The download's decisions: what to ask for, what to take, when to go on from where it stopped.
//! Sans-IO: the task opens connections, moves bytes and waits.

use core::fmt::{self, Write};
use core::ops::Range;

use embassy_time::Duration;
use heapless::String;

use super::reason::Reason;
use super::response::{ContentRange, MAX_ETAG_LEN, Response};
use super::url::Url;
use crate::http::body::Body;
use crate::http::chunked::{ChunkError, Chunked};
use crate::http::framing::Framing;
use crate::http::head::{Folding, Head, Progress};

/// Attempts before the last transient reason is final.
pub const MAX_ATTEMPTS: u8 = 5;
/// The longest wait that a server's Retry-After is obeyed for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// Interim responses that one exchange may carry (RFC 9110 §15.2 sets no limit).
const MAX_INTERIM: u8 = 8;
/// The longest request: target, authority and entity tag at their longest, and the fixed parts.
pub const MAX_REQUEST_LEN: usize = 1024;

/// What a piece of the response came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// All input is used; more is needed.
    More,
    /// The response starts from the first byte again: what is in the slot is void.
    StartOver,
    /// A run of the image lies here in the input.
    Data(Range<usize>),
    /// The image continues elsewhere: connect to [`Download::url`] and ask again.
    Moved,
    /// All of the image has come.
    Complete,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Wait, then connect to [`Download::url`] and ask again.
    Retry {
        /// How long, in device time.
        after: Duration,
    },
    /// The reason is final.
    GiveUp(Reason),
}

#[derive(Debug)]
enum State {
    Head,
    Content(Body),
}

/// One image on its way into the slot.
#[derive(Debug)]
pub struct Download {
    origin: Url,
    url: Url,
    length: u32,
    received: u32,
    etag: Option<String<MAX_ETAG_LEN>>,
    max_redirects: u8,
    redirects: u8,
    failures: u8,
    retry_after: Option<Duration>,
    interim: u8,
    head: Head,
    state: State,
}

impl Download {
    /// A download of `length` bytes that may follow `max_redirects` redirects per attempt.
    pub fn new(url: Url, length: u32, max_redirects: u8) -> Self {
        Self {
            origin: url.clone(),
            url,
            length,
            received: 0,
            etag: None,
            max_redirects,
            redirects: 0,
            failures: 0,
            retry_after: None,
            interim: 0,
            head: Head::new(Folding::Replace),
            state: State::Head,
        }
    }

    /// Where the next exchange goes.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Bytes of the image that have come.
    pub fn received(&self) -> u32 {
        self.received
    }

    /// Starts an exchange: writes its request.
    ///
    /// # Errors
    /// Those of `out`, which must hold [`MAX_REQUEST_LEN`] bytes.
    pub fn write_request(&mut self, out: &mut impl Write) -> fmt::Result {
        self.head.clear();
        self.state = State::Head;
        self.interim = 0;
        out.write_str("GET ")?;
        self.url.write_target(out)?;
        write!(
            out,
            " HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept-Encoding: identity\r\n",
            self.url.authority()
        )?;
        if self.received > 0 {
            write!(out, "Range: bytes={}-\r\n", self.received)?;
            if let Some(etag) = &self.etag {
                // RFC 9110 §13.1.5: the rest if it is still the same image, all of it if not.
                write!(out, "If-Range: {etag}\r\n")?;
            }
        }
        out.write_str("\r\n")
    }

    /// Takes input up to the next event; returns how many bytes it used.
    ///
    /// # Errors
    /// Why this response is of no use; hand it to [`Self::failed`].
    pub fn receive(&mut self, input: &[u8]) -> Result<(usize, Event), Reason> {
        match &mut self.state {
            State::Head => self.receive_head(input),
            State::Content(body) => {
                let chunked = matches!(body, Body::Chunked(_));
                let step = body.step(input).map_err(|error| match error {
                    ChunkError::TooLarge => Reason::Oversize,
                    _ => Reason::BadResponse,
                })?;
                let came = u32::try_from(step.data.len()).map_err(|_| Reason::Oversize)?;
                self.received = self.received.saturating_add(came);
                if came > 0 {
                    return Ok((step.consumed, Event::Data(step.data)));
                }
                match (step.done, self.received == self.length) {
                    (false, _) => Ok((step.consumed, Event::More)),
                    (true, true) => Ok((step.consumed, Event::Complete)),
                    // Chunks that end properly are a whole image, only not the announced one.
                    (true, false) if chunked => Err(Reason::LengthMismatch),
                    (true, false) => Err(Reason::Truncated),
                }
            }
        }
    }

    /// After a failure of the exchange or the connection.
    pub fn failed(&mut self, reason: Reason) -> Next {
        let retry_after = self.retry_after.take();
        if !reason.is_transient() {
            return Next::GiveUp(reason);
        }
        self.failures += 1;
        if self.failures >= MAX_ATTEMPTS {
            return Next::GiveUp(reason);
        }
        self.url = self.origin.clone();
        self.redirects = 0;
        if self.received >= self.length {
            // All of it came, but the last chunk did not: no range is left to ask for.
            self.received = 0;
            self.etag = None;
        }
        // 1, 2, 4, 8 s.
        let back_off = Duration::from_secs(1 << (self.failures - 1).min(6));
        Next::Retry {
            after: retry_after.unwrap_or(back_off),
        }
    }

    fn receive_head(&mut self, input: &[u8]) -> Result<(usize, Event), Reason> {
        for (at, &byte) in input.iter().enumerate() {
            match self.head.push(byte) {
                Err(_) => return Err(Reason::BadResponse),
                Ok(Progress::More | Progress::StartLine) => {}
                Ok(Progress::Complete) => {
                    // The head is lent out while it is judged.
                    let head = core::mem::replace(&mut self.head, Head::new(Folding::Replace));
                    let event = self.judge(&Response::parse(&head)?)?;
                    return Ok((at + 1, event));
                }
            }
        }
        Ok((input.len(), Event::More))
    }

    fn judge(&mut self, response: &Response<'_>) -> Result<Event, Reason> {
        match response.status {
            // RFC 9110 §15.2: interim responses precede the final one. 101 was not asked for.
            100 | 102..=199 => {
                self.interim += 1;
                if self.interim > MAX_INTERIM {
                    return Err(Reason::BadResponse);
                }
                return Ok(Event::More);
            }
            301 | 302 | 303 | 307 | 308 => return self.redirect(response),
            200 | 206 => {}
            status => {
                self.retry_after = response
                    .retry_after_s()
                    .map(|s| Duration::from_secs(s.min(MAX_RETRY_AFTER.as_secs())));
                return Err(Reason::Status(status));
            }
        }
        let framing = response.framing()?;
        if !response.is_identity_coded() {
            return Err(Reason::ContentEncoding);
        }
        let etag = response.strong_etag();
        let resumes = response.status == 206;
        if resumes {
            self.check_range(response.content_range(), &etag)?;
        } else {
            self.received = 0;
        }
        let rest = u64::from(self.length.saturating_sub(self.received));
        self.state = State::Content(match framing {
            Framing::Length(length) if length == rest => Body::Length(length),
            Framing::Length(_) => return Err(Reason::LengthMismatch),
            Framing::Chunked => Body::Chunked(Chunked::new(rest)),
            // Up to the close: nothing would tell a whole image from a cut one.
            Framing::Unstated => return Err(Reason::NoLength),
        });
        self.etag = etag;
        Ok(if resumes {
            Event::More
        } else {
            Event::StartOver
        })
    }

    /// RFC 9110 §15.3.7, §14.4: the part is the one that was asked for, of the same image.
    fn check_range(
        &mut self,
        range: Option<ContentRange>,
        etag: &Option<String<MAX_ETAG_LEN>>,
    ) -> Result<(), Reason> {
        let asked = ContentRange {
            first: u64::from(self.received),
            last: u64::from(self.length).saturating_sub(1),
            whole: u64::from(self.length),
        };
        if self.received == 0 || range != Some(asked) {
            return Err(Reason::ContentRange);
        }
        // §15.3.7.2: parts are combined only under one strong validator. A server that sends the
        // part of another image in spite of If-Range is asked for all of it next time.
        if self.etag.is_some() && self.etag != *etag {
            self.received = 0;
            self.etag = None;
            return Err(Reason::Truncated);
        }
        Ok(())
    }

    fn redirect(&mut self, response: &Response<'_>) -> Result<Event, Reason> {
        if self.redirects >= self.max_redirects {
            return Err(Reason::Redirect);
        }
        self.redirects += 1;
        self.url = response
            .location()
            .and_then(|location| self.url.join(location).ok())
            .ok_or(Reason::Redirect)?;
        Ok(Event::Moved)
    }
}
