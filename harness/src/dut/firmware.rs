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

/// How many bytes of a file are loaded: of an ELF file its loadable segments, of another one all. `None` when it
/// cannot be read.
pub fn image_bytes(file: &Path) -> Option<u64> {
    let bytes = std::fs::read(file).ok()?;
    Some(loadable(&bytes).unwrap_or(bytes.len() as u64))
}

/// The bytes that the loadable segments of an ELF file have in it (System V ABI, program headers); `None` when it
/// is none, or a broken one.
fn loadable(elf: &[u8]) -> Option<u64> {
    const LOAD: u64 = 1;
    let number = |at: usize, length: usize| -> Option<u64> {
        let field = elf.get(at..at.checked_add(length)?)?;
        let shifted = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(match elf.get(5)? {
            1 => field.iter().rev().fold(0, shifted),
            _ => field.iter().fold(0, shifted),
        })
    };
    if !elf.starts_with(b"\x7fELF") {
        return None;
    }
    let wide = *elf.get(4)? == 2;
    // e_phoff, e_phentsize, e_phnum; and p_filesz within a program header.
    let (table, entry_length, entries, file_bytes) = match wide {
        false => (number(28, 4)?, number(42, 2)?, number(44, 2)?, 16),
        true => (number(32, 8)?, number(54, 2)?, number(56, 2)?, 32),
    };
    let (table, entry_length) = (
        usize::try_from(table).ok()?,
        usize::try_from(entry_length).ok()?,
    );
    let mut sum: u64 = 0;
    for entry in 0..usize::try_from(entries).ok()? {
        let at = table.checked_add(entry.checked_mul(entry_length)?)?;
        if number(at, 4)? == LOAD {
            sum = sum.checked_add(number(
                at.checked_add(file_bytes)?,
                if wide { 8 } else { 4 },
            )?)?;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_elf_file_only_what_is_loaded_counts() {
        let mut elf = vec![0; 52 + 2 * 32];
        elf[..6].copy_from_slice(b"\x7fELF\x01\x01");
        (elf[28], elf[42], elf[44]) = (52, 32, 2);
        // A loadable segment of 0x1234 bytes, and a note of 255.
        (elf[52], elf[52 + 16], elf[52 + 17]) = (1, 0x34, 0x12);
        (elf[84], elf[84 + 16]) = (4, 255);
        assert_eq!(loadable(&elf), Some(0x1234));
        assert_eq!(loadable(&elf[..60]), None);
        assert_eq!(loadable(b"#!/bin/sh"), None);
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let loaded = loadable(&program).unwrap();
        assert!(
            loaded > 100_000 && loaded < program.len() as u64,
            "{loaded}"
        );
    }

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
