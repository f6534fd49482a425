//! Why an update failed, in the words of the console and of the state object.

/// Why an update failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The signature over length, version and digest is not the configured key's.
    Signature,
    /// The version is not above every one that was accepted.
    VersionReplay,
    /// The running image has not confirmed itself: the other slot is its way back.
    Unconfirmed,
    /// The image does not fit the slot.
    SlotTooSmall,
    /// The host's name has no address.
    Dns,
    /// The server does not accept the connection.
    Connect,
    /// The server was silent for too long.
    Timeout,
    /// The connection ended before the image did.
    Truncated,
    /// The response's head or chunks are malformed.
    BadResponse,
    /// The response gives both Content-Length and Transfer-Encoding (RFC 9112 §6.1).
    AmbiguousLength,
    /// The response gives neither Content-Length nor chunks.
    NoLength,
    /// The response's length is not the announced one.
    LengthMismatch,
    /// More came than was announced.
    Oversize,
    /// The response carries a content coding that was not asked for.
    ContentEncoding,
    /// A part was sent that is not the part that was asked for (RFC 9110 §14.4).
    ContentRange,
    /// A redirect that may not be followed.
    Redirect,
    /// A final status other than 200 and 206.
    Status(u16),
    /// What is in the slot does not have the announced digest.
    Digest,
    /// The flash failed.
    Flash,
}

macro_rules! status_names {
    ($status:expr, $($code:literal)*) => {
        match $status {
            $($code => concat!("status-", $code),)*
            _ => "status-other",
        }
    };
}

impl Reason {
    /// The reason as the console and the state object name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::VersionReplay => "version-replay",
            Self::Unconfirmed => "unconfirmed",
            Self::SlotTooSmall => "slot-too-small",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Truncated => "truncated",
            Self::BadResponse => "bad-response",
            Self::AmbiguousLength => "ambiguous-length",
            Self::NoLength => "no-length",
            Self::LengthMismatch => "length-mismatch",
            Self::Oversize => "oversize",
            Self::ContentEncoding => "content-encoding",
            Self::ContentRange => "content-range",
            Self::Redirect => "redirect",
            Self::Digest => "digest",
            Self::Flash => "flash",
            Self::Status(status) => status_names!(status,
                101 201 202 203 204 205 207 208 226 300 304 305 306
                400 401 402 403 404 405 406 407 408 409 410 411 412 413 414 415 416 417 418 421
                422 423 424 425 426 428 429 431 451 500 501 502 503 504 505 506 507 508 510 511),
        }
    }

    /// Whether another attempt may end better.
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Dns | Self::Connect | Self::Timeout | Self::Truncated | Self::Status(503)
        )
    }
}
