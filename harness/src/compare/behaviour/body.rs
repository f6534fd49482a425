//! What a message carries: the reference device's state and page are made equal but for behaviour,
//! everything else is compared byte by byte.

use serde_json::Value;

use crate::evidence::Line;

/// Members of the state whose values depend on the time or on the board. `http_requests` counts the
/// harness's looks at the state as well.
const NOT_BEHAVIOUR: [&str; 7] = [
    "board",
    "http_requests",
    "local",
    "unix_s",
    "uptime_s",
    "utc",
    "version",
];

/// What the device calls its board and its version.
#[derive(Debug, Default)]
pub(super) struct Identity {
    board: String,
    version: String,
}

impl Identity {
    /// From the first ready line; without one, nothing is known.
    pub(super) fn of(console: &[Line]) -> Self {
        let Some(ready) = console.iter().find(|line| line.is("ready")) else {
            return Self::default();
        };
        let field = |name| ready.field(name).unwrap_or_default().to_owned();
        Self {
            board: field("board"),
            version: field("version"),
        }
    }
}

/// A body or payload.
pub(super) struct Body {
    /// It, as text.
    pub(super) text: String,
    /// Whether it tells the device's state, so that its length depends on the time and the board.
    pub(super) is_state: bool,
}

/// Head and body of the response at the start of `bytes`.
pub(super) fn of_response(bytes: &[u8], identity: &Identity) -> (String, Body) {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, body) = bytes.split_at(end.map_or(bytes.len(), |end| end + 4));
    // The answer to HEAD tells the length of what it does not have, perhaps the state's.
    let of_head = body.is_empty();
    let body = normalised(body, identity);
    let fields = head.split_inclusive(|&byte| byte == b'\n').map(|line| {
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
        if name.eq_ignore_ascii_case(b"date") {
            "Date: <time>\n".into()
        } else if (body.is_state || of_head) && name.eq_ignore_ascii_case(b"content-length") {
            "Content-Length: <length>\n".into()
        } else {
            escaped(line)
        }
    });
    (fields.collect(), body)
}

/// The payload of the PUBLISH packet in `bytes`, whose `summary` tells its length.
pub(super) fn of_publish(summary: &str, bytes: &[u8], identity: &Identity) -> Body {
    let length = summary
        .split(' ')
        .find_map(|word| word.strip_prefix("bytes=")?.parse::<usize>().ok());
    // Of a packet longer than what evidence keeps there is only the beginning: all of it, then.
    let begin = bytes.len().saturating_sub(length.unwrap_or(bytes.len()));
    normalised(&bytes[begin..], identity)
}

fn normalised(bytes: &[u8], identity: &Identity) -> Body {
    if let Ok(mut state @ Value::Object(_)) = serde_json::from_slice::<Value>(bytes)
        && state.get("uptime_s").is_some()
    {
        mask(&mut state);
        return Body {
            text: state.to_string(),
            is_state: true,
        };
    }
    let text = escaped(bytes);
    let mark = format!("<dd>{} {}</dd>", identity.board, identity.version);
    if !identity.board.is_empty() && text.contains(&mark) {
        return Body {
            text: without_clock(&text.replace(&mark, "<dd><board> <version></dd>")),
            is_state: true,
        };
    }
    Body {
        text,
        is_state: false,
    }
}

/// Members keep whether they have a value: a clock that is not set is behaviour.
fn mask(value: &mut Value) {
    let Value::Object(members) = value else {
        return;
    };
    for (name, member) in members {
        if NOT_BEHAVIOUR.contains(&name.as_str()) && !member.is_null() {
            *member = "…".into();
        } else {
            mask(member);
        }
    }
}

/// The page without the time that it shows; that it shows none is behaviour.
fn without_clock(page: &str) -> String {
    let mark = "<dd id=\"time\">";
    let clock = page.split_once(mark).and_then(|(before, rest)| {
        let (clock, after) = rest.split_once("</dd>")?;
        let shown = clock.starts_with(|c: char| c.is_ascii_digit());
        shown.then(|| format!("{before}{mark}<time></dd>{after}"))
    });
    clock.unwrap_or_else(|| page.into())
}

/// Bytes as a person can read them; no two messages look the same.
pub(super) fn escaped(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => format!("bytes {}", bytes.escape_ascii()),
    }
}
