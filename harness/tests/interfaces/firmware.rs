//! What the firmware's sources say that it writes to its console.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A source file of the repository.
pub(crate) fn source(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every event with the keys that go with it: from `event("name", format_args!("key={}"…))`, and from
/// lines that are written as they are, `event=name key={}`.
pub(crate) fn events() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in [
        "firmware/device/src",
        "firmware/boards/kc705/src",
        "firmware/boards/host/src",
    ] {
        visit(&root.join(folder), &mut found);
    }
    found
}

fn visit(path: &Path, found: &mut BTreeMap<String, BTreeSet<String>>) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.contains("test") {
        return;
    }
    if path.is_dir() {
        let within = std::fs::read_dir(path).unwrap().flatten();
        within.for_each(|entry| visit(&entry.path(), found));
        return;
    }
    let text = std::fs::read_to_string(path).unwrap();
    let code: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
        .collect();
    let code = code.join(" ");
    // Tests at a file's end quote what they expect.
    let code = code
        .split("#[cfg(test)] mod tests {")
        .next()
        .unwrap_or_default();
    for call in code.split("event(").skip(1) {
        let mut literals = call.split('"');
        if literals
            .next()
            .is_some_and(|before| before.trim().is_empty())
            && let Some(event) = literals.next()
        {
            let fields = literals.nth(1).unwrap_or_default();
            found.entry(event.into()).or_default().extend(keys(fields));
        }
    }
    for line in code.split("event=").skip(1) {
        let line = line.split('"').next().unwrap_or_default();
        let (event, fields) = line.split_once(' ').unwrap_or((line, ""));
        if !event.is_empty() && !event.starts_with('{') {
            found.entry(event.into()).or_default().extend(keys(fields));
        }
    }
}

/// The keys of `key={} key={}`.
fn keys(fields: &str) -> impl Iterator<Item = String> {
    let pairs = fields.split(' ');
    let keys = pairs.filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()));
    keys.collect::<Vec<_>>().into_iter()
}
