//! One exchange with the device's server, and what is judged of every one: the answer allowed, the connection's
//! end, and that the server still serves afterwards.

use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::http_message::Response;
use crate::peers::http_prober::{Answer, HttpConnection};
use crate::profile::Capability;

/// What a server may answer to a request that it refuses for its own reasons: the resource takes no such method,
/// media type or length (RFC 9110 §15.5), or the message itself is wrong.
pub(super) const REFUSALS: &[u16] = &[400, 401, 403, 404, 405, 411, 413, 415, 422, 501];

/// What a server may do with a request for an authority that it is not: serve it, send the client elsewhere, refuse it,
/// or drop the connection, as it decides (RFC 9110 §7.4). These are the statuses of the second and third.
pub(super) const MISDIRECTED: &[u16] =
    &[301, 302, 303, 307, 308, 400, 401, 403, 404, 410, 421, 501];

/// A request, and what the specification allows in answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) level: Level,
    pub(super) name: &'static str,
    pub(super) statement: &'static str,
    pub(super) requirement: &'static str,
    /// The bytes sent; `$HOST` stands for the server's authority, `$PATH` for the resource that the profile names.
    pub(super) request: &'static [u8],
    /// The statuses allowed.
    pub(super) allowed: &'static [u16],
    /// Whether the answer to a plain `GET /` is allowed too.
    pub(super) usual: bool,
    /// Whether the end of the connection without an answer is allowed too.
    pub(super) or_closed: bool,
    /// Whether the connection must end after the answer.
    pub(super) closes: bool,
    /// Whether the answer to a name without a resource is allowed too.
    pub(super) nothing: bool,
    /// Whether the server may wait for the rest of the content.
    pub(super) waits: bool,
}

impl Row {
    /// A row for these refusals; for the usual answer when `allowed` is empty.
    pub(super) const fn new(
        level: Level,
        name: &'static str,
        statement: &'static str,
        requirement: &'static str,
        request: &'static [u8],
        allowed: &'static [u16],
    ) -> Self {
        Self {
            level,
            name,
            statement,
            requirement,
            request,
            allowed,
            usual: allowed.is_empty(),
            or_closed: false,
            closes: false,
            nothing: false,
            waits: false,
        }
    }

    /// The same, where the answer to a plain `GET /` is allowed too.
    pub(super) const fn or_usual(mut self) -> Self {
        self.usual = true;
        self
    }

    /// The same, whose target may name nothing: the answer to a name without a resource is allowed too.
    pub(super) const fn or_nothing(mut self) -> Self {
        self.nothing = true;
        self
    }

    /// The same, whose content has not come to its end: the server may wait for more.
    pub(super) const fn or_waits(mut self) -> Self {
        self.waits = true;
        self
    }

    /// The same, where a close without an answer is allowed too.
    pub(super) const fn or_closed(mut self) -> Self {
        self.or_closed = true;
        self
    }

    /// The same, after which the connection must end.
    pub(super) const fn then_closed(mut self) -> Self {
        self.closes = true;
        self
    }
}

/// Where a row's request is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Head,
    Content,
}

/// A case per row.
pub(super) fn cases(topic: &'static str, rows: &'static [Row]) -> impl Iterator<Item = Case> {
    rows.iter().map(move |row| case(topic, row, Fault::Head))
}

/// A case per row whose head is sound: a server may answer from the head alone, and never look at what is wrong.
pub(super) fn content_cases(
    topic: &'static str,
    rows: &'static [Row],
) -> impl Iterator<Item = Case> {
    rows.iter().map(move |row| case(topic, row, Fault::Content))
}

fn case(topic: &str, row: &'static Row, fault: Fault) -> Case {
    let id = format!("http/{topic}/{}", row.name);
    let statements = [row.statement, "FIRMPROOF-HTTP-3"];
    Case::new(row.level, id, &statements, row.requirement, move |bench| {
        judge(bench, row, fault)
    })
    .needs(&[Capability::Http])
}

