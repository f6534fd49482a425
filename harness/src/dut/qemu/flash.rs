//! The board's flash chip as a file.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// The chip of `kc705`; QEMU takes a file of no other size.
const CHIP_BYTES: u64 = 128 << 20;
/// What the device uses: 256 KiB of state and two slots of the same size. The rest of the file is a
/// hole, so that it costs no room.
const USED_BYTES: usize = 768 << 10;

/// Makes the file of an erased chip: erased NOR flash reads as ones.
pub(super) fn blank(file: &Path) -> io::Result<()> {
    let mut chip = File::create(file)?;
    chip.write_all(&vec![0xff; USED_BYTES])?;
    chip.set_len(CHIP_BYTES)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn an_erased_chip_has_its_full_size_and_takes_little_room() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("flash");
        blank(&file).unwrap();
        let metadata = file.metadata().unwrap();
        assert_eq!(metadata.len(), CHIP_BYTES);
        assert!(metadata.blocks() * 512 < 2 << 20);
    }
}
