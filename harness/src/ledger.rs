//! The ledger: every statement of the specifications, and the cases that judge it or the reason why none can.
//!
//! The statements live in `fixtures/statements/*.toml` and are part of the binary.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_spanned::Spanned;

mod coverage;

pub use coverage::{Coverage, Line, Standing, Tally, Unknown};

/// The files of the ledger: path in the repository, contents.
const FILES: [(&str, &str); 4] = [
    (
        "fixtures/statements/mqtt-3.1.1.toml",
        include_str!("../../fixtures/statements/mqtt-3.1.1.toml"),
    ),
    (
        "fixtures/statements/mqtt-3.1.1-unnumbered.toml",
        include_str!("../../fixtures/statements/mqtt-3.1.1-unnumbered.toml"),
    ),
    (
        "fixtures/statements/http-1.1.toml",
        include_str!("../../fixtures/statements/http-1.1.toml"),
    ),
    (
        "fixtures/statements/sntp.toml",
        include_str!("../../fixtures/statements/sntp.toml"),
    ),
];

/// The protocol that a statement belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// MQTT 3.1.1.
    Mqtt,
    /// HTTP/1.1, with URLs, forms, the control page and the update.
    Http,
    /// SNTP, with names, addresses and civil time.
    Ntp,
}

impl Protocol {
    /// Every protocol, in the order of reports.
    pub const ALL: [Self; 3] = [Self::Mqtt, Self::Http, Self::Ntp];

    /// Why a device has nothing to do with statements that bind `role`; `None` if it has.
    /// Devices are clients of MQTT and SNTP; in HTTP they are servers, and clients when they download.
    fn foreign(self, role: Binds) -> Option<&'static str> {
        match (self, role) {
            (Self::Mqtt | Self::Ntp, Binds::Server) => Some("binds only servers"),
            _ => None,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mqtt => "mqtt",
            Self::Http => "http",
            Self::Ntp => "ntp",
        })
    }
}

/// The role that a statement binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binds {
    /// Clients only.
    Client,
    /// Servers only.
    Server,
    /// Clients and servers.
    Both,
}

/// How binding a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The specification requires it.
    Must,
    /// The specification recommends it.
    Should,
    /// A vendor's or operator's rule.
    Policy,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::Policy => "policy",
        })
    }
}

/// One requirement of a specification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The identifier, such as `MQTT-3.1.0-1` or `RFC9112-3.2-5`.
    pub id: String,
    /// The protocol in whose ledger it stands.
    pub protocol: Protocol,
    /// The clause of its specification; `policy` for a rule of ours.
    pub section: String,
    /// Which of the clause's sentences with a BCP 14 keyword it is about, from 1 in the order of the text; none for a
    /// rule that the text states without a keyword, and where the file does not count.
    pub sentence: Option<u32>,
    /// Who has to fulfil it.
    pub binds: Binds,
    /// How binding it is.
    pub level: Level,
    /// What it asks for, in one line of our own wording.
    pub summary: String,
    /// Why no test from outside can judge it, if so.
    pub not_judged: Option<String>,
    /// The statement of a later specification that counts in its place, if any.
    pub superseded_by: Option<String>,
    /// What to know when judging it, such as a choice that the specification leaves.
    pub note: Option<String>,
}

impl Statement {
    /// Why no case has to judge this statement; `None` if one has to.
    #[must_use]
    pub fn exemption(&self) -> Option<String> {
        if let Some(reason) = self.protocol.foreign(self.binds) {
            return Some(reason.to_owned());
        }
        if let Some(reason) = &self.not_judged {
            return Some(reason.clone());
        }
        let later = self.superseded_by.as_ref()?;
        Some(format!("superseded by {later}"))
    }
}

/// A mistake in a file of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {key}: {problem}")]
pub struct LedgerError {
    /// The file's path in the repository.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The key with the mistake.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

/// Every statement.
#[derive(Debug, Clone)]
pub struct Ledger {
    statements: Vec<Statement>,
    by_id: HashMap<String, usize>,
}

impl Ledger {
    /// Reads the statements that are part of this binary.
    ///
    /// # Errors
    /// The first mistake in a file: file, line, key and what is allowed.
    pub fn load() -> Result<Self, LedgerError> {
        Self::read(&FILES)
    }

