//! A response's control data, as far as a download needs it (RFC 9112 §4).

use heapless::String;

use super::reason::Reason;
use crate::http::fields::Fields;
use crate::http::framing::{Framing, FramingError, decimal, framing};
use crate::http::head::Head;

/// The longest entity tag that is kept, quotes included.
pub const MAX_ETAG_LEN: usize = 80;

/// A response whose head is complete and sound.
#[derive(Debug)]
pub struct Response<'h> {
    /// The status code, 100 to 599.
    pub status: u16,
    fields: Fields<'h>,
    minor_version: u8,
}

/// A Content-Range of bytes (RFC 9110 §14.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    /// The first byte.
    pub first: u64,
    /// The last byte.
    pub last: u64,
    /// The length of the whole.
    pub whole: u64,
}

impl<'h> Response<'h> {
    /// Reads a complete head.
    ///
    /// # Errors
    /// `bad-response` for anything but a status line of HTTP/1 and sound fields.
    pub fn parse(head: &'h Head) -> Result<Self, Reason> {
        let (status, minor_version) = status_line(head.start_line()).ok_or(Reason::BadResponse)?;
        Ok(Self {
            status,
            fields: Fields::parse(head).map_err(|_| Reason::BadResponse)?,
            minor_version,
        })
    }

    /// Where the content ends.
    ///
    /// # Errors
    /// `ambiguous-length`, or `bad-response` for any other doubt.
    pub fn framing(&self) -> Result<Framing, Reason> {
        framing(&self.fields, self.minor_version).map_err(|error| match error {
            FramingError::LengthAndEncoding => Reason::AmbiguousLength,
            _ => Reason::BadResponse,
        })
    }

    /// Whether the content is as it is stored at the origin.
    pub fn is_identity_coded(&self) -> bool {
        self.fields
            .list("content-encoding")
            .all(|coding| coding.eq_ignore_ascii_case(b"identity"))
    }

    /// The entity tag, if it is a strong one, so that it may stand in If-Range
    /// (RFC 9110 §13.1.5).
    pub fn strong_etag(&self) -> Option<String<MAX_ETAG_LEN>> {
        let value = self.fields.single("etag").ok()??;
        let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        if inner.iter().any(|&b| b == b'"' || !b.is_ascii_graphic()) {
            return None;
        }
        String::try_from(core::str::from_utf8(value).ok()?).ok()
    }

    /// The Content-Range; `None` when it is absent or not one of bytes with a known whole.
    pub fn content_range(&self) -> Option<ContentRange> {
        let value = self.fields.single("content-range").ok()??;
        let (unit, range) = value.split_at_checked(6)?;
        if !unit.eq_ignore_ascii_case(b"bytes ") {
            return None;
        }
        let slash = range.iter().position(|&b| b == b'/')?;
        let dash = range.iter().position(|&b| b == b'-')?;
        let range = ContentRange {
            first: decimal(range.get(..dash)?)?,
            last: decimal(range.get(dash + 1..slash)?)?,
            whole: decimal(range.get(slash + 1..)?)?,
        };
        (range.first <= range.last && range.last < range.whole).then_some(range)
    }

    /// Where a redirect leads.
    pub fn location(&self) -> Option<&'h str> {
        let value = self.fields.single("location").ok()??;
        core::str::from_utf8(value).ok()
    }

    /// Retry-After in seconds (RFC 9110 §10.2.3). The form that is a date is not read.
    pub fn retry_after_s(&self) -> Option<u64> {
        decimal(self.fields.single("retry-after").ok()??)
    }
}

/// `HTTP-version SP status-code SP [ reason-phrase ]`: the status and the minor version. Servers
/// that leave out the last space are many, and nothing hangs on it.
fn status_line(line: &[u8]) -> Option<(u16, u8)> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let (&[minor, b' '], rest) = rest.split_first_chunk::<2>()? else {
        return None;
    };
    let (digits, rest) = rest.split_first_chunk::<3>()?;
    if !minor.is_ascii_digit() || !matches!(rest, [] | [b' ', ..]) {
        return None;
    }
    let status = u16::try_from(decimal(digits)?).ok()?;
    (100..600)
        .contains(&status)
        .then_some((status, minor - b'0'))
}
