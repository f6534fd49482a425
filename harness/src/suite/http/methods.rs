//! Methods (RFC 9110 §9) and the statuses that answer them.

use super::exchange::{
    ask, filled, require_head, require_status, response, status_of_nothing, still_serves,
};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::http_message::Response;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::must(
            "http/methods/get",
            &["RFC9110-9.1-1", "RFC9112-4-1", "RFC9110-8.6-6"],
            "GET is supported, and its response well-formed",
            get,
        ),
        Case::must(
            "http/methods/head-has-no-content",
            &["RFC9110-9.1-1", "RFC9110-9.3.2-1", "RFC9110-8.6-2"],
            "HEAD has the status and Content-Length of GET, and no content",
            head,
        ),
        Case::new(
            Level::Should,
            "http/methods/head-has-the-fields-of-get",
            &["RFC9110-9.3.2-2"],
            "The response to HEAD has the fields of the response to GET",
            head_fields,
        ),
        Case::new(
            Level::Should,
            "http/methods/options",
            &["RFC9110-9.3.7-1"],
            "A successful response to OPTIONS names what the resource offers",
            options,
        ),
        Case::new(
            Level::Should,
            "http/methods/options-of-the-server",
            &["RFC9110-9.3.7-2"],
            "OPTIONS with the target * concerns the server as a whole",
            options_of_the_server,
        ),
        Case::new(
            Level::Should,
            "http/methods/known-but-not-allowed",
            &["RFC9110-9.1-3"],
            "A method that the server knows but the resource does not allow is answered by 405; by 501 if it is not implemented",
            not_allowed,
        ),
        Case::must(
            "http/methods/405-has-allow",
            &["RFC9110-15.5.6-1"],
            "A 405 has Allow with the methods of the resource",
            allow,
        ),
        Case::must(
            "http/methods/no-such-resource",
            &["RFC9110-15.5.5-1"],
            "A target that does not exist is answered by 404",
            no_such_resource,
        ),
        Case::new(
            Level::Should,
            "http/methods/content-has-a-type",
            &["RFC9110-8.3-1", "RFC9112-6.3-12"],
            "A response with content has Content-Type, and a length or chunks",
            content_type,
        ),
    ]
    .into_iter()
    .map(|case| case.needs(&[Capability::Http]))
    .collect()
}

const GET: &[u8] = b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
const HEAD: &[u8] = b"HEAD $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
const OPTIONS: &[u8] = b"OPTIONS $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
const DELETE: &[u8] = b"DELETE $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";

async fn get(bench: Bench) -> Judged {
    bench.start().await?;
    let seen = ask(&bench, GET, "GET", "RFC9110-9.1-1").await?;
    let implemented = !matches!(seen.status, 405 | 501);
    require(
        implemented,
        "RFC9110-9.1-1",
        "GET is supported",
        seen.to_string(),
    )
}

async fn head(bench: Bench) -> Judged {
    bench.start().await?;
    let get = ask(&bench, GET, "GET", "RFC9110-9.1-1").await?;
    let mut connection = bench.http().await?;
    // A second request on the same connection: were there content, it would be read as this response.
    let both = [b"HEAD $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n", GET].concat();
    let bytes = filled(&both, &connection);
    connection.send(&bytes).await;
    let head = response(&mut connection, "HEAD", "RFC9110-9.3.2-1").await?;
    require_head(&head)?;
    require_status(&head, &[get.status], "RFC9110-9.1-1")?;
    let again = ask(&bench, GET, "GET", "RFC9110-9.1-1").await?;
    // A page that changes has no length that two requests would have in common.
    if let Some(length) = head.field("content-length")
        && again.body.len() == get.body.len()
    {
        let expected = format!("Content-Length {} as for GET", get.body.len());
        let seen = format!("Content-Length {length}");
        require(
            length == get.body.len().to_string(),
            "RFC9110-8.6-2",
            expected,
            seen,
        )?;
    }
    if head.ends_the_connection() {
        return super::exchange::require_end(&mut connection, "RFC9110-9.3.2-1").await;
    }
    let next = response(&mut connection, "GET", "RFC9110-9.3.2-1").await?;
    require_status(&next, &[get.status], "RFC9110-9.3.2-1")
}

