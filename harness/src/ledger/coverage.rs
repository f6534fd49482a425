//! How the statements stand against the cases of a suite.

use serde::Serialize;

use super::{Protocol, Statement};

/// How one statement stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// These cases judge it.
    Covered(Vec<String>),
    /// No case judges it, though one could.
    Uncovered,
    /// No case has to judge it, for this reason.
    NotApplicable(String),
}

/// One statement and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line<'l> {
    /// The statement.
    pub statement: &'l Statement,
    /// The cases that judge it, or why there are none.
    pub standing: Standing,
}

/// A case that names a statement which the ledger does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// The case's id.
    pub case: String,
    /// What it names.
    pub statement: String,
}

/// How many statements stand how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Judged by at least one case.
    pub covered: usize,
    /// Judged by none.
    pub uncovered: usize,
    /// With a reason why none has to.
    pub not_applicable: usize,
}

/// How every statement stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage<'l> {
    /// A line for each statement, in the order of the ledger.
    pub lines: Vec<Line<'l>>,
    /// What cases name in vain; any is a mistake in the suite.
    pub unknown: Vec<Unknown>,
}

impl<'l> Coverage<'l> {
    /// The lines of one protocol, or of all.
    pub fn of(&self, protocol: Option<Protocol>) -> impl Iterator<Item = &Line<'l>> {
        self.lines
            .iter()
            .filter(move |line| protocol.is_none_or(|wanted| line.statement.protocol == wanted))
    }

    /// How many statements of one protocol, or of all, stand how.
    #[must_use]
    pub fn tally(&self, protocol: Option<Protocol>) -> Tally {
        let mut tally = Tally::default();
        for line in self.of(protocol) {
            match line.standing {
                Standing::Covered(_) => tally.covered += 1,
                Standing::Uncovered => tally.uncovered += 1,
                Standing::NotApplicable(_) => tally.not_applicable += 1,
            }
        }
        tally
    }
}
