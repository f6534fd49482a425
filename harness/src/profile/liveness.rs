//! How a device shows after a hostile case that it is alive.

use serde::Deserialize;

/// What is asked of a device after a case that was hostile to it, besides the clause that the case judges.
///
/// The specifications let a program end after an error, and do not ask a client to connect again: what to
/// ask is the profile's to say. A device that a signal ends, or whose console tells of a panic, fails with
/// every one of these. An HTTP server has to serve again, whatever is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Liveness {
    /// It runs on, and its MQTT client connects again by itself after a lost or refused connection.
    Reconnects,
    /// It runs on; its MQTT client need not connect again.
    Runs,
    /// It may end after an error. The harness then starts it again, and it has to connect or serve.
    Restarted,
    /// Nothing is declared, and only a crash fails.
    #[serde(skip)]
    NotDeclared,
}

impl Liveness {
    /// Whether the program may end by itself after an error.
    pub fn may_end(self) -> bool {
        matches!(self, Self::Restarted | Self::NotDeclared)
    }
}
