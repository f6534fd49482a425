//! The cases of one kind of board, shared by the boards of that kind.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::case::Case;

#[derive(Default)]
struct State {
    waiting: VecDeque<Case>,
    /// Cases that a board is judging, and may give back.
    out: usize,
}

/// Cases that wait for a board.
#[derive(Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    changed: Notify,
}

impl Pool {
    /// All of `cases` wait.
    pub(super) fn new(cases: impl IntoIterator<Item = Case>) -> Self {
        let pool = Self::default();
        pool.lock().waiting.extend(cases);
        pool
    }

    /// The next case; `None` when none waits and no board can give one back.
    pub(super) async fn next(&self) -> Option<Case> {
        loop {
            // Made before the look, so that a change after it is not missed.
            let changed = self.changed.notified();
            {
                let mut state = self.lock();
                if let Some(case) = state.waiting.pop_front() {
                    state.out += 1;
                    return Some(case);
                }
                if state.out == 0 {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// A board has judged its case.
    pub(super) fn done(&self) {
        self.lock().out -= 1;
        self.changed.notify_waiters();
    }

    /// A board could not judge its case: it is another one's turn.
    pub(super) fn give_back(&self, case: Case) {
        {
            let mut state = self.lock();
            state.out -= 1;
            state.waiting.push_front(case);
        }
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    fn cases(count: usize) -> Vec<Case> {
        crate::suite::all().into_iter().take(count).collect()
    }

    #[tokio::test]
    async fn a_case_that_is_given_back_goes_to_a_board_that_waited() {
        let pool = Arc::new(Pool::new(cases(1)));
        let first = pool.next().await.unwrap();
        let other = tokio::spawn({
            let pool = pool.clone();
            async move { pool.next().await.map(|case| case.id) }
        });
        tokio::task::yield_now().await;
        let id = first.id.clone();
        pool.give_back(first);
        assert_eq!(other.await.unwrap(), Some(id));
        pool.done();
        assert!(pool.next().await.is_none());
    }

    #[tokio::test]
    async fn nobody_waits_for_cases_that_cannot_come_back() {
        let pool = Arc::new(Pool::new(cases(1)));
        let _case = pool.next().await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(20), pool.next()).await;
        assert!(waiting.is_err(), "the case can come back");
        pool.done();
        assert!(pool.next().await.is_none());
    }
}
