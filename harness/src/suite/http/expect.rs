//! Expectations (RFC 9110 §10.1.1): content is not waited for before the 100, and a final status in its place says how
//! the connection goes on.

use super::exchange::{
    filled, observe, require_end, require_status, response, still_serves, usual_status,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::http_prober::Answer;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::must(
            "http/expect/refused-before-the-content",
            &["RFC9110-10.1.1-2", "RFC9110-10.1.1-12"],
            "A request that its head condemns gets 100 or its final status before its content",
            refused_at_once,
        ),
        Case::new(
            Level::Should,
            "http/expect/refusal-says-how-it-goes-on",
            &["RFC9110-10.1.1-4"],
            "A final status in place of 100 says close, or the content is read as such",
            says_how_it_goes_on,
        ),
        Case::must(
            "http/expect/too-large-before-the-content",
            &["RFC9110-10.1.1-12"],
            "A request that announces a gigabyte gets 100 or its final status before any of it",
            too_large,
        ),
        Case::must(
            "http/expect/content-at-once",
            &["RFC9110-10.1.1-6", "RFC9110-10.1.1-3"],
            "Content that comes without waiting is taken, with or without a 100, and the next request understood",
            content_at_once,
        ),
        Case::must(
            "http/expect/without-content",
            &["RFC9110-10.1.1-6"],
            "A request without content gets its final status, whatever it expects",
            without_content,
        ),
        Case::must(
            "http/expect/in-any-case",
            &["RFC9110-10.1.1-2"],
            "100-continue is case-insensitive",
            in_any_case,
        ),
        Case::must(
            "http/expect/interim-has-no-length",
            &["RFC9110-8.6-1", "RFC9112-6.1-5"],
            "A 100 has neither Content-Length nor Transfer-Encoding",
            interim_fields,
        ),
    ]
    .into_iter()
    .map(|case| case.needs(&[Capability::Http]))
    .collect()
}

const NOWHERE: &[u8] = b"POST /firmproof/no/such/thing HTTP/1.1\r\nHost: $HOST\r\n\
    Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n";
const FORM: &[u8] =
    b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
    Expect: 100-continue\r\nContent-Length: 6\r\n\r\n";
const LAST: &[u8] = b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";

async fn refused_at_once(bench: Bench) -> Judged {
    bench.start().await?;
    let mut connection = bench.http().await?;
    let bytes = filled(NOWHERE, &connection);
    connection.send(&bytes).await;
    match connection.any_answer(PATIENCE, "POST").await {
        // Both are allowed: 100, after which the content decides, or the final status.
        Answer::Response(seen) if seen.status == 100 => {
            observe(&bench, "100");
            connection.send(b"led1=1").await;
            response(&mut connection, "POST", "RFC9110-10.1.1-3").await?;
        }
        // Which one is the resource's affair.
        Answer::Response(seen) => observe(&bench, &seen.status.to_string()),
        other => {
            let expected = "an answer before the content";
            return Err(Stop::fail("RFC9110-10.1.1-12", expected, other.to_string()));
        }
    }
    still_serves(&bench).await
}

async fn says_how_it_goes_on(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-10.1.1-4";
    bench.start().await?;
    let usual = usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let bytes = filled(NOWHERE, &connection);
    connection.send(&bytes).await;
    let Answer::Response(seen) = connection.any_answer(PATIENCE, "POST").await else {
        return Err(Stop::inconclusive("no answer to judge"));
    };
    if seen.status == 100 {
        return Ok(());
    }
    if seen.ends_the_connection() {
        return require_end(&mut connection, STATEMENT).await;
    }
    // It said nothing, so it reads on: six octets of content, then a request.
    let rest = filled(&[b"led1=1".as_slice(), LAST].concat(), &connection);
    connection.send(&rest).await;
    let next = response(&mut connection, "GET", STATEMENT).await?;
    require_status(&next, &[usual], STATEMENT)
}

async fn too_large(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-10.1.1-12";
    bench.start().await?;
    let mut connection = bench.http().await?;
    let head =
        b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
        Expect: 100-continue\r\nContent-Length: 1073741824\r\n\r\n";
    let bytes = filled(head, &connection);
    connection.send(&bytes).await;
    match connection.any_answer(PATIENCE, "POST").await {
        // 100: the server means to read a gigabyte. Any final status refuses to wait for it.
        Answer::Response(seen) => observe(&bench, &seen.status.to_string()),
        other => {
            let expected = "an answer before the content";
            return Err(Stop::fail(STATEMENT, expected, other.to_string()));
        }
    }
    drop(connection);
    still_serves(&bench).await
}

async fn content_at_once(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-10.1.1-3";
    bench.start().await?;
    let usual = usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let all = filled(&[FORM, b"led1=1", LAST].concat(), &connection);
    connection.send(&all).await;
    let seen = response(&mut connection, "POST", STATEMENT).await?;
    match connection.answer(PATIENCE, "GET").await {
        Answer::Response(next) => require_status(&next, &[usual], STATEMENT)?,
        Answer::Closed | Answer::Reset => {}
        other => {
            let expected = format!("after {seen}, the next response or a close");
            return Err(Stop::fail(STATEMENT, expected, other.to_string()));
        }
    }
    still_serves(&bench).await
}

async fn without_content(bench: Bench) -> Judged {
    bench.start().await?;
    let usual = usual_status(&bench).await?;
    let mut connection = bench.http().await?;
    let request =
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    let bytes = filled(request, &connection);
    connection.send(&bytes).await;
    let seen = response(&mut connection, "GET", "RFC9110-10.1.1-6").await?;
    require_status(&seen, &[usual, 417], "RFC9110-10.1.1-6")
}

async fn in_any_case(bench: Bench) -> Judged {
    bench.start().await?;
    let mut connection = bench.http().await?;
    let head = String::from_utf8_lossy(FORM).replace("100-continue", "100-CONTINUE");
    let bytes = filled(head.as_bytes(), &connection);
    connection.send(&bytes).await;
    match connection.any_answer(PATIENCE, "POST").await {
        Answer::Response(seen) => {
            observe(&bench, &seen.status.to_string());
            let known = seen.status != 417;
            require(known, "RFC9110-10.1.1-2", "not 417", seen.to_string())
        }
        other => {
            let expected = "100 or a final status, before the content";
            Err(Stop::fail("RFC9110-10.1.1-2", expected, other.to_string()))
        }
    }
}

async fn interim_fields(bench: Bench) -> Judged {
    bench.start().await?;
    let mut connection = bench.http().await?;
    let bytes = filled(FORM, &connection);
    connection.send(&bytes).await;
    match connection.any_answer(PATIENCE, "POST").await {
        Answer::Response(seen) if seen.status == 100 => {
            for (field, statement) in [
                ("content-length", "RFC9110-8.6-1"),
                ("transfer-encoding", "RFC9112-6.1-5"),
            ] {
                let absent = seen.field(field).is_none();
                require(absent, statement, format!("no {field}"), seen.to_string())?;
            }
            Ok(())
        }
        // A server may answer at once instead (RFC 9110 §10.1.1): then there is no interim response to be wrong.
        Answer::Response(seen) => {
            observe(&bench, &format!("{} at once", seen.status));
            Ok(())
        }
        other => Err(Stop::fail("RFC9110-10.1.1-2", "100", other.to_string())),
    }
}
