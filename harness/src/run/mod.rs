//! A run: the chosen cases, several at a time, each on a bench of its own.

pub mod judge;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::case::Case;
use crate::profile::Profile;
use crate::result::{DutSummary, RunResult, SCHEMA, Totals};

pub use judge::judge;

/// What happens during a run, for whoever shows it.
#[derive(Debug, Clone)]
pub enum Event {
    /// A case began.
    Began {
        /// Its id.
        id: String,
    },
    /// A case was judged.
    Judged(Box<crate::result::Record>),
}

/// What to run.
pub struct Plan {
    /// The cases, in the suite's order.
    pub cases: Vec<Case>,
    /// The device.
    pub profile: Arc<Profile>,
    /// The `firmproof` program, which is also the host device.
    pub program: PathBuf,
    /// How many cases at a time.
    pub jobs: usize,
    /// What every bench's seed is drawn from.
    pub seed: [u8; 32],
    /// Where results go.
    pub folder: PathBuf,
}

/// Runs `plan`, telling `events` what happens, until all is judged or `stop` is done.
///
/// The result has what was judged; [`RunResult::complete`] says whether that is everything.
pub async fn run(
    plan: Plan,
    events: mpsc::UnboundedSender<Event>,
    stop: impl Future<Output = ()>,
) -> RunResult {
    let order: Vec<String> = plan.cases.iter().map(|c| c.id.clone()).collect();
    let slots = Arc::new(Semaphore::new(plan.jobs.max(1)));
    let mut tasks = JoinSet::new();
    for case in plan.cases {
        let slots = slots.clone();
        let (profile, program) = (plan.profile.clone(), plan.program.clone());
        let (folder, events) = (plan.folder.clone(), events.clone());
        let seed = judge::bench_seed(&plan.seed, &case.id);
        tasks.spawn(async move {
            let _slot = slots.acquire_owned().await;
            // A receiver that is gone only means that nobody watches.
            let _ = events.send(Event::Began {
                id: case.id.clone(),
            });
            let record = judge(&case, profile, &program, seed, &folder).await;
            let _ = events.send(Event::Judged(Box::new(record.clone())));
            record
        });
    }
    let mut records = Vec::with_capacity(order.len());
    tokio::pin!(stop);
    loop {
        tokio::select! {
            next = tasks.join_next() => match next {
                Some(Ok(record)) => records.push(record),
                Some(Err(_)) => {}
                None => break,
            },
            () = &mut stop => {
                // Dropping the benches ends their devices.
                tasks.shutdown().await;
                break;
            }
        }
    }
    records.sort_by_key(|record| order.iter().position(|id| *id == record.id));
    RunResult {
        schema: SCHEMA,
        suite_version: env!("CARGO_PKG_VERSION").into(),
        seed: hex::encode(plan.seed),
        complete: records.len() == order.len(),
        duts: vec![DutSummary {
            name: plan.profile.name.clone(),
            kind: format!("{:?}", plan.profile.kind).to_lowercase(),
        }],
        totals: Totals::of(&records),
        cases: records,
    }
}
