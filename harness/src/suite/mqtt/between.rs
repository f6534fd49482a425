//! What comes between two connections of one session: a reset, or a power cut.

use super::scene::resumes;
use crate::bench::Bench;
use crate::case::{Case, Judged, Level};
use crate::peers::scripted_broker::{Connection, ScriptedBroker};
use crate::profile::Capability;

/// What comes between two connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    /// The server resets the connection.
    Reconnect,
    /// The device loses its power; its flash stays.
    PowerCut,
}

impl Between {
    /// Both.
    pub(super) const EACH: [Self; 2] = [Self::Reconnect, Self::PowerCut];

    /// For the end of an id.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Reconnect => "reconnect",
            Self::PowerCut => "power-cut",
        }
    }

    /// A power cut is no part of the specification.
    pub(super) fn level(self) -> Level {
        match self {
            Self::Reconnect => Level::Must,
            Self::PowerCut => Level::Policy,
        }
    }

    /// `case` with what this needs.
    pub(super) fn allowed(self, case: Case) -> Case {
        match self {
            Self::Reconnect => case.needs(&[Capability::Reconnects]),
            Self::PowerCut => case.needs(&[Capability::Power]),
        }
    }

    /// Makes it happen.
    pub(super) async fn happens(self, bench: &Bench, connection: Connection) -> Judged {
        match self {
            Self::Reconnect => connection.reset(),
            Self::PowerCut => {
                bench.cut_power().await?;
                drop(connection);
                bench.start().await?;
            }
        }
        Ok(())
    }

    /// Makes it happen, and resumes the session.
    pub(super) async fn resumed(
        self,
        bench: &Bench,
        broker: &mut ScriptedBroker,
        connection: Connection,
        statement: &str,
    ) -> Judged<Connection> {
        self.happens(bench, connection).await?;
        resumes(broker, statement).await
    }
}
