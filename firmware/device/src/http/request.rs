//! A request's control data: request line and the fields that decide how it is read (RFC 9112 §3).

use super::fields::Fields;
use super::framing::{Framing, FramingError, framing};
use super::head::{Head, HeadError, is_token};
use super::status::{Refusal, Status};
use super::target::{Method, Target, is_authority};
use super::{MAX_CONTENT_LEN, MAX_TARGET_LEN};

/// The longest method that is read; the longest known is OPTIONS.
const MAX_METHOD_LEN: usize = 64;

/// The three parts of a request line, and the version's minor digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLine<'h> {
    /// The method's token.
    pub token: &'h [u8],
    /// The method.
    pub method: Method,
    /// The target as it was sent.
    pub raw_target: &'h [u8],
    /// What the target means.
    pub target: Target<'h>,
    /// 0 for HTTP/1.0; anything above is read as HTTP/1.1 (RFC 9110 §2.5).
    pub minor_version: u8,
}

impl<'h> RequestLine<'h> {
    /// Reads `method SP request-target SP HTTP-version`, exactly so (RFC 9112 §3).
    ///
    /// # Errors
    /// 400, 414, 505; 501 for a method longer than any known (§3).
    pub fn parse(line: &'h [u8]) -> Result<Self, Refusal> {
        let mut parts = line.splitn(3, |&b| b == b' ');
        let token = parts.next().unwrap_or_default();
        let raw_target = parts.next();
        let version = parts.next();
        if !is_token(token) {
            return Err(Refusal::bad("the method is not a token"));
        }
        if token.len() > MAX_METHOD_LEN {
            return Err(LONG_METHOD);
        }
        let (Some(raw_target), Some(version)) = (raw_target, version) else {
            return Err(Refusal::bad(
                "the request line is not method, target and version",
            ));
        };
        if raw_target.len() > MAX_TARGET_LEN {
            return Err(LONG_TARGET);
        }
        let minor_version = http_version(version)?;
        let method = Method::of(token);
        let target = Target::parse(method, raw_target)?;
        Ok(Self {
            token,
            method,
            raw_target,
            target,
            minor_version,
        })
    }

    /// Refuses a request line that is already too long, before it ends.
    ///
    /// # Errors
    /// 501 for an endless method, 414 for an endless target, 400 for an endless rest.
    pub fn check_partial(line: &[u8]) -> Result<(), Refusal> {
        let mut parts = line.splitn(3, |&b| b == b' ');
        let token = parts.next().unwrap_or_default();
        let target = parts.next().unwrap_or_default();
        let version = parts.next().unwrap_or_default();
        if token.len() > MAX_METHOD_LEN {
            return Err(if is_token(token) {
                LONG_METHOD
            } else {
                Refusal::bad("the method is not a token")
            });
        }
        if target.len() > MAX_TARGET_LEN {
            return Err(LONG_TARGET);
        }
        // One more than `HTTP/1.1`, for the CR.
        if version.len() > 9 {
            return Err(BAD_VERSION);
        }
        Ok(())
    }
}

const LONG_METHOD: Refusal = Refusal::new(Status::NotImplemented, "the method is not known");
const LONG_TARGET: Refusal = Refusal::new(Status::UriTooLong, "the request target is too long");
const BAD_VERSION: Refusal = Refusal::bad("the request line does not end in an HTTP version");

/// `"HTTP/" DIGIT "." DIGIT`, case-sensitive (RFC 9112 §2.3); the minor digit of version 1.
fn http_version(text: &[u8]) -> Result<u8, Refusal> {
    match text.strip_prefix(b"HTTP/") {
        Some(&[major, b'.', minor]) if major.is_ascii_digit() && minor.is_ascii_digit() => {
            if major == b'1' {
                Ok(minor - b'0')
            } else {
                Err(Refusal::new(
                    Status::HttpVersionNotSupported,
                    "only version 1 of HTTP is spoken here",
                ))
            }
        }
        _ => Err(BAD_VERSION),
    }
}

