//! An HTTP/1.1 response as a judge reads it (RFC 9112): what no server may send is [`Malformed`].

pub(in crate::peers) mod chunked;
mod date;
pub(in crate::peers) mod head;

#[cfg(test)]
mod tests;

use std::fmt;

use self::head::{Cursor, Fields, is_text, is_version, shown};
use super::mqtt_packet::Readable;

pub use date::is_imf_fixdate;

/// A rule that a message breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{clause}: {detail}")]
pub struct Malformed {
    /// Such as `RFC 9112 §5.1`.
    pub clause: &'static str,
    /// What was seen.
    pub detail: String,
}

impl Malformed {
    pub(in crate::peers) fn new(clause: &'static str, detail: impl Into<String>) -> Self {
        Self {
            clause,
            detail: detail.into(),
        }
    }
}

/// What told the end of a body (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length`.
    ContentLength,
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The end of the connection.
    UntilClose,
    /// The message cannot have a body.
    None,
}

/// A response, interim (1xx) or final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Such as `HTTP/1.1`; always of major version 1.
    pub version: String,
    /// 100 to 599.
    pub status: u16,
    /// May be empty.
    pub reason: String,
    /// Fields in their order, names as sent, values without the white space around them.
    pub fields: Vec<(String, String)>,
    /// The body without its transfer coding.
    pub body: Vec<u8>,
    /// What told the body's end.
    pub framing: Framing,
    /// Fields that followed a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Response {
    /// The value of the first field of this name, whatever its case (RFC 9110 §5.1).
    pub fn field(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The values of every field line of this name, in their order.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Whether the server ends the connection after this response: it says so or, being of HTTP/1.0, does not say
    /// that it goes on (RFC 9112 §9.3).
    pub fn ends_the_connection(&self) -> bool {
        let says = |wanted: &str| {
            self.all("connection")
                .flat_map(|list| list.split(','))
                .any(|option| option.trim().eq_ignore_ascii_case(wanted))
        };
        says("close") || (self.version == "HTTP/1.0" && !says("keep-alive"))
    }

    /// Whether there is exactly one `Date`, in the form that a sender must generate (RFC 9110 §6.6.1).
    pub fn date_is_imf_fixdate(&self) -> bool {
        let mut dates = self.all("date");
        dates.next().is_some_and(is_imf_fixdate) && dates.next().is_none()
    }

    /// Whether another response follows (1xx, RFC 9110 §15.2). 101 is final for HTTP/1.1, and no case asks for it.
    pub fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version, self.status)?;
        if !self.reason.is_empty() {
            write!(f, " reason={}", Readable(&self.reason))?;
        }
        let framing = match self.framing {
            Framing::ContentLength => "content-length",
            Framing::Chunked => "chunked",
            Framing::UntilClose => "until-close",
            Framing::None => return Ok(()),
        };
        write!(f, " framing={framing} bytes={}", self.body.len())
    }
}

/// Reads the response at the start of `bytes`; with it, how many bytes it took.
///
/// `request_method` is the method of the request that it answers, since HEAD and CONNECT decide about the body.
/// `closed` says that the server ended the connection. `None`: the response is not complete and nothing is
/// wrong so far, or there is none at all.
///
/// # Errors
/// The first rule that the response breaks, incompleteness at the end of the connection among them
/// (RFC 9112 §8).
pub fn parse(
    bytes: &[u8],
    request_method: &str,
    closed: bool,
) -> Result<Option<(Response, usize)>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let response = response(&mut cursor, request_method, closed)?;
    if response.is_none() && closed && !bytes.is_empty() {
        let detail = format!(
            "the connection ended within a response, after {} bytes",
            bytes.len()
        );
        return Err(Malformed::new("RFC 9112 §8", detail));
    }
    Ok(response.map(|response| (response, cursor.taken)))
}

/// How every status line begins (RFC 9112 §2.3).
const NAME: &[u8] = b"HTTP/";

