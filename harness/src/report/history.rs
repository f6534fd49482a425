//! Trends over many runs, as a page with plots.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::escape::html;
use super::html::{document, utc};
use crate::case::Verdict;
use crate::result::{DutSummary, Record, RunResult};

/// Cases in the list of the flakiest.
const FLAKIEST: usize = 20;
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 220.0;
/// Room for the numbers beside a plot.
const MARGIN: f64 = 70.0;

/// Runs, the oldest first.
#[derive(Debug)]
pub struct History {
    runs: Vec<(String, RunResult)>,
    /// Folders that looked like runs and could not be read, with the reason.
    pub left_out: Vec<String>,
}

/// One case over all runs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unsteady<'h> {
    dut: &'h str,
    id: &'h str,
    /// Runs in which it was judged.
    judged: usize,
    /// Runs in which it passed only when judged again.
    flaky: usize,
    /// How often it came to another verdict than in the run before, on the same firmware.
    changed: usize,
}

impl History {
    /// Reads every run in `folder`.
    ///
    /// # Errors
    /// The folder cannot be read, or holds no run.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
        let entries = std::fs::read_dir(folder).map_err(|error| named(&error))?;
        let (mut runs, mut left_out) = (Vec::new(), Vec::new());
        for entry in entries {
            let path = entry.map_err(|error| named(&error))?.path();
            if !RunResult::path(&path).exists() {
                continue;
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match RunResult::read(&path) {
                Ok(run) => runs.push((name.into_owned(), run)),
                Err(error) => left_out.push(error.to_string()),
            }
        }
        if runs.is_empty() {
            let why = "holds no folder with a run.json that can be read";
            return Err([named(&why)]
                .into_iter()
                .chain(left_out)
                .collect::<Vec<_>>()
                .join("\n"));
        }
        runs.sort_by(|(a, one), (b, other)| (one.began_unix_s, a).cmp(&(other.began_unix_s, b)));
        left_out.sort();
        Ok(Self { runs, left_out })
    }

    /// The names of the devices, in order.
    fn duts(&self) -> Vec<&str> {
        let all = self.runs.iter().flat_map(|(_, run)| &run.duts);
        let mut duts: Vec<&str> = all.map(|dut| dut.name.as_str()).collect();
        duts.sort_unstable();
        duts.dedup();
        duts
    }

    /// A number of each run that has one for this device.
    fn of_dut(&self, dut: &str, number: impl Fn(&DutSummary, &[&Record]) -> Option<f64>) -> Points {
        let mut points = Vec::new();
        for (place, (_, run)) in self.runs.iter().enumerate() {
            let records: Vec<&Record> = run.cases.iter().filter(|case| case.dut == dut).collect();
            let about = run.duts.iter().find(|about| about.name == dut);
            if let Some(value) = about.and_then(|about| number(about, &records)) {
                points.push((place, value));
            }
        }
        points
    }

    /// The cases that are flaky or change their verdict though the firmware is the same.
    fn unsteady(&self) -> Vec<Unsteady<'_>> {
        type Last<'h> = (Verdict, Option<&'h String>);
        let mut cases: BTreeMap<(&str, &str), (Unsteady<'_>, Option<Last<'_>>)> = BTreeMap::new();
        for (_, run) in &self.runs {
            for case in &run.cases {
                if case.verdict == Verdict::Skipped {
                    continue;
                }
                let dut = run.duts.iter().find(|dut| dut.name == case.dut);
                let firmware = dut.and_then(|dut| dut.firmware_sha256.as_ref());
                let (about, last) = cases.entry((&case.dut, &case.id)).or_insert((
                    Unsteady {
                        dut: &case.dut,
                        id: &case.id,
                        judged: 0,
                        flaky: 0,
                        changed: 0,
                    },
                    None,
                ));
                about.judged += 1;
                about.flaky += usize::from(case.is_flaky());
                let changed =
                    last.is_some_and(|(verdict, of)| of == firmware && verdict != case.verdict);
                about.changed += usize::from(changed);
                *last = Some((case.verdict, firmware));
            }
        }
        let mut unsteady: Vec<Unsteady<'_>> = cases
            .into_values()
            .map(|(about, _)| about)
            .filter(|about| about.flaky + about.changed > 0)
            .collect();
        unsteady.sort_by_key(|about| std::cmp::Reverse(about.flaky + about.changed));
        unsteady
    }
}

