//! Connections (RFC 9112 §9) and expectations (RFC 9110 §10.1.1).

use super::exchange::{
    self, REFUSALS, filled, observe, require_end, require_status, response, status_of_nothing,
    still_serves, usual_status,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::http_prober::Answer;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(
            Level::Should,
            "http/connection/persists",
            &["RFC9112-9.3-1"],
            "HTTP/1.1 connections persist",
            persists,
        ),
        Case::must(
            "http/connection/pipelined-in-order",
            &["RFC9112-9.3.2-1"],
            "Pipelined requests are answered in their order",
            pipelined,
        ),
        Case::must(
            "http/connection/one-byte-at-a-time",
            &["RFC9112-5-1", "FIRMPROOF-HTTP-3"],
            "A request is the same in however many segments it arrives",
            byte_at_a_time,
        ),
        Case::must(
            "http/connection/nothing-after-close",
            &["RFC9112-9.6-1", "RFC9112-9.6-3"],
            "After a request with close nothing is processed, and the connection ends",
            nothing_after_close,
        ),
        Case::new(
            Level::Should,
            "http/connection/says-close",
            &["RFC9112-9.6-2"],
            "The final response on a connection says close",
            says_close,
        ),
        Case::must(
            "http/connection/http-1-0-closes",
            &["RFC9112-9.3-3", "RFC9112-6.1-6"],
            "An HTTP/1.0 request has its connection closed after the response, which has no Transfer-Encoding",
            http_1_0,
        ),
        Case::must(
            "http/connection/expect-in-http-1-0",
            &["RFC9110-10.1.1-1", "RFC9110-15.2-2"],
            "100-continue in an HTTP/1.0 request is ignored, and no 1xx is sent",
            expect_in_http_1_0,
        ),
        Case::must(
            "http/connection/expect-100-continue",
            &["RFC9110-10.1.1-2", "RFC9110-10.1.1-3"],
            "100-continue is answered by 100 or a final status before the content arrives; a final status follows",
            expect_continue,
        ),
        Case::new(
            Level::Should,
            "http/connection/cut-short-by-fin",
            &["RFC9112-8-1", "FIRMPROOF-HTTP-3"],
            "An incomplete request is answered by an error, or the connection closes",
            cut_short,
        ),
        Case::new(
            Level::Policy,
            "http/connection/reset-within-a-request",
            &["FIRMPROOF-HTTP-3"],
            "Clients that reset within a request leave the server serving",
            reset_within,
        ),
        Case::new(
            Level::Policy,
            "http/connection/one-stalls-another-is-served",
            &["FIRMPROOF-HTTP-2"],
            "While one client stalls another is served",
            another_is_served,
        ),
    ];
    cases.extend(STALLS.iter().map(|stall| {
        Case::new(
            Level::Policy,
            format!("http/connection/stalls-{}", stall.name),
            &["FIRMPROOF-HTTP-1", "RFC9110-15.5.9-1"],
            "A client that stalls is answered by 408 or closed upon",
            move |bench| stalls(bench, stall),
        )
        .needs(&[Capability::Configure, Capability::TimeScale])
    }));
    cases
        .into_iter()
        .map(|case| case.needs(&[Capability::Http]))
        .collect()
}

const GET: &[u8] = b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n";
const LAST: &[u8] = b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";

async fn persists(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9112-9.3-1";
    bench.start().await?;
    let mut connection = bench.http().await?;
    let request = filled(GET, &connection);
    for _ in 0..3 {
        connection.send(&request).await;
        let seen = response(&mut connection, "GET", STATEMENT).await?;
        require(
            !seen.ends_the_connection(),
            STATEMENT,
            "a connection that persists",
            seen.to_string(),
        )?;
    }
    Ok(())
}

