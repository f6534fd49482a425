//! On the chip: a switch to the other slot and back, through the bootloader.
//!
//! The set-up copies this program to the other slot, has the bootloader start it there, and returns;
//! marks in RTC memory keep what was seen over the resets.
#![no_std]
#![no_main]

esp_bootloader_esp_idf::esp_app_desc!();

#[cfg(test)]
#[embedded_test::tests(executor = esp_rtos::embassy::Executor::new())]
mod tests {
    use embedded_storage_async::nor_flash::{NorFlash, ReadNorFlash};
    use esp_bootloader_esp_idf::ota::OtaImageState;
    use esp_hal::ram;
    use esp_hal::system::software_reset;
    use esp_hal::timer::timg::TimerGroup;
    use firmproof_device::store::Store;
    use firmproof_device::update::slots::{Pending, Record};
    use firmproof_esp32s3::flash::BoardFlash;
    use firmproof_esp32s3::partitions::PAGE_LEN;
    use firmproof_esp32s3::slots::{select, selected, settle};
    use portable_atomic::{AtomicU32, Ordering};

    /// How far the set-up came. RTC memory holds anything at power-on, which is the first step too.
    #[ram(unstable(rtc_fast, persistent))]
    static STEP: AtomicU32 = AtomicU32::new(0);
    /// The slots that were seen, a bit each after a mark.
    #[ram(unstable(rtc_fast, persistent))]
    static SEEN: AtomicU32 = AtomicU32::new(0);
    const PENDING: u32 = 0x534c_4f01;
    const TRIED: u32 = 0x534c_4f02;
    const TAKEN_BACK: u32 = 0x534c_4f03;

    #[init]
    async fn init() -> Store<BoardFlash> {
        let peripherals = esp_hal::init(esp_hal::Config::default());
        esp_rtos::start(
            TimerGroup::new(peripherals.TIMG0).timer0,
            peripherals.FROM_CPU_INTR0,
        );
        let mut flash = BoardFlash::new(peripherals.FLASH);
        let found = flash.find_partitions().unwrap();
        let step = STEP.load(Ordering::SeqCst);
        if ![PENDING, TRIED, TAKEN_BACK].contains(&step) {
            let slots = found.partitions.layout.slots.clone();
            copy(&mut flash, slots[0].start, slots[1].start, slots[0].len()).await;
            select(&mut flash, 0, OtaImageState::Valid).unwrap();
        }
        let mut store = Store::new(flash, found.partitions.layout).unwrap();
        match step {
            // The bootloader started slot 0, where the record has a new image in slot 1.
            PENDING => {
                SEEN.store(u32::from(found.running), Ordering::SeqCst);
                STEP.store(TRIED, Ordering::SeqCst);
                settle(&mut store, found.running).await.unwrap();
            }
            // Slot 1 on trial; it does not confirm itself.
            TRIED => {
                SEEN.fetch_or(u32::from(found.running) << 1, Ordering::SeqCst);
                STEP.store(TAKEN_BACK, Ordering::SeqCst);
                settle(&mut store, found.running).await.unwrap();
                software_reset();
            }
            // Slot 1 again, which goes back; then slot 0, which stays.
            TAKEN_BACK => {
                settle(&mut store, found.running).await.unwrap();
                SEEN.fetch_or(u32::from(found.running) << 2, Ordering::SeqCst);
                STEP.store(0, Ordering::SeqCst);
            }
            _ => {
                let record = Record {
                    pending: Some(Pending {
                        slot: 1,
                        version: 2,
                        tried: false,
                    }),
                    ..Record::default()
                };
                record.save(&mut store).await.unwrap();
                STEP.store(PENDING, Ordering::SeqCst);
                software_reset();
            }
        }
        store
    }

    async fn copy(flash: &mut BoardFlash, from: u32, to: u32, len: usize) {
        let mut page = [0; PAGE_LEN as usize];
        for offset in (0..len as u32).step_by(PAGE_LEN as usize) {
            flash.read(from + offset, &mut page).await.unwrap();
            flash
                .erase(to + offset, to + offset + PAGE_LEN)
                .await
                .unwrap();
            if page.iter().any(|byte| *byte != 0xff) {
                flash.write(to + offset, &page).await.unwrap();
            }
        }
    }

    #[test]
    #[timeout(120)]
    async fn a_new_image_is_started_and_taken_back(mut store: Store<BoardFlash>) {
        // Slot 0, then 1, then 0.
        assert_eq!(SEEN.load(Ordering::SeqCst), 0b010);
        let record = Record::load(&mut store).await.unwrap();
        assert_eq!((record.active, record.rolled_back), (0, Some(1)));
        assert_eq!(record.pending, None);
        assert_eq!(selected(store.slot(0).0), Ok(Some(0)));
        Record::default().save(&mut store).await.unwrap();
    }
}
