//! A request whose body looks like a request or hides one, judged by what the next request on the connection gets.
//!
//! The request that follows says `close`, so that the end of the connection proves how many requests the server saw:
//! one that was smuggled would be answered in between.

use super::exchange::{self, filled, observe, require_status};
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
    /// The head and the body, up to the request that follows; `$HOST` stands for the server's authority,
    /// `$PATH` for the resource.
    request: &'static [u8],
    /// The statuses that the first may have; any when empty.
    first: &'static [u16],
    /// Whether the server has to close without serving what follows (RFC 9112 §6.1).
    closes: bool,
    /// Whether the body may go on behind what follows, so that the server may wait for its end.
    waits: bool,
    /// Whether the body may be refused after the head was answered.
    refused_late: bool,
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
            waits: false,
            refused_late: false,
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

    /// The same, whose body does not end before the request that follows it: what is answered once more was taken
    /// for a request, and the server may wait as well as close.
    pub(super) const fn not_ended(mut self) -> Self {
        self.closes = true;
        self.waits = true;
        self.refused_late = true;
        self
    }

    /// The same, whose body may be refused by 400 and closure even after the head was answered.
    pub(super) const fn or_refused_late(mut self) -> Self {
        self.refused_late = true;
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
    const LAST: &[u8] = b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    bench.start().await?;
    let usual = exchange::usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let bytes = filled(&[row.request, LAST].concat(), &connection);
    connection.send(&bytes).await;
    let method = if row.request.starts_with(b"HEAD ") {
        "HEAD"
    } else {
        "GET"
    };
    let first = match connection.answer(PATIENCE, method).await {
        Answer::Response(first) => first,
        Answer::Timeout if row.waits => {
            // It answers when it has the body.
            return exchange::serves_while_it_waits(&bench, connection).await;
        }
        // Where no status is named, to close is to refuse.
        Answer::Closed | Answer::Reset if row.first.is_empty() || row.refused_late => {
            observe(&bench, "closed");
            drop(connection);
            return exchange::still_serves(&bench).await;
        }
        other => {
            let expected = "a well-formed response";
            return Err(Stop::fail(row.statement, expected, other.to_string()));
        }
    };
    if !row.first.is_empty() {
        require_status(&first, row.first, row.statement)?;
    }
    match connection.answer(PATIENCE, "GET").await {
        // A server may always close instead of reading on (RFC 9112 §9.3).
        Answer::Closed | Answer::Reset => {
            observe(&bench, &format!("{}, closed", first.status));
        }
        // What follows is a sound request: an error is about the body before it (RFC 9112 §2.2).
        Answer::Response(second) if row.refused_late && second.status == 400 => {
            observe(&bench, &format!("{}, 400", first.status));
            exchange::require_end(&mut connection, row.statement).await?;
        }
        Answer::Response(second) => {
            observe(&bench, &format!("{}, {}", first.status, second.status));
            let expected = if row.waits {
                "no second response: what follows is content of the first request"
            } else {
                "the connection is closed after the first response"
            };
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
        // Silence for the whole wait, after an answer that proves that the head was read.
        Answer::Timeout if row.waits => observe(&bench, &format!("{}, waits", first.status)),
        other => {
            let expected = "a second response, or the end of the connection";
            return Err(Stop::fail(row.statement, expected, other.to_string()));
        }
    }
    drop(connection);
    exchange::still_serves(&bench).await
}
