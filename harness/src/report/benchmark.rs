//! A benchmark as a table.

use std::fmt::Write as _;

use super::printable;
use crate::benchmark::{Benchmark, Figure};

/// Writes the table of figures.
pub fn benchmark(benchmark: &Benchmark) -> String {
    let mut out = String::new();
    let version = benchmark.dut.version.as_deref().unwrap_or_default();
    let _ = writeln!(
        out,
        "{} {}: median of {} runs of {} operations (least to most)",
        printable(&benchmark.dut.name),
        printable(version),
        benchmark.effort.runs,
        benchmark.effort.operations
    );
    for figure in &benchmark.figures {
        let value = format!("{} {}", number(figure.median), figure.unit);
        let _ = writeln!(out, "{:<36} {value:>20}{}", figure.what, spread(figure));
    }
    out
}

fn spread(figure: &Figure) -> String {
    if figure.samples < 2 {
        return String::new();
    }
    format!("  ({} to {})", number(figure.least), number(figure.most))
}

/// Four digits and a bit: more would be noise.
fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::benchmark::Effort;
    use crate::result::{DutSummary, SCHEMA};

    #[test]
    fn a_benchmark_is_a_table_of_medians_with_their_spread() {
        let figure = |what: &str, unit, [least, median, most]: [f64; 3], samples| Figure {
            what: what.into(),
            name: String::new(),
            unit,
            median,
            least,
            most,
            samples,
        };
        let measured = Benchmark {
            schema: SCHEMA,
            dut: DutSummary {
                name: "qemu".into(),
                kind: "qemu".into(),
                firmware_sha256: None,
                version: Some("0.1.0".into()),
                metrics: std::collections::BTreeMap::new(),
                tools: std::collections::BTreeMap::new(),
            },
            effort: Effort {
                runs: 3,
                operations: 500,
            },
            figures: vec![
                figure("start to ready line", "ms", [41.26, 52.04, 70.0], 3),
                figure(
                    "HTTP requests, one connection",
                    "/s",
                    [999.4, 1234.5, 1300.0],
                    3,
                ),
                figure("command to its effect", "ms", [0.41237, 0.5, 0.6], 3),
                figure("image, all", "bytes", [351_000.0; 3], 1),
            ],
        };
        insta::assert_snapshot!(benchmark(&measured));
    }
}
