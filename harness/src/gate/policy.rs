//! The policy: the file that says when a run may ship. Its format is in `docs/interfaces.md`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_spanned::Spanned;
use sha2::{Digest, Sha256};
use time::Date;

use crate::case::Level;
use crate::profile::Capability;

/// When a run may ship.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its text, in hexadecimal.
    pub sha256: String,
    /// The levels whose cases must pass.
    pub levels: Vec<Level>,
    /// The devices that must have been judged, by their profiles' names.
    pub duts: Vec<String>,
    /// The cases that must have been judged on each of them: those whose id contains one of these,
    /// with their line; all where there is none.
    pub cases: Vec<(String, usize)>,
    /// The capabilities that a profile may lack, so that the cases that need them may be skipped.
    pub skips: Vec<Capability>,
    /// How many cases may be inconclusive.
    pub inconclusive: usize,
    /// How many cases may be flaky.
    pub flaky: usize,
    /// How many cases may come to different verdicts on different devices.
    pub divergent: usize,
    /// How much a measurement may grow against the baseline.
    pub growth: Vec<Growth>,
    /// Failures that are known.
    pub quarantine: Vec<Quarantined>,
}

/// How much a measurement may grow.
#[derive(Debug, Clone, PartialEq)]
pub struct Growth {
    /// Its name, as `metrics` in `run.json` have it.
    pub metric: String,
    /// Of this device only.
    pub dut: Option<String>,
    /// In percent of the baseline.
    pub percent: f64,
    /// The line of its entry.
    pub line: usize,
}

/// A failure that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantined {
    /// The case's id.
    pub case: String,
    /// On this device only.
    pub dut: Option<String>,
    /// Why it is tolerated.
    pub reason: String,
    /// Who mends it.
    pub owner: String,
    /// The last day on which it is tolerated.
    pub expires: Date,
    /// The line of its entry.
    pub line: usize,
}

