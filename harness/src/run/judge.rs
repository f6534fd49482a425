//! One case on one bench, from power on to record.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::Setup;
use crate::bench::Bench;
use crate::case::{Case, Finding, Judged, Level, Stop, Verdict};
use crate::evidence::capture::pcapng_of;
use crate::evidence::{Direction, Evidence};
use crate::lab::Capture;
use crate::profile::{Capability, Kind};
use crate::result::{
    Attempt, EvidenceFile, Record, RecordFile, ResultError, SCHEMA, SUITE_VERSION,
};

/// The longest that one case may take, in wall time.
const CASE_DEADLINE: Duration = Duration::from_secs(150);

/// The seed of a case's bench: the same run seed and case give the same bench.
pub fn bench_seed(run_seed: &[u8; 32], case_id: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(run_seed);
    digest.update(case_id);
    digest.finalize().into()
}

/// Runs `case` and writes its record, evidence and capture into the run's folder.
pub async fn judge(case: &Case, setup: &Setup) -> RecordFile {
    let began = Instant::now();
    let marked = setup.folder.begin(&setup.dut.name, &case.id);
    let (outcome, bench) = match lacking(case, setup) {
        Some(need) => (Err(Stop::Skip(need)), None),
        None => {
            let seed = bench_seed(setup.folder.seed(), &case.id);
            match bench(setup, seed) {
                Ok(bench) => (on_bench(case, &bench).await, Some(bench)),
                Err(error) => {
                    let reason = format!("the bench cannot be set up: {error}");
                    (Err(Stop::inconclusive(reason)), None)
                }
            }
        }
    };
    let evidence = match &bench {
        Some(bench) => bench.evidence().clone(),
        None => Evidence::new(),
    };
    let lacks = match &outcome {
        Err(Stop::Skip(need)) => Some(need.to_string()),
        _ => None,
    };
    let (verdict, reason, finding) = split(outcome, setup, &evidence);
    let wire = bench.map(|bench| bench.lab().capture()).unwrap_or_default();
    measure_wire(&evidence, &wire);
    let seconds = began.elapsed().as_secs_f64();
    let seen = finding.as_ref().map(|finding| finding.seen.clone());
    let mut record = RecordFile {
        schema: SCHEMA,
        suite_version: SUITE_VERSION.into(),
        seed: setup.folder.seed_text(),
        dut: setup.dut.clone(),
        case: Record {
            id: case.id.clone(),
            dut: setup.dut.name.clone(),
            protocol: case.protocol().into(),
            level: binding(case, finding.as_ref()),
            requirement: case.requirement.clone(),
            statements: case.statements.iter().map(|s| (*s).to_string()).collect(),
            verdict,
            seconds,
            attempts: vec![Attempt {
                verdict,
                seconds,
                reason: reason.clone().or(seen),
                evidence: None,
                capture: None,
            }],
            reason,
            lacks,
            finding,
            observed: observed(&evidence),
            metrics: evidence.metrics.all(),
            evidence: String::new(),
            capture: None,
        },
    };
    if setup.profile.has(Capability::ObserveConsole) {
        record.dut.version = version(&evidence);
    }
    if let Err(error) = marked.and_then(|()| write(&mut record, setup, &evidence, wire)) {
        // A verdict whose evidence is lost is no verdict.
        record.case.verdict = Verdict::Inconclusive;
        record.case.reason = Some(format!("the evidence cannot be written: {error}"));
    }
    record
}

/// The bench for one case.
///
/// # Errors
/// The lab or its folder cannot be made.
pub fn bench(setup: &Setup, seed: [u8; 32]) -> std::io::Result<Bench> {
    match &setup.seat {
        Some(seat) => Bench::on_board(setup.profile.clone(), seat, seed),
        None => Bench::new(setup.profile.clone(), &setup.program, seed),
    }
}

/// How binding the verdict is: a rule of ours that a case found broken on its way is no more than that, however binding
/// what the case is for.
fn binding(case: &Case, finding: Option<&Finding>) -> Level {
    match finding {
        Some(finding) if finding.statement.starts_with("FIRMPROOF-") => Level::Policy,
        _ => case.level,
    }
}

fn lacking(case: &Case, setup: &Setup) -> Option<Capability> {
    let mut needs = case.needs.iter().copied();
    needs.find(|need| !setup.profile.has(*need))
}

/// Verdict, reason and finding of an outcome, without the secrets.
fn split(
    outcome: Judged,
    setup: &Setup,
    evidence: &Evidence,
) -> (Verdict, Option<String>, Option<Finding>) {
    let masked = |text: String| evidence.secrets.masked(&text);
    match outcome {
        Ok(()) => (Verdict::Pass, None, None),
        Err(Stop::Fail(finding)) => {
            let finding = Finding {
                expected: masked(finding.expected),
                seen: masked(finding.seen),
                ..finding
            };
            (Verdict::Fail, None, Some(finding))
        }
        Err(Stop::Inconclusive(reason)) => (Verdict::Inconclusive, Some(masked(reason)), None),
        Err(Stop::Lacking(what)) => {
            let reason = format!("this machine lacks {what}");
            (Verdict::Skipped, Some(reason), None)
        }
        Err(Stop::Skip(need)) => {
            let profile = &setup.profile.name;
            let reason = format!("the profile `{profile}` lacks the capability `{need}`");
            (Verdict::Skipped, Some(reason), None)
        }
    }
}