fn response(
    cursor: &mut Cursor<'_>,
    request_method: &str,
    closed: bool,
) -> Result<Option<Response>, Malformed> {
    let begun = cursor.rest();
    let known = begun.len().min(NAME.len());
    if !begun[..known].eq_ignore_ascii_case(&NAME[..known]) {
        // Told before anything else is: whatever follows is no response of HTTP/1.
        let line = begun.split(|&byte| byte == b'\n').next();
        let detail = format!("no status line: {}", shown(line.unwrap_or_default()));
        return Err(Malformed::new("RFC 9112 §4", detail));
    }
    let Some(line) = cursor.line()? else {
        return Ok(None);
    };
    let (version, status, reason) = status_line(line)?;
    let Some(fields) = cursor.fields()? else {
        return Ok(None);
    };
    let (framing, length) = framing(&version, status, &fields, request_method)?;
    let (body, trailers) = match framing {
        Framing::None => (Vec::new(), Fields::default()),
        Framing::ContentLength => match cursor.take(length) {
            Some(body) => (body.to_vec(), Fields::default()),
            None => return Ok(None),
        },
        Framing::Chunked => match chunked::decode(cursor)? {
            Some(decoded) => decoded,
            None => return Ok(None),
        },
        Framing::UntilClose if closed => {
            let body = cursor.rest().to_vec();
            cursor.taken += body.len();
            (body, Fields::default())
        }
        Framing::UntilClose => return Ok(None),
    };
    Ok(Some(Response {
        version,
        status,
        reason,
        fields: fields.0,
        body,
        framing,
        trailers: trailers.0,
    }))
}

/// `HTTP-version SP status-code SP [ reason-phrase ]` (RFC 9112 §4).
fn status_line(line: &[u8]) -> Result<(String, u16, String), Malformed> {
    let malformed =
        |clause, what: &str| Err(Malformed::new(clause, format!("{what}: {}", shown(line))));
    let Some((version, rest)) = line.split_at_checked(8) else {
        return malformed("RFC 9112 §4", "no status line");
    };
    if !is_version(version) {
        return malformed("RFC 9112 §2.3", "no HTTP version");
    }
    let &[b' ', hundreds, tens, ones, b' ', ref reason @ ..] = rest else {
        return malformed(
            "RFC 9112 §4",
            "no status code of three digits between single spaces",
        );
    };
    let digits = [hundreds, tens, ones];
    if !digits.iter().all(u8::is_ascii_digit) {
        return malformed("RFC 9112 §4", "a status code that is not three digits");
    }
    let status = digits
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    if !(100..600).contains(&status) {
        return malformed("RFC 9110 §15", "a status code outside of 100 to 599");
    }
    if !is_text(reason) {
        return malformed("RFC 9112 §4", "a control character in the reason phrase");
    }
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(version), status, text(reason)))
}

/// RFC 9112 §6.3, with the length where `Content-Length` tells it.
fn framing(
    version: &str,
    status: u16,
    fields: &Fields,
    request_method: &str,
) -> Result<(Framing, usize), Malformed> {
    let length = fields.content_length()?;
    let chunked = fields.chunked(version)?;
    let connected = request_method == "CONNECT" && (200..300).contains(&status);
    if status < 200 || status == 204 || connected {
        if chunked {
            return Err(Malformed::new(
                "RFC 9112 §6.1",
                format!("Transfer-Encoding with status {status}"),
            ));
        }
        if length.is_some() {
            return Err(Malformed::new(
                "RFC 9110 §8.6",
                format!("Content-Length with status {status}"),
            ));
        }
        return Ok((Framing::None, 0));
    }
    // Here the fields describe the body that another request would have had.
    if request_method == "HEAD" || status == 304 {
        return Ok((Framing::None, 0));
    }
    Ok(match (chunked, length) {
        (true, _) => (Framing::Chunked, 0),
        (false, Some(length)) => (Framing::ContentLength, length),
        (false, None) => (Framing::UntilClose, 0),
    })
}
