//! What the reference device says to its peers in four families of cases, for people to read and to
//! review: a snapshot per family, the same one for every kind of device.
//!
//! A snapshot documents, it never decides a verdict: `conformance` judges the same cases, and a
//! ladder that changes is accepted, or not, by a person (`INSTA_UPDATE=always cargo test --test families`).

mod ladder;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use firmproof::case::Case;
use firmproof::evidence::{Direction, Entry};
use firmproof::profile::Profile;
use firmproof::result::{EvidenceFile, Record, RunFolder};
use firmproof::run::{Captures, Setup, judge};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The kinds of device, each held against the same snapshots.
const DUTS: [&str; 1] = ["host"];
/// Cases at a time: most of a case is waiting.
const JOBS: usize = 4;
/// How often a case is observed anew whose evidence lacks what the snapshot shows.
const TAKES: usize = 10;

/// A line that a family has above its ladders, out of a case's evidence.
type Headline = fn(&Case, &EvidenceFile) -> Option<String>;

#[test]
fn the_calendar_family_is_as_documented() {
    document("ntp/calendar", Some(shown_at_the_instant));
}

#[test]
fn the_connack_family_is_as_documented() {
    document("mqtt/connack", None);
}

#[test]
fn the_session_present_family_is_as_documented() {
    document("mqtt/session-present", None);
}

#[test]
fn the_remaining_length_family_is_as_documented() {
    document("mqtt/remaining-length", None);
}

fn document(family: &str, headline: Option<Headline>) {
    let prefix = format!("{family}/");
    let cases: Vec<Case> = firmproof::suite::all()
        .into_iter()
        .filter(|case| case.id.starts_with(&prefix))
        .collect();
    assert!(!cases.is_empty(), "the suite has no family {family}");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    for dut in DUTS {
        let profile = Arc::new(Profile::find(dut).unwrap());
        let text = runtime.block_on(observe(&cases, &profile, headline));
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_description(format!("cargo test --test families: {prefix}*"));
        settings.bind(|| insta::assert_snapshot!(family.replace('/', "-"), text));
    }
}

/// The sections of `cases`, in the suite's order.
async fn observe(cases: &[Case], profile: &Arc<Profile>, headline: Option<Headline>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let setup = Arc::new(Setup::new(
        profile.clone(),
        Path::new(env!("CARGO_BIN_EXE_firmproof")).into(),
        RunFolder::join(folder.path(), Some([0; 32])).unwrap(),
        Captures::None,
    ));
    let places = Arc::new(Semaphore::new(JOBS));
    let mut running = JoinSet::new();
    for (place, case) in cases.iter().cloned().enumerate() {
        let (setup, places) = (setup.clone(), places.clone());
        running.spawn(async move {
            let _turn = places.acquire_owned().await;
            (place, section(&case, &setup, headline).await)
        });
    }
    let mut sections = running.join_all().await;
    sections.sort_by_key(|(place, _)| *place);
    let texts: Vec<String> = sections.into_iter().map(|(_, text)| text).collect();
    texts.join("\n")
}

async fn section(case: &Case, setup: &Setup, headline: Option<Headline>) -> String {
    let mut take = 1;
    loop {
        let record = judge(case, setup).await.case;
        let evidence = EvidenceFile::read(setup.folder.path(), &record).unwrap();
        let line = headline.map(|headline| headline(case, &evidence));
        match line {
            Some(None) if take < TAKES => take += 1,
            Some(line) => {
                return render(
                    &record,
                    &evidence,
                    Some(line.as_deref().unwrap_or("never seen at the instant")),
                );
            }
            None => return render(&record, &evidence, None),
        }
    }
}

fn render(record: &Record, evidence: &EvidenceFile, headline: Option<&str>) -> String {
    let mut out = format!("{}\n", record.id);
    let _ = writeln!(
        out,
        "  {} {}  {}",
        record.level,
        record.verdict,
        record.statements.join(" ")
    );
    let _ = writeln!(out, "  {}", record.requirement);
    if let Some(reason) = &record.reason {
        let _ = writeln!(out, "  reason: {reason}");
    }
    if let Some(finding) = &record.finding {
        let _ = writeln!(
            out,
            "  {}: expected {}, seen {}",
            finding.statement, finding.expected, finding.seen
        );
    }
    if let Some(headline) = headline {
        let _ = writeln!(out, "  {headline}");
    }
    for line in ladder::readable(&evidence.transcript) {
        let _ = writeln!(out, "    {line}");
    }
    out
}

/// The civil times that the device told in the very second of its row.
///
/// A busy machine may ask for the state only after that second has gone; then there is none, and the
/// case is observed anew. The ladder leaves the asking out: how often it happens is the machine's.
fn shown_at_the_instant(case: &Case, evidence: &EvidenceFile) -> Option<String> {
    let instant = instant_of(case.id.strip_prefix("ntp/calendar/")?)?;
    let states = evidence.transcript.iter().filter_map(state_in);
    let time = states
        .map(|state| state["time"].clone())
        .find(|time| time["unix_s"].as_i64() == Some(instant))?;
    let told = |key: &str| time[key].as_str().unwrap_or("nothing").to_owned();
    Some(format!(
        "told at {instant}: utc {} local {}",
        told("utc"),
        told("local")
    ))
}

/// The Unix second of a row of the calendar table.
fn instant_of(row: &str) -> Option<i64> {
    include_str!("../../../fixtures/calendar/calendar.csv")
        .lines()
        .find_map(|line| {
            let mut columns = line.split(',');
            (columns.next()? == row).then(|| columns.nth(2)?.parse().ok())?
        })
}

/// The JSON body of an answer of the device's HTTP server.
fn state_in(entry: &Entry) -> Option<serde_json::Value> {
    if entry.peer != ladder::STATE || entry.direction != Direction::FromDevice {
        return None;
    }
    let bytes = hex::decode(&entry.bytes).ok()?;
    let body = bytes.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    serde_json::from_slice(bytes.get(body..)?).ok()
}
