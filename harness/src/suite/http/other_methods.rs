//! Methods that a resource does not offer, and requests to resources of all kinds (RFC 9110 §9, §15.5).

use super::exchange::{
    ask, filled, observe, require_end, require_head, require_status, response, response_or_end,
    still_serves,
};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, require};
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let state = &[Capability::ObserveState];
    vec![
        Case::new(
            Level::Should,
            "http/methods/trace-keeps-credentials",
            &["RFC9110-9.3.8-3"],
            "TRACE is refused, or answered without the credentials of the request",
            trace,
        ),
        Case::must(
            "http/methods/put-changes-nothing",
            &["RFC9110-15.5.6-1"],
            "A PUT that the page does not offer is refused with Allow, and changes nothing",
            put,
        )
        .needs(state),
        Case::must(
            "http/methods/post-to-a-resource-to-read",
            &["RFC9110-15.5.6-1"],
            "POST to a resource that is only read is refused, with an Allow that has GET and not POST",
            post_to_state,
        )
        .needs(state),
        Case::must(
            "http/methods/get-of-a-resource-to-post-to",
            &["RFC9110-15.5.6-1"],
            "GET and HEAD of a resource that only takes POST are refused, with an Allow that has POST",
            get_update,
        )
        .needs(&[Capability::Update]),
        Case::must(
            "http/methods/head-of-nothing",
            &["RFC9110-9.3.2-1"],
            "HEAD of what does not exist has the status of GET, and no content",
            head_of_nothing,
        ),
        Case::must(
            "http/methods/head-refused",
            &["RFC9110-9.3.2-1"],
            "HEAD of a request that is wrong is answered without content",
            head_refused,
        ),
        Case::new(
            Level::Should,
            "http/methods/options-of-nothing",
            &["RFC9110-15.5.5-1"],
            "OPTIONS of what does not exist is answered by 404, as for the server, or as a method that is refused",
            options_of_nothing,
        ),
        Case::must(
            "http/methods/method-in-a-field",
            &["RFC9110-9.2.1-1"],
            "A field that names another method does not make a safe request unsafe",
            method_in_a_field,
        )
        .needs(state),
    ]
    .into_iter()
    .map(|case| case.needs(&[Capability::Http]))
    .collect()
}

fn allowed_methods(seen: &crate::peers::http_message::Response) -> Vec<String> {
    seen.all("allow")
        .flat_map(|list| list.split(','))
        .map(|method| method.trim().to_owned())
        .collect()
}

async fn trace(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-9.3.8-3";
    const SECRET: &str = "firmproof-secret-41c0";
    bench.start().await?;
    let request = format!(
        "TRACE $PATH HTTP/1.1\r\nHost: $HOST\r\nAuthorization: Bearer {SECRET}\r\nCookie: id={SECRET}\r\n\
         Connection: close\r\n\r\n"
    );
    let seen = ask(&bench, request.as_bytes(), "TRACE", STATEMENT).await?;
    observe(&bench, &seen.status.to_string());
    let hidden = !String::from_utf8_lossy(&seen.body).contains(SECRET);
    require(hidden, STATEMENT, "no credentials", seen.to_string())?;
    require_status(&seen, &[200, 400, 403, 405, 501], STATEMENT)?;
    still_serves(&bench).await
}

async fn put(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-15.5.6-1";
    bench.start().await?;
    let before = bench.state().await?;
    for method in ["PUT", "PATCH"] {
        let request = format!(
            "{method} $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 6\r\nConnection: close\r\n\r\nled1=1"
        );
        let seen = ask(&bench, request.as_bytes(), method, STATEMENT).await?;
        require_status(&seen, &[405, 501], STATEMENT)?;
        if seen.status == 405 {
            let methods = allowed_methods(&seen);
            let fits =
                methods.iter().any(|own| own == "GET") && !methods.iter().any(|own| own == method);
            let shown = format!("Allow: {}", methods.join(", "));
            require(
                fits,
                STATEMENT,
                format!("Allow with GET and without {method}"),
                shown,
            )?;
        }
    }
    let after = bench.state().await?;
    let same = before["led"] == after["led"];
    let expected = format!("led stays {}", before["led"]);
    require(same, STATEMENT, expected, after["led"].to_string())
}

