//! How fast a device is and what it takes, measured over the lab as cases do. No verdict hangs on
//! it: figures are the machine's as much as the device's.
//!
//! Each run has a new bench and gives one sample of each figure; a figure is the median of its
//! samples. Where an emulator can count, a second bench counts instructions: there the CPU's clock
//! counts them (`-icount`), and the firmware adds up the cycles between waking and sleeping, so that
//! waiting costs nothing. What an idle device does meanwhile (it looks at its link ten times a
//! second) is in it.

mod cost;
mod speed;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::bench::Bench;
use crate::case::{Judged, Stop};
use crate::firmware_build;
use crate::profile::{Kind, Machine, Profile};
use crate::result::{DutSummary, ResultError, SCHEMA};

/// How much to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Effort {
    /// Runs, each on a new bench.
    pub runs: u16,
    /// Requests, publishes or round trips of one sample.
    pub operations: u32,
}

/// What was measured of one device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Benchmark {
    /// The schema of this document, that of `run.json`.
    pub schema: u32,
    /// The device.
    pub dut: DutSummary,
    /// How much was measured.
    #[serde(flatten)]
    pub effort: Effort,
    /// The figures, in the order of their table.
    pub figures: Vec<Figure>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured, for people.
    pub what: String,
    /// Its name for machines; the unit is last.
    pub name: String,
    /// Its unit for people.
    pub unit: &'static str,
    /// Its median.
    pub median: f64,
    /// The smallest sample.
    pub least: f64,
    /// The largest.
    pub most: f64,
    /// How many samples.
    pub samples: usize,
}

impl Benchmark {
    /// Writes it into `folder`, as `bench.json`.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, folder: &Path) -> Result<(), ResultError> {
        crate::result::write_document(folder, "bench.json", self)
    }
}

/// A figure of which a run gives one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kindred {
    what: &'static str,
    name: &'static str,
    unit: &'static str,
}

/// Samples, by the figure that they are of, in the order of the table.
#[derive(Debug, Default)]
struct Samples(Vec<(Kindred, Vec<f64>)>);

impl Samples {
    fn add(&mut self, what: &'static str, name: &'static str, unit: &'static str, sample: f64) {
        match self.0.iter_mut().find(|(figure, _)| figure.name == name) {
            Some((_, samples)) => samples.push(sample),
            None => self.0.push((Kindred { what, name, unit }, vec![sample])),
        }
    }

    fn figures(self) -> Vec<Figure> {
        let figures = self.0.into_iter().map(|(figure, mut samples)| {
            samples.sort_by(f64::total_cmp);
            Figure {
                what: figure.what.into(),
                name: figure.name.into(),
                unit: figure.unit,
                median: median(&samples),
                least: samples[0],
                most: samples[samples.len() - 1],
                samples: samples.len(),
            }
        });
        figures.collect()
    }
}

/// The median of samples in ascending order; there is at least one.
fn median(samples: &[f64]) -> f64 {
    let middle = samples.len() / 2;
    if samples.len() % 2 == 1 {
        samples[middle]
    } else {
        f64::midpoint(samples[middle - 1], samples[middle])
    }
}

/// Measures the device of `profile`. `told` hears of each step.
///
/// # Errors
/// The device lacks a capability that measuring needs, or does not do its part.
pub async fn measure(
    profile: &Profile,
    dut: DutSummary,
    program: &Path,
    effort: Effort,
    told: &(dyn Fn(&str) + Sync),
) -> Judged<Benchmark> {
    let mut samples = Samples::default();
    for run in 1..=effort.runs {
        told(&format!("run {run} of {}: speed", effort.runs));
        let bench = wire(profile, program)?;
        let measured = speed::measure(&bench, effort.operations, &mut samples).await;
        bench.end().await;
        measured.map_err(|stop| explained(&bench, stop))?;
    }
    if shows_its_memory(profile) {
        let mut counting = profile.clone();
        counting.qemu.count_instructions = true;
        for run in 1..=effort.runs {
            told(&format!("run {run} of {}: instructions", effort.runs));
            let bench = wire(&counting, program)?;
            let measured = cost::measure(&bench, effort.operations, &mut samples).await;
            bench.end().await;
            measured.map_err(|stop| explained(&bench, stop))?;
        }
    }
    let mut figures = samples.figures();
    figures.extend(image(profile)?);
    Ok(Benchmark {
        schema: SCHEMA,
        dut,
        effort,
        figures,
    })
}

/// Whether the device is the image for `kc705`, whose memory can be read over QEMU.
fn shows_its_memory(profile: &Profile) -> bool {
    profile.kind == Kind::Qemu && profile.qemu.machine == Machine::Kc705
}

fn explained(bench: &Bench, stop: Stop) -> Stop {
    match stop {
        Stop::Inconclusive(reason) => Stop::inconclusive(bench.with_console(&reason)),
        other => other,
    }
}

fn wire(profile: &Profile, program: &Path) -> Judged<Bench> {
    Bench::new(Arc::new(profile.clone()), program, rand::random())
        .map_err(|e| Stop::inconclusive(format!("the bench cannot be set up: {e}")))
}

/// The parts of the image, for a device that is an image.
fn image(profile: &Profile) -> Judged<Vec<Figure>> {
    let Some(elf) = profile
        .qemu
        .elf
        .as_ref()
        .filter(|_| shows_its_memory(profile))
    else {
        return Ok(Vec::new());
    };
    let sizes = firmware_build::sizes_of(elf)
        .map_err(|e| Stop::inconclusive(format!("the image's size: {e}")))?;
    let loaded: u64 = sizes.parts.iter().map(|part| part.bytes).sum();
    let memory = sizes.sections.iter().find(|s| s.name == ".bss");
    let parts = sizes
        .parts
        .iter()
        .map(|part| (format!("image, {}", part.name), part.name, part.bytes));
    let rows = [
        ("image, all".into(), "all", loaded),
        ("zeroed memory".into(), "bss", memory.map_or(0, |s| s.bytes)),
    ];
    let figures = rows.into_iter().chain(parts).map(|(what, part, bytes)| {
        let part = part.to_lowercase().replace(' ', "_");
        Figure {
            what,
            name: format!("image_{part}_bytes"),
            unit: "bytes",
            median: bytes as f64,
            least: bytes as f64,
            most: bytes as f64,
            samples: 1,
        }
    });
    Ok(figures.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_median_of_its_samples_with_their_spread() {
        let mut samples = Samples::default();
        for sample in [4.0, 1.0, 100.0] {
            samples.add("start to ready", "start_to_ready_ms", "ms", sample);
        }
        samples.add("other", "other_ms", "ms", 2.0);
        samples.add("other", "other_ms", "ms", 3.0);
        let figures = samples.figures();
        let first = &figures[0];
        assert_eq!((first.median, first.least, first.most), (4.0, 1.0, 100.0));
        assert_eq!(first.samples, 3);
        assert_eq!(figures[1].median, 2.5);
    }
}
