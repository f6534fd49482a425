//! The two firmware slots: which one boots, and whether an image has proven itself.
//!
//! The rules. An image that was downloaded and verified is *pending*: it boots once, on trial.
//! If it calls [`confirm`] it is the *active* one from then on; if the device boots again without
//! that, the active image boots and the pending one is dropped (*rolled back*). The record changes
//! in one write of the store, so a power cut leaves the old decision or the new one.
//!
//! A version is used up when its image is pending or confirmed, not when it was rolled back: a
//! trial that ended with a power cut may be repeated.

use embedded_storage_async::nor_flash::NorFlash;
use serde::{Deserialize, Serialize};

use crate::store::{Store, StoreError, key};

/// Bytes that the stored record takes at most.
const RECORD_LEN: usize = 64;

/// An image that has not confirmed itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Its slot, 0 or 1.
    pub slot: u8,
    /// Its version.
    pub version: u32,
    /// It has been booted.
    pub tried: bool,
}

/// What is stored under [`key::UPDATE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Record {
    /// The slot of the image that last confirmed itself; 0 on a new device.
    pub active: u8,
    /// The greatest version that confirmed itself; 0 on a new device.
    pub highest: u32,
    /// An image that waits for its trial, or is on it.
    pub pending: Option<Pending>,
    /// A slot that was rolled back and not yet reported.
    pub rolled_back: Option<u8>,
}

impl Record {
    /// Reads the record; a device without one, or with an unreadable one, has a new device's.
    ///
    /// # Errors
    /// The flash failed.
    pub async fn load<F: NorFlash>(store: &mut Store<F>) -> Result<Self, StoreError> {
        let mut buffer = [0; RECORD_LEN];
        let stored = store.get(key::UPDATE, &mut buffer).await?;
        Ok(stored
            .and_then(|bytes| postcard::from_bytes::<Self>(bytes).ok())
            .filter(|record| record.active < 2)
            .unwrap_or_default())
    }

    /// Stores the record; when this returns, it survives a power cut.
    ///
    /// # Errors
    /// The flash failed.
    pub async fn save<F: NorFlash>(&self, store: &mut Store<F>) -> Result<(), StoreError> {
        let mut buffer = [0; RECORD_LEN];
        let bytes = postcard::to_slice(self, &mut buffer).map_err(|_| StoreError)?;
        store.put(key::UPDATE, bytes).await
    }

    /// Decides which slot boots, and notes that the decision was used.
    pub fn boot(&mut self) -> u8 {
        match &mut self.pending {
            Some(pending) if !pending.tried => {
                pending.tried = true;
                pending.slot & 1
            }
            Some(pending) => {
                self.rolled_back = Some(pending.slot & 1);
                self.pending = None;
                self.active
            }
            None => self.active,
        }
    }

    /// The image that runs from `running` works. Returns its slot if it was on trial.
    pub fn confirm(&mut self, running: u8) -> Option<u8> {
        let pending = self.pending.filter(|p| p.tried && p.slot == running)?;
        self.active = pending.slot;
        self.highest = self.highest.max(pending.version);
        self.pending = None;
        Some(pending.slot)
    }

    /// Whether `running` is on trial, so that the other slot must stay as it is.
    pub fn is_on_trial(&self, running: u8) -> bool {
        self.pending.is_some_and(|p| p.tried && p.slot == running)
    }

    /// Whether `version` is above every version that was accepted.
    pub fn is_newer(&self, version: u32) -> bool {
        version > self.highest && self.pending.is_none_or(|p| version > p.version)
    }
}

/// The slot to boot from, 0 or 1, for the board to call once per start, before the device runs.
/// A flash that fails boots slot 0 or the last decision, whichever can be read.
pub async fn slot_to_boot<F: NorFlash>(store: &mut Store<F>) -> u8 {
    let before = Record::load(store).await.unwrap_or_default();
    let mut record = before;
    let slot = record.boot();
    if record != before && record.save(store).await.is_err() {
        // A trial that cannot be noted would never end.
        return before.active;
    }
    slot
}

/// The running image has proven itself. Returns its slot if it was on trial.
///
/// # Errors
/// The flash failed; the image is still on trial.
pub async fn confirm<F: NorFlash>(
    store: &mut Store<F>,
    running: u8,
) -> Result<Option<u8>, StoreError> {
    let mut record = Record::load(store).await?;
    let confirmed = record.confirm(running);
    if confirmed.is_some() {
        record.save(store).await?;
    }
    Ok(confirmed)
}

/// The slot that was rolled back at this boot, told once.
///
/// # Errors
/// The flash failed.
pub async fn take_rolled_back<F: NorFlash>(store: &mut Store<F>) -> Result<Option<u8>, StoreError> {
    let mut record = Record::load(store).await?;
    let slot = record.rolled_back.take();
    if slot.is_some() {
        record.save(store).await?;
    }
    Ok(slot)
}
