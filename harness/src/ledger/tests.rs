//! The statements are complete and sound, mistakes in them are named, and coverage is counted right.

use super::*;

fn loaded() -> Ledger {
    Ledger::load().unwrap_or_else(|error| panic!("{error}"))
}

/// A file with one statement, whose line `key` reads `written` instead.
fn page(key: &str, written: &str) -> String {
    let lines = [
        ("protocol", "protocol = \"mqtt\""),
        ("header", "[[statement]]"),
        ("id", "id = \"MQTT-3.1.0-1\""),
        ("section", "section = \"3.1\""),
        ("binds", "binds = \"client\""),
        ("level", "level = \"must\""),
        ("summary", "summary = \"CONNECT comes first\""),
    ];
    lines
        .map(|(k, line)| if k == key { written } else { line })
        .join("\n")
}

fn refusal(text: &str) -> LedgerError {
    Ledger::read(&[("statements.toml", text)]).expect_err("the file has a mistake")
}

/// The numbers of `MQTT-3.10.4-2`: 3, 10, 4, 2.
fn numbers(id: &str) -> Vec<u32> {
    id.trim_start_matches("MQTT-")
        .split(['.', '-'])
        .map(|part| {
            part.parse()
                .unwrap_or_else(|_| panic!("`{id}` is no MQTT identifier"))
        })
        .collect()
}

#[test]
fn mqtt_has_exactly_141_numbered_statements_in_rising_order() {
    let ledger = loaded();
    let ids: Vec<_> = ledger
        .statements()
        .iter()
        .filter(|statement| statement.id.starts_with("MQTT-"))
        .map(|statement| numbers(&statement.id))
        .collect();
    assert_eq!(ids.len(), 141);
    // Strictly rising: sorted, and none twice.
    assert!(ids.is_sorted_by(|a, b| a < b));
}

#[test]
fn the_numbers_of_each_mqtt_section_have_no_gap() {
    let ledger = loaded();
    let mut last: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    for statement in ledger.statements() {
        if !statement.id.starts_with("MQTT-") {
            continue;
        }
        let mut section = numbers(&statement.id);
        let n = section.pop().unwrap_or_default();
        let previous = last.insert(section, n).unwrap_or_default();
        assert_eq!(n, previous + 1, "{}", statement.id);
    }
    // Appendix B has numbers in 39 sections.
    assert_eq!(last.len(), 39);
}

/// How many statements each section has, by the file's protocol. A sentence of the specification that is left out, or
/// put in twice, shows here.
const SECTIONS: [(Protocol, &[(&str, usize)]); 1] = [(Protocol::Ntp, NTP_SECTIONS)];

const NTP_SECTIONS: &[(&str, usize)] = &[
    ("FIRMPROOF-CIVIL", 5),
    ("FIRMPROOF-SNTP", 15),
    ("RFC1034-3.6.2", 1),
    ("RFC1035-3.2.1", 1),
    ("RFC1035-4.1.1", 1),
    ("RFC1035-4.1.4", 1),
    ("RFC1035-7.2", 1),
    ("RFC1035-7.3", 2),
    ("RFC2131-3.1", 9),
    ("RFC2131-3.7", 1),
    ("RFC2131-4.4.1", 8),
    ("RFC2131-4.4.5", 8),
    ("RFC3339-4.2", 1),
    ("RFC3339-5.6", 2),
    ("RFC3339-5.7", 1),
    ("RFC3339-C", 1),
    ("RFC4330-10", 8),
    ("RFC4330-3", 2),
    ("RFC4330-4", 2),
    ("RFC4330-5", 12),
    ("RFC4330-8", 1),
    ("RFC5452-9.1", 2),
    ("RFC5452-9.2", 6),
    ("RFC5905-14", 1),
    ("RFC5905-6", 2),
    ("RFC5905-7.3", 2),
    ("RFC5905-7.4", 6),
    ("RFC5905-7.5", 1),
    ("RFC5905-8", 9),
    ("RFC9109-4", 4),
];

#[test]
fn every_section_has_as_many_statements_as_were_counted_in_its_specification() {
    let ledger = loaded();
    for (protocol, sections) in SECTIONS {
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        for statement in ledger.statements() {
            if statement.protocol == protocol {
                let (section, _) = statement.id.rsplit_once('-').unwrap_or_default();
                *found.entry(section).or_default() += 1;
            }
        }
        let counted: BTreeMap<&str, usize> = sections.iter().copied().collect();
        assert_eq!(found, counted, "{protocol}");
    }
}

#[test]
fn no_statement_of_ntp_is_a_silent_gap() {
    let ledger = loaded();
    let cases = crate::suite::ntp::cases();
    let judged = cases
        .iter()
        .map(|case| (case.id.as_str(), case.statements.as_slice()));
    let coverage = ledger.coverage(judged);
    let gaps: Vec<_> = coverage
        .of(Some(Protocol::Ntp))
        .filter(|line| line.standing == Standing::Uncovered)
        .map(|line| line.statement.id.as_str())
        .collect();
    assert_eq!(gaps, [""; 0]);
}

