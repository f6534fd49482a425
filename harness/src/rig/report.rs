//! What became of each board in a run: `rig.json`, and a table for people.

use std::fmt::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::result::ResultError;

/// The schema that this version writes.
pub const SCHEMA: u32 = 1;
/// The file's name in a run's folder.
pub const FILE: &str = "rig.json";

/// What became of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It judged until there was nothing left to judge.
    Used,
    /// Another process had it.
    Busy,
    /// It was not fit, or ceased to be.
    SetAside,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Used => "used",
            Self::Busy => "busy",
            Self::SetAside => "set aside",
        })
    }
}

/// One board of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoardReport {
    /// Its name, as in `run.json`'s `duts[]`.
    pub name: String,
    /// Its profile.
    pub profile: String,
    /// What became of it.
    pub state: State,
    /// Why it was busy or set aside.
    pub reason: Option<String>,
    /// Cases that it judged.
    pub cases: usize,
    /// Wall time in seconds from its flashing to its last case.
    pub seconds: f64,
}

/// All boards of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RigReport {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The rig's file.
    pub rig: String,
    /// The boards, in the rig's order.
    pub boards: Vec<BoardReport>,
}

impl RigReport {
    /// Writes `rig.json` into a run's folder.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, folder: &Path) -> Result<(), ResultError> {
        crate::result::write_file(&folder.join(FILE), self)
    }

    /// The boards as a table.
    pub fn table(&self) -> String {
        let mut out = String::from("board             profile       state       cases  seconds\n");
        for board in &self.boards {
            let _ = writeln!(
                out,
                "{:<17} {:<13} {:<10} {:>6} {:>8.1}",
                board.name, board.profile, board.state, board.cases, board.seconds
            );
            if let Some(reason) = &board.reason {
                let _ = writeln!(out, "  {}", reason.escape_debug());
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_that_was_set_aside_is_shown_with_its_reason_on_one_line() {
        let board = |name: &str, state, reason: Option<&str>| BoardReport {
            name: name.into(),
            profile: "esp32s3".into(),
            state,
            reason: reason.map(Into::into),
            cases: 12,
            seconds: 34.56,
        };
        let report = RigReport {
            schema: SCHEMA,
            rig: "rig.toml".into(),
            boards: vec![
                board("left", State::Used, None),
                board(
                    "right",
                    State::SetAside,
                    Some("board right: no\nanswer\u{1b}[2J"),
                ),
                board("third", State::Busy, Some("it is in use by process 7")),
            ],
        };
        insta::assert_snapshot!(report.table());
    }
}
