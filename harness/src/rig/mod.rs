//! The rig: the lab's map of boards, and a run over all of them.

pub mod board;
pub mod flash;
pub mod health;
pub mod lock;
pub mod map;
mod pool;
pub mod report;
pub mod run;

pub use board::{Board, SeatError};
pub use lock::{BoardLock, LockError};
pub use map::{Rig, RigError};
pub use report::{BoardReport, RigReport, State};
pub use run::{Outcome, Plan, run};
