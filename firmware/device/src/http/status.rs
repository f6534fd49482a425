//! Status codes, and the refusals that carry them.

/// The status codes that the server answers with (RFC 9110 §15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
#[allow(missing_docs)] // The names are the registered phrases.
pub enum Status {
    Ok = 200,
    Accepted = 202,
    SeeOther = 303,
    BadRequest = 400,
    Unauthorized = 401,
    NotFound = 404,
    MethodNotAllowed = 405,
    RequestTimeout = 408,
    Conflict = 409,
    LengthRequired = 411,
    ContentTooLarge = 413,
    UriTooLong = 414,
    UnsupportedMediaType = 415,
    ExpectationFailed = 417,
    MisdirectedRequest = 421,
    RequestHeaderFieldsTooLarge = 431,
    NotImplemented = 501,
    HttpVersionNotSupported = 505,
}

impl Status {
    /// The three digits.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// The registered reason phrase.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Accepted => "Accepted",
            Self::SeeOther => "See Other",
            Self::BadRequest => "Bad Request",
            Self::Unauthorized => "Unauthorized",
            Self::NotFound => "Not Found",
            Self::MethodNotAllowed => "Method Not Allowed",
            Self::RequestTimeout => "Request Timeout",
            Self::Conflict => "Conflict",
            Self::LengthRequired => "Length Required",
            Self::ContentTooLarge => "Content Too Large",
            Self::UriTooLong => "URI Too Long",
            Self::UnsupportedMediaType => "Unsupported Media Type",
            Self::ExpectationFailed => "Expectation Failed",
            Self::MisdirectedRequest => "Misdirected Request",
            Self::RequestHeaderFieldsTooLarge => "Request Header Fields Too Large",
            Self::NotImplemented => "Not Implemented",
            Self::HttpVersionNotSupported => "HTTP Version Not Supported",
        }
    }
}

/// A request that is refused before any route sees it. The connection closes after the answer,
/// because where the next request would start is not known (RFC 9112 §6.3, §9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The answer's status.
    pub status: Status,
    /// What was wrong, for the person who reads the answer.
    pub detail: &'static str,
}

impl Refusal {
    /// A refusal with any status.
    pub const fn new(status: Status, detail: &'static str) -> Self {
        Self { status, detail }
    }

    /// 400.
    pub const fn bad(detail: &'static str) -> Self {
        Self::new(Status::BadRequest, detail)
    }
}
