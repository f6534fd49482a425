//! The report for a browser: one file that needs nothing else.
//!
//! What a reader without scripts needs stands in the document; the ladders and fields stand beside
//! it as data, and are drawn when a case is opened.

mod case;
mod coverage;

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::escape::{html, json_in_html};
use super::summary::{Exit, exit_of, worst_last};
use crate::case::Verdict;
use crate::ledger::Ledger;
use crate::result::{Record, RunResult, Totals};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes the run in `folder` as an HTML document, which will be the file `output`: its links to evidence and
/// captures are relative to that. Evidence that is not there is named in it.
///
/// # Errors
/// The ledger's.
pub fn page(
    run: &RunResult,
    folder: &Path,
    output: Option<&Path>,
) -> Result<String, crate::ledger::LedgerError> {
    let base = base(folder, output);
    let ledger = Ledger::load()?;
    let mut body = String::new();
    let (word, class) = match exit_of(run) {
        Exit::Green => ("passed", "pass"),
        Exit::Failed => ("failed", "fail"),
        Exit::NotJudged => ("could not judge", "inconclusive"),
    };
    let _ = writeln!(
        body,
        "<header><h1>Firmproof <span class=\"verdict {class}\">{word}</span></h1>"
    );
    body.push_str(&what_ran(run));
    body.push_str("</header>\n<main>\n");
    body.push_str(&summary(run));
    body.push_str(&coverage::section(run, &ledger));
    body.push_str(&filters(run));
    body.push_str("<ol id=\"cases\" aria-label=\"Cases\">\n");
    let mut cases = worst_last(run);
    // The worst first, and else the suite's order.
    let is_plain = |record: &&Record| {
        matches!(record.verdict, Verdict::Pass | Verdict::Skipped) && !record.is_flaky()
    };
    cases.reverse();
    cases.sort_by_key(is_plain);
    let first_plain = cases.iter().position(is_plain).unwrap_or(cases.len());
    cases[first_plain..].reverse();
    for (place, record) in cases.iter().enumerate() {
        body.push_str(&case::section(place, record, &ledger, &base));
    }
    body.push_str("</ol>\n<p id=\"none\" hidden>No case fits these filters.</p>\n</main>\n");
    for (place, record) in cases.iter().enumerate() {
        let data = case::data(record, folder);
        let _ = writeln!(
            body,
            "<script type=\"application/json\" id=\"data-{place}\">{}</script>",
            json_in_html(&data)
        );
    }
    Ok(document(&format!("Firmproof: {word}"), &body, SCRIPT))
}

/// A document with our style and `script`, which alone may run, and may load nothing.
pub(super) fn document(title: &str, body: &str, script: &str) -> String {
    let digest = STANDARD.encode(Sha256::digest(script));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}\
         <script>{script}</script>\n</body>\n</html>\n",
        html(title)
    )
}

/// What a link to a file in `folder` begins with, in a document that is `output`.
fn base(folder: &Path, output: Option<&Path>) -> String {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.into());
    let folder = absolute(folder);
    let Some(place) = output
        .map(absolute)
        .and_then(|file| file.parent().map(Path::to_path_buf))
    else {
        return encoded(&folder) + "/";
    };
    let common = place.ancestors().find(|shared| folder.starts_with(shared));
    let common = common.unwrap_or(Path::new("/"));
    let up = place
        .strip_prefix(common)
        .map_or(0, |rest| rest.components().count());
    let down = folder.strip_prefix(common).unwrap_or(&folder);
    let base = "../".repeat(up) + &encoded(down);
    match base.is_empty() || base.ends_with('/') {
        true => base,
        false => base + "/",
    }
}

/// A path as a part of a URL (RFC 3986 §3.3).
fn encoded(path: &Path) -> String {
    let mut url = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                url.push((*byte).into());
            }
            _ => {
                let _ = write!(url, "%{byte:02X}");
            }
        }
    }
    url
}

fn what_ran(run: &RunResult) -> String {
    let mut out = String::from("<dl class=\"run\">\n");
    let mut item = |name: &str, value: &str| {
        let _ = writeln!(
            out,
            "<div><dt>{}</dt><dd>{}</dd></div>",
            html(name),
            html(value)
        );
    };
    for dut in &run.duts {
        let version = dut.version.as_deref().unwrap_or("unknown version");
        item("device", &format!("{} ({}), {version}", dut.name, dut.kind));
        if let Some(digest) = &dut.firmware_sha256 {
            item("firmware SHA-256", digest);
        }
        for (tool, version) in &dut.tools {
            item(tool, version);
        }
    }
    item("suite", &run.suite_version);
    item("seed", &run.seed);
    if run.began_unix_s > 0 {
        item("began", &utc(run.began_unix_s));
    }
    if !run.complete {
        item(
            "incomplete",
            "the run was interrupted: not every case was judged",
        );
    }
    out.push_str("</dl>\n");
    out
}

/// A moment for a person.
pub(super) fn utc(unix_s: u64) -> String {
    let moment = i64::try_from(unix_s)
        .ok()
        .and_then(|s| time::OffsetDateTime::from_unix_timestamp(s).ok());
    moment.map_or_else(String::new, |moment| {
        let (hour, minute, second) = moment.to_hms();
        format!("{} {hour:02}:{minute:02}:{second:02} UTC", moment.date())
    })
}

