//! Whether the image is as new as its sources.

use std::path::Path;
use std::time::SystemTime;

use super::KC705_ELF;

/// What the image is made of, from the repository's root.
const SOURCES: [&str; 7] = [
    "firmware/boards/kc705",
    "firmware/openeth",
    "firmware/bootconfig",
    "firmware/device/src",
    "firmware/device/Cargo.toml",
    // The versions of what the device uses.
    "Cargo.toml",
    "harness/src/firmware_build",
];

/// The image, compared with its sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// There is none.
    Missing,
    /// A source is newer.
    Stale,
    /// No source is newer.
    Fresh,
}

/// Compares the image of the repository at `root` with its sources.
pub fn freshness(root: &Path) -> Freshness {
    let Ok(image) = root.join(KC705_ELF).metadata().and_then(|m| m.modified()) else {
        return Freshness::Missing;
    };
    let newest = SOURCES
        .iter()
        .filter_map(|source| newest(&root.join(source)))
        .max();
    match newest {
        Some(source) if source > image => Freshness::Stale,
        _ => Freshness::Fresh,
    }
}

/// When something at or below `path` was last changed. A folder counts too: its time tells of a
/// file that is gone.
fn newest(path: &Path) -> Option<SystemTime> {
    let metadata = path.symlink_metadata().ok()?;
    let own = metadata.modified().ok();
    if !metadata.is_dir() {
        return own;
    }
    let within = std::fs::read_dir(path).into_iter().flatten().flatten();
    let within = within
        // What a plain cargo in the board's folder leaves is no source.
        .filter(|entry| entry.file_name() != "target")
        .filter_map(|entry| newest(&entry.path()));
    within.chain(own).max()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    fn touch(path: &Path, seconds: u64) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::open(path).unwrap().set_modified(at).unwrap();
    }

    #[test]
    fn an_image_is_stale_when_a_source_is_newer_or_gone() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let source = at("firmware/device/src/mqtt/task.rs");
        std::fs::create_dir_all(source.parent().unwrap()).unwrap();
        std::fs::create_dir_all(at("target/firmware")).unwrap();
        std::fs::write(&source, "").unwrap();
        let age = |seconds| {
            touch(&source, seconds);
            for folder in ["firmware/device/src/mqtt", "firmware/device/src"] {
                touch(&at(folder), 1000);
            }
        };
        age(1000);
        assert_eq!(freshness(root.path()), Freshness::Missing);
        std::fs::write(at(KC705_ELF), "").unwrap();
        touch(&at(KC705_ELF), 2000);
        assert_eq!(freshness(root.path()), Freshness::Fresh);
        age(3000);
        assert_eq!(freshness(root.path()), Freshness::Stale);
        age(1000);
        std::fs::remove_file(&source).unwrap();
        assert_eq!(freshness(root.path()), Freshness::Stale);
    }

    #[test]
    fn every_source_is_in_the_repository() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for source in SOURCES {
            assert!(root.join(source).exists(), "{source}");
        }
    }
}
