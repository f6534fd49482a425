//! NOR flash in a file. Every write and erase goes straight to the file, so that a process that is
//! killed at any moment leaves behind what a board without power would.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use firmproof_device::board::FlashLayout;

const STATE_LEN: u32 = 64 * 1024;
const SLOT_LEN: u32 = 256 * 1024;
const LEN: u32 = STATE_LEN + 2 * SLOT_LEN;
const ERASED: u8 = 0xff;

/// 64 KiB of state, then the two slots of 256 KiB.
pub(crate) fn layout() -> FlashLayout {
    let slot_b = STATE_LEN + SLOT_LEN;
    FlashLayout {
        state: 0..STATE_LEN,
        slots: [STATE_LEN..slot_b, slot_b..LEN],
    }
}

/// Flash in a file: words of 4 bytes, erase pages of 4 KiB, bits that only an erase sets.
#[derive(Debug)]
pub(crate) struct FileFlash {
    file: File,
}

impl FileFlash {
    /// Opens the flash; a file that is missing or too short is filled up with erased bytes.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let len = file.metadata()?.len();
        if let Some(missing) = u64::from(LEN).checked_sub(len) {
            // At most LEN, which fits.
            file.write_all(&vec![ERASED; missing as usize])?;
        }
        drop(file);
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Self { file })
    }
}

/// Why the flash refused.
#[derive(Debug)]
pub(crate) enum FlashError {
    /// The address or length is no multiple of the word or page.
    NotAligned,
    /// Past the end.
    OutOfBounds,
    /// The file could not be read or written.
    File,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::File => NorFlashErrorKind::Other,
        }
    }
}

/// Checks the bytes from `from` up to `to` against the unit that they come in.
fn check(from: u32, to: Option<u32>, unit: usize) -> Result<(), FlashError> {
    let to = to
        .filter(|to| from <= *to && *to <= LEN)
        .ok_or(FlashError::OutOfBounds)?;
    let aligned = (from as usize).is_multiple_of(unit) && (to as usize).is_multiple_of(unit);
    aligned.then_some(()).ok_or(FlashError::NotAligned)
}

fn end(offset: u32, len: usize) -> Option<u32> {
    offset.checked_add(u32::try_from(len).ok()?)
}

impl ErrorType for FileFlash {
    type Error = FlashError;
}

impl ReadNorFlash for FileFlash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check(offset, end(offset, bytes.len()), Self::READ_SIZE)?;
        self.file
            .read_exact_at(bytes, offset.into())
            .map_err(|_| FlashError::File)
    }

    fn capacity(&self) -> usize {
        LEN as usize
    }
}

impl NorFlash for FileFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check(from, Some(to), Self::ERASE_SIZE)?;
        for page in (from..to).step_by(Self::ERASE_SIZE) {
            self.file
                .write_all_at(&[ERASED; Self::ERASE_SIZE], page.into())
                .map_err(|_| FlashError::File)?;
        }
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check(offset, end(offset, bytes.len()), Self::WRITE_SIZE)?;
        // A write can only clear bits.
        let mut result = vec![0; bytes.len()];
        self.read(offset, &mut result).await?;
        for (old, new) in result.iter_mut().zip(bytes) {
            *old &= new;
        }
        self.file
            .write_all_at(&result, offset.into())
            .map_err(|_| FlashError::File)
    }
}

impl MultiwriteNorFlash for FileFlash {}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// The file answers at once, so one poll is all.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("the flash made someone wait"),
        }
    }

    fn flash(folder: &tempfile::TempDir) -> FileFlash {
        FileFlash::open(&folder.path().join("flash")).unwrap()
    }

    fn word(flash: &mut FileFlash, offset: u32) -> [u8; 4] {
        let mut bytes = [0; 4];
        now(flash.read(offset, &mut bytes)).unwrap();
        bytes
    }

    #[test]
    fn new_flash_is_erased_up_to_its_last_byte() {
        let folder = tempfile::tempdir().unwrap();
        let mut flash = flash(&folder);
        let mut all = vec![0; flash.capacity()];
        now(flash.read(0, &mut all)).unwrap();
        assert_eq!(all.len(), 576 * 1024);
        assert!(all.iter().all(|byte| *byte == 0xff));
    }

    #[test]
    fn a_write_clears_bits_and_only_an_erase_sets_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut flash = flash(&folder);
        now(flash.write(4096, &[0xf0; 4])).unwrap();
        now(flash.write(4096, &[0x3c; 4])).unwrap();
        assert_eq!(word(&mut flash, 4096), [0x30; 4]);
        now(flash.erase(4096, 8192)).unwrap();
        assert_eq!(word(&mut flash, 4096), [0xff; 4]);
    }

    #[test]
    fn what_was_written_is_there_when_the_flash_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        now(flash(&folder).write(8, &[1, 2, 3, 4])).unwrap();
        assert_eq!(word(&mut flash(&folder), 8), [1, 2, 3, 4]);
    }

    #[test]
    fn misaligned_and_outlying_accesses_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut flash = flash(&folder);
        assert!(matches!(
            now(flash.write(2, &[0; 4])),
            Err(FlashError::NotAligned)
        ));
        assert!(matches!(
            now(flash.write(0, &[0; 3])),
            Err(FlashError::NotAligned)
        ));
        assert!(matches!(
            now(flash.erase(0, 100)),
            Err(FlashError::NotAligned)
        ));
        assert!(matches!(
            now(flash.erase(4096, 0)),
            Err(FlashError::OutOfBounds)
        ));
        assert!(matches!(
            now(flash.write(LEN, &[0; 4])),
            Err(FlashError::OutOfBounds)
        ));
        assert!(matches!(
            now(flash.read(u32::MAX, &mut [0; 4])),
            Err(FlashError::OutOfBounds)
        ));
    }
}