fn summary(run: &RunResult) -> String {
    let mut out = String::from(
        "<section aria-label=\"Summary\"><table class=\"totals\">\n<thead><tr><th scope=\"col\">protocol</th>\
         <th scope=\"col\">pass</th><th scope=\"col\">fail</th><th scope=\"col\">inconclusive</th>\
         <th scope=\"col\">skipped</th><th scope=\"col\">flaky</th></tr></thead>\n<tbody>\n",
    );
    let mut row = |name: &str, t: Totals| {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", html(name));
        for (number, class) in [
            (t.pass, "pass"),
            (t.fail, "fail"),
            (t.inconclusive, "inconclusive"),
            (t.skipped, "skipped"),
            (t.flaky, "flaky"),
        ] {
            let class = if number == 0 { "none" } else { class };
            let _ = write!(out, "<td class=\"{class}\">{number}</td>");
        }
        out.push_str("</tr>\n");
    };
    for protocol in several(run.cases.iter().map(|r| r.protocol.as_str())) {
        let of = run.cases.iter().filter(|r| r.protocol == protocol);
        row(protocol, Totals::of(of));
    }
    row("all", run.totals);
    out.push_str("</tbody></table></section>\n");
    out
}

/// Each of them once, in order.
fn several<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut several: Vec<&str> = all.collect();
    several.sort_unstable();
    several.dedup();
    several
}

fn filters(run: &RunResult) -> String {
    let mut out = String::from(
        "<form id=\"filters\" role=\"search\" aria-label=\"Filter the cases\">\n\
         <label class=\"wide\">Search <input type=\"search\" id=\"text\" \
         placeholder=\"id, requirement, clause ( / )\" autocomplete=\"off\"></label>\n",
    );
    let mut select = |id: &str, label: &str, options: &[&str]| {
        let _ = write!(
            out,
            "<label>{label} <select id=\"{id}\"><option value=\"\">all</option>"
        );
        for option in options {
            let option = html(option);
            let _ = write!(out, "<option value=\"{option}\">{option}</option>");
        }
        out.push_str("</select></label>\n");
    };
    select(
        "verdict",
        "verdict",
        &["fail", "inconclusive", "flaky", "pass", "skipped"],
    );
    select("level", "level", &["must", "should", "policy"]);
    let protocols = several(run.cases.iter().map(|r| r.protocol.as_str()));
    select("protocol", "protocol", &protocols);
    let duts = several(run.cases.iter().map(|r| r.dut.as_str()));
    select("dut", "device", &duts);
    out.push_str(
        "<button type=\"reset\">reset</button>\n<output id=\"count\"></output>\n\
         <p class=\"keys\">Keys: <kbd>/</kbd> search, <kbd>j</kbd> and <kbd>k</kbd> next and previous case, \
         <kbd>n</kbd> next that did not pass, <kbd>Enter</kbd> opens, arrows walk a ladder, <kbd>Esc</kbd> closes.</p>\n\
         </form>\n",
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::tests::example;

    #[test]
    fn nothing_of_a_hostile_device_is_markup_and_nothing_is_loaded_from_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = example();
        run.cases[0].dut = "\"><img src=x onerror=alert(1)>".into();
        run.duts[0].name = run.cases[0].dut.clone();
        run.cases[1].evidence = "evidence/hostile.json".into();
        std::fs::create_dir(folder.path().join("evidence")).unwrap();
        let evidence = serde_json::json!({
            "id": "x",
            "transcript": [{"at_us": 1, "peer": "http", "direction": "from-device",
                "summary": "</script><script>alert(1)</script>", "bytes": hex::encode("</script>"), "length": 9}],
            "console": [{"at_us": 2, "text": "<!--<img src=x onerror=alert(2)>"}],
        });
        let file = folder.path().join("evidence/hostile.json");
        std::fs::write(file, evidence.to_string()).unwrap();
        let page = page(&run, folder.path(), None).unwrap();
        let page = page.replace("http://www.w3.org/2000/svg", "");
        assert_eq!(page.matches("<script").count(), run.cases.len() + 1);
        assert_eq!(page.matches("</script>").count(), run.cases.len() + 1);
        for markup in [
            "<img",
            "<b>",
            "<!--",
            "onerror=alert(1)>\"",
            "http://",
            "https://",
        ] {
            let place = page
                .find(markup)
                .map(|at| &page[at.saturating_sub(80)..at + 40]);
            assert_eq!(place, None, "{markup}");
        }
        assert!(page.contains("\\u003c/script\\u003e"));
    }

    #[test]
    fn links_lead_from_the_document_to_the_run() {
        let base = |folder: &str, output: &str| base(Path::new(folder), Some(Path::new(output)));
        assert_eq!(base("/a/run", "/a/run/report.html"), "");
        assert_eq!(base("/a/run", "/a/report.html"), "run/");
        assert_eq!(base("/a/my run", "/a/b/report.html"), "../my%20run/");
        assert_eq!(super::base(Path::new("/a/run"), None), "/a/run/");
    }

    #[test]
    fn a_moment_is_written_for_a_person() {
        assert_eq!(utc(1_795_673_572), "2026-11-26 06:12:52 UTC");
    }
}
