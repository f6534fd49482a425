//! The SPI flash that the program itself lies in.

use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use esp_bootloader_esp_idf::partitions::{PARTITION_TABLE_MAX_LEN, read_partition_table};
use esp_hal::peripherals::FLASH;
use esp_storage::{FlashStorage, FlashStorageError};

use crate::partitions::{Entry, PAGE_LEN, Partitions, TableError};

/// Entries of a partition table that are looked at.
const MOST_PARTITIONS: usize = 16;

/// The flash. While the ROM writes or erases it, the CPU waits.
pub struct BoardFlash(FlashStorage<'static>);

/// Where the device's partitions are, and which slot the bootloader started.
#[derive(Debug, Clone)]
pub struct Found {
    /// The device's partitions.
    pub partitions: Partitions,
    /// The slot that this image runs from, 0 or 1.
    pub running: u8,
}

/// Why the partitions cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindError {
    /// The flash has no partition table that ESP-IDF's bootloader would take.
    NoTable,
    /// The table lacks something.
    Table(TableError),
    /// The image runs from neither slot.
    UnknownSlot,
}

impl core::fmt::Display for FindError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoTable => f.write_str("no-partition-table"),
            Self::Table(error) => write!(f, "{error}"),
            Self::UnknownSlot => f.write_str("runs-from-neither-slot"),
        }
    }
}

impl BoardFlash {
    /// Takes the flash.
    pub fn new(flash: FLASH<'static>) -> Self {
        Self(FlashStorage::new(flash))
    }

    /// The flash as Espressif's crates know it.
    pub fn storage(&mut self) -> &mut FlashStorage<'static> {
        &mut self.0
    }

    /// Reads the partition table, and finds out which slot runs.
    ///
    /// # Errors
    /// See [`FindError`].
    pub fn find_partitions(&mut self) -> Result<Found, FindError> {
        let mut buffer = [0; PARTITION_TABLE_MAX_LEN];
        let table =
            read_partition_table(&mut self.0, &mut buffer).map_err(|_| FindError::NoTable)?;
        let mut found = heapless::Vec::<_, MOST_PARTITIONS>::new();
        // A table with more than those is none of ours, and lacks what comes last.
        found.extend(table.iter().take(MOST_PARTITIONS));
        let entries = found.iter().map(|entry| Entry {
            name: up_to_nul(entry.label()),
            kind: entry.raw_type(),
            subtype: entry.raw_subtype(),
            offset: entry.offset(),
            len: entry.len(),
        });
        let partitions = Partitions::find(entries).map_err(FindError::Table)?;
        let booted = table.booted_partition().ok().flatten();
        let running = booted
            .and_then(|entry| partitions.slot_at(entry.offset()))
            .ok_or(FindError::UnknownSlot)?;
        Ok(Found {
            partitions,
            running,
        })
    }

    /// Reads the page of the boot configuration and the Wi-Fi credentials.
    ///
    /// # Errors
    /// The flash failed.
    pub fn read_config(
        &mut self,
        partitions: &Partitions,
        page: &mut [u8; PAGE_LEN as usize],
    ) -> Result<(), FlashStorageError> {
        self.0.read_nor(partitions.config.start, page)
    }
}

fn up_to_nul(label: &[u8]) -> &[u8] {
    label.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Why the flash refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlashError(FlashStorageError);

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self.0 {
            FlashStorageError::NotAligned => NorFlashErrorKind::NotAligned,
            FlashStorageError::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            _ => NorFlashErrorKind::Other,
        }
    }
}

impl ErrorType for BoardFlash {
    type Error = FlashError;
}

impl ReadNorFlash for BoardFlash {
    const READ_SIZE: usize = FlashStorage::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        self.0.read_nor(offset, bytes).map_err(FlashError)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for BoardFlash {
    const WRITE_SIZE: usize = FlashStorage::WRITE_SIZE;
    const ERASE_SIZE: usize = FlashStorage::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        self.0.erase(from, to).map_err(FlashError)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        self.0.write_nor(offset, bytes).map_err(FlashError)
    }
}
