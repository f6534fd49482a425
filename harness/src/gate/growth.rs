//! How much measurements may grow against the baseline.

use std::collections::BTreeMap;

use super::judgement::{Code, Reason};
use super::{Given, Growth, Question};

/// Device, and case where it is one's: the value.
type Values<'g> = BTreeMap<(&'g str, Option<&'g str>), f64>;

/// The values of one measurement in `runs`.
fn values<'g>(runs: &'g [Given], limit: &Growth) -> Values<'g> {
    let mut values = Values::new();
    for given in runs {
        for dut in &given.run.duts {
            if let Some(value) = dut.metrics.get(&limit.metric) {
                values.insert((dut.name.as_str(), None), *value);
            }
        }
        let wanted = |figure: &&super::Figure| figure.metric == limit.metric;
        for figure in given.figures.iter().filter(wanted) {
            values.insert((figure.dut.as_str(), None), figure.median);
        }
        for case in &given.run.cases {
            if let Some(value) = case.metrics.get(&limit.metric) {
                values.insert((case.dut.as_str(), Some(case.id.as_str())), *value);
            }
        }
    }
    values.retain(|(dut, _), _| limit.dut.as_deref().is_none_or(|only| only == *dut));
    values
}

/// Judges every limit of the policy.
pub(super) fn judge(question: &Question<'_>, reasons: &mut Vec<Reason>) {
    let policy = question.policy;
    if question.baseline.is_empty() {
        if let Some(first) = policy.growth.first() {
            let text = format!(
                "{}: `{}` has a limit of growth, and there is no baseline: give one with --baseline",
                policy.place(first.line),
                first.metric
            );
            reasons.push(Reason::new(Code::NoBaseline, text));
        }
        return;
    }
    for limit in &policy.growth {
        let before = values(question.baseline, limit);
        let now = values(question.runs, limit);
        let mut compared = 0;
        for ((dut, case), was) in before {
            // A case that is gone is another rule's affair.
            let Some(is) = now.get(&(dut, case)) else {
                continue;
            };
            compared += 1;
            let allowed = was * (1.0 + limit.percent / 100.0);
            if *is > allowed {
                let text = format!(
                    "{} grew from {was} to {is}, by {:.1} %; {} % are allowed ({})",
                    limit.metric,
                    (is / was - 1.0) * 100.0,
                    limit.percent,
                    policy.place(limit.line)
                );
                reasons.push(Reason {
                    case: case.map(Into::into),
                    ..Reason::of_dut(Code::Grown, dut, text)
                });
            }
        }
        if compared == 0 {
            let text = format!(
                "{}: no measurement `{}` is in both the runs and the baseline",
                policy.place(limit.line),
                limit.metric
            );
            reasons.push(Reason {
                dut: limit.dut.clone(),
                ..Reason::new(Code::NotMeasured, text)
            });
        }
    }
}
