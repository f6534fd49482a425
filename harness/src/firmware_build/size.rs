//! What takes how much of the image.

use std::path::Path;
use std::process::Command;

use super::toolchain::{SECTIONS, SYMBOLS};
use super::{BuildError, run};

/// A part of the device, by the crate or module that a symbol's name mentions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Bytes of code and constants.
    pub bytes: u64,
}

/// A section of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
}

/// What takes how much of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    /// Sections, as they lie in memory.
    pub sections: Vec<Section>,
    /// Parts of the loaded sections. What a function inlines counts as its own; the rest has the
    /// joined tasks, the store, the library, literals and unnamed constants.
    pub parts: Vec<Part>,
}

/// Parts, and what names their symbols (v0 mangling: a length before each name). The first part
/// that matches has the symbol.
const PARTS: [(&str, &[&str]); 5] = [
    ("MQTT", &["firmproof_device4mqtt"]),
    ("HTTP", &["firmproof_device4http", "8httparse"]),
    ("NTP", &["firmproof_device3ntp"]),
    (
        "update",
        &[
            "firmproof_device6update",
            "16curve25519_dalek",
            "13ed25519_dalek",
            "4sha2",
        ],
    ),
    (
        "network stack",
        &[
            "7smoltcp",
            "11embassy_net",
            "firmproof_openeth",
            "firmproof_device5names",
        ],
    ),
];

/// Reads the sizes of an image.
///
/// # Errors
/// The cross tools are missing, or the file is no image.
pub fn read(elf: &Path) -> Result<Sizes, BuildError> {
    let output = run(Command::new(SECTIONS).arg("-A").arg(elf))?;
    let sections = sections_in(&String::from_utf8_lossy(&output.stdout));
    let output = run(Command::new(SYMBOLS)
        .args(["-S", "--defined-only"])
        .arg(elf))?;
    let parts = parts_in(&String::from_utf8_lossy(&output.stdout), &sections);
    Ok(Sizes { sections, parts })
}

/// The lines `name size address` of `size -A`.
fn sections_in(text: &str) -> Vec<Section> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, bytes) = (words.next()?, words.next()?.parse().ok()?);
            let section = Section {
                name: name.into(),
                bytes,
            };
            (name.starts_with('.') && words.next().is_some()).then_some(section)
        })
        .collect()
}

/// Adds up the symbols of `nm -S`, lines `address size kind name`.
fn parts_in(symbols: &str, sections: &[Section]) -> Vec<Part> {
    let mut parts = PARTS.map(|(name, _)| Part { name, bytes: 0 });
    for line in symbols.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[_, size, kind, name] = words.as_slice() else {
            continue;
        };
        // Memory that is zero at the start is not in the image.
        if kind.eq_ignore_ascii_case("b") {
            continue;
        }
        let bytes = u64::from_str_radix(size, 16).unwrap_or(0);
        let part = PARTS
            .iter()
            .position(|(_, marks)| marks.iter().any(|mark| name.contains(mark)));
        if let Some(part) = part {
            parts[part].bytes += bytes;
        }
    }
    let loaded: u64 = sections
        .iter()
        .filter(|section| section.name != ".bss")
        .map(|section| section.bytes)
        .sum();
    let known: u64 = parts.iter().map(|part| part.bytes).sum();
    let rest = Part {
        name: "rest",
        bytes: loaded.saturating_sub(known),
    };
    parts.into_iter().chain([rest]).collect()
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rows = self
            .sections
            .iter()
            .map(|section| (section.name.as_str(), section.bytes));
        writeln!(f, "section               bytes")?;
        for (name, bytes) in rows {
            writeln!(f, "{name:<16}{bytes:>11}")?;
        }
        writeln!(f, "\npart                  bytes")?;
        for part in &self.parts {
            writeln!(f, "{:<16}{:>11}", part.name, part.bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_what_no_part_has_is_the_rest() {
        let sections = sections_in(
            "kc705.elf  :\nsection size addr\n.text 1000 1610616832\n.bss 500 1610620928\n\
             Total 1500\n",
        );
        assert_eq!(sections.len(), 2);
        let parts = parts_in(
            "60041000 00000010 t _RNvNtC5_16firmproof_device4mqtt4task\n\
             60041010 00000020 t _RNvC1_7smoltcp4poll\n\
             60041030 t _RNvC1_7smoltcp7sizeless\n\
             60042000 00000040 b _RNvC1_7smoltcp3RAM\n",
            &sections,
        );
        let bytes = |name| parts.iter().find(|p| p.name == name).unwrap().bytes;
        assert_eq!(bytes("MQTT"), 0x10);
        assert_eq!(bytes("network stack"), 0x20);
        assert_eq!(bytes("rest"), 1000 - 0x30);
    }
}
