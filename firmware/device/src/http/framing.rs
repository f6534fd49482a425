//! Where a message's content ends (RFC 9112 §6): Content-Length and Transfer-Encoding, and the
//! ambiguities between them that smuggle requests.

use super::fields::Fields;

/// How a message says where its content ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Neither field: no content in a request, up to the close in a response.
    Unstated,
    /// Content-Length.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
}

/// What cannot be trusted about a message's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramingError {
    /// Content-Length is no number that fits 64 bits (RFC 9110 §8.6).
    BadLength,
    /// Content-Length stands twice or is a list. §8.6 lets equal values pass; this recipient
    /// refuses them too.
    RepeatedLength,
    /// Both fields (RFC 9112 §6.1, §6.3): an attempt at smuggling, or as good as one.
    LengthAndEncoding,
    /// Transfer-Encoding in an HTTP/1.0 message (RFC 9112 §6.1: the framing is faulty).
    EncodingInHttp10,
    /// The last coding is not chunked, or chunked is applied twice or has parameters
    /// (RFC 9112 §6.3, §7.1).
    NotChunkedLast,
    /// Chunked is last, but another coding comes before it (RFC 9112 §6.1).
    UnknownCoding,
}

impl FramingError {
    /// The mistake in words.
    pub fn detail(self) -> &'static str {
        match self {
            Self::BadLength => "Content-Length is not a number",
            Self::RepeatedLength => "Content-Length is given more than once",
            Self::LengthAndEncoding => "Content-Length and Transfer-Encoding exclude each other",
            Self::EncodingInHttp10 => "HTTP/1.0 has no Transfer-Encoding",
            Self::NotChunkedLast => "the transfer codings do not end in one chunked",
            Self::UnknownCoding => "of the transfer codings, only chunked is known",
        }
    }
}

/// Reads the framing fields; `minor_version` 0 means HTTP/1.0.
///
/// # Errors
/// Anything that makes the length of the message doubtful.
pub fn framing(fields: &Fields<'_>, minor_version: u8) -> Result<Framing, FramingError> {
    let length = fields
        .single("content-length")
        .map_err(|_| FramingError::RepeatedLength)?;
    if fields.has("transfer-encoding") {
        if length.is_some() {
            return Err(FramingError::LengthAndEncoding);
        }
        if minor_version == 0 {
            return Err(FramingError::EncodingInHttp10);
        }
        return transfer_codings(fields);
    }
    match length {
        None => Ok(Framing::Unstated),
        Some(value) if value.contains(&b',') => Err(FramingError::RepeatedLength),
        Some(value) => decimal(value)
            .map(Framing::Length)
            .ok_or(FramingError::BadLength),
    }
}

fn transfer_codings(fields: &Fields<'_>) -> Result<Framing, FramingError> {
    let mut others = 0;
    let mut last_is_chunked = false;
    for coding in fields.list("transfer-encoding") {
        if last_is_chunked {
            return Err(FramingError::NotChunkedLast);
        }
        last_is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        others += usize::from(!last_is_chunked);
    }
    match (last_is_chunked, others) {
        (false, _) => Err(FramingError::NotChunkedLast),
        (true, 0) => Ok(Framing::Chunked),
        (true, _) => Err(FramingError::UnknownCoding),
    }
}

/// `1*DIGIT` as a number; `None` when it is anything else or does not fit 64 bits.
pub fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, &byte| {
        byte.is_ascii_digit()
            .then(|| number.checked_mul(10)?.checked_add(u64::from(byte - b'0')))
            .flatten()
    })
}
