//! The file that a device's firmware is in, and its digest.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The file that starting `program` runs, found as the operating system does: a name without `/` is
/// looked for in `PATH`.
pub fn find(program: impl AsRef<str>) -> Option<PathBuf> {
    let program = program.as_ref();
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// The SHA-256 of a file in hexadecimal; `None` when it cannot be read.
pub fn sha256(file: &Path) -> Option<String> {
    let bytes = std::fs::read(file).ok()?;
    Some(hex::encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_as_the_shell_finds_it_and_its_bytes_make_the_digest() {
        assert!(find("sh").unwrap().is_absolute());
        assert_eq!(find("./no/such/program"), None);
        assert_eq!(find("no-such-program"), None);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        // The example of FIPS 180-4.
        assert_eq!(
            sha256(file.path()).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
