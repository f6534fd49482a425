//! A request whose body looks like a request or hides one, judged by what the next request on the connection gets.
//!
//! The request that follows says `close`, so that the end of the connection proves how many requests the server saw:
//! one that was smuggled would be answered in between.

use super::exchange::{self, observe, require_status, with_host};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::http_prober::Answer;
use crate::profile::Capability;

/// A request, and the one that follows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Followed {
    level: Level,
    name: &'static str,
    statement: &'static str,
    requirement: &'static str,
    /// The head and the body, up to the request that follows; `$HOST` stands for the server's authority.
    request: &'static [u8],
    /// The statuses that the first may have; any when empty.
    first: &'static [u16],
    /// Whether the server has to close without serving what follows (RFC 9112 §6.1).
    closes: bool,
}

impl Followed {
    /// A request that may have any answer, as long as the next one is understood or the connection ends.
    pub(super) const fn new(
        name: &'static str,
        statement: &'static str,
        requirement: &'static str,
        request: &'static [u8],
    ) -> Self {
        Self {
            level: Level::Must,
            name,
            statement,
            requirement,
            request,
            first: &[],
            closes: false,
        }
    }

    /// The same, with one of these answers.
    pub(super) const fn answered(mut self, first: &'static [u16]) -> Self {
        self.first = first;
        self
    }

    /// The same, after which the connection must end.
    pub(super) const fn then_closed(mut self) -> Self {
        self.closes = true;
        self
    }

    /// The same at level `should`.
    pub(super) const fn should(mut self) -> Self {
        self.level = Level::Should;
        self
    }
}

/// A case per row.
pub(super) fn cases(topic: &'static str, rows: &'static [Followed]) -> impl Iterator<Item = Case> {
    rows.iter().map(move |row| {
        let id = format!("http/{topic}/{}", row.name);
        let statements = [row.statement, "FIRMPROOF-HTTP-4"];
        Case::new(row.level, id, &statements, row.requirement, move |bench| {
            followed(bench, row)
        })
        .needs(&[Capability::Http])
    })
}

async fn followed(bench: Bench, row: &'static Followed) -> Judged {
    const LAST: &[u8] = b"GET / HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    bench.start().await?;
    let usual = exchange::usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let bytes = with_host(&[row.request, LAST].concat(), &connection.host());
    connection.send(&bytes).await;
    let method = if row.request.starts_with(b"HEAD ") {
        "HEAD"
    } else {
        "GET"
    };
    let first = exchange::response(&mut connection, method, row.statement).await?;
    if !row.first.is_empty() {
        require_status(&first, row.first, row.statement)?;
    }
    match connection.answer(PATIENCE, "GET").await {
        // A server may always close instead of reading on (RFC 9112 §9.3).
        Answer::Closed | Answer::Reset => {
            observe(&bench, &format!("{}, closed", first.status));
        }
        Answer::Response(second) => {
            observe(&bench, &format!("{}, {}", first.status, second.status));
            let expected = "the connection is closed after the first response";
            require(!row.closes, row.statement, expected, second.to_string())?;
            let expected =
                format!("after {first}, the next response answers the next request: {usual}");
            require(
                second.status == usual,
                row.statement,
                expected,
                second.to_string(),
            )?;
            exchange::require_end(&mut connection, "FIRMPROOF-HTTP-4").await?;
        }
        other => {
            let expected = "a second response, or the end of the connection";
            return Err(Stop::fail(row.statement, expected, other.to_string()));
        }
    }
    drop(connection);
    exchange::still_serves(&bench).await
}
