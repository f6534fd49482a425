//! An image in its slot: written page by page as it comes, read back for its digest.

use embedded_storage_async::nor_flash::NorFlash;
use heapless::Vec;
use sha2::{Digest, Sha256};

use crate::store::Store;

/// Bytes gathered before they are written; a multiple of every flash's word.
const BLOCK: usize = 256;

/// Why an image cannot be written or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageError {
    /// It does not fit the slot.
    SlotTooSmall,
    /// The flash failed, or its words or pages do not fit the block or the slot.
    Flash,
}

/// Writes an image into a slot, from its first byte on.
#[derive(Debug)]
pub struct ImageWriter {
    slot: u8,
    /// Offset in the slot up to which blocks are written.
    written: u32,
    /// Offset in the slot up to which pages are erased.
    erased: u32,
    block: Vec<u8, BLOCK>,
}

impl ImageWriter {
    /// A writer at the start of `slot`.
    pub fn new(slot: u8) -> Self {
        Self {
            slot,
            written: 0,
            erased: 0,
            block: Vec::new(),
        }
    }

    /// Forgets what was written: the image starts again.
    pub fn start_over(&mut self) {
        *self = Self::new(self.slot);
    }

    /// Adds `bytes` to the image.
    ///
    /// # Errors
    /// The slot is full, or the flash failed.
    pub async fn write<F: NorFlash>(
        &mut self,
        store: &mut Store<F>,
        mut bytes: &[u8],
    ) -> Result<(), ImageError> {
        while !bytes.is_empty() {
            let room = BLOCK - self.block.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.block
                .extend_from_slice(now)
                .map_err(|_| ImageError::Flash)?;
            bytes = later;
            if self.block.is_full() {
                self.write_block(store).await?;
            }
        }
        Ok(())
    }

    /// Writes what is left; the last word is filled up with the erased state's ones.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn finish<F: NorFlash>(&mut self, store: &mut Store<F>) -> Result<(), ImageError> {
        let padded = self
            .block
            .len()
            .checked_next_multiple_of(F::WRITE_SIZE)
            .ok_or(ImageError::Flash)?;
        self.block
            .resize(padded, 0xff)
            .map_err(|_| ImageError::Flash)?;
        if self.block.is_empty() {
            return Ok(());
        }
        self.write_block(store).await
    }

    async fn write_block<F: NorFlash>(&mut self, store: &mut Store<F>) -> Result<(), ImageError> {
        const { assert!(BLOCK.is_multiple_of(F::WRITE_SIZE)) };
        let (flash, range) = store.slot(self.slot);
        let page = u32::try_from(F::ERASE_SIZE).map_err(|_| ImageError::Flash)?;
        let len = u32::try_from(self.block.len()).map_err(|_| ImageError::Flash)?;
        let size = range.end.saturating_sub(range.start);
        let end = self
            .written
            .checked_add(len)
            .filter(|&end| end <= size)
            .ok_or(ImageError::SlotTooSmall)?;
        while self.erased < end {
            let next = self
                .erased
                .checked_add(page)
                .filter(|&next| next <= size)
                .ok_or(ImageError::Flash)?;
            flash
                .erase(range.start + self.erased, range.start + next)
                .await
                .map_err(|_| ImageError::Flash)?;
            self.erased = next;
        }
        flash
            .write(range.start + self.written, &self.block)
            .await
            .map_err(|_| ImageError::Flash)?;
        self.written = end;
        self.block.clear();
        Ok(())
    }
}

/// SHA-256 of the first `length` bytes of a slot, as the flash gives them back.
///
/// # Errors
/// The slot is shorter, or the flash failed.
pub async fn digest<F: NorFlash>(
    store: &mut Store<F>,
    slot: u8,
    length: u32,
) -> Result<[u8; 32], ImageError> {
    const { assert!(BLOCK.is_multiple_of(F::READ_SIZE)) };
    let (flash, range) = store.slot(slot);
    if length > range.end.saturating_sub(range.start) {
        return Err(ImageError::SlotTooSmall);
    }
    let mut sha = Sha256::new();
    let mut block = [0; BLOCK];
    let mut offset = 0;
    while offset < length {
        let left = usize::try_from(length - offset).unwrap_or(BLOCK).min(BLOCK);
        // Whole words; a slot ends on a page, so the last word is within it.
        let read = left.next_multiple_of(F::READ_SIZE).min(BLOCK);
        let words = block.get_mut(..read).ok_or(ImageError::Flash)?;
        flash
            .read(range.start + offset, words)
            .await
            .map_err(|_| ImageError::Flash)?;
        sha.update(words.get(..left).unwrap_or_default());
        offset = offset.saturating_add(BLOCK as u32);
    }
    Ok(sha.finalize().into())
}
