//! A case: one check of one device on one bench, and what it can come to.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bench::Bench;
pub use crate::ledger::Level;
use crate::peers::scripted_broker::BrokerError;
use crate::profile::Capability;

/// What a case came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The device does what the requirement says.
    Pass,
    /// It does not.
    Fail,
    /// The harness could not judge; the reason says why.
    Inconclusive,
    /// The profile lacks a capability, or the machine a program; the reason says which.
    Skipped,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
        })
    }
}

/// What a failed case found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The statement that does not hold.
    pub statement: String,
    /// What it calls for.
    pub expected: String,
    /// What the device did.
    pub seen: String,
}

/// Why a case ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The device broke the requirement.
    Fail(Finding),
    /// The harness could not judge.
    Inconclusive(String),
    /// The profile lacks this capability.
    Skip(Capability),
    /// The machine that the harness runs on lacks this, named with the way to get it.
    Lacking(String),
}

impl Stop {
    /// A broken requirement.
    pub fn fail(
        statement: impl Into<String>,
        expected: impl Into<String>,
        seen: impl Into<String>,
    ) -> Self {
        Self::Fail(Finding {
            statement: statement.into(),
            expected: expected.into(),
            seen: seen.into(),
        })
    }

    /// What to tell a person who ran no case: why a device did not start.
    pub fn told(self) -> String {
        match self {
            Self::Fail(finding) => finding.seen,
            Self::Inconclusive(reason) | Self::Lacking(reason) => reason,
            Self::Skip(need) => format!("the profile lacks `{need}`"),
        }
    }

    /// Something that kept the harness from judging.
    pub fn inconclusive(reason: impl Into<String>) -> Self {
        Self::Inconclusive(reason.into())
    }
}

impl From<BrokerError> for Stop {
    fn from(error: BrokerError) -> Self {
        match error {
            BrokerError::Broken {
                statement,
                expected,
                seen,
            } => Self::fail(statement, expected, seen),
            other => Self::inconclusive(format!("broker: {other}")),
        }
    }
}

/// The outcome of a step of a case.
pub type Judged<T = ()> = Result<T, Stop>;

/// Fails a case unless `holds`.
///
/// # Errors
/// [`Stop::Fail`] with the statement, what was expected and what was seen.
pub fn require(
    holds: bool,
    statement: &str,
    expected: impl Into<String>,
    seen: impl Into<String>,
) -> Judged {
    if holds {
        Ok(())
    } else {
        Err(Stop::fail(statement, expected, seen))
    }
}

type Body = dyn Fn(Bench) -> Pin<Box<dyn Future<Output = Judged> + Send>> + Send + Sync;

/// One check.
#[derive(Clone)]
pub struct Case {
    /// `protocol/topic/name` in kebab case.
    pub id: String,
    /// How binding the requirement is.
    pub level: Level,
    /// The statements that the case judges.
    pub statements: Vec<&'static str>,
    /// The requirement in one sentence.
    pub requirement: String,
    /// What a profile must offer for the case to run.
    pub needs: Vec<Capability>,
    /// Whether it waits for long, so that a run begins it early.
    pub is_long: bool,
    body: Arc<Body>,
}

impl Case {
    /// A case at `level`.
    pub fn new<F, R>(
        level: Level,
        id: impl Into<String>,
        statements: &[&'static str],
        requirement: impl Into<String>,
        body: F,
    ) -> Self
    where
        F: Fn(Bench) -> R + Send + Sync + 'static,
        R: Future<Output = Judged> + Send + 'static,
    {
        Self {
            id: id.into(),
            level,
            statements: statements.to_vec(),
            requirement: requirement.into(),
            needs: Vec::new(),
            is_long: false,
            body: Arc::new(move |bench| Box::pin(body(bench))),
        }
    }

    /// A case that the specification requires.
    pub fn must<F, R>(
        id: impl Into<String>,
        statements: &[&'static str],
        requirement: impl Into<String>,
        body: F,
    ) -> Self
    where
        F: Fn(Bench) -> R + Send + Sync + 'static,
        R: Future<Output = Judged> + Send + 'static,
    {
        Self::new(Level::Must, id, statements, requirement, body)
    }

    /// Adds what a profile must offer.
    #[must_use]
    pub fn needs(mut self, capabilities: &[Capability]) -> Self {
        self.needs.extend_from_slice(capabilities);
        self
    }

    /// The case waits for many seconds: a run begins it before the others, so as not to end with waiting for it.
    #[must_use]
    pub fn long(mut self) -> Self {
        self.is_long = true;
        self
    }

    /// The same as a rule of ours: the specification leaves it open.
    #[must_use]
    pub fn policy(self) -> Self {
        Self {
            level: Level::Policy,
            ..self
        }
    }

    /// What the case comes to is for `then` to say, which has the bench and what it came to so far.
    #[must_use]
    pub fn concluded<F, R>(self, then: F) -> Self
    where
        F: Fn(Bench, Judged) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Judged> + Send + 'static,
    {
        let body = self.body.clone();
        Self {
            body: Arc::new(move |bench| {
                let judged = body(bench.clone());
                let then = then.clone();
                Box::pin(async move { then(bench, judged.await).await })
            }),
            ..self
        }
    }

    /// The first part of the id.
    pub fn protocol(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// Runs the case on `bench`.
    pub fn run(&self, bench: Bench) -> Pin<Box<dyn Future<Output = Judged> + Send>> {
        (self.body)(bench)
    }
}