async fn post_to_state(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-15.5.6-1";
    bench.start().await?;
    let request = b"POST /api/state HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/json\r\n\
        Content-Length: 2\r\nConnection: close\r\n\r\n{}";
    let seen = ask(&bench, request, "POST", STATEMENT).await?;
    require_status(&seen, &[405], STATEMENT)?;
    let methods = allowed_methods(&seen);
    let fits = methods.iter().any(|own| own == "GET") && !methods.iter().any(|own| own == "POST");
    let shown = format!("Allow: {}", methods.join(", "));
    require(fits, STATEMENT, "Allow with GET and without POST", shown)
}

async fn get_update(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-15.5.6-1";
    bench.start().await?;
    for method in ["GET", "HEAD"] {
        let request =
            format!("{method} /api/update HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n");
        let seen = ask(&bench, request.as_bytes(), method, STATEMENT).await?;
        require_status(&seen, &[405], STATEMENT)?;
        let methods = allowed_methods(&seen);
        let fits =
            methods.iter().any(|own| own == "POST") && !methods.iter().any(|own| own == method);
        let shown = format!("Allow: {}", methods.join(", "));
        require(
            fits,
            STATEMENT,
            format!("Allow with POST and without {method}"),
            shown,
        )?;
    }
    Ok(())
}

async fn head_of_nothing(bench: Bench) -> Judged {
    bench.start().await?;
    let status = super::exchange::status_of_nothing(&bench).await?;
    let request = b"HEAD /firmproof/no/such/thing HTTP/1.1\r\nHost: $HOST\r\n\r\n";
    head_without_content(&bench, request, Some(status)).await
}

async fn head_refused(bench: Bench) -> Judged {
    bench.start().await?;
    head_without_content(&bench, b"HEAD $PATH HTTP/1.1\r\n\r\n", None).await
}

/// The HEAD is answered without content, by `status` if given: were there content, it would be read as the next
/// response.
async fn head_without_content(bench: &Bench, request: &[u8], status: Option<u16>) -> Judged {
    const STATEMENT: &str = "RFC9110-9.3.2-1";
    const LAST: &[u8] = b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    let usual = super::exchange::usual_status(bench).await?;
    let mut connection = bench.http().await?;
    let bytes = filled(&[request, LAST].concat(), &connection);
    connection.send(&bytes).await;
    let seen = response(&mut connection, "HEAD", STATEMENT).await?;
    match status {
        Some(status) => {
            require_head(&seen)?;
            require_status(&seen, &[status], STATEMENT)?;
        }
        None => observe(bench, &seen.status.to_string()),
    }
    if !seen.ends_the_connection() {
        match response_or_end(&mut connection, STATEMENT).await? {
            Some(next) => require_status(&next, &[usual], STATEMENT)?,
            // That it should say so before (RFC 9112 §9.6) is judged by `end-is-told`.
            None => return Ok(()),
        }
    }
    require_end(&mut connection, STATEMENT).await
}

async fn options_of_nothing(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-15.5.5-1";
    bench.start().await?;
    let request =
        b"OPTIONS /firmproof/no/such HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    let seen = ask(&bench, request, "OPTIONS", STATEMENT).await?;
    observe(&bench, &seen.status.to_string());
    // OPTIONS is optional: 405, or 501 where no resource has it (RFC 9110 §9.1).
    require_status(&seen, &[404, 200, 204, 405, 501], STATEMENT)
}

async fn method_in_a_field(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC9110-9.2.1-1";
    bench.start().await?;
    let before = bench.state().await?;
    let wanted = if before["led"] == "on" { "2" } else { "1" };
    let request = format!(
        "GET /?_method=POST HTTP/1.1\r\nHost: $HOST\r\nX-HTTP-Method-Override: POST\r\nX-HTTP-Method: POST\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\nConnection: close\r\n\r\nled1={wanted}"
    );
    ask(&bench, request.as_bytes(), "GET", STATEMENT).await?;
    let after = bench.state().await?;
    let same = before["led"] == after["led"];
    let expected = format!("led stays {}", before["led"]);
    require(same, STATEMENT, expected, after["led"].to_string())
}