    fn read(files: &[(&str, &str)]) -> Result<Self, LedgerError> {
        let mut ledger = Self {
            statements: Vec::new(),
            by_id: HashMap::new(),
        };
        let mut later = Vec::new();
        for (file, text) in files {
            let page: Page = toml::from_str(text).map_err(|error| syntax(file, text, &error))?;
            for entry in page.statement {
                if let Some(id) = &entry.superseded_by {
                    later.push((*file, *text, id.clone()));
                }
                ledger.add(page.protocol, entry, file, text)?;
            }
        }
        for (file, text, id) in later {
            if ledger.get(id.get_ref()).is_none() {
                return Err(LedgerError {
                    file: file.to_owned(),
                    line: line_at(text, id.span().start),
                    key: "superseded_by".to_owned(),
                    problem: format!("no statement has the id `{}`", id.get_ref()),
                });
            }
        }
        Ok(ledger)
    }

    fn add(
        &mut self,
        protocol: Protocol,
        entry: Entry,
        file: &str,
        text: &str,
    ) -> Result<(), LedgerError> {
        let line = line_at(text, entry.id.span().start);
        let id = entry.id.into_inner();
        let refuse = |key: &str, problem: String| LedgerError {
            file: file.to_owned(),
            line,
            key: key.to_owned(),
            problem,
        };
        if self.by_id.contains_key(&id) {
            return Err(refuse("id", format!("`{id}` stands in the ledger already")));
        }
        for (key, value) in [("section", &entry.section), ("summary", &entry.summary)] {
            if value.trim().is_empty() {
                return Err(refuse(key, format!("`{id}` needs one that is not empty")));
            }
        }
        self.by_id.insert(id.clone(), self.statements.len());
        self.statements.push(Statement {
            id,
            protocol,
            section: entry.section,
            sentence: entry.sentence,
            binds: entry.binds,
            level: entry.level,
            summary: entry.summary,
            not_judged: entry.not_judged,
            superseded_by: entry.superseded_by.map(Spanned::into_inner),
            note: entry.note,
        });
        Ok(())
    }

    /// The statement with this identifier.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Statement> {
        self.by_id
            .get(id)
            .and_then(|index| self.statements.get(*index))
    }

    /// Every statement, in the order of the files.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// How each statement stands, given each case's id and the statements that it judges.
    pub fn coverage<'c>(
        &self,
        cases: impl IntoIterator<Item = (&'c str, &'c [&'c str])>,
    ) -> Coverage<'_> {
        let mut judged_by: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut unknown = Vec::new();
        for (case, statements) in cases {
            for id in statements {
                match self.get(id) {
                    Some(statement) => {
                        let judges = judged_by.entry(&statement.id).or_default();
                        // A case that names a statement twice still judges it once.
                        if judges.last().is_none_or(|last| last != case) {
                            judges.push(case.to_owned());
                        }
                    }
                    None => unknown.push(Unknown {
                        case: case.to_owned(),
                        statement: (*id).to_owned(),
                    }),
                }
            }
        }
        let lines = self
            .statements
            .iter()
            .map(|statement| Line {
                statement,
                standing: match (
                    judged_by.remove(statement.id.as_str()),
                    statement.exemption(),
                ) {
                    (Some(cases), _) => Standing::Covered(cases),
                    (None, Some(reason)) => Standing::NotApplicable(reason),
                    (None, None) => Standing::Uncovered,
                },
            })
            .collect();
        Coverage { lines, unknown }
    }
}

/// One file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    protocol: Protocol,
    statement: Vec<Entry>,
}

/// One statement as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    section: String,
    sentence: Option<u32>,
    binds: Binds,
    level: Level,
    summary: String,
    not_judged: Option<String>,
    superseded_by: Option<Spanned<String>>,
    note: Option<String>,
}

/// The line, from 1, of a byte in `text`.
fn line_at(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|b| *b == b'\n').count()
}

/// Names file, line and key of what the TOML reader refuses.
fn syntax(file: &str, text: &str, error: &toml::de::Error) -> LedgerError {
    let line = line_at(text, error.span().map_or(0, |span| span.start));
    let written = text.lines().nth(line - 1).unwrap_or_default();
    let key = match written.split_once('=') {
        Some((key, _)) => key.trim(),
        // A missing key has no line of its own: the reader's message quotes its name.
        None => error.message().split('`').nth(1).unwrap_or(written),
    };
    LedgerError {
        file: file.to_owned(),
        line,
        key: key.to_owned(),
        problem: error.message().to_owned(),
    }
}

#[cfg(test)]
mod sentence_tests;
#[cfg(test)]
mod tests;
