//! One case on one bench, from power on to record.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::bench::Bench;
use crate::case::{Case, Finding, Judged, Stop, Verdict};
use crate::profile::Profile;
use crate::result::{EvidenceFile, Record, write_record};

/// The longest that one case may take, in wall time.
const CASE_DEADLINE: Duration = Duration::from_secs(150);

/// The seed of a case's bench: the same run seed and case give the same bench.
pub fn bench_seed(run_seed: &[u8; 32], case_id: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(run_seed);
    digest.update(case_id);
    digest.finalize().into()
}

/// Runs `case` and writes its record and evidence into `folder`.
pub async fn judge(
    case: &Case,
    profile: Arc<Profile>,
    program: &Path,
    seed: [u8; 32],
    folder: &Path,
) -> Record {
    let began = Instant::now();
    let lacking = case.needs.iter().find(|need| !profile.has(**need));
    let (outcome, bench) = match (lacking, Bench::new(profile.clone(), program, seed)) {
        (Some(need), _) => (Err(Stop::Skip(*need)), None),
        (None, Err(error)) => (
            Err(Stop::inconclusive(format!(
                "the bench cannot be set up: {error}"
            ))),
            None,
        ),
        (None, Ok(bench)) => (on_bench(case, &bench).await, Some(bench)),
    };
    let (verdict, reason, finding): (Verdict, Option<String>, Option<Finding>) = match outcome {
        Ok(()) => (Verdict::Pass, None, None),
        Err(Stop::Fail(finding)) => (Verdict::Fail, None, Some(finding)),
        Err(Stop::Inconclusive(reason)) => (Verdict::Inconclusive, Some(reason), None),
        Err(Stop::Skip(need)) => (
            Verdict::Skipped,
            Some(format!(
                "the profile `{}` lacks the capability `{need}`",
                profile.name
            )),
            None,
        ),
    };
    let mut record = Record {
        id: case.id.clone(),
        dut: profile.name.clone(),
        protocol: case.protocol().into(),
        level: case.level,
        requirement: case.requirement.clone(),
        statements: case.statements.iter().map(|s| (*s).to_string()).collect(),
        verdict,
        seconds: began.elapsed().as_secs_f64(),
        reason,
        finding,
        evidence: String::new(),
    };
    let evidence = EvidenceFile {
        id: case.id.clone(),
        transcript: bench
            .as_ref()
            .map(|b| b.evidence().transcript.entries())
            .unwrap_or_default(),
        console: bench
            .as_ref()
            .map(|b| b.evidence().console.since(0))
            .unwrap_or_default(),
    };
    if let Err(error) = write_record(folder, &mut record, &evidence) {
        // A verdict whose evidence is lost is no verdict.
        record.verdict = Verdict::Inconclusive;
        record.reason = Some(format!("the evidence cannot be written: {error}"));
    }
    record
}

async fn on_bench(case: &Case, bench: &Bench) -> Judged {
    let statement = case.statements.first().copied().unwrap_or("liveness");
    let body = tokio::spawn(case.run(bench.clone()));
    let abort = body.abort_handle();
    let judged = match tokio::time::timeout(CASE_DEADLINE, body).await {
        Ok(Ok(judged)) => judged,
        Ok(Err(panic)) => Err(Stop::inconclusive(format!(
            "the case itself failed: {panic}"
        ))),
        Err(_) => {
            abort.abort();
            Err(Stop::inconclusive(bench.with_console(&format!(
                "no verdict within {} s",
                CASE_DEADLINE.as_secs()
            ))))
        }
    };
    // A panic explains a failure better than its consequences, and no pass survives one.
    let panicked = bench
        .evidence()
        .console
        .since(0)
        .into_iter()
        .find(|l| l.is("panic"));
    bench.end().await;
    match panicked {
        Some(line) => Err(Stop::fail(
            statement,
            "the device does not panic",
            line.text,
        )),
        None => judged,
    }
}
