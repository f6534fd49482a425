//! The update request: who may make it, and in which form.

use super::exchange::{require_status, response, still_serves};
use super::update_offers::OFFERS;
use crate::bench::{Bench, text};
use crate::case::{Case, Judged, Level, require};
use crate::peers::http_message::Response;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let rows = ROWS.iter().chain(OFFERS).map(|row| {
        let id = format!("http/update/{}", row.name);
        Case::new(
            row.level,
            id,
            row.statements,
            row.requirement,
            move |bench| judge(bench, row),
        )
    });
    rows.chain([
        Case::new(
            Level::Policy,
            "http/update/token-stays-secret",
            &["FIRMPROOF-UPDATE-19"],
            "The token never appears in console, state or response",
            secret,
        ),
        Case::new(
            Level::Policy,
            "http/update/token-guessed-a-thousand-times",
            &[
                "FIRMPROOF-UPDATE-22",
                "FIRMPROOF-UPDATE-1",
                "RFC9110-11.4-1",
            ],
            "A thousand wrong tokens are refused, each of them, and the right one still is taken",
            guessed,
        ),
    ])
    .map(|case| {
        case.needs(&[
            Capability::Http,
            Capability::Update,
            Capability::Configure,
            Capability::ObserveState,
        ])
    })
    .collect()
}

/// The token that the device is configured with.
const TOKEN: &str = "correct-horse-7f3a91";

/// A request that must start nothing.
pub(super) struct Row {
    level: Level,
    name: &'static str,
    statements: &'static [&'static str],
    requirement: &'static str,
    /// Fields that carry the authority; `$TOKEN` stands for the right token.
    authority: &'static str,
    media_type: &'static str,
    body: &'static str,
    allowed: &'static [u16],
    /// The token in the device's configuration.
    configured: &'static str,
}

const JSON: &str = "application/json";
/// Well-formed, so that only the authority can be wrong: nothing listens where it points.
const BODY: &str = r#"{"url":"http://192.0.2.7:9/image.bin","length":16,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#;

const fn unauthorised(
    name: &'static str,
    requirement: &'static str,
    authority: &'static str,
) -> Row {
    Row {
        level: Level::Must,
        name,
        statements: &[
            "RFC9110-15.5.2-1",
            "RFC9110-11.6.1-1",
            "RFC9110-11.6.1-2",
            "FIRMPROOF-UPDATE-1",
        ],
        requirement,
        authority,
        media_type: JSON,
        body: BODY,
        allowed: &[401],
        configured: TOKEN,
    }
}

pub(super) const fn malformed(
    name: &'static str,
    requirement: &'static str,
    body: &'static str,
) -> Row {
    Row {
        level: Level::Policy,
        name,
        statements: &["FIRMPROOF-UPDATE-3"],
        requirement,
        authority: "Authorization: Bearer $TOKEN\r\n",
        media_type: JSON,
        body,
        allowed: &[400],
        configured: TOKEN,
    }
}

