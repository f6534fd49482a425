//! What survives a power cut: small values by key, in the state region of the board's flash.
//!
//! The log structure and its recovery are sequential-storage's: a value is the old one or the new
//! one after a power cut, never a mixture.

use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::cache::Cache;
use sequential_storage::cache::key_pointers::ArrayKeyPointers;
use sequential_storage::cache::page_pointers::ArrayPagePointers;
use sequential_storage::cache::page_states::ArrayPageStates;
use sequential_storage::map::{MapConfig, MapStorage};

use crate::board::FlashLayout;

/// The largest value, in bytes.
pub const MAX_VALUE_LEN: usize = 1024;
/// Room for a value with its key, rounded up to any flash word.
const SCRATCH_LEN: usize = MAX_VALUE_LEN + 32;

/// Names of stored values. The numbers are the stored form: never reuse one.
pub mod key {
    /// Times booted, `u32` little-endian.
    pub const BOOTS: u16 = 1;
    /// The update record (module `update`).
    pub const UPDATE: u16 = 2;
    /// First of the MQTT session's 64 keys (module `mqtt`).
    pub const MQTT_SESSION: u16 = 0x100;
}

/// More keys than are in use, so that each one's place is known. Without that, making room in a page looks every one
/// of its items up by reading all pages: in a page of 128 KiB with small values that takes seconds in which the
/// device does nothing else.
const KEYS: usize = 32;
/// The most erase pages of a state region.
const MAX_PAGES: usize = 16;

type Map<F> = MapStorage<
    u16,
    F,
    Cache<
        ArrayPageStates<MAX_PAGES>,
        ArrayPagePointers<MAX_PAGES>,
        ArrayKeyPointers<u16, KEYS>,
        u16,
    >,
>;

/// The flash could not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreError;

/// The board's flash: the stored values, and the firmware slots as raw bytes.
pub struct Store<F: NorFlash> {
    map: Map<F>,
    layout: FlashLayout,
}

impl<F: NorFlash> Store<F> {
    /// Takes the board's flash. `None` when `layout` does not lie on erase boundaries, or the
    /// state region has fewer than two erase pages, or more than 16.
    pub fn new(flash: F, layout: FlashLayout) -> Option<Self> {
        MapConfig::<F>::try_new(layout.state.clone()).ok()?;
        if layout.state.len() / F::ERASE_SIZE > MAX_PAGES {
            return None;
        }
        Some(Self::with(flash, layout))
    }

    /// With a layout that was found to be sound.
    fn with(flash: F, layout: FlashLayout) -> Self {
        let cache = Cache::new(
            ArrayPageStates::new(),
            ArrayPagePointers::new(),
            ArrayKeyPointers::new(),
        );
        Self {
            map: MapStorage::new(flash, MapConfig::new(layout.state.clone()), cache),
            layout,
        }
    }

    /// Reads a value into `buffer` and returns it; `None` when there is none, or it was removed.
    ///
    /// # Errors
    /// The flash failed, or the value is longer than `buffer`.
    pub async fn get<'b>(
        &mut self,
        key: u16,
        buffer: &'b mut [u8],
    ) -> Result<Option<&'b [u8]>, StoreError> {
        // The search reads every item on its way, so it needs room for the longest one of all.
        let mut scratch = [0; SCRATCH_LEN];
        let found: Option<&[u8]> = self
            .map
            .fetch_item(&mut scratch, &key)
            .await
            .map_err(|_| StoreError)?;
        let Some(value) = found.filter(|v| !v.is_empty()) else {
            return Ok(None);
        };
        let read = buffer.get_mut(..value.len()).ok_or(StoreError)?;
        read.copy_from_slice(value);
        Ok(Some(read))
    }

    /// Stores a value of at most [`MAX_VALUE_LEN`] bytes in place of the old one. When this
    /// returns, the value survives a power cut.
    ///
    /// # Errors
    /// The flash failed, or the value is too long.
    pub async fn put(&mut self, key: u16, value: &[u8]) -> Result<(), StoreError> {
        if value.len() > MAX_VALUE_LEN {
            return Err(StoreError);
        }
        let mut scratch = [0; SCRATCH_LEN];
        self.map
            .store_item(&mut scratch, &key, &value)
            .await
            .map_err(|_| StoreError)
    }

    /// Removes a value. An empty value stands for none, which spares the flash a second write to
    /// the same word.
    ///
    /// # Errors
    /// The flash failed.
    pub async fn remove(&mut self, key: u16) -> Result<(), StoreError> {
        self.put(key, &[]).await
    }

    /// Forgets every value, and where each one was; and says whether the flash did.
    ///
    /// # Errors
    /// The flash could not be erased.
    pub async fn clear(mut self) -> (Self, Result<(), StoreError>) {
        let erased = self.map.erase_all().await.map_err(|_| StoreError);
        let (flash, _) = self.map.destroy();
        (Self::with(flash, self.layout), erased)
    }

    /// The flash and the byte range of slot 0 or 1.
    pub fn slot(&mut self, slot: u8) -> (&mut F, Range<u32>) {
        let range = self.layout.slots[usize::from(slot & 1)].clone();
        (self.map.flash(), range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::tests::nor::{Nor, layout};

    #[test]
    fn a_short_value_is_read_past_a_long_one() {
        embassy_futures::block_on(async {
            let mut store = Store::new(Nor::new(), layout()).unwrap();
            store.put(key::BOOTS, &[1, 0, 0, 0]).await.unwrap();
            store.put(key::UPDATE, &[7; 600]).await.unwrap();
            let mut buffer = [0; 4];
            let read = store.get(key::BOOTS, &mut buffer).await;
            assert_eq!(read, Ok(Some(&[1, 0, 0, 0][..])));
        });
    }

    /// A device that makes room does nothing else meanwhile.
    #[test]
    fn no_value_costs_more_reading_than_the_whole_region_twice() {
        embassy_futures::block_on(async {
            let mut store = Store::new(Nor::new(), layout()).unwrap();
            let region = 2 * layout().state.len();
            let mut most = 0;
            for n in 0..2_000_u16 {
                let before = store.map.flash().bytes_read;
                let key = key::MQTT_SESSION + n % 25;
                store.put(key, &n.to_le_bytes()).await.unwrap();
                most = most.max(store.map.flash().bytes_read - before);
            }
            assert!(most <= region, "{most} bytes read for one value");
        });
    }

    #[test]
    fn what_was_known_before_a_clear_is_not_believed_after_it() {
        embassy_futures::block_on(async {
            let mut store = Store::new(Nor::new(), layout()).unwrap();
            store.put(key::BOOTS, &[1]).await.unwrap();
            let (mut store, erased) = store.clear().await;
            assert_eq!(erased, Ok(()));
            // In the place of the first value.
            store.put(key::UPDATE, &[2]).await.unwrap();
            let mut buffer = [0; 4];
            assert_eq!(store.get(key::BOOTS, &mut buffer).await, Ok(None));
            let read = store.get(key::UPDATE, &mut buffer).await;
            assert_eq!(read, Ok(Some(&[2][..])));
        });
    }
}