impl Quarantined {
    /// Whether it is about this case on this device.
    pub fn is_of(&self, dut: &str, case: &str) -> bool {
        self.case == case && self.dut.as_deref().is_none_or(|only| only == dut)
    }
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The file system's.
    #[error("cannot read the policy {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A mistake in it.
    #[error("{}:{line}: {message}", path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what is allowed.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    require: Require,
    #[serde(default)]
    budget: Budget,
    #[serde(default)]
    growth: Vec<Spanned<GrowthEntry>>,
    #[serde(default)]
    quarantine: Vec<Spanned<QuarantineEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Require {
    levels: Spanned<Vec<Level>>,
    duts: Spanned<Vec<String>>,
    #[serde(default)]
    cases: Vec<Spanned<String>>,
    #[serde(default)]
    skips: Vec<Capability>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Budget {
    inconclusive: usize,
    flaky: usize,
    divergent: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrowthEntry {
    metric: String,
    dut: Option<String>,
    percent: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuarantineEntry {
    case: String,
    dut: Option<String>,
    reason: String,
    owner: String,
    expires: toml::value::Datetime,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let text = std::fs::read_to_string(path).map_err(|source| PolicyError::Unreadable {
            path: path.into(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Reads a policy from its text; `path` names it in errors.
    ///
    /// # Errors
    /// [`PolicyError::Mistake`] with the line, and what is allowed there.
    pub fn parse(text: &str, path: &Path) -> Result<Self, PolicyError> {
        let line_of = |byte: usize| 1 + text.bytes().take(byte).filter(|b| *b == b'\n').count();
        let mistake = |line: usize, message: String| PolicyError::Mistake {
            path: path.into(),
            line,
            message,
        };
        let file: File = toml::from_str(text).map_err(|error| {
            let line = line_of(error.span().map_or(0, |span| span.start));
            mistake(line, error.message().to_owned())
        })?;
        let require = file.require;
        for (what, empty, at) in [
            (
                "levels = [\"must\"]",
                require.levels.get_ref().is_empty(),
                require.levels.span().start,
            ),
            (
                "duts = [\"host\"]",
                require.duts.get_ref().is_empty(),
                require.duts.span().start,
            ),
        ] {
            if empty {
                let message = format!("an empty list requires nothing; for instance `{what}`");
                return Err(mistake(line_of(at), message));
            }
        }
        let mut growth: Vec<Growth> = Vec::new();
        for entry in file.growth {
            let line = line_of(entry.span().start);
            let entry = entry.into_inner();
            let metric = entry.metric;
            if !(entry.percent >= 0.0 && entry.percent.is_finite()) {
                let message = format!("`percent` is {}; it must be 0 or more", entry.percent);
                return Err(mistake(line, message));
            }
            let same = |other: &&Growth| other.metric == metric && other.dut == entry.dut;
            if let Some(other) = growth.iter().find(same) {
                let message = format!("`{metric}` has a limit already, on line {}", other.line);
                return Err(mistake(line, message));
            }
            growth.push(Growth {
                metric,
                dut: entry.dut,
                percent: entry.percent,
                line,
            });
        }
        let mut quarantine: Vec<Quarantined> = Vec::new();
        for entry in file.quarantine {
            let line = line_of(entry.span().start);
            let entry = entry.into_inner().checked(line);
            let entry = entry.map_err(|message| mistake(line, message))?;
            let overlaps = |other: &&Quarantined| {
                let apart = matches!((&other.dut, &entry.dut), (Some(a), Some(b)) if a != b);
                other.case == entry.case && !apart
            };
            if let Some(other) = quarantine.iter().find(overlaps) {
                let message = format!(
                    "`{}` is in quarantine already, on line {}",
                    entry.case, other.line
                );
                return Err(mistake(line, message));
            }
            quarantine.push(entry);
        }
        Ok(Self {
            path: path.into(),
            sha256: hex::encode(Sha256::digest(text)),
            levels: require.levels.into_inner(),
            duts: require.duts.into_inner(),
            cases: require
                .cases
                .into_iter()
                .map(|filter| (filter.get_ref().clone(), line_of(filter.span().start)))
                .collect(),
            skips: require.skips,
            inconclusive: file.budget.inconclusive,
            flaky: file.budget.flaky,
            divergent: file.budget.divergent,
            growth,
            quarantine,
        })
    }

    /// Where a line of it is, for a person.
    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }
}

impl QuarantineEntry {
    fn checked(self, line: usize) -> Result<Quarantined, String> {
        for (key, value) in [("reason", &self.reason), ("owner", &self.owner)] {
            if value.trim().is_empty() {
                return Err(format!("`{key}` of the entry for `{}` is empty", self.case));
            }
        }
        let expires = match (self.expires.date, self.expires.time) {
            (Some(date), None) => time::Month::try_from(date.month).ok().and_then(|month| {
                Date::from_calendar_date(i32::from(date.year), month, date.day).ok()
            }),
            _ => None,
        };
        let expires = expires.ok_or_else(|| {
            format!(
                "`expires` is {}; it must be a day, such as 2027-01-31",
                self.expires
            )
        })?;
        Ok(Quarantined {
            case: self.case,
            dut: self.dut,
            reason: self.reason,
            owner: self.owner,
            expires,
            line,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRE: &str = "[require]\nlevels = [\"must\"]\nduts = [\"host\"]\n";

    fn mistake(more: &str) -> String {
        let text = format!("{REQUIRE}{more}");
        Policy::parse(&text, Path::new("gate.toml"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_mistake_names_file_line_and_what_is_allowed() {
        let quarantine = |more: &str| {
            format!(
                "[[quarantine]]\ncase = \"a/b/c\"\nreason = \"known\"\nowner = \"me\"\n{more}\n"
            )
        };
        let twice = quarantine("expires = 2030-01-31") + &quarantine("expires = 2030-01-31");
        let growth = "[[growth]]\nmetric = \"image_bytes\"\npercent = 1.0\n";
        let said: Vec<String> = [
            "retries = 3\n",
            "[budget]\nflaky = \"few\"\n",
            "[budget]\nflaky = -1\n",
            "skips = [\"telepathy\"]\n",
            &quarantine(""),
            &quarantine("expires = \"soon\""),
            &quarantine("expires = 2030-01-31T00:00:00Z"),
            &quarantine("expires = 2030-02-30"),
            &quarantine("expires = 2030-01-31\nowner = \"you\""),
            &twice,
            &growth.replace("1.0", "-1.0"),
            &growth.repeat(2),
        ]
        .iter()
        .map(|more| mistake(more))
        .collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn a_policy_that_requires_nothing_is_refused() {
        let parse = |text: &str| Policy::parse(text, Path::new("gate.toml"));
        for text in [
            "",
            "[require]\nlevels = []\nduts = [\"host\"]",
            "[require]\nlevels = [\"must\"]\nduts = []",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(REQUIRE).is_ok());
    }
}
