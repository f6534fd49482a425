//! What writing an image does to the flash: its own slot alone, each page erased once, and nothing
//! more after a failure.

use embassy_futures::block_on;
use firmproof_device::board::Board;
use firmproof_device::store::Store;
use firmproof_device::update::image::{ImageError, ImageWriter};
use mockall::Sequence;
use mockall::predicate::{always, eq, function};

use crate::rig::{Flash, MockCells, MockOutputs, Mocked, PAGE, Worn};

/// Writes an image of `len` bytes into slot B of a flash with these cells.
fn write(cells: MockCells, len: u32) -> Result<(), ImageError> {
    let layout = Mocked::new(MockOutputs::new()).flash_layout();
    let mut store = Store::new(Flash(cells), layout).expect("the layout is sound");
    let mut writer = ImageWriter::new(1);
    block_on(async {
        writer.write(&mut store, &vec![7; len as usize]).await?;
        writer.finish(&mut store).await
    })
}

fn slot() -> core::ops::Range<u32> {
    let [_, slot] = Mocked::new(MockOutputs::new()).flash_layout().slots;
    slot
}

#[test]
fn each_page_is_erased_once_and_just_before_it_is_written() {
    let (mut cells, mut order) = (MockCells::new(), Sequence::new());
    let start = slot().start;
    for page in 0..2 {
        let from = start + page * PAGE;
        cells
            .expect_erase()
            .with(eq(from), eq(from + PAGE))
            .once()
            .in_sequence(&mut order)
            .returning(|_, _| Ok(()));
        let writes = if page == 0 { PAGE as usize / 256 } else { 1 };
        cells
            .expect_write()
            .with(
                function(move |at| (from..from + PAGE).contains(at)),
                always(),
            )
            .times(writes)
            .in_sequence(&mut order)
            .returning(|_, _| Ok(()));
    }
    assert_eq!(write(cells, PAGE + 4), Ok(()));
}

#[test]
fn an_image_past_the_end_of_its_slot_is_refused_and_nothing_beyond_is_touched() {
    let mut cells = MockCells::new();
    cells
        .expect_erase()
        .withf(|from, to| slot().contains(from) && *to <= slot().end)
        .returning(|_, _| Ok(()));
    cells
        .expect_write()
        .withf(|at, bytes| slot().contains(at) && at + bytes.len() as u32 <= slot().end)
        .returning(|_, _| Ok(()));
    let room = slot().end - slot().start;
    assert_eq!(write(cells, room + 1), Err(ImageError::SlotTooSmall));
}

#[test]
fn a_page_that_cannot_be_erased_is_not_written() {
    let mut cells = MockCells::new();
    cells.expect_erase().once().returning(|_, _| Err(Worn));
    assert_eq!(write(cells, PAGE), Err(ImageError::Flash));
}

#[test]
fn the_first_word_that_cannot_be_written_ends_it() {
    let mut cells = MockCells::new();
    cells.expect_erase().once().returning(|_, _| Ok(()));
    cells.expect_write().once().returning(|_, _| Err(Worn));
    assert_eq!(write(cells, 2 * PAGE), Err(ImageError::Flash));
}