const ROWS: &[Row] = &[
    unauthorised(
        "no-token",
        "A request without a token is answered by 401 with a challenge, and starts nothing",
        "",
    ),
    unauthorised(
        "wrong-token",
        "A request with another token is answered by 401 with a challenge, and starts nothing",
        "Authorization: Bearer correct-horse-7f3a92\r\n",
    ),
    unauthorised(
        "beginning-of-the-token",
        "The beginning of the token is not the token",
        "Authorization: Bearer correct-horse\r\n",
    ),
    unauthorised(
        "token-with-a-tail",
        "The token with something after it is not the token",
        "Authorization: Bearer $TOKENx\r\n",
    ),
    unauthorised(
        "empty-token",
        "An empty token is none",
        "Authorization: Bearer \r\n",
    ),
    unauthorised(
        "another-scheme",
        "The token under another scheme is none",
        "Authorization: Basic $TOKEN\r\n",
    ),
    unauthorised(
        "token-without-a-scheme",
        "The token without a scheme is none",
        "Authorization: $TOKEN\r\n",
    ),
    unauthorised(
        "token-in-quotes",
        "The token in quotes is another",
        "Authorization: Bearer \"$TOKEN\"\r\n",
    ),
    unauthorised(
        "token-in-upper-case",
        "The token is case-sensitive",
        "Authorization: Bearer CORRECT-HORSE-7F3A91\r\n",
    ),
    unauthorised(
        "token-for-a-proxy",
        "Credentials for a proxy are none for the server",
        "Proxy-Authorization: Bearer $TOKEN\r\n",
    ),
    unauthorised(
        "token-in-a-cookie",
        "A cookie carries no credentials",
        "Cookie: token=$TOKEN; Authorization=Bearer $TOKEN\r\n",
    ),
    Row {
        allowed: &[400, 401],
        ..unauthorised(
            "two-authorizations",
            "Of two Authorization fields, of which one is wrong, neither counts",
            "Authorization: Bearer wrong\r\nAuthorization: Bearer $TOKEN\r\n",
        )
    },
    Row {
        level: Level::Must,
        statements: &["RFC9110-11.4-1"],
        ..malformed(
            "spaces-before-the-token",
            "Scheme and token may have several spaces between them",
            "{",
        )
    }
    .with_authority("Authorization: Bearer   $TOKEN\r\n"),
    Row {
        configured: "",
        ..unauthorised(
            "updates-turned-off",
            "A device configured without a token refuses every update, the empty token's too",
            "Authorization: Bearer \r\n",
        )
    },
    Row {
        level: Level::Must,
        statements: &["RFC9110-11.1-1"],
        // Not 401: the authority is right, and the body is what is wrong.
        ..malformed(
            "scheme-in-any-case",
            "The name of an authentication scheme is case-insensitive",
            "{",
        )
    }
    .with_authority("Authorization: bEARER $TOKEN\r\n"),
    malformed(
        "no-json",
        "A body that is not JSON is answered by 400",
        "url=http://a/",
    ),
    malformed(
        "empty-object",
        "A request without its keys is answered by 400",
        "{}",
    ),
    malformed(
        "cut-short",
        "A body cut short is answered by 400",
        r#"{"url":"http://192.0.2.7:9/ima"#,
    ),
    malformed(
        "length-below-zero",
        "A length below zero is answered by 400",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":-1,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    ),
    malformed(
        "digest-too-short",
        "A digest of another length is answered by 400",
        r#"{"url":"http://192.0.2.7:9/image.bin","length":16,"sha256":"00","signature":"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","version":9}"#,
    ),
    Row {
        media_type: "text/plain",
        allowed: &[415],
        ..malformed("text-plain", "Another media type is answered by 415", BODY)
    },
];

impl Row {
    const fn with_authority(mut self, authority: &'static str) -> Self {
        self.authority = authority;
        self
    }

    /// The same, answered by one of these.
    pub(super) const fn answered(mut self, allowed: &'static [u16]) -> Self {
        self.allowed = allowed;
        self
    }
}

async fn send(bench: &Bench, row: &Row) -> Judged<Response> {
    bench.configure(|config| config.update.token = text(row.configured));
    bench.start().await?;
    let mut connection = bench.http().await?;
    let request = format!(
        "POST /api/update HTTP/1.1\r\nHost: {}\r\n{}Content-Type: {}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{}",
        connection.host(),
        row.authority.replace("$TOKEN", TOKEN),
        row.media_type,
        row.body.len(),
        row.body
    );
    connection.send(request.as_bytes()).await;
    response(&mut connection, "POST", row.statements[0]).await
}

async fn judge(bench: Bench, row: &'static Row) -> Judged {
    let statement = row.statements[0];
    let seen = send(&bench, row).await?;
    require_status(&seen, row.allowed, statement)?;
    if seen.status == 401 {
        let challenge = seen.field("www-authenticate").unwrap_or_default();
        let is_bearer = challenge
            .split([' ', ','])
            .next()
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"));
        let shown = format!("WWW-Authenticate: {challenge}");
        require(
            is_bearer,
            "RFC9110-15.5.2-1",
            "WWW-Authenticate with a Bearer challenge",
            shown,
        )?;
    }
    let state = bench.state().await?;
    let idle = state["update"]["state"] == "idle";
    let shown = state["update"].to_string();
    require(idle, "FIRMPROOF-UPDATE-1", "no update is started", shown)?;
    still_serves(&bench).await
}

async fn secret(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-19";
    for row in ROWS.iter().filter(|row| row.configured == TOKEN) {
        let seen = send(&bench, row).await?;
        let state = bench.state().await?.to_string();
        let console: Vec<String> = bench.console().into_iter().map(|line| line.text).collect();
        let fields: Vec<String> = seen
            .fields
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        for (place, shown) in [
            ("the state", state),
            ("the console", console.join("\n")),
            ("the response's fields", fields.join("\n")),
            (
                "the response's content",
                String::from_utf8_lossy(&seen.body).into_owned(),
            ),
        ] {
            let hidden = !shown.contains(TOKEN);
            require(
                hidden,
                STATEMENT,
                "no token",
                format!("the token in {place} after {}", row.name),
            )?;
        }
    }
    Ok(())
}

async fn guessed(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-22";
    const GUESSES: u32 = 1000;
    bench.configure(|config| config.update.token = text(TOKEN));
    bench.start().await?;
    let began = tokio::time::Instant::now();
    let mut connection = bench.http().await?;
    for guess in 0..GUESSES {
        let request = format!(
            "POST /api/update HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer correct-horse-{guess:06x}\r\n\
             Content-Type: {JSON}\r\nContent-Length: {}\r\n\r\n{BODY}",
            connection.host(),
            BODY.len()
        );
        connection.send(request.as_bytes()).await;
        let seen = response(&mut connection, "POST", STATEMENT).await?;
        // A server may also slow guessers down (RFC 6585 §4).
        require_status(&seen, &[401, 403, 429], STATEMENT)?;
        let closes = seen
            .all("connection")
            .any(|value| value.eq_ignore_ascii_case("close"));
        if closes {
            connection = bench.http().await?;
        }
    }
    drop(connection);
    bench
        .evidence()
        .metrics
        .set("thousand_guesses_s", began.elapsed().as_secs_f64());
    let state = bench.state().await?;
    let idle = state["update"]["state"] == "idle";
    let shown = state["update"].to_string();
    require(idle, "FIRMPROOF-UPDATE-1", "no update is started", shown)?;
    // The right token gets past the refusal: what is wrong then is the body.
    let mut connection = bench.http().await?;
    let request = format!(
        "POST /api/update HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: {JSON}\r\n\
         Content-Length: 2\r\nConnection: close\r\n\r\n{{}}",
        connection.host()
    );
    connection.send(request.as_bytes()).await;
    let seen = response(&mut connection, "POST", STATEMENT).await?;
    require_status(&seen, &[400, 422], STATEMENT)?;
    still_serves(&bench).await
}
