//! Any bytes over what the store wrote into its flash: reading never panics, the slot that boots
//! is one of the two, and a store that is cleared works again.
#![no_main]

use embassy_futures::block_on;
use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use firmproof_device::board::FlashLayout;
use firmproof_device::store::{Store, key};
use firmproof_device::update::{confirm, slot_to_boot};
use libfuzzer_sys::fuzz_target;

const PAGE: u32 = 2048;
const STATE: u32 = 3 * PAGE;

/// A flash in memory; a write clears bits, as NOR does.
struct Flash(Vec<u8>);

#[derive(Debug)]
struct OutOfRange;

impl NorFlashError for OutOfRange {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::OutOfBounds
    }
}

impl Flash {
    fn part(&mut self, from: u32, len: usize) -> Result<&mut [u8], OutOfRange> {
        let from = from as usize;
        let to = from.checked_add(len).ok_or(OutOfRange)?;
        self.0.get_mut(from..to).ok_or(OutOfRange)
    }
}

impl ErrorType for Flash {
    type Error = OutOfRange;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), OutOfRange> {
        bytes.copy_from_slice(self.part(offset, bytes.len())?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), OutOfRange> {
        self.part(from, to.saturating_sub(from) as usize)?
            .fill(0xff);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), OutOfRange> {
        let old = self.part(offset, bytes.len())?;
        old.iter_mut().zip(bytes).for_each(|(old, new)| *old &= new);
        Ok(())
    }
}

/// Values that were stored by key, then bytes that were changed behind the store's back, by place.
type Input<'a> = (Vec<(u8, &'a [u8])>, Vec<(u16, u8)>);

fuzz_target!(|input: Input<'_>| {
    let (values, changes) = input;
    let layout = FlashLayout {
        state: 0..STATE,
        slots: [STATE..STATE + PAGE, STATE + PAGE..STATE + 2 * PAGE],
    };
    let flash = Flash(vec![0xff; (STATE + 2 * PAGE) as usize]);
    let mut store = Store::new(flash, layout).expect("the layout is made of erase pages");
    block_on(async {
        for (place, value) in values {
            let key = match place {
                0 => key::BOOTS,
                1 => key::UPDATE,
                other => key::MQTT_SESSION + u16::from(other % 64),
            };
            // Too long, or no room: both are told.
            let _ = store.put(key, value).await;
        }
        let (flash, _) = store.slot(0);
        for (place, byte) in changes {
            flash.0[usize::from(place) % STATE as usize] = byte;
        }
        let mut buffer = [0; 1024];
        for key in [
            key::BOOTS,
            key::UPDATE,
            key::MQTT_SESSION,
            key::MQTT_SESSION + 2,
        ] {
            let _ = store.get(key, &mut buffer).await;
        }
        let slot = slot_to_boot(&mut store).await;
        assert!(slot < 2);
        let _ = confirm(&mut store, slot).await;
        let _ = store.put(key::BOOTS, &[1, 0, 0, 0]).await;

        let (cleared, erased) = store.clear().await;
        assert_eq!(erased, Ok(()), "this flash can always be erased");
        let mut store = cleared;
        store
            .put(key::BOOTS, &[2, 0, 0, 0])
            .await
            .expect("it is empty");
        let read = store.get(key::BOOTS, &mut buffer).await;
        assert_eq!(read, Ok(Some(&[2, 0, 0, 0][..])));
    });
});