async fn pipelined(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9112-9.3.2-1";
    const NOWHERE: &[u8] = b"GET /firmproof/no/such/thing HTTP/1.1\r\nHost: $HOST\r\n\r\n";
    bench.start().await?;
    let usual = usual_status(&bench).await?;
    let nothing = status_of_nothing(&bench).await?;
    let mut connection = bench.http().await?;
    let all = filled(&[GET, NOWHERE, GET, NOWHERE, LAST].concat(), &connection);
    connection.send(&all).await;
    for (place, status) in [usual, nothing, usual, nothing, usual]
        .into_iter()
        .enumerate()
    {
        match connection.answer(PATIENCE, "GET").await {
            Answer::Response(seen) => {
                require_status(&seen, &[status], STATEMENT)?;
                if seen.ends_the_connection() {
                    // A server may end the connection early, after saying so (RFC 9112 §9.6).
                    break;
                }
            }
            // That it should say so before (§9.6) is judged by `end-is-told`.
            Answer::Closed | Answer::Reset if place > 0 => {
                observe(&bench, "closed without a word");
                return Ok(());
            }
            other => {
                let expected = format!("response {}", place + 1);
                return Err(Stop::fail(STATEMENT, expected, other.to_string()));
            }
        }
    }
    require_end(&mut connection, STATEMENT).await
}

async fn byte_at_a_time(bench: Bench) -> Judged {
    bench.start().await?;
    let usual = usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let request = filled(LAST, &connection);
    let cuts: Vec<usize> = (1..request.len()).collect();
    connection.send_split(&request, &cuts).await;
    let seen = response(&mut connection, "GET", "RFC9112-5-1").await?;
    require_status(&seen, &[usual], "RFC9112-5-1")?;
    still_serves(&bench).await
}

async fn nothing_after_close(bench: Bench) -> Judged {
    bench.start().await?;
    for option in ["close", "Close", "x-odd, close"] {
        let mut connection = bench.http().await?;
        let first = format!("GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: {option}\r\n\r\n");
        let both = filled(&[first.as_bytes(), GET].concat(), &connection);
        connection.send(&both).await;
        response(&mut connection, "GET", "RFC9112-9.6-1").await?;
        require_end(&mut connection, "RFC9112-9.6-3").await?;
    }
    still_serves(&bench).await
}

async fn says_close(bench: Bench) -> Judged {
    bench.start().await?;
    let seen = exchange::ask(&bench, LAST, "GET", "RFC9112-9.6-2").await?;
    let shown = format!(
        "Connection: {}",
        seen.field("connection").unwrap_or("(none)")
    );
    require(
        seen.ends_the_connection(),
        "RFC9112-9.6-2",
        "Connection: close, or HTTP/1.0",
        shown,
    )
}

async fn http_1_0(bench: Bench) -> Judged {
    bench.start().await?;
    let mut connection = bench.http().await?;
    let request = filled(b"GET $PATH HTTP/1.0\r\nHost: $HOST\r\n\r\n", &connection);
    connection.send(&request).await;
    let seen = response(&mut connection, "GET", "RFC9112-9.3-3").await?;
    let coded = seen.field("transfer-encoding").is_some();
    require(
        !coded,
        "RFC9112-6.1-6",
        "no Transfer-Encoding",
        seen.to_string(),
    )?;
    require_end(&mut connection, "RFC9112-9.3-3").await
}

async fn expect_in_http_1_0(bench: Bench) -> Judged {
    bench.start().await?;
    let mut connection = bench.http().await?;
    let head =
        b"POST $PATH HTTP/1.0\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
        Content-Length: 6\r\nExpect: 100-continue\r\n\r\nled1=1";
    let request = filled(head, &connection);
    connection.send(&request).await;
    match connection.any_answer(PATIENCE, "POST").await {
        Answer::Response(seen) => {
            let interim = seen.status < 200;
            require(
                !interim,
                "RFC9110-15.2-2",
                "a final response",
                seen.to_string(),
            )?;
            require(
                seen.status != 417,
                "RFC9110-10.1.1-1",
                "Expect ignored",
                seen.to_string(),
            )?;
        }
        other => {
            return Err(Stop::fail(
                "RFC9110-10.1.1-1",
                "a response",
                other.to_string(),
            ));
        }
    }
    still_serves(&bench).await
}

