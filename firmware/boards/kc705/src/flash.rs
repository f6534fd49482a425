//! The board's CFI flash: 128 MiB, 16 bits wide, erase blocks of 128 KiB, the Intel command set
//! (JESD68.01 for the query, the Intel StrataFlash data sheet for the commands). QEMU keeps it in a
//! file and writes the file at the end of each command, so a power cut leaves whole commands.

use core::ptr;

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use firmproof_device::board::FlashLayout;

use crate::memory_map::FLASH;

const BLOCK_LEN: u32 = 128 * 1024;
const STATE_LEN: u32 = 2 * BLOCK_LEN;
const SLOT_LEN: u32 = 2 * BLOCK_LEN;
const LEN: u32 = STATE_LEN + 2 * SLOT_LEN;

/// The chip programs at most this many bytes at once, which do not cross a multiple of it.
const CHUNK_LEN: u32 = 256;

mod command {
    pub(super) const ERASE: u16 = 0x20;
    pub(super) const CLEAR_STATUS: u16 = 0x50;
    pub(super) const QUERY: u16 = 0x98;
    pub(super) const CONFIRM: u16 = 0xd0;
    pub(super) const PROGRAM_BUFFER: u16 = 0xe8;
    pub(super) const READ_ARRAY: u16 = 0xff;
}

mod status {
    pub(super) const READY: u16 = 0x80;
    /// Erase failed, program failed, voltage too low, block locked.
    pub(super) const ERRORS: u16 = 0x3a;
}

/// 256 KiB of state, then the two slots of 256 KiB.
pub(crate) fn layout() -> FlashLayout {
    let slot_b = STATE_LEN + SLOT_LEN;
    FlashLayout {
        state: 0..STATE_LEN,
        slots: [STATE_LEN..slot_b, slot_b..LEN],
    }
}

/// The first 768 KiB of the flash.
#[derive(Debug)]
pub(crate) struct CfiFlash(());

impl CfiFlash {
    /// The flash; `None` when nothing answers as one. Called once.
    pub(crate) fn probe() -> Option<Self> {
        let flash = Self(());
        flash.command(0x55 * 2, command::QUERY);
        let answer = [0x10, 0x11, 0x12].map(|word| flash.word(word * 2) as u8);
        flash.command(0, command::READ_ARRAY);
        (answer == *b"QRY").then_some(flash)
    }

    fn at(offset: u32) -> *mut u16 {
        (FLASH + offset as usize) as *mut u16
    }

    fn command(&self, offset: u32, command: u16) {
        // SAFETY: the board's memory map; every caller has checked that `offset` is within the
        // flash.
        unsafe { Self::at(offset).write_volatile(command) }
    }

    fn word(&self, offset: u32) -> u16 {
        // SAFETY: as for `command`.
        unsafe { Self::at(offset).read_volatile() }
    }

    /// Waits until the command at `offset` is done, and returns to reading the array.
    fn finish(&self, offset: u32) -> Result<(), FlashError> {
        let status = loop {
            let status = self.word(offset);
            if status & status::READY != 0 {
                break status;
            }
        };
        self.command(offset, command::CLEAR_STATUS);
        self.command(offset, command::READ_ARRAY);
        if status & status::ERRORS == 0 {
            Ok(())
        } else {
            Err(FlashError::Chip)
        }
    }

    fn erase_block(&self, offset: u32) -> Result<(), FlashError> {
        self.command(offset, command::ERASE);
        self.command(offset, command::CONFIRM);
        self.finish(offset)
    }

    /// Programs whole words within one chunk. A chip only clears bits; QEMU's takes any value, so
    /// the bits that are clear already are kept clear here.
    fn program(&self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let mut words = [0; CHUNK_LEN as usize / 2];
        let count = bytes.len() / 2;
        for (index, (word, new)) in words.iter_mut().zip(bytes.chunks_exact(2)).enumerate() {
            *word = u16::from_le_bytes([new[0], new[1]]) & self.word(offset + 2 * index as u32);
        }
        self.command(offset, command::PROGRAM_BUFFER);
        while self.word(offset) & status::READY == 0 {}
        self.command(offset, count as u16 - 1);
        for (index, word) in words.iter().take(count).enumerate() {
            self.command(offset + 2 * index as u32, *word);
        }
        self.command(offset, command::CONFIRM);
        self.finish(offset)
    }
}

/// Why the flash refused.
#[derive(Debug)]
pub(crate) enum FlashError {
    /// The address or length is no multiple of the word or block.
    NotAligned,
    /// Past the end.
    OutOfBounds,
    /// The chip reports an error.
    Chip,
}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::Chip => NorFlashErrorKind::Other,
        }
    }
}

/// Checks `len` bytes from `offset` against the unit that they come in.
fn check(offset: u32, len: usize, unit: usize) -> Result<(), FlashError> {
    let fits = u32::try_from(len)
        .ok()
        .and_then(|len| offset.checked_add(len))
        .is_some_and(|end| end <= LEN);
    if !fits {
        return Err(FlashError::OutOfBounds);
    }
    let aligned = (offset as usize).is_multiple_of(unit) && len.is_multiple_of(unit);
    aligned.then_some(()).ok_or(FlashError::NotAligned)
}

impl ErrorType for CfiFlash {
    type Error = FlashError;
}

impl ReadNorFlash for CfiFlash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check(offset, bytes.len(), Self::READ_SIZE)?;
        let source = Self::at(0).cast::<u8>().wrapping_add(offset as usize);
        // SAFETY: within the flash, as checked; it reads as memory between two commands, and no
        // reference to it exists.
        unsafe { ptr::copy_nonoverlapping(source, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn capacity(&self) -> usize {
        LEN as usize
    }
}

impl NorFlash for CfiFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = BLOCK_LEN as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        let len = to.checked_sub(from).ok_or(FlashError::OutOfBounds)?;
        check(from, len as usize, Self::ERASE_SIZE)?;
        for block in (from..to).step_by(Self::ERASE_SIZE) {
            self.erase_block(block)?;
        }
        Ok(())
    }

    async fn write(&mut self, mut offset: u32, mut bytes: &[u8]) -> Result<(), FlashError> {
        check(offset, bytes.len(), Self::WRITE_SIZE)?;
        while !bytes.is_empty() {
            let room = CHUNK_LEN - offset % CHUNK_LEN;
            let (chunk, rest) = bytes.split_at(bytes.len().min(room as usize));
            self.program(offset, chunk)?;
            offset += chunk.len() as u32;
            bytes = rest;
        }
        Ok(())
    }
}
