//! The document, as far as its tests read it: sections, rows of tables, and names in code spans.

use std::collections::BTreeSet;

/// The whole document.
pub(crate) fn text() -> &'static str {
    include_str!("../../docs/interfaces.md")
}

/// A section, from its heading to the next of the same level.
pub(crate) fn section(name: &str) -> String {
    let heading = format!("\n## {name}\n");
    let (_, rest) = text()
        .split_once(&heading)
        .unwrap_or_else(|| panic!("no section {name}"));
    rest.split("\n## ").next().unwrap_or_default().into()
}

/// The item of a list that begins with `start` in code.
pub(crate) fn paragraph(section: &str, start: &str) -> String {
    let mark = format!("- `{start}`");
    let at = section
        .find(&mark)
        .unwrap_or_else(|| panic!("no item {mark}"));
    let item = &section[at + 2..];
    item.split("\n- ").next().unwrap_or_default().into()
}

/// The cells of the rows of a section's first table, without its head. `\|` is no border.
pub(crate) fn rows(section: &str) -> Vec<Vec<String>> {
    section
        .lines()
        .skip_while(|line| !line.starts_with("| ---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let line = line.replace(r"\|", "/");
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// The code spans of a text.
pub(crate) fn names(text: &str) -> BTreeSet<String> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.map(str::to_owned).collect()
}

/// The words in the code spans of a text.
pub(crate) fn words(text: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    names(text)
        .iter()
        .flat_map(|span| span.split(|c| !is_word(c)))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
