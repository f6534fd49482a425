//! Slots and their record, on a flash that keeps NOR's rules, with the power cut at every operation.

extern crate std;
use std::vec::Vec;

use embassy_futures::block_on;
use sha2::{Digest, Sha256};

use super::nor::{Nor, SLOT_SIZE, layout};
use crate::store::Store;
use crate::update::image::{ImageError, ImageWriter, digest};
use crate::update::slots::{Pending, Record, confirm, slot_to_boot, take_rolled_back};

fn store(flash: Nor) -> Store<Nor> {
    Store::new(flash, layout()).unwrap()
}

fn ready(slot: u8, version: u32) -> Record {
    Record {
        pending: Some(Pending {
            slot,
            version,
            tried: false,
        }),
        ..Record::default()
    }
}

#[test]
fn a_new_device_boots_slot_a() {
    let mut store = store(Nor::new());
    assert_eq!(block_on(slot_to_boot(&mut store)), 0);
    assert_eq!(block_on(take_rolled_back(&mut store)), Ok(None));
}

#[test]
fn a_pending_image_boots_and_stays_once_it_is_confirmed() {
    let mut store = store(Nor::new());
    block_on(ready(1, 5).save(&mut store)).unwrap();
    assert_eq!(block_on(slot_to_boot(&mut store)), 1);
    assert_eq!(block_on(confirm(&mut store, 1)), Ok(Some(1)));
    assert_eq!(block_on(confirm(&mut store, 1)), Ok(None));
    for _ in 0..3 {
        assert_eq!(block_on(slot_to_boot(&mut store)), 1);
    }
    let record = block_on(Record::load(&mut store)).unwrap();
    assert!(!record.is_newer(5));
    assert!(record.is_newer(6));
}

#[test]
fn an_image_that_does_not_confirm_itself_is_rolled_back_once() {
    let mut store = store(Nor::new());
    block_on(ready(1, 5).save(&mut store)).unwrap();
    assert_eq!(block_on(slot_to_boot(&mut store)), 1);
    assert_eq!(block_on(slot_to_boot(&mut store)), 0);
    assert_eq!(block_on(take_rolled_back(&mut store)), Ok(Some(1)));
    assert_eq!(block_on(take_rolled_back(&mut store)), Ok(None));
    assert_eq!(block_on(slot_to_boot(&mut store)), 0);
    assert_eq!(block_on(confirm(&mut store, 0)), Ok(None));
    assert!(block_on(Record::load(&mut store)).unwrap().is_newer(5));
}

#[test]
fn an_old_image_cannot_confirm_the_pending_one() {
    let mut record = ready(1, 5);
    assert_eq!(record.confirm(0), None);
    assert_eq!(record.confirm(1), None, "not before it was booted");
    assert_eq!(record.boot(), 1);
    assert!(record.is_on_trial(1));
    assert_eq!(record.confirm(0), None);
    assert_eq!(record.confirm(1), Some(1));
}

#[test]
fn a_pending_version_is_used_up() {
    let record = ready(1, 5);
    assert!(!record.is_newer(4));
    assert!(!record.is_newer(5));
    assert!(record.is_newer(6));
    assert!(!Record::default().is_newer(0));
}

#[test]
fn a_power_cut_at_any_operation_of_a_boot_leaves_a_slot_that_boots() {
    for operations in 0..8 {
        let mut whole = store(Nor::new());
        block_on(ready(1, 5).save(&mut whole)).unwrap();
        let mut flash = whole.slot(0).0.clone();
        flash.operations_left = operations;
        let mut cut = store(flash);
        let first = block_on(slot_to_boot(&mut cut));
        let mut flash = cut.slot(0).0.clone();
        flash.operations_left = usize::MAX;
        let mut after = store(flash);
        let second = block_on(slot_to_boot(&mut after));
        // Either the trial was noted before the cut, and ends; or it was not, and starts now.
        assert_eq!(second, 1 - first, "{operations}");
        assert_eq!(
            block_on(confirm(&mut after, 1)).unwrap().is_some(),
            second == 1
        );
    }
}

#[test]
fn an_image_in_pieces_of_any_size_is_in_the_slot_and_nowhere_else() {
    let image: Vec<u8> = (0..9001_u32).map(|i| (i % 251) as u8).collect();
    for piece in [1, 3, 255, 256, 257, 4096, 9001] {
        let mut store = store(Nor::new());
        let mut writer = ImageWriter::new(1);
        for bytes in image.chunks(piece) {
            block_on(writer.write(&mut store, bytes)).unwrap();
        }
        block_on(writer.finish(&mut store)).unwrap();
        let (flash, range) = store.slot(1);
        let start = range.start as usize;
        assert_eq!(flash.bytes[start..start + image.len()], image);
        assert!(flash.bytes[..start].iter().all(|&b| b == 0xff), "{piece}");
        let found = block_on(digest(&mut store, 1, image.len() as u32)).unwrap();
        assert_eq!(found[..], Sha256::digest(&image)[..]);
    }
}

#[test]
fn an_image_that_starts_over_replaces_what_was_there() {
    let mut store = store(Nor::new());
    let mut writer = ImageWriter::new(0);
    block_on(writer.write(&mut store, &[1; 5000])).unwrap();
    writer.start_over();
    block_on(writer.write(&mut store, &[2; 300])).unwrap();
    block_on(writer.finish(&mut store)).unwrap();
    let found = block_on(digest(&mut store, 0, 300)).unwrap();
    assert_eq!(found[..], Sha256::digest([2; 300])[..]);
}

#[test]
fn an_image_fills_the_slot_to_its_last_byte_and_not_beyond() {
    let mut store = store(Nor::new());
    let mut writer = ImageWriter::new(0);
    for _ in 0..SLOT_SIZE / 256 {
        block_on(writer.write(&mut store, &[3; 256])).unwrap();
    }
    block_on(writer.finish(&mut store)).unwrap();
    assert!(block_on(digest(&mut store, 0, SLOT_SIZE)).is_ok());
    assert_eq!(
        block_on(digest(&mut store, 0, SLOT_SIZE + 1)),
        Err(ImageError::SlotTooSmall)
    );
    block_on(writer.write(&mut store, &[3; 1])).unwrap();
    assert_eq!(
        block_on(writer.finish(&mut store)),
        Err(ImageError::SlotTooSmall)
    );
    assert!(
        store.slot(1).0.bytes[2 * SLOT_SIZE as usize..]
            .iter()
            .all(|&b| b == 0xff)
    );
}
