//! The request target: its four forms (RFC 9112 §3.2), and the URIs in it (RFC 3986).

use super::exchange::{self, MISDIRECTED, Row, ask, require_status};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, Stop};
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let named = NAMES.iter().map(|name| {
        let id = format!("http/target/{}", name.name);
        Case::new(
            name.level,
            id,
            &[name.statement],
            name.requirement,
            move |bench| names(bench, name),
        )
        .needs(&[Capability::Http, Capability::ObserveState])
    });
    exchange::cases("target", ROWS).chain(named).collect()
}

/// Whatever is no success opens no tunnel (RFC 9110 §9.3.6).
const NO_TUNNEL: &[u16] = &[
    301, 302, 307, 308, 400, 401, 403, 404, 405, 421, 426, 500, 501,
];

/// A redirect to the path without what is odd about it, or a refusal.
const ELSEWHERE: &[u16] = &[301, 302, 303, 307, 308, 400, 403, 404];

const ROWS: &[Row] = &[
    Row::new(
        Level::Must,
        "https-scheme",
        "RFC9110-7.4-2",
        "A request for an https resource is refused on a connection without TLS",
        b"GET https://$HOST$PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[301, 302, 307, 308, 400, 401, 403, 404, 421, 426, 501],
    )
    .or_closed(),
    Row::new(
        Level::Must,
        "scheme-of-another-protocol",
        "RFC9110-7.4-1",
        "A target of another scheme is refused",
        b"GET ftp://$HOST$PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        MISDIRECTED,
    )
    .or_closed(),
    Row::new(
        Level::Must,
        "scheme-in-upper-case",
        "RFC3986-3.1-1",
        "Schemes are case-insensitive",
        b"GET HTTP://$HOST$PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Must,
        "absolute-form-without-a-host",
        "RFC9110-4.2.1-2",
        "An http URI without a host is rejected",
        // The clause has it rejected as invalid, and names no status.
        b"GET http:///x HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 403, 404, 421],
    )
    .or_closed(),
    Row::new(
        Level::Should,
        "absolute-form-with-user-information",
        "RFC9110-4.2.4-2",
        "User information in an http URI is treated as an error",
        b"GET http://user:secret@$HOST$PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 403, 404, 421],
    ),
    Row::new(
        Level::Must,
        "absolute-form-without-a-path",
        "RFC9112-3.2.2-1",
        "In the absolute form an empty path is the root",
        b"GET http://$HOST HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        // A redirect to the same URI with its path (RFC 9110 §4.2.3) takes the form, too.
        &[301, 308],
    )
    .or_usual(),
    Row::new(
        Level::Must,
        "absolute-form-with-a-query-only",
        "RFC9112-3.2.2-1",
        "In the absolute form a query may follow the authority",
        b"GET http://$HOST?a=b HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        // A redirect to the same URI with its path (RFC 9110 §4.2.3) takes the form, too.
        &[301, 308],
    )
    .or_usual(),
    Row::new(
        Level::Must,
        "absolute-form-of-another-server",
        "RFC9110-7.4-1",
        "The absolute form of another server is served as the Host of another would be, or refused as misdirected",
        b"GET http://elsewhere.example$PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        MISDIRECTED,
    )
    .or_usual()
    .or_closed(),
    Row::new(
        Level::Should,
        "absolute-form-with-a-port-that-is-no-number",
        "RFC9112-2.2-5",
        "An authority with a port that is no number is answered by 400",
        b"GET http://$HOST:port$PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Must,
        "absolute-form-without-host",
        "RFC9112-3.2-4",
        "The absolute form does not stand in for Host",
        b"GET http://$HOST$PATH HTTP/1.1\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Should,
        "asterisk-with-get",
        "RFC9110-7.1-2",
        "The asterisk form goes with OPTIONS only",
        b"GET * HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 404],
    ),
    Row::new(
        Level::Should,
        "authority-with-get",
        "RFC9110-7.1-2",
        "The authority form goes with CONNECT only",
        b"GET $HOST:80 HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400],
    ),
    Row::new(
        Level::Should,
        "connect",
        "RFC9112-3.2.3-1",
        "A server that is no proxy opens no tunnel",
        b"CONNECT $HOST:80 HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        NO_TUNNEL,
    )
    .or_closed(),
    Row::new(
        Level::Should,
        "connect-without-a-port",
        "RFC9112-3.2.3-1",
        "A CONNECT whose target has no port is refused",
        b"CONNECT a HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        NO_TUNNEL,
    )
    .or_closed(),
    Row::new(
        Level::Should,
        "connect-to-a-path",
        "RFC9112-3.2.3-1",
        "A CONNECT to a path is refused",
        b"CONNECT / HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        NO_TUNNEL,
    )
    .or_closed(),
    Row::new(
        Level::Should,
        "fragment",
        "RFC9112-3.2-7",
        "A target with a fragment is none, and is not corrected in silence",
        b"GET $PATH#top HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 301],
    ),
    Row::new(
        Level::Must,
        "query-with-every-character",
        "RFC3986-3.4-1",
        "A query may have slashes, question marks, colons and at signs",
        b"GET $PATH?a=b/c?d&e:@!$'()*+,; HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[],
    ),
    Row::new(
        Level::Should,
        "octets-above-7f",
        "RFC9112-2.2-5",
        "A target with octets above 0x7F is refused, or names nothing",
        b"GET /\xC3\xA4 HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        ELSEWHERE,
    )
    .or_nothing(),
    Row::new(
        Level::Should,
        "nul",
        "RFC9112-2.2-5",
        "NUL in the target is answered by 400",
        b"GET /\0 HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 301],
    ),
    Row::new(
        Level::Should,
        "delimiters",
        "RFC9112-3.2-3",
        "Angle brackets and quotes are in no URI: 400 or 301",
        b"GET /<x>\" HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 301],
    ),
    Row::new(
        Level::Should,
        "backslashes",
        "RFC9112-3.2-3",
        "A backslash is in no URI, and is not corrected to a slash in silence",
        b"GET \\ HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 301],
    ),
    Row::new(
        Level::Must,
        "escaped-nul",
        "RFC3986-2.1-1",
        "An escaped NUL ends no name",
        b"GET /%00 HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 404, 500],
    )
    .or_nothing()
    .or_closed(),
    Row::new(
        Level::Must,
        "overlong-utf-8",
        "RFC3986-2.1-1",
        "An overlong form of a slash is none",
        b"GET /x%c0%af.. HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        &[400, 404],
    )
    .or_nothing(),
    Row::new(
        Level::Must,
        "dots-above-the-root",
        "RFC3986-6.2.2.3-1",
        "Dot segments lead nowhere above the root",
        b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        ELSEWHERE,
    )
    .or_nothing(),
    Row::new(
        Level::Must,
        "escaped-dots-above-the-root",
        "RFC3986-6.2.2.3-1",
        "Escaped dot segments lead nowhere above the root either",
        b"GET /%2e%2e/%2E%2E/etc/passwd HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        ELSEWHERE,
    )
    .or_nothing(),
    Row::new(
        Level::Must,
        "dots-to-the-root",
        "RFC3986-6.2.2.3-1",
        "Dot segments name what their removal names, or nothing",
        b"GET /x/../ HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        ELSEWHERE,
    )
    .or_nothing()
    .or_usual(),
    Row::new(
        Level::Must,
        "two-slashes",
        "RFC9112-3.2.1-3",
        "A path that begins with two slashes is a path and no authority",
        b"GET //elsewhere.example/ HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        ELSEWHERE,
    )
    .or_nothing(),
];