#[test]
fn every_rfc_statement_carries_its_section_in_its_identifier() {
    for statement in loaded().statements() {
        if statement.level == Level::Policy {
            assert!(statement.id.starts_with("FIRMPROOF-"), "{}", statement.id);
        } else if !statement.id.starts_with("MQTT-") {
            let infix = format!("-{}-", statement.section);
            assert!(statement.id.contains(&infix), "{}", statement.id);
        }
    }
}

#[test]
fn every_statement_that_binds_a_client_of_mqtt_awaits_a_case_or_says_why_none_can_judge_it() {
    let ledger = loaded();
    let coverage = ledger.coverage([]);
    for line in coverage.of(Some(Protocol::Mqtt)) {
        let expected = match (line.statement.binds, &line.statement.not_judged) {
            (Binds::Server, _) => Standing::NotApplicable("binds only servers".to_owned()),
            (_, Some(reason)) => Standing::NotApplicable(reason.clone()),
            (_, None) => Standing::Uncovered,
        };
        assert_eq!(line.standing, expected, "{}", line.statement.id);
    }
}

#[test]
fn http_servers_and_clients_are_both_in_the_ledger() {
    let ledger = loaded();
    let http = |binds| {
        ledger
            .statements()
            .iter()
            .filter(|s| s.protocol == Protocol::Http && s.binds == binds)
            .filter(|s| s.exemption().is_none())
            .count()
    };
    assert!(http(Binds::Server) >= 60);
    assert!(http(Binds::Client) >= 20);
}

#[test]
fn a_statement_is_found_by_its_identifier() {
    let ledger = loaded();
    let host = ledger.get("RFC9112-3.2-5").expect("the second Host field");
    assert_eq!((host.protocol, host.level), (Protocol::Http, Level::Must));
    assert!(ledger.get("RFC9112-3.2-99").is_none());
}

#[test]
fn an_unknown_key_is_refused_by_file_line_and_key() {
    let error = refusal(&page("level", "levl = \"must\""));
    assert_eq!((error.file.as_str(), error.line), ("statements.toml", 6));
    assert_eq!(error.key, "levl");
    assert!(error.problem.contains("`level`"), "{error}");
}

#[test]
fn a_value_outside_its_choices_is_refused_with_the_choices() {
    let error = refusal(&page("binds", "binds = \"broker\""));
    assert_eq!((error.line, error.key.as_str()), (5, "binds"));
    assert!(error.problem.contains("`client`"), "{error}");
}

#[test]
fn a_missing_key_is_refused_by_its_name() {
    let error = refusal(&page("summary", ""));
    assert_eq!((error.line, error.key.as_str()), (2, "summary"));
}

#[test]
fn an_identifier_that_stands_twice_is_refused() {
    let twice = page("protocol", "");
    let error = refusal(&format!("{}\n{twice}", page("", "")));
    assert_eq!((error.line, error.key.as_str()), (10, "id"));
}

#[test]
fn an_empty_summary_is_refused() {
    assert_eq!(refusal(&page("summary", "summary = \" \"")).key, "summary");
}

#[test]
fn a_statement_superseded_by_none_that_exists_is_refused() {
    let text = page(
        "summary",
        "summary = \"x\"\nsuperseded_by = \"RFC5905-0-0\"",
    );
    let error = refusal(&text);
    assert_eq!((error.line, error.key.as_str()), (8, "superseded_by"));
}

#[test]
fn coverage_counts_cases_once_and_names_statements_that_do_not_exist() {
    let ledger = loaded();
    let coverage = ledger.coverage([
        ("mqtt/connect/first", &["MQTT-3.1.0-1", "MQTT-3.1.0-1"][..]),
        ("mqtt/connect/again", &["MQTT-3.1.0-1", "MQTT-9.9.9-9"][..]),
        // A case that judges what no case has to still covers it.
        ("mqtt/websocket/frames", &["MQTT-6.0.0-1"][..]),
    ]);
    let first = coverage
        .lines
        .iter()
        .find(|line| line.statement.id == "MQTT-3.1.0-1");
    assert_eq!(
        first.map(|line| line.standing.clone()),
        Some(Standing::Covered(vec![
            "mqtt/connect/first".to_owned(),
            "mqtt/connect/again".to_owned()
        ]))
    );
    assert_eq!(
        coverage.unknown,
        [Unknown {
            case: "mqtt/connect/again".to_owned(),
            statement: "MQTT-9.9.9-9".to_owned()
        }]
    );
    assert_eq!(coverage.tally(Some(Protocol::Mqtt)).covered, 2);
    assert_eq!(coverage.tally(Some(Protocol::Http)).covered, 0);
    let all = coverage.tally(None);
    assert_eq!(
        all.covered + all.uncovered + all.not_applicable,
        ledger.statements().len()
    );
}

#[test]
fn a_superseded_statement_names_its_successor() {
    let ledger = loaded();
    let old = ledger.get("RFC4330-5-10").and_then(Statement::exemption);
    assert_eq!(old.as_deref(), Some("superseded by RFC5905-7.3-1"));
}