fn observed(evidence: &Evidence) -> Vec<String> {
    let choices = evidence.observed.all();
    choices
        .iter()
        .map(|choice| evidence.secrets.masked(choice))
        .collect()
}

fn measure_wire(evidence: &Evidence, wire: &Capture) {
    if wire.of_sockets || *wire == Capture::default() {
        // No frames of this wire: another network carried them, or nothing was said.
        return;
    }
    for (frames, bytes, traffic) in [
        ("wire_to_dut_frames", "wire_to_dut_bytes", wire.to_dut),
        ("wire_from_dut_frames", "wire_from_dut_bytes", wire.from_dut),
    ] {
        evidence.metrics.set(frames, traffic.frames as f64);
        evidence.metrics.set(bytes, traffic.bytes as f64);
    }
}

/// What the device calls its version on its first ready line.
fn version(evidence: &Evidence) -> Option<String> {
    let lines = evidence.shown_console();
    let ready = lines.iter().find(|line| line.is("ready"))?;
    ready.field("version").map(str::to_owned)
}

fn write(
    record: &mut RecordFile,
    setup: &Setup,
    evidence: &Evidence,
    wire: Capture,
) -> Result<(), ResultError> {
    let file = EvidenceFile {
        id: record.case.id.clone(),
        transcript: evidence.shown_transcript(),
        console: evidence.shown_console(),
    };
    let wanted = setup.captures.include(record.case.verdict) && !wire.frames.is_empty();
    let capture = wanted.then(|| pcapng_of(wire, &evidence.secrets));
    let capture = capture.transpose().map_err(|source| ResultError::Io {
        path: setup.folder.path().into(),
        source,
    })?;
    setup.folder.write(record, &file, capture.as_deref())
}

/// Why a client that is not ours, and never sent a byte, is not judged: its command or its profile is wrong, or it takes
/// its time before it begins, which no clause forbids.
fn said_nothing(case: &Case, bench: &Bench, finding: &Finding) -> Option<Stop> {
    let is_client = case.protocol() != "http";
    let entries = bench.evidence().transcript.entries();
    let ends = ["FIN", "RST"];
    let silent = entries.iter().all(|entry| {
        entry.direction != Direction::FromDevice || ends.contains(&entry.summary.as_str())
    });
    if bench.profile().kind != Kind::External || !is_client || !silent {
        return None;
    }
    Some(Stop::inconclusive(format!(
        "the device sent nothing at all: {}",
        finding.seen
    )))
}

/// A program that has ended by itself explains what was not seen of it.
async fn with_end(bench: &Bench, finding: Finding) -> Finding {
    if bench.profile().kind != Kind::External {
        return finding;
    }
    match bench.ended().await {
        Some(how) if !finding.seen.contains(&how) => Finding {
            seen: format!("{}; its process had ended by itself: {how}", finding.seen),
            ..finding
        },
        _ => finding,
    }
}

async fn on_bench(case: &Case, bench: &Bench) -> Judged {
    let statement = case.statements.first().copied().unwrap_or("liveness");
    // A set, because dropping it ends the case: an interrupted run leaves no device behind.
    let mut body = JoinSet::new();
    body.spawn(case.run(bench.clone()));
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(CASE_DEADLINE, body.join_next()) => outcome,
        stop = bench.emulator_fails() => Ok(Some(Ok(Err(stop)))),
    };
    let judged = match outcome {
        Ok(Some(Ok(Err(Stop::Fail(finding))))) => {
            let finding = with_end(bench, finding).await;
            let hangs = bench.emulator_hangs().await;
            let stop = hangs.or_else(|| said_nothing(case, bench, &finding));
            Err(stop.unwrap_or(Stop::Fail(finding)))
        }
        Ok(Some(Ok(judged))) => judged,
        Ok(Some(Err(panic))) => Err(Stop::inconclusive(format!(
            "the case itself failed: {panic}"
        ))),
        Ok(None) | Err(_) => Err(Stop::inconclusive(
            bench.with_console(&format!("no verdict within {} s", CASE_DEADLINE.as_secs())),
        )),
    };
    drop(body);
    bench.end().await;
    // A panic explains a failure better than its consequences, and no pass survives one.
    let panicked = bench
        .evidence()
        .console
        .since(0)
        .into_iter()
        .find(|l| l.is("panic"));
    match panicked {
        Some(line) => Err(Stop::fail(
            statement,
            "the device does not panic",
            line.text,
        )),
        None => judged,
    }
}
