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
}
