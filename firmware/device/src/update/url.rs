//! The URLs that an image may come from: `http`, by name or IPv4 address (RFC 9110 §4.2.1).

use core::fmt::Write;
use core::net::Ipv4Addr;

use heapless::String;

use crate::http::target::is_path_and_query;

/// The longest URL, in bytes.
pub const MAX_URL_LEN: usize = 256;

/// A URL is not one that the device fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UrlError;

/// The host of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host<'u> {
    /// An IPv4 address.
    Address(Ipv4Addr),
    /// A DNS name.
    Name(&'u str),
}

/// A checked `http` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    text: String<MAX_URL_LEN>,
    host_end: usize,
    authority_end: usize,
    port: u16,
}

const SCHEME: &str = "http://";

impl Url {
    /// Reads an absolute `http` URL, without user information (RFC 9110 §4.2.4). A fragment is the
    /// user agent's own (§7.1, §10.2.2); there is no use for it here.
    ///
    /// # Errors
    /// It is another scheme, malformed, or longer than [`MAX_URL_LEN`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.split('#').next().unwrap_or_default();
        let (scheme, rest) = text.split_at_checked(SCHEME.len()).ok_or(UrlError)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(UrlError);
        }
        let authority_len = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(authority_len).ok_or(UrlError)?;
        let (host, port) = match authority.split_once(':') {
            None | Some((_, "")) => (authority.trim_end_matches(':'), 80),
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
                (host, port.parse().map_err(|_| UrlError)?)
            }
            Some(_) => return Err(UrlError),
        };
        if port == 0 || !is_host(host) || !is_path_and_query(path.as_bytes()) {
            return Err(UrlError);
        }
        Ok(Self {
            text: String::try_from(text).map_err(|_| UrlError)?,
            host_end: SCHEME.len() + host.len(),
            authority_end: SCHEME.len() + authority_len,
            port,
        })
    }

    /// The URL that a Location leads to from here: absolute, or a path from the root.
    ///
    /// # Errors
    /// Another kind of reference, or not a URL that the device fetches.
    pub fn join(&self, location: &str) -> Result<Self, UrlError> {
        if !location.starts_with('/') || location.starts_with("//") {
            return Self::parse(location);
        }
        let mut text = String::<MAX_URL_LEN>::new();
        write!(text, "{SCHEME}{}{location}", self.authority()).map_err(|_| UrlError)?;
        Self::parse(&text)
    }

    /// The URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host.
    pub fn host(&self) -> Host<'_> {
        let host = self
            .text
            .get(SCHEME.len()..self.host_end)
            .unwrap_or_default();
        host.parse().map_or(Host::Name(host), Host::Address)
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority, as Host carries it (RFC 9112 §3.2).
    pub fn authority(&self) -> &str {
        self.text
            .get(SCHEME.len()..self.authority_end)
            .unwrap_or_default()
    }

    /// Path and query, which may be empty or lack the leading `/`; see [`Self::write_target`].
    fn path_and_query(&self) -> &str {
        self.text.get(self.authority_end..).unwrap_or_default()
    }

    /// Writes the origin-form request target (RFC 9112 §3.2.1).
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_target(&self, out: &mut impl Write) -> core::fmt::Result {
        let path = self.path_and_query();
        if !path.starts_with('/') {
            out.write_char('/')?;
        }
        out.write_str(path)
    }
}

/// A DNS name of at most 253 bytes, or an IPv4 address. A name whose last label is a number would
/// be neither.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    let numeric_end = name
        .rsplit('.')
        .next()
        .is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
    if numeric_end {
        host.parse::<Ipv4Addr>().is_ok()
    } else {
        host.len() <= 253 && name.split('.').all(is_label)
    }
}
