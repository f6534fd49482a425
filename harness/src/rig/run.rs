//! A run over the boards of a rig: boards of one kind share the cases, one case at a time each; a
//! board that is not fit is set aside, and the run goes on without it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::board::Board;
use super::lock::BoardLock;
use super::pool::Pool;
use super::report::{BoardReport, State};
use super::{flash, health};
use crate::case::{Case, Verdict};
use crate::profile::Kind;
use crate::result::{RecordFile, RunFolder, RunResult};
use crate::run::assemble::sort;
use crate::run::{Captures, Event, Setup, judge};

/// What to run.
pub struct Plan {
    /// The boards.
    pub boards: Vec<Board>,
    /// The cases; each runs once on each kind of board.
    pub cases: Vec<Case>,
    /// Where results go.
    pub folder: RunFolder,
    /// Which captures go there.
    pub captures: Captures,
    /// Whether boards are flashed first.
    pub flash: bool,
    /// Where emulated boards keep their images.
    pub images: PathBuf,
    /// Where the locks are.
    pub locks: PathBuf,
}

impl Plan {
    /// How many verdicts a complete run has.
    pub fn total(&self) -> usize {
        let mut kinds: Vec<&str> = self.boards.iter().map(|b| b.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.len() * self.cases.len()
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The verdicts.
    pub result: RunResult,
    /// The boards, in the rig's order.
    pub boards: Vec<BoardReport>,
}

/// What the boards' tasks share.
struct Shared {
    folder: RunFolder,
    captures: Captures,
    flash: bool,
    images: PathBuf,
    locks: PathBuf,
    records: Mutex<Vec<RecordFile>>,
    reports: Mutex<BTreeMap<String, BoardReport>>,
    events: mpsc::UnboundedSender<Event>,
}

/// Runs `plan` until all is judged, no board is left, or `stop` is done.
pub async fn run(
    plan: Plan,
    events: mpsc::UnboundedSender<Event>,
    stop: impl Future<Output = ()>,
) -> Outcome {
    let total = plan.total();
    let order: Vec<String> = plan.boards.iter().map(|board| board.name.clone()).collect();
    let mut pools: BTreeMap<String, Arc<Pool>> = BTreeMap::new();
    let shared = Arc::new(Shared {
        folder: plan.folder,
        captures: plan.captures,
        flash: plan.flash,
        images: plan.images,
        locks: plan.locks,
        records: Mutex::default(),
        reports: Mutex::default(),
        events,
    });
    let mut tasks = JoinSet::new();
    for board in plan.boards {
        let cases = &plan.cases;
        let pool = pools
            .entry(board.kind.clone())
            .or_insert_with(|| Arc::new(Pool::new(cases.iter().cloned())));
        tasks.spawn(serve(board, pool.clone(), shared.clone()));
    }
    tokio::pin!(stop);
    loop {
        tokio::select! {
            next = tasks.join_next() => if next.is_none() { break },
            () = &mut stop => {
                // Dropping the benches ends their devices.
                tasks.shutdown().await;
                break;
            }
        }
    }
    let mut records = std::mem::take(&mut *lock(&shared.records));
    sort(&mut records);
    let complete = records.len() == total;
    let mut reports = std::mem::take(&mut *lock(&shared.reports));
    Outcome {
        result: RunResult::of(&shared.folder, records, complete),
        boards: order
            .iter()
            .filter_map(|name| reports.remove(name))
            .collect(),
    }
}

/// One board, from its lock to its last case.
async fn serve(board: Board, pool: Arc<Pool>, shared: Arc<Shared>) {
    let began = Instant::now();
    let mut cases = 0;
    let (state, reason) = match BoardLock::take(&shared.locks, &board.key) {
        Err(busy) => (State::Busy, Some(format!("board {}: {busy}", board.name))),
        Ok(_mine) => match prepared(&board, &shared).await {
            Err(reason) => (State::SetAside, Some(reason)),
            Ok(setup) => match judge_all(&setup, &pool, &shared, &mut cases).await {
                Ok(()) => (State::Used, None),
                Err(reason) => (State::SetAside, Some(reason)),
            },
        },
    };
    let report = BoardReport {
        name: board.name.clone(),
        profile: board.kind.clone(),
        state,
        reason,
        cases,
        seconds: began.elapsed().as_secs_f64(),
    };
    lock(&shared.reports).insert(board.name, report);
}

/// Flashes the board where that is wanted, and sees whether it is fit.
async fn prepared(board: &Board, shared: &Shared) -> Result<Setup, String> {
    if shared.flash || !flash::has_image(board, &shared.images) {
        flash::flash(board, &shared.images).await?;
    }
    let setup = setup(
        board,
        &shared.images,
        shared.folder.clone(),
        shared.captures,
    );
    health::check(&setup).await?;
    Ok(setup)
}

/// What all cases on one board have in common.
pub fn setup(board: &Board, images: &Path, folder: RunFolder, captures: Captures) -> Setup {
    let image = flash::image(board, images);
    let mut profile = board.profile.clone();
    if profile.kind == Kind::Qemu {
        profile.qemu.elf = Some(image.clone());
    }
    Setup::new(Arc::new(profile), image, folder, captures)
        .for_board(&board.name, board.seat.clone())
}

async fn judge_all(
    setup: &Setup,
    pool: &Pool,
    shared: &Shared,
    count: &mut usize,
) -> Result<(), String> {
    while let Some(case) = pool.next().await {
        // A receiver that is gone only means that nobody watches.
        let _ = shared.events.send(Event::Began {
            id: case.id.clone(),
        });
        let record = judge(&case, setup).await;
        if record.case.verdict == Verdict::Inconclusive
            && let Err(reason) = health::check(setup).await
        {
            // The board's fault, not the device's: another board judges the case.
            let _ = shared.folder.withdraw(&setup.dut.name, &case.id);
            pool.give_back(case);
            return Err(reason);
        }
        *count += 1;
        let _ = shared
            .events
            .send(Event::Judged(Box::new(record.case.clone())));
        lock(&shared.records).push(record);
        pool.done();
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
