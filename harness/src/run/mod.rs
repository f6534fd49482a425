//! A run: the chosen cases, several at a time, each on a bench of its own.

pub mod assemble;
pub mod judge;
pub mod setup;

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::case::{Case, Verdict};
use crate::result::RunResult;

pub use assemble::assemble;
pub use judge::judge;
pub use setup::{Captures, Setup};

/// What happens during a run, for whoever shows it.
#[derive(Debug, Clone)]
pub enum Event {
    /// A case began.
    Began {
        /// Its id.
        id: String,
    },
    /// A case failed or could not be judged, and is judged again.
    Retried(Box<crate::result::Record>),
    /// A case was judged, for good.
    Judged(Box<crate::result::Record>),
}

/// What to run.
pub struct Plan {
    /// The cases, in the suite's order.
    pub cases: Vec<Case>,
    /// The device, and where results go.
    pub setup: Arc<Setup>,
    /// How many cases at a time.
    pub jobs: usize,
    /// How often a case that failed or could not be judged is judged again.
    pub retries: u32,
}

/// The order in which cases begin: those that wait for long before the others, so that a run does not end with
/// waiting for them.
pub fn long_ones_first(mut cases: Vec<Case>) -> Vec<Case> {
    cases.sort_by_key(|case| !case.is_long);
    cases
}

/// Runs `plan`, telling `events` what happens, until all is judged or `stop` is done.
///
/// The result has what was judged; [`RunResult::complete`] says whether that is everything.
pub async fn run(
    plan: Plan,
    events: mpsc::UnboundedSender<Event>,
    stop: impl Future<Output = ()>,
) -> RunResult {
    let total = plan.cases.len();
    let slots = Arc::new(Semaphore::new(plan.jobs.max(1)));
    let mut tasks = JoinSet::new();
    for case in long_ones_first(plan.cases) {
        let slots = slots.clone();
        let (setup, events) = (plan.setup.clone(), events.clone());
        tasks.spawn(async move {
            let _slot = slots.acquire_owned().await;
            // A receiver that is gone only means that nobody watches.
            let _ = events.send(Event::Began {
                id: case.id.clone(),
            });
            let mut record = judge(&case, &setup).await;
            let mut left = plan.retries;
            while left > 0 && matches!(record.case.verdict, Verdict::Fail | Verdict::Inconclusive) {
                let _ = events.send(Event::Retried(Box::new(record.case.clone())));
                left -= 1;
                record = judge(&case, &setup).await;
            }
            let _ = events.send(Event::Judged(Box::new(record.case.clone())));
            record
        });
    }
    let mut records = Vec::with_capacity(total);
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
    assemble::sort(&mut records);
    let complete = records.len() == total;
    RunResult::of(&plan.setup.folder, records, complete)
}