/// Another spelling of `/api/state`, a resource that is known to exist.
struct Name {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    path: &'static str,
    /// `None`: the same resource.
    otherwise: Option<&'static [u16]>,
}

const NAMES: &[Name] = &[
    Name {
        level: Level::Should,
        name: "escaped-letter",
        statement: "RFC3986-6.2.2.2-1",
        requirement: "A percent-encoded unreserved character equals the character",
        path: "/api/st%61te",
        otherwise: None,
    },
    Name {
        level: Level::Must,
        name: "escaped-twice",
        statement: "RFC3986-2.4-1",
        requirement: "Nothing is percent-decoded twice",
        path: "/api/st%2561te",
        otherwise: Some(&[400, 404]),
    },
    Name {
        level: Level::Must,
        name: "escaped-slash",
        statement: "RFC3986-2.2-1",
        requirement: "An escaped slash is data of a segment and separates none",
        path: "/api%2Fstate",
        otherwise: Some(&[400, 404]),
    },
    Name {
        level: Level::Must,
        name: "path-in-upper-case",
        statement: "RFC3986-6.2.2.1-1",
        requirement: "Paths are case-sensitive",
        path: "/API/STATE",
        otherwise: Some(&[404]),
    },
    Name {
        level: Level::Must,
        name: "query-is-no-part-of-the-path",
        statement: "RFC3986-3.4-1",
        requirement: "The query begins at the first question mark and is no part of the path",
        path: "/api/state?/../x?y",
        otherwise: None,
    },
    Name {
        level: Level::Must,
        name: "escaped-question-mark",
        statement: "RFC3986-2.2-1",
        requirement: "An escaped question mark begins no query",
        path: "/api/state%3Fa",
        otherwise: Some(&[400, 404]),
    },
];

async fn names(bench: Bench, name: &'static Name) -> Judged {
    bench.start().await?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n",
        name.path
    );
    let seen = ask(&bench, request.as_bytes(), "GET", name.statement).await?;
    if let Some(allowed) = name.otherwise {
        return require_status(&seen, allowed, name.statement);
    }
    require_status(&seen, &[200], name.statement)?;
    let state: Result<serde_json::Value, _> = serde_json::from_slice(&seen.body);
    match state {
        Ok(state) if state.get("boots").is_some() => Ok(()),
        _ => Err(Stop::fail(
            name.statement,
            "the state of the device",
            seen.to_string(),
        )),
    }
}
