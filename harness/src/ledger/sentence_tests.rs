//! The ledger of HTTP has a row for every sentence with a BCP 14 keyword in the sections that it names.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The sections that the file names, and how many of their sentences have a keyword: counted in the full text of
/// RFC 9112 and RFC 9110 (June 2022), where a sentence ends at a full stop, colon or semicolon before a capital letter.
const SENTENCES: &[(&str, u32)] = &[
    // RFC 9112.
    ("RFC9112-2.2", 10),
    ("RFC9112-2.3", 3),
    ("RFC9112-3", 4),
    ("RFC9112-3.1", 0),
    ("RFC9112-3.2", 6),
    ("RFC9112-3.2.1", 2),
    ("RFC9112-3.2.2", 6),
    ("RFC9112-3.2.3", 1),
    ("RFC9112-3.2.4", 2),
    ("RFC9112-4", 4),
    ("RFC9112-5", 0),
    ("RFC9112-5.1", 2),
    ("RFC9112-5.2", 4),
    ("RFC9112-6", 0),
    ("RFC9112-6.1", 14),
    ("RFC9112-6.2", 1),
    ("RFC9112-6.3", 15),
    ("RFC9112-7", 0),
    ("RFC9112-7.1", 4),
    ("RFC9112-7.1.1", 1),
    ("RFC9112-7.1.2", 3),
    ("RFC9112-7.4", 3),
    ("RFC9112-8", 2),
    ("RFC9112-9.2", 2),
    ("RFC9112-9.3", 7),
    ("RFC9112-9.3.2", 7),
    ("RFC9112-9.5", 6),
    ("RFC9112-9.6", 8),
    // RFC 9110.
    ("RFC9110-4.2.1", 2),
    ("RFC9110-4.2.4", 2),
    ("RFC9110-5.1", 2),
    ("RFC9110-5.3", 4),
    ("RFC9110-5.4", 2),
    ("RFC9110-5.5", 5),
    ("RFC9110-5.6.7", 4),
    ("RFC9110-6.2", 6),
    ("RFC9110-6.6.1", 6),
    ("RFC9110-7.1", 1),
    ("RFC9110-7.2", 2),
    ("RFC9110-7.4", 2),
    ("RFC9110-7.8", 12),
    ("RFC9110-8.3", 2),
    ("RFC9110-8.6", 10),
    ("RFC9110-9.1", 4),
    ("RFC9110-9.2.1", 2),
    ("RFC9110-9.2.2", 3),
    ("RFC9110-9.3.1", 3),
    ("RFC9110-9.3.2", 6),
    ("RFC9110-9.3.7", 4),
    ("RFC9110-9.3.8", 4),
    ("RFC9110-10.1.1", 14),
    ("RFC9110-11.1", 0),
    ("RFC9110-11.4", 2),
    ("RFC9110-11.6.1", 3),
    ("RFC9110-12.5.1", 2),
    ("RFC9110-13.1.3", 6),
    ("RFC9110-13.1.5", 8),
    ("RFC9110-14.2", 10),
    ("RFC9110-14.4", 6),
    ("RFC9110-15", 2),
    ("RFC9110-15.2", 4),
    ("RFC9110-15.3.7", 4),
    ("RFC9110-15.3.7.2", 10),
    ("RFC9110-15.3.7.3", 4),
    ("RFC9110-15.4", 3),
    ("RFC9110-15.5", 2),
    ("RFC9110-15.5.2", 3),
    ("RFC9110-15.5.5", 0),
    ("RFC9110-15.5.6", 1),
    ("RFC9110-15.5.9", 1),
    ("RFC9110-15.5.14", 2),
    ("RFC9110-15.5.16", 0),
    ("RFC9110-15.6.6", 1),
];

/// The sentences that rows are about, by section.
fn sentences_of_http() -> BTreeMap<String, BTreeSet<u32>> {
    let ledger = Ledger::load().unwrap_or_else(|error| panic!("{error}"));
    let mut sections: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for statement in ledger.statements() {
        let counted = statement.id.starts_with("RFC9112-") || statement.id.starts_with("RFC9110-");
        if statement.protocol != Protocol::Http || !counted {
            continue;
        }
        let (section, _) = statement.id.rsplit_once('-').unwrap_or_default();
        let rows = sections.entry(section.to_owned()).or_default();
        rows.extend(statement.sentence);
    }
    sections
}

#[test]
fn every_sentence_with_a_keyword_of_the_sections_that_http_names_has_a_row() {
    let expected: BTreeMap<String, BTreeSet<u32>> = SENTENCES
        .iter()
        .map(|(section, count)| ((*section).to_owned(), (1..=*count).collect()))
        .collect();
    assert_eq!(sentences_of_http(), expected);
}

#[test]
fn no_row_of_http_is_a_silent_gap() {
    let ledger = Ledger::load().unwrap_or_else(|error| panic!("{error}"));
    let cases = crate::suite::all();
    let coverage = ledger.coverage(
        cases
            .iter()
            .map(|case| (case.id.as_str(), case.statements.as_slice())),
    );
    let gaps: Vec<&str> = coverage
        .of(Some(Protocol::Http))
        .filter(|line| line.standing == Standing::Uncovered)
        .map(|line| line.statement.id.as_str())
        .collect();
    assert!(gaps.is_empty(), "neither a case nor a reason: {gaps:?}");
    let unknown: Vec<_> = coverage
        .unknown
        .iter()
        .filter(|unknown| unknown.case.starts_with("http/"))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