async fn expect_continue(bench: Bench) -> Judged {
    bench.start().await?;
    let mut connection = bench.http().await?;
    let head =
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
        Content-Length: 6\r\nExpect: 100-continue\r\n\r\n";
    let request = filled(head, &connection);
    connection.send(&request).await;
    match connection.any_answer(PATIENCE, "POST").await {
        Answer::Response(seen) if seen.status == 100 => {
            connection.send(b"led1=1").await;
            response(&mut connection, "POST", "RFC9110-10.1.1-3").await?;
        }
        // A final status in its place needs no content.
        Answer::Response(seen) if seen.status >= 200 => {}
        other => {
            let expected = "100, or a final status";
            return Err(Stop::fail("RFC9110-10.1.1-2", expected, other.to_string()));
        }
    }
    still_serves(&bench).await
}

async fn cut_short(bench: Bench) -> Judged {
    const PARTS: &[&[u8]] = &[
        b"GE",
        b"GET $PATH HTTP/1.1\r\nHost: $HO",
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\n",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
          Content-Length: 6\r\n\r\nled",
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
          Transfer-Encoding: chunked\r\n\r\n6\r\nled1=1\r\n",
    ];
    bench.start().await?;
    for part in PARTS {
        let mut connection = bench.http().await?;
        let bytes = filled(part, &connection);
        connection.send(&bytes).await;
        connection.finish();
        match connection.answer(PATIENCE, "GET").await {
            Answer::Closed | Answer::Reset => {}
            Answer::Response(seen) => {
                let error = seen.status == 408
                    || REFUSALS.contains(&seen.status)
                    || exchange::answers_the_head_alone(&bench, part, &seen).await?;
                require(error, "RFC9112-8-1", "an error", seen.to_string())?;
            }
            other => {
                let expected = "an error, or closure";
                return Err(Stop::fail("RFC9112-8-1", expected, other.to_string()));
            }
        }
    }
    still_serves(&bench).await
}

async fn reset_within(bench: Bench) -> Judged {
    bench.start().await?;
    for _ in 0..16 {
        let mut connection = bench.http().await?;
        connection.send(b"GET / HTTP/1.1\r\nHo").await;
        connection.reset();
    }
    still_serves(&bench).await
}

async fn another_is_served(bench: Bench) -> Judged {
    bench.start().await?;
    let mut stalled = bench.http().await?;
    stalled.send(b"GET / HTTP/1.1\r\nHo").await;
    let seen = exchange::ask(&bench, LAST, "GET", "FIRMPROOF-HTTP-2").await?;
    require(
        seen.status < 500,
        "FIRMPROOF-HTTP-2",
        "an answer",
        seen.to_string(),
    )?;
    drop(stalled);
    still_serves(&bench).await
}

/// Where a client stalls.
struct Stall {
    name: &'static str,
    sent: &'static [u8],
}

const STALLS: &[Stall] = &[
    Stall {
        name: "before-a-request",
        sent: b"",
    },
    Stall {
        name: "within-the-request-line",
        sent: b"GET /",
    },
    Stall {
        name: "within-the-fields",
        sent: b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\n",
    },
    Stall {
        name: "within-the-content",
        sent:
            b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
            Content-Length: 6\r\n\r\nled",
    },
];

/// Device seconds within which every wait of the server has to end.
pub(super) const LONGEST_WAIT_S: f64 = 120.0;

async fn stalls(bench: Bench, stall: &'static Stall) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-HTTP-1";
    bench.scale_time(100);
    bench.start().await?;
    let mut connection = bench.http().await?;
    let bytes = filled(stall.sent, &connection);
    connection.send(&bytes).await;
    let deadline = bench.device_time(LONGEST_WAIT_S);
    match connection.answer(deadline, "GET").await {
        Answer::Closed | Answer::Reset => {}
        Answer::Response(seen) => require_status(&seen, &[408], STATEMENT)?,
        other => {
            let expected = format!("408 or closure within {LONGEST_WAIT_S} device seconds");
            return Err(Stop::fail(STATEMENT, expected, other.to_string()));
        }
    }
    drop(connection);
    still_serves(&bench).await
}