/// Place among the runs, and value.
type Points = Vec<(usize, f64)>;

/// Writes the page.
pub fn page(history: &History) -> String {
    let runs = &history.runs;
    let mut body = format!(
        "<header><h1>Firmproof: {} runs</h1></header>\n<main>\n",
        runs.len()
    );
    let pass_rate = |_: &DutSummary, records: &[&Record]| {
        let judged = records.iter().filter(|r| r.verdict != Verdict::Skipped);
        let judged = judged.count();
        let plain = |r: &&&Record| r.verdict == Verdict::Pass && !r.is_flaky();
        let passed = records.iter().filter(plain).count();
        (judged > 0).then(|| passed as f64 / judged as f64 * 100.0)
    };
    let cases =
        |_: &DutSummary, records: &[&Record]| (!records.is_empty()).then_some(records.len() as f64);
    let seconds = |_: &DutSummary, records: &[&Record]| {
        (!records.is_empty()).then(|| records.iter().map(|r| r.seconds).sum())
    };
    let ready = |_: &DutSummary, records: &[&Record]| {
        let mut all: Vec<f64> = records
            .iter()
            .filter_map(|r| r.metrics.get("start_to_ready_ms").copied())
            .collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied()
    };
    let size = |dut: &DutSummary, _: &[&Record]| dut.metrics.get("image_bytes").copied();
    let plot =
        |title: &str, unit: &str, number: &dyn Fn(&DutSummary, &[&Record]) -> Option<f64>| {
            let duts = history.duts();
            let lines = duts.iter().map(|dut| (*dut, history.of_dut(dut, number)));
            plotted(title, unit, &lines.collect::<Vec<_>>(), history)
        };
    body.push_str(&plot("Passed the first time", "%", &pass_rate));
    body.push_str(&plot("Cases", "", &cases));
    body.push_str(&plot(
        "Duration of all cases, one after the other",
        "s",
        &seconds,
    ));
    body.push_str(&plot("From start to ready, median", "ms", &ready));
    body.push_str(&plot("Size of the image", "bytes", &size));
    body.push_str(&flakiest(history));
    body.push_str(&list(history));
    body.push_str("</main>\n");
    document("Firmproof: history", &body, "")
}

fn plotted(title: &str, unit: &str, lines: &[(&str, Points)], history: &History) -> String {
    let values = || {
        lines
            .iter()
            .flat_map(|(_, points)| points.iter().map(|(_, v)| *v))
    };
    let mut out = format!("<h2>{}</h2>\n", html(title));
    if values().next().is_none() {
        out.push_str("<p>No run has it.</p>\n");
        return out;
    }
    let (low, high) = values().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    // A flat line still needs some height, and no share is above all.
    let pad = ((high - low) * 0.1).max(high.abs() * 0.005).max(0.5);
    let highest = if unit == "%" { 100.0 } else { f64::MAX };
    let (low, high) = ((low - pad).max(0.0), (high + pad).min(highest));
    let last = history.runs.len().saturating_sub(1).max(1) as f64;
    let x = |place: usize| MARGIN + place as f64 / last * (WIDTH - MARGIN - 20.0);
    let y = |value: f64| 20.0 + (high - value) / (high - low) * (HEIGHT - 50.0);
    let _ = write!(
        out,
        "<div class=\"plot\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        html(&format!("{title}, from {low:.1} to {high:.1} {unit}"))
    );
    for step in 0..=4 {
        let value = low + (high - low) * f64::from(step) / 4.0;
        let at = y(value);
        let _ = write!(
            out,
            "<line class=\"axis\" x1=\"{MARGIN}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - 20.0,
            MARGIN - 6.0,
            at + 4.0,
            shortest(value)
        );
    }
    for (number, (dut, points)) in lines.iter().enumerate() {
        let class = format!("c{}", number % 5);
        let path: Vec<String> = points
            .iter()
            .map(|(place, value)| format!("{:.1},{:.1}", x(*place), y(*value)))
            .collect();
        let _ = write!(
            out,
            "<polyline class=\"line {class}\" points=\"{}\"/>",
            path.join(" ")
        );
        for (place, value) in points {
            let (name, run) = &history.runs[*place];
            let title = format!(
                "{name} {}: {dut} {} {unit}",
                utc(run.began_unix_s),
                shortest(*value)
            );
            let _ = write!(
                out,
                "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>{}</title></circle>",
                x(*place),
                y(*value),
                html(&title)
            );
        }
        let _ = write!(
            out,
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"4\"/><text x=\"{}\" y=\"{}\">{}</text>",
            MARGIN + 150.0 * number as f64,
            HEIGHT - 12.0,
            MARGIN + 150.0 * number as f64 + 9.0,
            HEIGHT - 8.0,
            html(dut)
        );
    }
    out.push_str("</svg></div>\n");
    out
}

