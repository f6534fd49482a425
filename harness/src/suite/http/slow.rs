//! Slow clients: a byte a second in every part of a request. They get their answer, 408 or a close, and meanwhile and
//! afterwards others are served within a stated time.

use std::time::Duration;

use super::connection::LONGEST_WAIT_S;
use super::exchange::{ask, filled, observe, require_status, still_serves};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::http_prober::Answer;
use crate::profile::Capability;

/// Device seconds within which a server that is not busy answers a plain request.
pub(super) const PROMPT_S: f64 = 10.0;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = ROWS
        .iter()
        .map(|row| {
            Case::new(
                Level::Policy,
                format!("http/slow/{}", row.name),
                &["FIRMPROOF-HTTP-1", "FIRMPROOF-HTTP-2", "FIRMPROOF-HTTP-6"],
                row.requirement,
                move |bench| judge(bench, row),
            )
            .needs(&[
                Capability::Http,
                Capability::Configure,
                Capability::TimeScale,
            ])
        })
        .collect();
    cases.push(
        Case::new(
            Level::Policy,
            "http/slow/stall-in-real-time",
            &["FIRMPROOF-HTTP-1", "RFC9110-15.5.9-1"],
            "At the device's own speed too, a client that stalls within a head is answered by 408 or closed upon",
            real_time,
        )
        .needs(&[Capability::Http]),
    );
    cases.push(
        Case::new(
            Level::Policy,
            "http/slow/never-reads",
            &["FIRMPROOF-HTTP-1", "FIRMPROOF-HTTP-2", "FIRMPROOF-HTTP-6"],
            "A client that asks and asks and never reads is given up, and others are served",
            never_reads,
        )
        .needs(&[
            Capability::Http,
            Capability::Configure,
            Capability::TimeScale,
            Capability::LabFrames,
        ]),
    );
    cases.into_iter().map(Case::long).collect()
}

/// What a client drips, a byte per device second, after what it sends at once.
struct Row {
    name: &'static str,
    requirement: &'static str,
    at_once: &'static [u8],
    dripped: &'static [u8],
}

const ROWS: &[Row] = &[
    Row {
        name: "request-line",
        requirement: "A request line of a byte a second ends in an answer, 408 or a close, and others are served meanwhile",
        at_once: b"",
        dripped: b"GET /?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: $HOST\r\n\r\n",
    },
    Row {
        name: "fields",
        requirement: "Fields of a byte a second end in an answer, 408 or a close, and others are served meanwhile",
        at_once: b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\n",
        dripped: b"X-Odd: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n",
    },
    Row {
        name: "content",
        requirement: "Content of a byte a second ends in an answer, 408 or a close, and others are served meanwhile",
        at_once: b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
            Content-Length: 64\r\n\r\n",
        dripped: b"x=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&led1=1",
    },
    Row {
        name: "chunks",
        requirement: "Chunks of a byte a second end in an answer, 408 or a close, and others are served meanwhile",
        at_once: b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
            Transfer-Encoding: chunked\r\n\r\n",
        dripped: b"6;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nled1=1\r\n0\r\nX-Odd: aaaaaaaa\r\n\r\n",
    },
];

async fn judge(bench: Bench, row: &'static Row) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-HTTP-1";
    bench.scale_time(10);
    bench.start().await?;
    let mut connection = bench.http().await?;
    let at_once = filled(row.at_once, &connection);
    if !at_once.is_empty() {
        connection.send(&at_once).await;
    }
    let dripped = filled(row.dripped, &connection);
    let mut tick = tokio::time::interval(bench.device_time(1.0));
    for (at, byte) in dripped.iter().enumerate() {
        // The stimulus is the pace itself: a byte per device second.
        tick.tick().await;
        connection.send(&[*byte]).await;
        if at == dripped.len() / 2 {
            prompt(&bench, "FIRMPROOF-HTTP-2").await?;
        }
        if connection.has_ended() {
            break;
        }
    }
    match connection
        .answer(PATIENCE + bench.device_time(LONGEST_WAIT_S), "GET")
        .await
    {
        Answer::Closed | Answer::Reset => observe(&bench, "closed"),
        Answer::Response(seen) => {
            observe(&bench, &seen.status.to_string());
            require_status(
                &seen,
                &[200, 204, 303, 302, 400, 405, 408, 413, 415],
                STATEMENT,
            )?;
        }
        other => {
            let expected = "an answer, 408 or a close";
            return Err(Stop::fail(STATEMENT, expected, other.to_string()));
        }
    }
    drop(connection);
    prompt(&bench, "FIRMPROOF-HTTP-6").await?;
    still_serves(&bench).await
}

/// A plain request on a new connection is answered within [`PROMPT_S`] of device time, or a second of the wall's
/// where that is longer.
pub(super) async fn prompt(bench: &Bench, statement: &str) -> Judged {
    const LAST: &[u8] = b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    let within = bench.device_time(PROMPT_S).max(Duration::from_secs(3));
    let began = tokio::time::Instant::now();
    let seen = match ask(bench, LAST, "GET", statement).await {
        Err(Stop::Inconclusive(seen)) => {
            return Err(Stop::fail(statement, "the server takes a connection", seen));
        }
        other => other?,
    };
    let took = began.elapsed();
    bench
        .evidence()
        .metrics
        .set("answer_under_load_ms", took.as_secs_f64() * 1000.0);
    require(
        seen.status < 500 && took <= within,
        statement,
        format!("an answer within {} s", within.as_secs_f32()),
        format!("{seen} after {} s", took.as_secs_f32()),
    )
}

async fn real_time(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-HTTP-1";
    bench.start().await?;
    let mut connection = bench.http().await?;
    connection.send(b"GET / HTTP/1.1\r\nHo").await;
    let began = tokio::time::Instant::now();
    match connection
        .answer(Duration::from_secs_f64(LONGEST_WAIT_S), "GET")
        .await
    {
        Answer::Closed | Answer::Reset => observe(&bench, "closed"),
        Answer::Response(seen) => {
            observe(&bench, &seen.status.to_string());
            require_status(&seen, &[408], STATEMENT)?;
        }
        other => {
            let expected = format!("408 or closure within {LONGEST_WAIT_S} s");
            return Err(Stop::fail(STATEMENT, expected, other.to_string()));
        }
    }
    bench
        .evidence()
        .metrics
        .set("stall_ended_after_s", began.elapsed().as_secs_f64());
    drop(connection);
    still_serves(&bench).await
}

async fn never_reads(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-HTTP-1";
    bench.scale_time(100);
    bench.start().await?;
    let at = bench.http_address()?;
    let unable = |error| Stop::inconclusive(format!("no connection to {at}: {error}"));
    let stream = bench.lab().connect(at, PATIENCE).await.map_err(unable)?;
    let request = format!("GET $PATH HTTP/1.1\r\nHost: {at}\r\n\r\n");
    let deadline = PATIENCE + bench.device_time(LONGEST_WAIT_S);
    let flood = async {
        // As long as the device reads, it is asked; then its answers are stuck, and it has to give up.
        loop {
            if stream.write_all(request.as_bytes()).await.is_err() {
                return;
            }
        }
    };
    let given_up = tokio::time::timeout(deadline, flood).await.is_ok();
    prompt(&bench, "FIRMPROOF-HTTP-2").await?;
    let expected = format!("the connection is ended within {LONGEST_WAIT_S} device seconds");
    require(given_up, STATEMENT, expected, "it still stands")?;
    still_serves(&bench).await
}
