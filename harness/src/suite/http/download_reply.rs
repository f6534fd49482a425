//! Downloads judged by one reply of the server, given to every request of the device.

use super::download::{NEEDS, SIZE};
use super::offer::{Ending, Offer, Reply, begin, running_slot, unharmed};
use crate::bench::Bench;
use crate::case::{Case, Judged, Level};

/// What has to become of the update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The image is ready.
    Ready,
    /// The update fails with a named reason, and the running slot is unharmed.
    Failed,
    /// One of the two: the specification, or our policy, leaves the choice.
    Either,
}

/// A reply of the server, and what has to become of the update.
pub(super) struct Row {
    pub(super) level: Level,
    pub(super) name: &'static str,
    pub(super) statement: &'static str,
    pub(super) requirement: &'static str,
    pub(super) reply: fn(&Offer) -> Reply,
    pub(super) outcome: Outcome,
}

/// A case per row.
pub(super) fn cases(rows: &'static [Row]) -> Vec<Case> {
    let case = |row: &'static Row| {
        let id = format!("http/download/{}", row.name);
        let statements = [row.statement, "FIRMPROOF-UPDATE-14"];
        let body = move |bench| judge(bench, row);
        Case::new(row.level, id, &statements, row.requirement, body).needs(NEEDS)
    };
    rows.iter().map(case).collect()
}

async fn judge(bench: Bench, row: &'static Row) -> Judged {
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let reply = (row.reply)(&offer);
    let ending = offer
        .install_by(&bench, &mut server, |_, _| Ok(reply.clone()))
        .await?;
    settle(&bench, &slot, &offer, &ending, row.statement, row.outcome).await
}

/// Judges how an update ended; one that failed leaves the running slot unharmed and says why.
pub(super) async fn settle(
    bench: &Bench,
    slot: &str,
    offer: &Offer,
    ending: &Ending,
    statement: &str,
    outcome: Outcome,
) -> Judged {
    let failed = match outcome {
        Outcome::Ready => false,
        Outcome::Failed => true,
        Outcome::Either => ending.is_failed(),
    };
    if outcome == Outcome::Either {
        super::exchange::observe(bench, if failed { "refused" } else { "taken" });
    }
    if failed {
        ending.failed(statement)?;
        unharmed(bench, slot).await
    } else {
        ending.ready(statement, offer.version)?;
        bench.alive(statement).await
    }
}
