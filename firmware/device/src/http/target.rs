//! The request target in its four forms (RFC 9112 §3.2), and the parts of a URI that it is made of.

use super::status::{Refusal, Status};

/// The request's method, as far as the server tells methods apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD.
    Head,
    /// POST.
    Post,
    /// OPTIONS.
    Options,
    /// CONNECT: no tunnel is made here.
    Connect,
    /// PUT, DELETE, TRACE, PATCH: known, allowed nowhere.
    Other,
    /// None of RFC 9110 or RFC 5789.
    Unknown,
}

impl Method {
    /// Methods are case-sensitive (RFC 9110 §9.1).
    pub fn of(token: &[u8]) -> Self {
        match token {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"POST" => Self::Post,
            b"OPTIONS" => Self::Options,
            b"CONNECT" => Self::Connect,
            b"PUT" | b"DELETE" | b"TRACE" | b"PATCH" => Self::Other,
            _ => Self::Unknown,
        }
    }
}

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'h> {
    /// A path, always starting with `/`; the query is not used by any resource here.
    Path(&'h [u8]),
    /// `*`, the server itself (§3.2.4).
    Server,
    /// The authority of a CONNECT (§3.2.3).
    Authority,
}

impl<'h> Target<'h> {
    /// Reads `text` in the form that `method` allows.
    ///
    /// # Errors
    /// 400 for a target of no such form; 421 for an absolute one whose scheme is not `http`
    /// (RFC 9110 §7.4).
    pub fn parse(method: Method, text: &'h [u8]) -> Result<Self, Refusal> {
        const BAD: Refusal = Refusal::bad("the request target is malformed");
        if method == Method::Connect {
            let (host, port) = split_port(text).ok_or(BAD)?;
            return match port {
                Some(port) if is_host(host) && !port.is_empty() => Ok(Self::Authority),
                _ => Err(BAD),
            };
        }
        match text {
            b"*" if method == Method::Options => Ok(Self::Server),
            [b'/', ..] => origin_form(text).map(Self::Path).ok_or(BAD),
            _ => Self::absolute_form(method, text, BAD),
        }
    }

    fn absolute_form(method: Method, text: &'h [u8], bad: Refusal) -> Result<Self, Refusal> {
        let scheme_len = text.iter().position(|&b| b == b':').ok_or(bad)?;
        let (scheme, rest) = text.split_at_checked(scheme_len).ok_or(bad)?;
        let rest = rest.strip_prefix(b"://").ok_or(bad)?;
        if !scheme.iter().all(u8::is_ascii_alphanumeric) || scheme.is_empty() {
            return Err(bad);
        }
        if !scheme.eq_ignore_ascii_case(b"http") {
            return Err(Refusal::new(
                Status::MisdirectedRequest,
                "only the http scheme is served here",
            ));
        }
        let authority_len = rest
            .iter()
            .position(|&b| b == b'/' || b == b'?')
            .unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(authority_len).ok_or(bad)?;
        if !is_authority(authority) {
            return Err(bad);
        }
        match path {
            // §3.2.4: no path and no query, asked about with OPTIONS, is the server itself.
            [] if method == Method::Options => Ok(Self::Server),
            [] => Ok(Self::Path(b"/")),
            [b'?', ..] if is_path_and_query(path) => Ok(Self::Path(b"/")),
            [b'/', ..] => origin_form(path).map(Self::Path).ok_or(bad),
            _ => Err(bad),
        }
    }
}

/// The path of an origin-form target, without its query.
fn origin_form(text: &[u8]) -> Option<&[u8]> {
    if !is_path_and_query(text) {
        return None;
    }
    text.split(|&b| b == b'?').next()
}

/// Whether all of `text` is of RFC 3986's `pchar`, `/` and `?`, with whole percent-escapes.
/// A fragment is not (RFC 9112 §3.2: the target has none).
pub fn is_path_and_query(text: &[u8]) -> bool {
    is_made_of(text, |b| {
        b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&b)
    })
}

fn is_made_of(text: &[u8], allowed: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        let whole = if byte == b'%' {
            let (high, low) = (bytes.next(), bytes.next());
            high.is_some_and(u8::is_ascii_hexdigit) && low.is_some_and(u8::is_ascii_hexdigit)
        } else {
            allowed(byte)
        };
        if !whole {
            return false;
        }
    }
    true
}

/// Whether `text` is a `uri-host [ ":" port ]`, as Host and an http URI carry it: no user
/// information (RFC 9110 §4.2.4), and not empty (§4.2.1).
pub fn is_authority(text: &[u8]) -> bool {
    split_port(text).is_some_and(|(host, _)| is_host(host))
}

/// Splits `host[:port]`; `None` when the port is none.
fn split_port(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let host_len = if text.first() == Some(&b'[') {
        text.iter().position(|&b| b == b']')? + 1
    } else {
        text.iter().position(|&b| b == b':').unwrap_or(text.len())
    };
    let (host, port) = text.split_at_checked(host_len)?;
    match port {
        [] => Some((host, None)),
        [b':', port @ ..] => {
            let fits = port.is_empty()
                || super::framing::decimal(port).is_some_and(|p| p <= u64::from(u16::MAX));
            fits.then_some((host, Some(port)))
        }
        _ => None,
    }
}

/// RFC 3986 §3.2.2: an IP literal in brackets, or a registered name or IPv4 address.
fn is_host(host: &[u8]) -> bool {
    match host {
        [] => false,
        [b'[', literal @ .., b']'] => core::str::from_utf8(literal)
            .is_ok_and(|text| text.parse::<core::net::Ipv6Addr>().is_ok()),
        _ => is_made_of(host, |b| {
            b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&b)
        }),
    }
}

/// Whether a path is `plain`, once percent-escapes of unreserved characters are undone
/// (RFC 9110 §4.2.3, RFC 3986 §6.2.2.2). `plain` is of unreserved characters and `/`.
pub fn path_is(path: &[u8], plain: &str) -> bool {
    let mut bytes = path.iter();
    let mut expected = plain.bytes();
    while let Some(&byte) = bytes.next() {
        let (found, escaped) = if byte == b'%' {
            let digit = |b: Option<&u8>| b.and_then(|&b| char::from(b).to_digit(16));
            match (digit(bytes.next()), digit(bytes.next())) {
                (Some(high), Some(low)) => ((high << 4 | low) as u8, true),
                _ => return false,
            }
        } else {
            (byte, false)
        };
        // An escaped `/` is data, not a separator.
        if expected.next() != Some(found) || (escaped && found == b'/') {
            return false;
        }
    }
    expected.next().is_none()
}
