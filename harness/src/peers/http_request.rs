//! A request of the device's HTTP client as a judge reads it (RFC 9112 §3): what no client may send to an origin
//! server is [`Malformed`].

use std::fmt;

use super::http_message::head::{Cursor, Fields, is_token, is_version, shown};
use super::http_message::{Malformed, chunked};
use super::mqtt_packet::Readable;

/// A request to an origin server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Such as `GET`; case matters.
    pub method: String,
    /// In origin form, `/image.bin?slot=b`, or `*` with OPTIONS.
    pub target: String,
    /// Such as `HTTP/1.1`; always of major version 1.
    pub version: String,
    /// Fields in their order, names as sent, values without the white space around them.
    pub fields: Vec<(String, String)>,
    /// The body without its transfer coding.
    pub body: Vec<u8>,
}

impl Request {
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
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.target, self.version)?;
        for name in ["host", "range", "if-range"] {
            if let Some(value) = self.field(name) {
                write!(f, " {name}={}", Readable(value))?;
            }
        }
        if self.body.is_empty() {
            Ok(())
        } else {
            write!(f, " bytes={}", self.body.len())
        }
    }
}

/// Reads the request at the start of `bytes`; with it, how many bytes it took. `None`: it is not complete and
/// nothing is wrong so far.
///
/// # Errors
/// The first rule that the request breaks.
pub fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let Some(line) = cursor.line()? else {
        return Ok(None);
    };
    let (method, target, version) = request_line(line)?;
    let Some(fields) = cursor.fields()? else {
        return Ok(None);
    };
    check_host(&fields, &version)?;
    let length = fields.content_length()?;
    let body = if fields.chunked(&version)? {
        match chunked::decode(&mut cursor)? {
            Some((body, _)) => body,
            None => return Ok(None),
        }
    } else {
        match cursor.take(length.unwrap_or(0)) {
            Some(body) => body.to_vec(),
            None => return Ok(None),
        }
    };
    Ok(Some((
        Request {
            method,
            target,
            version,
            fields: fields.0,
            body,
        },
        cursor.taken,
    )))
}

/// `method SP request-target SP HTTP-version` (RFC 9112 §3).
fn request_line(line: &[u8]) -> Result<(String, String, String), Malformed> {
    let malformed =
        |clause, what: &str| Err(Malformed::new(clause, format!("{what}: {}", shown(line))));
    let parts: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    let &[method, target, version] = parts.as_slice() else {
        return malformed("RFC 9112 §3", "not three parts between single spaces");
    };
    if !is_token(method) {
        return malformed("RFC 9112 §3.1", "a method that is no token");
    }
    let in_form = target.starts_with(b"/") || (method == b"OPTIONS" && target == b"*");
    if !in_form {
        return malformed(
            "RFC 9112 §3.2.1",
            "a request target that is not in origin form",
        );
    }
    if !is_path_and_query(target) {
        return malformed(
            "RFC 9112 §3.2",
            "a request target with what no URI path or query has",
        );
    }
    if !is_version(version) {
        return malformed("RFC 9112 §2.3", "no HTTP version");
    }
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok((text(method), text(target), text(version)))
}

/// The characters of a path and a query, with percent-encoding intact (RFC 3986 §3.3, §3.4).
fn is_path_and_query(target: &[u8]) -> bool {
    target.iter().enumerate().all(|(index, &byte)| match byte {
        b'%' => target
            .get(index + 1..index + 3)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)),
        _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte),
    })
}

/// Exactly one `Host` in HTTP/1.1, with the authority of the target and no user information (RFC 9112 §3.2).
fn check_host(fields: &Fields, version: &str) -> Result<(), Malformed> {
    let mut hosts = fields.all("host");
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host,
        (None, _) if version == "HTTP/1.0" => return Ok(()),
        (None, _) => return Err(Malformed::new("RFC 9112 §3.2", "no Host")),
        (Some(_), Some(_)) => return Err(Malformed::new("RFC 9112 §3.2", "more than one Host")),
    };
    if is_authority(host) {
        Ok(())
    } else {
        Err(Malformed::new(
            "RFC 9110 §7.2",
            format!("Host is {}", shown(host.as_bytes())),
        ))
    }
}