/// A request whose head is complete and sound.
#[derive(Debug)]
pub struct Request<'h> {
    /// The request line.
    pub line: RequestLine<'h>,
    /// The fields.
    pub fields: Fields<'h>,
    /// Where the content ends; never a length above [`MAX_CONTENT_LEN`].
    pub framing: Framing,
    /// The connection closes after the answer (RFC 9112 §9.3, §9.6).
    pub close: bool,
    /// The client waits for 100 before it sends its content (RFC 9110 §10.1.1).
    pub expects_continue: bool,
}

impl<'h> Request<'h> {
    /// Reads a complete head.
    ///
    /// # Errors
    /// The refusal that the specification names for the first thing that is wrong.
    pub fn parse(head: &'h Head) -> Result<Self, Refusal> {
        let line = RequestLine::parse(head.start_line())?;
        let fields = Fields::parse(head)
            .map_err(|_| Refusal::bad("a header field holds a character that none may hold"))?;
        check_host(&fields, line.minor_version)?;
        let framing = framing(&fields, line.minor_version).map_err(|error| {
            let status = match error {
                FramingError::UnknownCoding => Status::NotImplemented,
                _ => Status::BadRequest,
            };
            Refusal::new(status, error.detail())
        })?;
        match framing {
            Framing::Length(length) if length > MAX_CONTENT_LEN as u64 => {
                return Err(CONTENT_TOO_LARGE);
            }
            // RFC 9110 §15.5.12. Only POST has content here.
            Framing::Unstated if line.method == Method::Post => {
                return Err(Refusal::new(
                    Status::LengthRequired,
                    "POST needs Content-Length or a chunked body",
                ));
            }
            _ => {}
        }
        // RFC 9112 §9.3: HTTP/1.0 persists only by an extension that this server does not offer.
        let close = line.minor_version == 0 || fields.lists_token("connection", "close");
        Ok(Self {
            expects_continue: expects_continue(&fields, line.minor_version)?
                && !matches!(framing, Framing::Unstated | Framing::Length(0)),
            line,
            fields,
            framing,
            close,
        })
    }
}

/// 413, for a declared length and for chunks alike.
pub const CONTENT_TOO_LARGE: Refusal =
    Refusal::new(Status::ContentTooLarge, "the content is too large");

/// RFC 9112 §3.2: HTTP/1.1 has one valid Host; HTTP/1.0 may have none.
fn check_host(fields: &Fields<'_>, minor_version: u8) -> Result<(), Refusal> {
    match fields.single("host") {
        Err(_) => Err(Refusal::bad("Host is given more than once")),
        Ok(None) if minor_version == 0 => Ok(()),
        Ok(None) => Err(Refusal::bad("Host is missing")),
        Ok(Some(host)) if is_authority(host) => Ok(()),
        Ok(Some(_)) => Err(Refusal::bad("Host is not a host and port")),
    }
}

fn expects_continue(fields: &Fields<'_>, minor_version: u8) -> Result<bool, Refusal> {
    // RFC 9110 §10.1.1: a 100-continue expectation in an HTTP/1.0 request is ignored.
    if minor_version == 0 {
        return Ok(false);
    }
    let mut expected = false;
    for expectation in fields.list("expect") {
        if !expectation.eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal::new(
                Status::ExpectationFailed,
                "the only expectation that is met is 100-continue",
            ));
        }
        expected = true;
    }
    Ok(expected)
}

impl From<HeadError> for Refusal {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::BareCr => Self::bad("CR without LF"),
            HeadError::BareLf => Self::bad("LF without CR"),
            HeadError::Control => Self::bad("a control character in the header section"),
            HeadError::StartTooLong => Self::bad("the request line is too long"),
            HeadError::FieldsTooLarge => Self::new(
                Status::RequestHeaderFieldsTooLarge,
                "the header section is too large",
            ),
            HeadError::TooManyFields => Self::new(
                Status::RequestHeaderFieldsTooLarge,
                "too many header fields",
            ),
            HeadError::Fold => Self::bad("a header field is folded"),
            HeadError::FieldName => Self::bad("a header field's name is not a token and colon"),
        }
    }
}
