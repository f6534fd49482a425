//! The ledger as a map: a square for each statement, in the colour of what this run says about it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::escape::html;
use crate::case::Verdict;
use crate::ledger::{Ledger, Protocol};
use crate::result::{Record, RunResult};

/// The map.
pub(super) fn section(run: &RunResult, ledger: &Ledger) -> String {
    let mut judged: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in &run.cases {
        for id in &record.statements {
            judged.entry(id).or_default().push(record);
        }
    }
    let mut out = String::from(
        "<section aria-labelledby=\"map\"><h2 id=\"map\">Statements of the specifications</h2>\n\
         <p class=\"legend\"><span class=\"square pass\"></span> holds <span class=\"square fail\"></span> broken \
         <span class=\"square inconclusive\"></span> in doubt <span class=\"square skipped\"></span> skipped \
         <span class=\"square absent\"></span> not in this run <span class=\"square exempt\"></span> not to be judged from outside. \
         Arrow keys walk the map, Enter shows the cases of a statement.</p>\n",
    );
    for protocol in Protocol::ALL {
        let of_protocol = ledger
            .statements()
            .iter()
            .filter(|s| s.protocol == protocol);
        let _ = write!(
            out,
            "<h3>{protocol}</h3>\n<div class=\"map\" role=\"group\" aria-label=\"Statements of {protocol}\">"
        );
        for statement in of_protocol {
            let records = judged.get(statement.id.as_str());
            let class = match records {
                Some(records) => standing(records),
                None if statement.exemption().is_some() => "exempt",
                None => "absent",
            };
            let more = match (records, statement.exemption()) {
                (Some(records), _) => format!("{} cases", records.len()),
                (None, Some(reason)) => reason,
                (None, None) => "no case of this run judges it".into(),
            };
            let title = format!(
                "{} (§ {}, {}): {}. {class}: {more}",
                statement.id, statement.section, statement.level, statement.summary
            );
            let _ = write!(
                out,
                "<button type=\"button\" tabindex=\"-1\" class=\"square {class}\" data-statement=\"{}\" title=\"{}\" aria-label=\"{}\"></button>",
                html(&statement.id),
                html(&title),
                html(&title)
            );
        }
        out.push_str("</div>\n");
    }
    out.push_str("<p id=\"statement\" role=\"status\"></p></section>\n");
    out
}

/// The worst that the cases of a statement came to. One that fails breaks its own clause, not each
/// that it judges.
fn standing(records: &[&Record]) -> &'static str {
    let has = |wanted: fn(&Record) -> bool| records.iter().any(|record| wanted(record));
    if has(|r| r.verdict == Verdict::Fail) {
        "fail"
    } else if has(|r| r.verdict == Verdict::Inconclusive || r.is_flaky()) {
        "inconclusive"
    } else if has(|r| r.verdict == Verdict::Pass) {
        "pass"
    } else {
        "skipped"
    }
}
