//! Carries out what [`crate::trial`] decides: the record in the device's state, and ESP-IDF's
//! `otadata`.

use esp_bootloader_esp_idf::ota::OtaImageState;
use esp_bootloader_esp_idf::ota_updater::OtaUpdater;
use esp_bootloader_esp_idf::partitions::{AppPartitionSubType, PARTITION_TABLE_MAX_LEN};
use esp_hal::system::software_reset;
use firmproof_device::store::{Store, StoreError};
use firmproof_device::update::slots::Record;

use crate::flash::BoardFlash;
use crate::trial::{Step, decide};

/// `otadata` or the record cannot be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotError;

impl From<StoreError> for SlotError {
    fn from(_: StoreError) -> Self {
        Self
    }
}

/// Settles which slot goes on. Returns in the slot that does, and restarts into the other one.
///
/// # Errors
/// [`SlotError`]: nothing was switched, and this image goes on.
pub async fn settle(store: &mut Store<BoardFlash>, running: u8) -> Result<(), SlotError> {
    let record = Record::load(store).await?;
    let selected = selected(flash_of(store)).ok().flatten();
    match decide(record, running, selected) {
        Step::Run(decided) => {
            if decided != record {
                decided.save(store).await?;
            }
            if selected == Some(running) {
                accept_running(flash_of(store))?;
            }
            Ok(())
        }
        Step::Try(slot) => {
            select(flash_of(store), slot, OtaImageState::New)?;
            software_reset()
        }
        Step::GoBack(slot, decided) => {
            select(flash_of(store), slot, OtaImageState::Valid)?;
            decided.save(store).await?;
            software_reset()
        }
    }
}

fn flash_of(store: &mut Store<BoardFlash>) -> &mut BoardFlash {
    store.slot(0).0
}

fn with_otadata<T>(
    flash: &mut BoardFlash,
    work: impl FnOnce(&mut OtaUpdater<'_, '_>) -> Result<T, esp_bootloader_esp_idf::partitions::Error>,
) -> Result<T, SlotError> {
    let mut buffer = [0; PARTITION_TABLE_MAX_LEN];
    let mut updater = OtaUpdater::new(flash.storage(), &mut buffer).map_err(|_| SlotError)?;
    work(&mut updater).map_err(|_| SlotError)
}

/// The slot that `otadata` names; `None` when it names none, as on a new device.
///
/// # Errors
/// [`SlotError`].
pub fn selected(flash: &mut BoardFlash) -> Result<Option<u8>, SlotError> {
    let selected = with_otadata(flash, |updater| updater.selected_partition())?;
    Ok(match selected {
        AppPartitionSubType::Ota0 => Some(0),
        AppPartitionSubType::Ota1 => Some(1),
        _ => None,
    })
}

/// Has the bootloader start `slot`, 0 or 1, from the next reset on.
///
/// # Errors
/// [`SlotError`].
pub fn select(flash: &mut BoardFlash, slot: u8, state: OtaImageState) -> Result<(), SlotError> {
    let app = match slot {
        0 => AppPartitionSubType::Ota0,
        _ => AppPartitionSubType::Ota1,
    };
    with_otadata(flash, |updater| {
        // The library numbers the entries, and gives the first one for slot 1 the number 0, from which
        // it cannot count on. So slot 0 is the first.
        if updater.selected_partition()? == AppPartitionSubType::Factory {
            let first = AppPartitionSubType::Ota0;
            updater.ota_data()?.set_current_app_partition(first)?;
        }
        updater.ota_data()?.set_current_app_partition(app)?;
        updater.set_current_ota_state(state)
    })
}

/// The bootloader need not watch this image any longer: the record does.
fn accept_running(flash: &mut BoardFlash) -> Result<(), SlotError> {
    with_otadata(flash, |updater| match updater.current_ota_state()? {
        OtaImageState::New | OtaImageState::PendingVerify => {
            updater.set_current_ota_state(OtaImageState::Valid)
        }
        _ => Ok(()),
    })
}
