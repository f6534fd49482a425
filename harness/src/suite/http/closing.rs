//! How connections end and persist (RFC 9112 §9): half-closes, closes between requests, options of Connection.

use super::exchange::{
    filled, observe, require_end, require_status, response, response_or_end, still_serves,
    usual_status,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::http_message::Response;
use crate::peers::http_prober::Answer;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let policy = |name: &str, statement, requirement: &'static str| {
        (format!("http/connection/{name}"), [statement], requirement)
    };
    let (half, half_statement, half_requirement) = policy(
        "half-closed-after-the-request",
        "FIRMPROOF-HTTP-5",
        "A client that half-closes after its request gets its answer",
    );
    let (both, both_statement, both_requirement) = policy(
        "half-closed-after-two-requests",
        "FIRMPROOF-HTTP-5",
        "A client that half-closes after two requests gets both answers, or is told close",
    );
    vec![
        Case::new(Level::Policy, half, &half_statement, half_requirement, half_closed),
        Case::new(Level::Policy, both, &both_statement, both_requirement, half_closed_twice),
        Case::new(
            Level::Should,
            "http/connection/client-closes-between-requests",
            &["RFC9112-9.5-2"],
            "A server notices that the client has closed, and closes too, at once",
            notices_closure,
        ),
        Case::new(
            Level::Should,
            "http/connection/idle-end-is-graceful",
            &["RFC9112-9.5-1"],
            "A connection that times out between requests ends with FIN, not with RST",
            idle_end,
        )
        .needs(&[Capability::Configure, Capability::TimeScale, Capability::LabFrames]),
        Case::must(
            "http/connection/keep-alive-in-http-1-0",
            &["RFC9112-9.3-3"],
            "An HTTP/1.0 connection persists only when both sides said keep-alive",
            keep_alive_1_0,
        ),
        Case::must(
            "http/connection/close-beside-keep-alive",
            &["RFC9112-9.6-1", "RFC9112-9.6-3"],
            "Where Connection says close and keep-alive, close counts",
            |bench| closes(bench, "Connection: keep-alive, close\r\n", 1),
        ),
        Case::must(
            "http/connection/close-on-a-line-of-its-own",
            &["RFC9112-9.6-1", "RFC9112-9.6-3"],
            "Several Connection lines are one list",
            |bench| closes(bench, "Connection: x-odd\r\nConnection: close\r\n", 1),
        ),
        Case::new(
            Level::Should,
            "http/connection/option-that-contains-close",
            &["RFC9110-5.1-2"],
            "An option that merely contains the word close is another, and ends nothing by itself",
            |bench| closes(bench, "Connection: closed, x-close\r\n", 2),
        ),
        Case::must(
            "http/connection/names-host-as-an-option",
            &["RFC9112-3.2-4"],
            "A Connection that names Host does not take it away",
            |bench| closes(bench, "Connection: host\r\n", 2),
        ),
        Case::must(
            "http/connection/upgrade-not-wanted",
            &["RFC9110-7.8-2", "RFC9110-7.8-5"],
            "A server that does not upgrade answers as if it had not been asked to",
            |bench| closes(bench, "Connection: upgrade\r\nUpgrade: firmproof/1\r\n", 2),
        ),
        Case::must(
            "http/connection/content-one-byte-at-a-time",
            &["RFC9112-6.1-1", "RFC9112-9.3.2-1"],
            "Chunked content and the request behind it are the same in however many segments they arrive",
            content_byte_at_a_time,
        ),
        Case::must(
            "http/connection/end-is-told",
            &["RFC9112-9.3-4", "RFC9112-9.6-4", "RFC9112-9.6-7"],
            "A server that does not go on says close, and after it said so it processes nothing more",
            end_is_told,
        ),
        Case::new(
            Level::Should,
            "http/connection/sustained-side-by-side",
            &["RFC9112-9.5-4"],
            "As many connections as the server has are sustained side by side",
            side_by_side,
        ),
        Case::must(
            "http/connection/no-effect-before-the-whole-head",
            &["RFC9110-5.3-2"],
            "A request takes no effect before its whole header section has arrived, since a later line may condemn it",
            no_effect_before,
        )
        .needs(&[Capability::Page, Capability::ObserveState]),
        Case::new(
            Level::Policy,
            "http/connection/reset-while-answering",
            &["FIRMPROOF-HTTP-3"],
            "Clients that reset before they read the answer leave the server serving",
            reset_while_answering,
        ),
    ]
    .into_iter()
    .map(|case| case.needs(&[Capability::Http]))
    .collect()
}

