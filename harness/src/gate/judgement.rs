//! What the gate decides, and why.

use std::fmt::Write as _;

use serde::Serialize;

use super::Judged;
use crate::report::printable;
use crate::report::style::{Style, Tone};

/// Whether to ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Everything that the policy asks for holds.
    Ship = 0,
    /// Something does not.
    NoShip = 1,
    /// Nothing is known to be wrong, but not everything could be judged.
    NotJudged = 2,
}

/// What kind of reason it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A case failed.
    Failed,
    /// A case could not be judged.
    Inconclusive,
    /// A case passed only when it was judged again.
    Flaky,
    /// A profile lacks a capability that it may not lack.
    Skipped,
    /// A case of the suite was not run.
    CaseMissing,
    /// A device was not judged.
    DutMissing,
    /// A case came to different verdicts on different devices.
    Divergent,
    /// A measurement grew too much.
    Grown,
    /// A quarantine entry is past its day.
    QuarantineExpired,
    /// A case in quarantine passes.
    QuarantinePasses,
    /// A case in quarantine was not judged.
    QuarantineUnused,
    /// A run was interrupted.
    Incomplete,
    /// Two runs have the same case of the same device.
    Doubled,
    /// Two runs are of different firmware of the same device.
    OtherFirmware,
    /// A run was judged by another version of the suite.
    OtherSuite,
    /// The policy has limits of growth, and there is no baseline.
    NoBaseline,
    /// A measurement with a limit is missing.
    NotMeasured,
    /// The policy names what the suite does not have.
    PolicyMistake,
}

impl Code {
    /// Whether the reason is that something could not be judged.
    pub fn is_not_judged(self) -> bool {
        matches!(
            self,
            Self::Incomplete
                | Self::Doubled
                | Self::OtherFirmware
                | Self::OtherSuite
                | Self::NoBaseline
                | Self::NotMeasured
                | Self::PolicyMistake
        )
    }
}

/// Why not to ship, or what was tolerated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What kind of reason it is.
    pub code: Code,
    /// The device that it is about.
    pub dut: Option<String>,
    /// The case that it is about.
    pub case: Option<String>,
    /// The reason for a person. Bytes that a device chose are escaped.
    pub text: String,
}

impl Reason {
    pub(super) fn new(code: Code, text: impl Into<String>) -> Self {
        Self {
            code,
            dut: None,
            case: None,
            text: printable(&text.into()),
        }
    }

    pub(super) fn of_dut(code: Code, dut: &str, text: impl Into<String>) -> Self {
        Self {
            dut: Some(dut.into()),
            ..Self::new(code, text)
        }
    }

    pub(super) fn of_case(code: Code, dut: &str, case: &str, text: impl Into<String>) -> Self {
        Self {
            case: Some(case.into()),
            ..Self::of_dut(code, dut, text)
        }
    }
}

/// The gate's decision and all that it rests on; as JSON, the record that a release attaches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Whether to ship.
    pub decision: Decision,
    /// Why not.
    pub reasons: Vec<Reason>,
    /// What would be a reason, were it not allowed by the policy.
    pub tolerated: Vec<Reason>,
    /// What was judged.
    pub judged: Judged,
}

impl Judgement {
    pub(super) fn of(reasons: Vec<Reason>, tolerated: Vec<Reason>, judged: Judged) -> Self {
        let decision = if reasons.is_empty() {
            Decision::Ship
        } else if reasons.iter().all(|reason| reason.code.is_not_judged()) {
            Decision::NotJudged
        } else {
            Decision::NoShip
        };
        Self {
            decision,
            reasons,
            tolerated,
            judged,
        }
    }

    /// One line with the decision, then the reasons, then what was tolerated.
    pub fn text(&self, style: Style) -> String {
        let duts: Vec<&str> = self
            .judged
            .runs
            .iter()
            .flat_map(|run| &run.duts)
            .map(|dut| dut.name.as_str())
            .collect();
        let (word, tone) = match self.decision {
            Decision::Ship => ("ship", Tone::Good),
            Decision::NoShip => ("no-ship", Tone::Bad),
            Decision::NotJudged => ("could not judge", Tone::Doubtful),
        };
        let mut out = format!(
            "{}: {} by {}, {}, {} tolerated\n",
            style.paint(tone, word),
            duts.join(", "),
            self.judged.policy.path,
            counted(self.reasons.len(), "reason"),
            self.tolerated.len()
        );
        for (title, list) in [("", &self.reasons), ("tolerated ", &self.tolerated)] {
            for reason in list {
                let code = serde_json::to_value(reason.code).unwrap_or_default();
                let _ = write!(out, "  {title}{}", code.as_str().unwrap_or_default());
                for part in [&reason.dut, &reason.case].into_iter().flatten() {
                    let _ = write!(out, " {}", printable(part));
                }
                let _ = writeln!(out, ": {}", reason.text);
            }
        }
        out
    }
}

fn counted(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
