//! The cases: a folder per protocol, a file per topic of its specification.

pub mod http;
pub mod mqtt;
pub mod ntp;

use crate::case::Case;

/// Every case, in the order in which lists show them.
pub fn all() -> Vec<Case> {
    [mqtt::cases(), http::cases(), ntp::cases()].concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ledger::{Ledger, Protocol, Standing};

    #[test]
    fn every_case_has_a_kebab_case_id_of_its_own_and_judges_something() {
        let mut ids = BTreeSet::new();
        for case in all() {
            let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let parts: Vec<&str> = case.id.split('/').collect();
            assert_eq!(parts.len(), 3, "{}", case.id);
            assert!(
                parts
                    .iter()
                    .all(|part| !part.is_empty() && part.chars().all(is_kebab)),
                "{}",
                case.id
            );
            assert!(!case.statements.is_empty(), "{}", case.id);
            assert!(ids.insert(case.id.clone()), "{} twice", case.id);
        }
    }

    /// The statements of each protocol against the cases of this suite.
    #[test]
    fn every_mqtt_statement_is_judged_by_a_case_or_says_why_none_can() {
        let ledger = Ledger::load().unwrap();
        let cases = all();
        let coverage = ledger.coverage(
            cases
                .iter()
                .map(|case| (case.id.as_str(), case.statements.as_slice())),
        );
        let bare: Vec<&str> = coverage
            .of(Some(Protocol::Mqtt))
            .filter(|line| line.standing == Standing::Uncovered)
            .map(|line| line.statement.id.as_str())
            .collect();
        assert_eq!(bare, [""; 0], "neither a case nor `not_judged`");
        assert_eq!(
            coverage.unknown,
            [],
            "cases name statements that do not exist"
        );
    }
}
