//! Which flash partitions the device uses, and what a partition table must have for that.

use core::fmt;
use core::ops::Range;

use firmproof_bootconfig::{MAX_ENCODED_LEN, WifiCredentials};
use firmproof_device::board::FlashLayout;

/// The flash's erase page in bytes; every partition begins and ends on one.
pub const PAGE_LEN: u32 = 4096;

/// Types and subtypes of ESP-IDF's partition tables.
mod kind {
    pub(super) const APP: u8 = 0;
    pub(super) const DATA: u8 = 1;
    pub(super) const OTA_0: u8 = 0x10;
    pub(super) const OTA_1: u8 = 0x11;
    pub(super) const OTA_DATA: u8 = 0x00;
    pub(super) const UNDEFINED: u8 = 0x06;
}

/// One line of a partition table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The name, up to its first NUL.
    pub name: &'a [u8],
    /// `app` is 0, `data` is 1.
    pub kind: u8,
    /// The subtype.
    pub subtype: u8,
    /// Bytes from the flash's start.
    pub offset: u32,
    /// Length in bytes.
    pub len: u32,
}

/// Where things lie in the flash, in bytes from its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partitions {
    /// The boot configuration, and the Wi-Fi credentials [`WifiCredentials::PARTITION_OFFSET`]
    /// bytes behind its start: one page, so that a bench writes both at once.
    pub config: Range<u32>,
    /// State and slots, as the device knows them.
    pub layout: FlashLayout,
}

/// What a partition table lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableError {
    /// A partition is not there; its name in partitions.csv.
    Missing(&'static str),
    /// A partition does not lie on erase pages, or is too small.
    Unusable(&'static str),
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "partition-{name}-missing"),
            Self::Unusable(name) => write!(f, "partition-{name}-unusable"),
        }
    }
}

impl Partitions {
    /// Finds the device's partitions in a table: ESP-IDF's own by their subtypes, as the bootloader
    /// does, the others by their names.
    ///
    /// # Errors
    /// The first partition that is missing or cannot be used.
    pub fn find<'a>(table: impl Iterator<Item = Entry<'a>> + Clone) -> Result<Self, TableError> {
        let region = |name: &'static str, kind, subtype, least: u32| {
            let entry = table
                .clone()
                .filter(|entry| (entry.kind, entry.subtype) == (kind, subtype))
                .find(|entry| subtype != kind::UNDEFINED || entry.name == name.as_bytes())
                .ok_or(TableError::Missing(name))?;
            let end = entry.offset.checked_add(entry.len);
            let usable = entry.offset.is_multiple_of(PAGE_LEN)
                && entry.len.is_multiple_of(PAGE_LEN)
                && entry.len >= least;
            match end {
                Some(end) if usable => Ok(entry.offset..end),
                _ => Err(TableError::Unusable(name)),
            }
        };
        // ESP-IDF's bootloader takes two copies, a page each.
        region("otadata", kind::DATA, kind::OTA_DATA, 2 * PAGE_LEN)?;
        Ok(Self {
            config: region("boot_config", kind::DATA, kind::UNDEFINED, PAGE_LEN)?,
            layout: FlashLayout {
                // The store's log moves from page to page.
                state: region("state", kind::DATA, kind::UNDEFINED, 2 * PAGE_LEN)?,
                slots: [
                    region("slot_a", kind::APP, kind::OTA_0, PAGE_LEN)?,
                    region("slot_b", kind::APP, kind::OTA_1, PAGE_LEN)?,
                ],
            },
        })
    }

    /// The slot that begins at `offset`, 0 or 1.
    pub fn slot_at(&self, offset: u32) -> Option<u8> {
        let found = self.layout.slots.iter().position(|s| s.start == offset)?;
        u8::try_from(found).ok()
    }
}

const _: () = assert!(
    WifiCredentials::PARTITION_OFFSET >= MAX_ENCODED_LEN
        && WifiCredentials::PARTITION_OFFSET + WifiCredentials::MAX_ENCODED_LEN
            <= PAGE_LEN as usize,
    "both lie in the configuration's page"
);