const GET: &[u8] = b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n";
const LAST: &[u8] = b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";

fn says(response: &Response, option: &str) -> bool {
    response
        .all("connection")
        .flat_map(|list| list.split(','))
        .any(|own| own.trim().eq_ignore_ascii_case(option))
}

async fn half_closed(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-HTTP-5";
    bench.start().await?;
    let usual = usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let bytes = filled(GET, &connection);
    connection.send(&bytes).await;
    connection.finish();
    let seen = response(&mut connection, "GET", STATEMENT).await?;
    require_status(&seen, &[usual], STATEMENT)?;
    require_end(&mut connection, STATEMENT).await?;
    still_serves(&bench).await
}

async fn half_closed_twice(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-HTTP-5";
    bench.start().await?;
    let usual = usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let bytes = filled(&[GET, GET].concat(), &connection);
    connection.send(&bytes).await;
    connection.finish();
    let first = response(&mut connection, "GET", STATEMENT).await?;
    require_status(&first, &[usual], STATEMENT)?;
    if !first.ends_the_connection() {
        let second = response(&mut connection, "GET", STATEMENT).await?;
        require_status(&second, &[usual], STATEMENT)?;
    }
    require_end(&mut connection, STATEMENT).await?;
    still_serves(&bench).await
}

async fn notices_closure(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9112-9.5-2";
    bench.start().await?;
    let mut connection = bench.http().await?;
    let bytes = filled(GET, &connection);
    connection.send(&bytes).await;
    response(&mut connection, "GET", STATEMENT).await?;
    connection.finish();
    // Well within any idle time-out in use: only the FIN can be the reason.
    let within = std::time::Duration::from_secs(3);
    match connection.ended(within).await {
        Answer::Closed | Answer::Reset => still_serves(&bench).await,
        other => Err(Stop::fail(
            STATEMENT,
            format!("closed within {} s", within.as_secs()),
            other.to_string(),
        )),
    }
}

async fn idle_end(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9112-9.5-1";
    const LONGEST_S: f64 = 120.0;
    bench.scale_time(100);
    bench.start().await?;
    let mut connection = bench.http().await?;
    let bytes = filled(GET, &connection);
    connection.send(&bytes).await;
    response(&mut connection, "GET", STATEMENT).await?;
    match connection
        .ended(PATIENCE + bench.device_time(LONGEST_S))
        .await
    {
        Answer::Closed => Ok(()),
        // 408 is for a client that may just have sent its next request (RFC 9110 §15.5.9).
        Answer::Response(seen) => require_status(&seen, &[408], STATEMENT),
        other => Err(Stop::fail(STATEMENT, "FIN, or 408", other.to_string())),
    }
}

async fn keep_alive_1_0(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9112-9.3-3";
    bench.start().await?;
    let usual = usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let request = b"GET $PATH HTTP/1.0\r\nHost: $HOST\r\nConnection: keep-alive\r\n\r\n";
    let bytes = filled(request, &connection);
    connection.send(&bytes).await;
    let seen = response(&mut connection, "GET", STATEMENT).await?;
    require_status(&seen, &[usual], STATEMENT)?;
    let honoured = says(&seen, "keep-alive");
    // An answer of HTTP/1.1 persists unless it says close, and need not echo the option (RFC 9112 §9.3).
    if seen.ends_the_connection() || !honoured && seen.version == "HTTP/1.0" {
        observe(&bench, "closes");
        return require_end(&mut connection, STATEMENT).await;
    }
    let bytes = filled(LAST, &connection);
    connection.send(&bytes).await;
    match connection.answer(PATIENCE, "GET").await {
        Answer::Response(next) => {
            observe(&bench, "keeps alive");
            require_status(&next, &[usual], STATEMENT)
        }
        Answer::Closed | Answer::Reset if !honoured => {
            observe(&bench, "closes without a word");
            Ok(())
        }
        other => {
            let expected = "a second response";
            Err(Stop::fail(STATEMENT, expected, other.to_string()))
        }
    }
}

