//! What survives a power cut: small values by key, in the state region of the board's flash.
//!
//! The log structure and its recovery are sequential-storage's: a value is the old one or the new
//! one after a power cut, never a mixture.

use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::cache::{Cache, Uncached};
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

/// The flash could not be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreError;

/// The board's flash: the stored values, and the firmware slots as raw bytes.
pub struct Store<F: NorFlash> {
    map: MapStorage<u16, F, Cache<Uncached, Uncached, Uncached, u16>>,
    layout: FlashLayout,
}

impl<F: NorFlash> Store<F> {
    /// Takes the board's flash. `None` when `layout` does not lie on erase boundaries, or the
    /// state region has fewer than two erase pages.
    pub fn new(flash: F, layout: FlashLayout) -> Option<Self> {
        let config = MapConfig::try_new(layout.state.clone()).ok()?;
        Some(Self {
            map: MapStorage::new(flash, config, Cache::new_uncached()),
            layout,
        })
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

    /// Forgets every value.
    ///
    /// # Errors
    /// The flash failed.
    pub async fn clear(&mut self) -> Result<(), StoreError> {
        self.map.erase_all().await.map_err(|_| StoreError)
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
}