/// Enough digits for a person.
fn shortest(value: f64) -> String {
    match value {
        v if v >= 1000.0 => format!("{v:.0}"),
        v if v.fract() == 0.0 => format!("{v}"),
        v => format!("{v:.1}"),
    }
}

fn flakiest(history: &History) -> String {
    let unsteady = history.unsteady();
    let mut out = String::from("<h2>Flakiest cases</h2>\n");
    if unsteady.is_empty() {
        out.push_str(
            "<p>None: no case was flaky, or changed its verdict on the same firmware.</p>\n",
        );
        return out;
    }
    out.push_str(
        "<section><table class=\"totals\"><thead><tr><th scope=\"col\">case</th><th scope=\"col\">device</th>\
         <th scope=\"col\">flaky</th><th scope=\"col\">changed on the same firmware</th>\
         <th scope=\"col\">judged</th></tr></thead><tbody>\n",
    );
    for about in unsteady.iter().take(FLAKIEST) {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            html(about.id),
            html(about.dut),
            about.flaky,
            about.changed,
            about.judged
        );
    }
    out.push_str("</tbody></table></section>\n");
    out
}

fn list(history: &History) -> String {
    let mut out = String::from(
        "<h2>Runs</h2>\n<section><table class=\"totals\"><thead><tr><th scope=\"col\">run</th><th scope=\"col\">began</th>\
         <th scope=\"col\">pass</th><th scope=\"col\">fail</th><th scope=\"col\">inconclusive</th>\
         <th scope=\"col\">skipped</th><th scope=\"col\">flaky</th><th scope=\"col\">complete</th></tr></thead><tbody>\n",
    );
    for (name, run) in history.runs.iter().rev() {
        let t = run.totals;
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            html(name),
            match run.began_unix_s {
                0 => "not known".into(),
                began => utc(began),
            },
            t.pass,
            t.fail,
            t.inconclusive,
            t.skipped,
            t.flaky,
            if run.complete { "yes" } else { "no" }
        );
    }
    out.push_str("</tbody></table></section>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::tests::example;

    fn history(runs: Vec<RunResult>) -> History {
        let names = (1..).map(|number| format!("run-{number}"));
        History {
            runs: names.zip(runs).collect(),
            left_out: Vec::new(),
        }
    }

    #[test]
    fn a_verdict_that_changes_on_the_same_firmware_is_unsteady_and_on_other_firmware_is_not() {
        let with = |verdict, firmware: &str| {
            let mut run = example();
            run.cases.truncate(1);
            run.cases[0].verdict = verdict;
            run.duts[0].firmware_sha256 = Some(firmware.into());
            run
        };
        let of = |runs| {
            let history = history(runs);
            history
                .unsteady()
                .iter()
                .map(|u| (u.flaky, u.changed, u.judged))
                .collect::<Vec<_>>()
        };
        let (pass, fail) = (Verdict::Pass, Verdict::Fail);
        assert_eq!(
            of(vec![with(pass, "a"), with(fail, "b"), with(fail, "b")]),
            []
        );
        let back = of(vec![
            with(pass, "a"),
            with(fail, "a"),
            with(Verdict::Skipped, "a"),
        ]);
        assert_eq!(back, [(0, 1, 2)]);
    }

    #[test]
    fn the_page_has_a_point_for_each_run_and_no_markup_of_a_device() {
        let mut run = example();
        run.duts[0].name = "<b>".into();
        for case in &mut run.cases {
            case.dut = "<b>".into();
        }
        let page = page(&history(vec![run.clone(), run]));
        assert!(!page.contains("<b>"), "{page}");
        let plot = page.split("<h2>").nth(1).unwrap();
        assert!(plot.starts_with("Passed the first time"), "{plot}");
        // Two points, and one in the legend.
        assert_eq!(plot.matches("<circle").count(), 3);
        assert!(page.contains("mqtt/connect/again"));
    }
}