async fn judge(bench: Bench, row: &'static Row, fault: Fault) -> Judged {
    bench.start().await?;
    let mut allowed = row.allowed.to_vec();
    if row.usual {
        allowed.push(usual_status_of(&bench, row.request).await?);
    }
    if row.nothing {
        let nothing = status_of_nothing(&bench).await?;
        if !allowed.contains(&nothing) {
            allowed.push(nothing);
        }
    }
    // A server of one connection is asked before it is busy with the row's.
    let one_at_a_time = bench.profile().http_connections == 1;
    let alone = match fault {
        Fault::Content if one_at_a_time => status_of_the_head_alone(&bench, row.request).await?,
        _ => None,
    };
    let mut connection = bench.http().await?;
    let bytes = filled(row.request, &connection);
    connection.send(&bytes).await;
    let method = if row.request.starts_with(b"HEAD ") {
        "HEAD"
    } else {
        "GET"
    };
    let mut early = false;
    match connection.answer(PATIENCE, method).await {
        Answer::Response(response) => {
            let refused = allowed.contains(&response.status);
            let excused = !refused
                && fault == Fault::Content
                && match one_at_a_time {
                    true => alone == Some(response.status),
                    false => answers_the_head_alone(&bench, row.request, &response).await?,
                };
            early = excused;
            if !excused {
                require_status(&response, &allowed, row.statement)?;
            }
            if excused || allowed.len() > 1 || row.or_closed {
                observe(&bench, &response.status.to_string());
            }
        }
        Answer::Closed | Answer::Reset if row.or_closed => observe(&bench, "closed"),
        Answer::Timeout if row.waits => {
            return serves_while_it_waits(&bench, connection).await;
        }
        other => {
            return Err(Stop::fail(
                row.statement,
                "a well-formed response",
                other.to_string(),
            ));
        }
    }
    if row.closes {
        require_end_after(&mut connection, row.statement, early, row.waits).await?;
    }
    drop(connection);
    still_serves(&bench).await
}

/// Reports which of the answers that the specification allows was given.
pub(super) fn observe(bench: &Bench, answer: &str) {
    bench.evidence().observed.add(answer);
}

/// `template` with the server's authority in the place of `$HOST`, and the path of the profile's resource in that of
/// `$PATH`.
pub(super) fn filled(template: &[u8], connection: &HttpConnection) -> Vec<u8> {
    let hosted = replaced(template, b"$HOST", connection.host().as_bytes());
    replaced(&hosted, b"$PATH", connection.path().as_bytes())
}