async fn head_fields(bench: Bench) -> Judged {
    bench.start().await?;
    let get = ask(&bench, GET, "GET", "RFC9110-9.1-1").await?;
    let head = ask(&bench, HEAD, "HEAD", "RFC9110-9.3.2-1").await?;
    require_head(&head)?;
    // Those that only sending the content determines may be left out (RFC 9110 §9.3.2).
    let omissible = ["content-length", "transfer-encoding", "trailer", "vary"];
    let missing: Vec<&str> = get
        .fields
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !omissible.contains(&name.to_ascii_lowercase().as_str()))
        .filter(|name| head.field(name).is_none())
        .collect();
    let seen = format!("without {}", missing.join(", "));
    require(
        missing.is_empty(),
        "RFC9110-9.3.2-2",
        "the fields of GET",
        seen,
    )
}

async fn options(bench: Bench) -> Judged {
    bench.start().await?;
    let seen = ask(&bench, OPTIONS, "OPTIONS", "RFC9110-9.3.7-1").await?;
    implemented(&seen)?;
    let says = (200..300).contains(&seen.status) && seen.field("allow").is_some();
    require(
        says,
        "RFC9110-9.3.7-1",
        "a success with Allow",
        seen.to_string(),
    )?;
    still_serves(&bench).await
}

/// OPTIONS is optional (RFC 9110 §9.1): a server may refuse it.
fn implemented(seen: &Response) -> Judged {
    match seen.status {
        405 | 501 => Err(Stop::Skip(Capability::Options)),
        _ => Ok(()),
    }
}

async fn options_of_the_server(bench: Bench) -> Judged {
    bench.start().await?;
    implemented(&ask(&bench, OPTIONS, "OPTIONS", "RFC9110-9.3.7-1").await?)?;
    let request = b"OPTIONS * HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n";
    let seen = ask(&bench, request, "OPTIONS", "RFC9110-9.3.7-2").await?;
    let success = (200..300).contains(&seen.status);
    require(success, "RFC9110-9.3.7-2", "a success", seen.to_string())?;
    still_serves(&bench).await
}

async fn not_allowed(bench: Bench) -> Judged {
    bench.start().await?;
    let seen = ask(&bench, DELETE, "DELETE", "RFC9110-9.1-3").await?;
    if seen.status < 400 {
        // Then it is allowed.
        return Err(Stop::Skip(Capability::MethodNotAllowed));
    }
    // DELETE is optional (RFC 9110 §9.1), and a method that is not implemented is answered by 501.
    require_status(&seen, &[405, 501], "RFC9110-9.1-3")?;
    still_serves(&bench).await
}

async fn allow(bench: Bench) -> Judged {
    bench.start().await?;
    for method in ["DELETE", "PUT", "PATCH", "POST"] {
        let request = format!(
            "{method} $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let seen = ask(&bench, request.as_bytes(), method, "RFC9110-15.5.6-1").await?;
        if seen.status == 405 {
            return names_the_allowed(&seen, method);
        }
    }
    Err(Stop::Skip(Capability::MethodNotAllowed))
}

fn names_the_allowed(seen: &Response, refused: &str) -> Judged {
    let methods: Vec<&str> = seen
        .all("allow")
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .collect();
    // GET of this resource works (RFC 9110 §9.1), so the list has it; and it cannot have what was refused.
    let fits = methods.contains(&"GET") && !methods.contains(&refused);
    let shown = format!("Allow: {}", methods.join(", "));
    require(
        fits,
        "RFC9110-15.5.6-1",
        format!("Allow with GET and without {refused}"),
        shown,
    )
}

async fn no_such_resource(bench: Bench) -> Judged {
    bench.start().await?;
    let status = status_of_nothing(&bench).await?;
    if status < 400 {
        // Then there is such a resource: an application may have one for every name.
        return Err(Stop::Skip(Capability::NotFound));
    }
    // 410 where it is known to be gone for good; whoever does not tell whether it exists says 404 or 403.
    let seen = format!("status {status}");
    // 401 where nothing is told before the client has named itself.
    let expected = "status 404, 410, 403 or 401";
    let fits = matches!(status, 404 | 410 | 403 | 401);
    require(fits, "RFC9110-15.5.5-1", expected, seen)?;
    still_serves(&bench).await
}

async fn content_type(bench: Bench) -> Judged {
    use crate::peers::http_message::Framing;
    bench.start().await?;
    let seen = ask(&bench, GET, "GET", "RFC9110-8.3-1").await?;
    let typed = seen.body.is_empty() || seen.field("content-type").is_some();
    require(typed, "RFC9110-8.3-1", "Content-Type", seen.to_string())?;
    let delimited = seen.framing != Framing::UntilClose;
    require(
        delimited,
        "RFC9112-6.3-12",
        "a length or chunks",
        seen.to_string(),
    )
}