/// Three requests, the first with `fields`: at most `answers` kinds of end. With 1 the connection ends after the
/// first; with 2 the second is served too, unless the server said close.
async fn closes(bench: Bench, fields: &'static str, answers: usize) -> Judged {
    let statement = if answers == 1 {
        "RFC9112-9.6-3"
    } else {
        "RFC9112-9.3-1"
    };
    bench.start().await?;
    let usual = usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let first = format!("GET $PATH HTTP/1.1\r\nHost: $HOST\r\n{fields}\r\n");
    let both = filled(&[first.as_bytes(), LAST].concat(), &connection);
    connection.send(&both).await;
    let seen = response(&mut connection, "GET", statement).await?;
    if answers == 1 {
        // A client must not send more after close (RFC 9112 §9.6): a server may refuse it all.
        require_status(&seen, &[usual, 400], statement)?;
    } else {
        require_status(&seen, &[usual], statement)?;
    }
    if answers == 2 && !seen.ends_the_connection() {
        match response_or_end(&mut connection, statement).await? {
            Some(next) => require_status(&next, &[usual], statement)?,
            // A server may close at any time (RFC 9112 §9.5), though it should say so before.
            None => observe(&bench, "closed without a word"),
        }
    }
    require_end(&mut connection, statement).await?;
    still_serves(&bench).await
}

async fn content_byte_at_a_time(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9112-9.3.2-1";
    const CHUNKED: &[u8] =
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nTransfer-Encoding: chunked\r\n\r\n\
        5;a=b\r\nhello\r\n0\r\nX-Odd: 1\r\n\r\n";
    bench.start().await?;
    let usual = usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let bytes = filled(&[CHUNKED, LAST].concat(), &connection);
    let cuts: Vec<usize> = (1..bytes.len()).collect();
    connection.send_split(&bytes, &cuts).await;
    let whole = response(&mut connection, "GET", STATEMENT).await?;
    match response_or_end(&mut connection, STATEMENT).await? {
        Some(next) => require_status(&next, &[usual], STATEMENT)?,
        None => {
            let refused = whole.status != usual || whole.ends_the_connection();
            let expected = "a second response, or a first one that says close";
            require(refused, STATEMENT, expected, "closed without either")?;
        }
    }
    still_serves(&bench).await
}

async fn reset_while_answering(bench: Bench) -> Judged {
    bench.start().await?;
    for _ in 0..16 {
        let mut connection = bench.http().await?;
        let bytes = filled(&[GET, GET, GET].concat(), &connection);
        connection.send(&bytes).await;
        connection.reset();
    }
    still_serves(&bench).await
}

async fn end_is_told(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9112-9.6-7";
    bench.start().await?;
    // The second is refused by the head alone, so a server may well end the connection with it.
    let requests = [
        GET,
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-Odd : 1\r\n\r\n",
    ];
    for request in requests {
        let mut connection = bench.http().await?;
        let both = filled(&[request, GET].concat(), &connection);
        connection.send(&both).await;
        let first = response(&mut connection, "GET", STATEMENT).await?;
        if first.ends_the_connection() {
            require_end(&mut connection, STATEMENT).await?;
            continue;
        }
        match connection.answer(PATIENCE, "GET").await {
            Answer::Response(_) => {}
            other => {
                let expected = format!("a second response, or close in the first: {first}");
                return Err(Stop::fail("RFC9112-9.3-4", expected, other.to_string()));
            }
        }
    }
    still_serves(&bench).await
}

async fn side_by_side(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9112-9.5-4";
    bench.start().await?;
    // Before any other connection, which might still be closing in one of the sockets.
    let mut connections = Vec::new();
    for _ in 0..bench.profile().http_connections {
        connections.push(bench.http().await?);
    }
    for _ in 0..3 {
        for connection in &mut connections {
            let bytes = filled(GET, connection);
            connection.send(&bytes).await;
            let seen = response(connection, "GET", STATEMENT).await?;
            let fine = seen.status < 500 && !seen.ends_the_connection();
            let expected = "an answer after which the connection persists";
            require(fine, STATEMENT, expected, seen.to_string())?;
        }
    }
    Ok(())
}

async fn no_effect_before(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-5.3-2";
    bench.start().await?;
    let before = bench.state().await?;
    let wanted = if before["led"] == "on" { "2" } else { "1" };
    let mut connection = bench.http().await?;
    let head =
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
        Content-Length: 6\r\n";
    let bytes = filled(head, &connection);
    connection.send(&bytes).await;
    // The whole exchange for the state proves that there was time to act on what had come.
    let within = bench.state().await?;
    let same = before["led"] == within["led"];
    let expected = format!("led stays {}", before["led"]);
    require(same, STATEMENT, expected.clone(), within["led"].to_string())?;
    let rest = format!("Host: elsewhere.example\r\n\r\nled1={wanted}");
    connection.send(rest.as_bytes()).await;
    let seen = response(&mut connection, "POST", STATEMENT).await?;
    require_status(&seen, &[400], "RFC9112-3.2-5")?;
    let after = bench.state().await?;
    let same = before["led"] == after["led"];
    require(same, STATEMENT, expected, after["led"].to_string())
}