fn replaced(bytes: &[u8], place: &[u8], with: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(bytes.len() + with.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(place.len()).position(|part| part == place) {
        all.extend_from_slice(&rest[..at]);
        all.extend_from_slice(with);
        rest = &rest[at + place.len()..];
    }
    all.extend_from_slice(rest);
    all
}

/// The status of a plain GET of what `request` asks for: the profile's resource, or the root where its target has no
/// `$PATH`.
pub(super) async fn usual_status_of(bench: &Bench, request: &[u8]) -> Judged<u16> {
    if request.windows(5).any(|part| part == b"$PATH") {
        return usual_status(bench).await;
    }
    let root = b"GET / HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    Ok(ask(bench, root, "GET", "RFC9110-9.1-1").await?.status)
}

/// The status of a plain GET of the profile's resource, on a connection of its own.
pub(super) async fn usual_status(bench: &Bench) -> Judged<u16> {
    Ok(usual(bench).await?.status)
}

/// The answer to a plain GET of the profile's resource, on a connection of its own.
pub(super) async fn usual(bench: &Bench) -> Judged<Response> {
    let request = b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    ask(bench, request, "GET", "RFC9110-9.1-1").await
}

/// The status for a name that nobody gave to a resource, on a connection of its own: 404, unless the server hides it
/// or has a resource for every name (RFC 9110 §15.5.5).
pub(super) async fn status_of_nothing(bench: &Bench) -> Judged<u16> {
    let request =
        b"GET /firmproof/no/such/thing HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    Ok(ask(bench, request, "GET", "RFC9110-15.5.5-1").await?.status)
}

/// Sends `template` on a connection of its own and reads the final response.
pub(super) async fn ask(
    bench: &Bench,
    template: &[u8],
    method: &str,
    statement: &str,
) -> Judged<Response> {
    let mut connection = bench.http().await?;
    let bytes = filled(template, &connection);
    connection.send(&bytes).await;
    response(&mut connection, method, statement).await
}

/// Whether the server gives the answer `seen` to the head of `template` alone. It has not read the content then,
/// so nothing is to be said of what it makes of it; what is left is to read past it or to close (RFC 9112 §9.3).
pub(super) async fn answers_the_head_alone(
    bench: &Bench,
    template: &[u8],
    seen: &Response,
) -> Judged<bool> {
    let alone = status_of_the_head_alone(bench, template).await?;
    Ok(alone == Some(seen.status))
}

/// The status of the answer to the head of `template` alone, if there is one before its content has come.
async fn status_of_the_head_alone(bench: &Bench, template: &[u8]) -> Judged<Option<u16>> {
    const END: &[u8] = b"\r\n\r\n";
    let Some(at) = template.windows(END.len()).position(|part| part == END) else {
        return Ok(None);
    };
    let mut connection = bench.http().await?;
    let head = filled(&template[..at + END.len()], &connection);
    connection.send(&head).await;
    Ok(match connection.answer(PATIENCE, "GET").await {
        Answer::Response(response) => Some(response.status),
        _ => None,
    })
}

/// The next final response; anything else breaks `statement`.
pub(super) async fn response(
    connection: &mut HttpConnection,
    method: &str,
    statement: &str,
) -> Judged<Response> {
    match connection.answer(PATIENCE, method).await {
        Answer::Response(response) => Ok(response),
        other => Err(Stop::fail(
            statement,
            "a well-formed response",
            other.to_string(),
        )),
    }
}

/// The next final response, or nothing when the server ended the connection instead; anything else breaks `statement`.
pub(super) async fn response_or_end(
    connection: &mut HttpConnection,
    statement: &str,
) -> Judged<Option<Response>> {
    match connection.answer(PATIENCE, "GET").await {
        Answer::Response(response) => Ok(Some(response)),
        Answer::Closed | Answer::Reset => Ok(None),
        other => {
            let expected = "a second response, or the end of the connection";
            Err(Stop::fail(statement, expected, other.to_string()))
        }
    }
}

/// Skips the case unless the server implements HEAD: only general-purpose servers have to (RFC 9110 §9.1).
pub(super) fn require_head(response: &Response) -> Judged {
    match response.status {
        405 | 501 => Err(Stop::Skip(Capability::Head)),
        _ => Ok(()),
    }
}

/// Fails unless the status is one of `allowed`.
pub(super) fn require_status(response: &Response, allowed: &[u16], statement: &str) -> Judged {
    let names: Vec<String> = allowed.iter().map(u16::to_string).collect();
    let expected = format!("status {}", names.join(" or "));
    require(
        allowed.contains(&response.status),
        statement,
        expected,
        response.to_string(),
    )
}

/// Fails unless the server ends the connection with nothing more to say.
pub(super) async fn require_end(connection: &mut HttpConnection, statement: &str) -> Judged {
    match connection.ended(PATIENCE).await {
        Answer::Closed | Answer::Reset => Ok(()),
        other => Err(not_the_end(statement, &other)),
    }
}

fn not_the_end(statement: &str, seen: &Answer) -> Stop {
    let expected = "the end of the connection, and nothing more after the response";
    Stop::fail(statement, expected, seen.to_string())
}

/// [`require_end`]; after an answer to the head alone, what is wrong with the content may still be answered by 400
/// (RFC 9112 §2.2), and content that has not come to its end be waited for.
async fn require_end_after(
    connection: &mut HttpConnection,
    statement: &str,
    early: bool,
    waits: bool,
) -> Judged {
    match connection.ended(PATIENCE).await {
        Answer::Closed | Answer::Reset => Ok(()),
        Answer::Timeout if early && waits => Ok(()),
        Answer::Response(late) if early && late.status == 400 => {
            require_end(connection, statement).await
        }
        other => Err(not_the_end(statement, &other)),
    }
}

/// After silence for the whole wait: the server serves another connection, with this one still open unless one is all
/// that it serves at a time.
pub(super) async fn serves_while_it_waits(bench: &Bench, connection: HttpConnection) -> Judged {
    observe(bench, "waits");
    if bench.profile().http_connections == 1 {
        drop(connection);
        return still_serves(bench).await;
    }
    let served = still_serves(bench).await;
    drop(connection);
    served
}

/// Fails unless the device lives and answers a plain `GET /` on a new connection.
pub(super) async fn still_serves(bench: &Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-HTTP-3";
    bench.alive(STATEMENT).await?;
    let status = match usual_status(bench).await {
        Ok(status) => status,
        Err(Stop::Inconclusive(seen)) => {
            return Err(Stop::fail(
                STATEMENT,
                "the server still takes connections",
                seen,
            ));
        }
        Err(other) => return Err(other),
    };
    let seen = format!("status {status}");
    require(
        status < 500,
        STATEMENT,
        "the server still answers GET /",
        seen,
    )
}