/// `uri-host [ ":" port ]`: an address or a name, not empty, since the scheme is http (RFC 9110 §4.2.1).
fn is_authority(host: &str) -> bool {
    let (name, port) = if let Some(literal) = host.strip_prefix('[') {
        let Some((address, port)) = literal.split_once(']') else {
            return false;
        };
        if address.parse::<std::net::Ipv6Addr>().is_err() {
            return false;
        }
        (address, port)
    } else {
        let end = host.find(':').unwrap_or(host.len());
        let (name, port) = host.split_at(end);
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte);
        if !name.bytes().all(in_name) {
            return false;
        }
        (name, port)
    };
    let port_is_fine = match port.strip_prefix(':') {
        Some("") => true,
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
        }
        None => port.is_empty(),
    };
    !name.is_empty() && port_is_fine
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Request, usize) {
        match parse(text.as_bytes()) {
            Ok(Some(request)) => request,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn every_part_of_a_request_is_read() {
        let text = "GET /a%20b/image.bin?slot=b HTTP/1.1\r\nHost: 10.0.0.2:8080\r\nrange: bytes=100-\r\n\r\nGET";
        let (request, taken) = parsed(text);
        assert_eq!(
            (request.method.as_str(), request.version.as_str()),
            ("GET", "HTTP/1.1")
        );
        assert_eq!(request.target, "/a%20b/image.bin?slot=b");
        assert_eq!(request.field("Range"), Some("bytes=100-"));
        assert_eq!(text.len() - taken, 3, "the next request is left alone");
        assert_eq!(
            request.to_string(),
            "GET /a%20b/image.bin?slot=b HTTP/1.1 host=10.0.0.2:8080 range=bytes=100-"
        );
    }

    #[test]
    fn a_request_has_the_body_that_its_fields_announce() {
        for (fields, rest, body) in [
            ("Content-Length: 3\r\n", "abcd", "abc"),
            ("Content-Length: 0\r\n", "abcd", ""),
            ("Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n", "a"),
            ("", "abcd", ""),
        ] {
            let (request, _) = parsed(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{rest}"));
            assert_eq!(request.body, body.as_bytes(), "{fields}");
        }
    }

    #[test]
    fn every_beginning_of_a_request_asks_for_more() {
        let bytes = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), Ok(None), "{}", shown(&bytes[..end]));
        }
    }

    #[test]
    fn hosts_follow_the_grammar_of_an_authority() {
        for (host, expected) in [
            ("example.org", true),
            ("example.org:", true),
            ("10.0.0.2:80", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("", false),
            (":80", false),
            ("a:b", false),
            ("a:+80", false),
            ("a:65536", false),
            ("a:80:80", false),
            ("user@a", false),
            ("a/b", false),
            ("http://a", false),
            ("[::1", false),
            ("[a]", false),
            ("[::1]80", false),
            ("a b", false),
        ] {
            assert_eq!(is_authority(host), expected, "{host}");
        }
    }

    #[test]
    fn malformed_requests_are_refused_by_clause() {
        for (text, clause) in [
            ("GET /\r\n", "RFC 9112 §3"),
            ("GET  / HTTP/1.1\r\n", "RFC 9112 §3"),
            ("GET / HTTP/1.1 \r\n", "RFC 9112 §3"),
            ("GET /a b HTTP/1.1\r\n", "RFC 9112 §3"),
            ("\r\nGET / HTTP/1.1\r\n", "RFC 9112 §3"),
            ("G@T / HTTP/1.1\r\n", "RFC 9112 §3.1"),
            ("GET image.bin HTTP/1.1\r\n", "RFC 9112 §3.2.1"),
            ("GET ?slot=b HTTP/1.1\r\n", "RFC 9112 §3.2.1"),
            ("GET http://a/ HTTP/1.1\r\n", "RFC 9112 §3.2.1"),
            ("GET * HTTP/1.1\r\n", "RFC 9112 §3.2.1"),
            ("GET /a#b HTTP/1.1\r\n", "RFC 9112 §3.2"),
            ("GET /% HTTP/1.1\r\n", "RFC 9112 §3.2"),
            ("GET /%2 HTTP/1.1\r\n", "RFC 9112 §3.2"),
            ("GET /%zz HTTP/1.1\r\n", "RFC 9112 §3.2"),
            ("GET /\u{e4} HTTP/1.1\r\n", "RFC 9112 §3.2"),
            ("GET / HTTP/2.0\r\n", "RFC 9112 §2.3"),
            ("GET / http/1.1\r\n", "RFC 9112 §2.3"),
            ("GET / HTTP/1.1\n", "RFC 9112 §2.2"),
            ("GET / HTTP/1.1\r\n\r\n", "RFC 9112 §3.2"),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
                "RFC 9112 §3.2",
            ),
            ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "RFC 9110 §7.2"),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "RFC 9112 §5.1"),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
                "RFC 9110 §8.6",
            ),
        ] {
            match parse(text.as_bytes()) {
                Err(malformed) => assert_eq!(malformed.clause, clause, "{text:?}: {malformed}"),
                accepted => panic!("{text:?}: {accepted:?}"),
            }
        }
        parsed("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
        parsed("GET / HTTP/1.0\r\n\r\n");
    }
}
