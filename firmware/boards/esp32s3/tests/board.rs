//! On the chip: clock and timers, pins, flash partitions, boot configuration and state.
#![no_std]
#![no_main]

esp_bootloader_esp_idf::esp_app_desc!();

#[cfg(test)]
#[embedded_test::tests(executor = esp_rtos::embassy::Executor::new())]
mod tests {
    use embassy_time::{Duration, Instant, Timer};
    use embedded_storage_async::nor_flash::{NorFlash, ReadNorFlash};
    use esp_hal::clock::CpuClock;
    use esp_hal::rtc_cntl::Rtc;
    use esp_hal::timer::timg::TimerGroup;
    use firmproof_bootconfig::{DecodeError, MAX_ENCODED_LEN, decode};
    use firmproof_device::store::{Store, key};
    use firmproof_esp32s3::flash::BoardFlash;
    use firmproof_esp32s3::partitions::PAGE_LEN;
    use firmproof_esp32s3::pins::{BeeperPin, LampPin, Output};
    use firmproof_esp32s3::take_pins;

    struct Parts {
        flash: BoardFlash,
        lamp: LampPin,
        beeper: BeeperPin,
        rtc: Rtc<'static>,
    }

    #[init]
    fn init() -> Parts {
        let peripherals = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
        esp_rtos::start(
            TimerGroup::new(peripherals.TIMG0).timer0,
            peripherals.FROM_CPU_INTR0,
        );
        let (lamp, beeper) = take_pins!(peripherals);
        Parts {
            flash: BoardFlash::new(peripherals.FLASH),
            lamp,
            beeper,
            rtc: Rtc::new(peripherals.RTC_TIMER),
        }
    }

    /// The RTC's slow clock counts apart from the timers; it is calibrated to a few per cent.
    #[test]
    async fn a_second_of_the_timers_is_one_of_the_rtc(parts: Parts) {
        let (began, rtc_began) = (Instant::now(), parts.rtc.current_time_us());
        Timer::after(Duration::from_secs(1)).await;
        let took = began.elapsed().as_micros();
        let rtc_took = parts.rtc.current_time_us() - rtc_began;
        assert!((1_000_000..1_002_000).contains(&took));
        assert!((900_000..1_100_000).contains(&rtc_took));
    }

    #[test]
    async fn timers_ring_in_the_order_of_their_times(_parts: Parts) {
        let began = Instant::now();
        let late = Timer::after(Duration::from_millis(30));
        let early = Timer::after(Duration::from_millis(10));
        embassy_futures::select::select(late, early).await;
        let took = began.elapsed().as_millis();
        assert!((10..25).contains(&took));
    }

    #[test]
    fn the_pads_carry_what_the_lamp_and_the_beeper_are_told(parts: Parts) {
        for mut output in [Output::low(parts.lamp), Output::low(parts.beeper)] {
            assert!(!output.pad_is_high());
            output.drive(true);
            assert!(output.pad_is_high());
            output.drive(false);
            assert!(!output.pad_is_high());
        }
    }

    #[test]
    fn the_flash_has_the_committed_table_and_this_program_runs_from_a_slot(mut parts: Parts) {
        let found = parts.flash.find_partitions().unwrap();
        assert!(found.running < 2);
        let layout = found.partitions.layout;
        assert!(layout.slots[1].end as usize <= parts.flash.capacity());
    }

    #[test]
    fn the_configuration_s_page_is_readable_and_judged(mut parts: Parts) {
        let found = parts.flash.find_partitions().unwrap();
        let mut page = [0; PAGE_LEN as usize];
        parts
            .flash
            .read_config(&found.partitions, &mut page)
            .unwrap();
        // A rig has written one; a board fresh from the shop has none.
        match decode(&page[..MAX_ENCODED_LEN]) {
            Ok(_) | Err(DecodeError::Missing) => {}
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    async fn the_slot_that_does_not_run_takes_bytes_and_gives_them_back(mut parts: Parts) {
        let found = parts.flash.find_partitions().unwrap();
        let other = found.partitions.layout.slots[usize::from(1 - found.running)].clone();
        let page = other.start..other.start + PAGE_LEN;
        parts.flash.erase(page.start, page.end).await.unwrap();
        let mut bytes = [0; 8];
        parts.flash.read(page.start, &mut bytes).await.unwrap();
        assert_eq!(bytes, [0xff; 8]);
        parts.flash.write(page.start, b"firmproo").await.unwrap();
        parts
            .flash
            .read(page.start + 3, &mut bytes[..5])
            .await
            .unwrap();
        assert_eq!(&bytes[..5], b"mproo");
        parts.flash.erase(page.start, page.end).await.unwrap();
    }

    #[test]
    async fn state_survives_in_its_partition(mut parts: Parts) {
        let layout = parts.flash.find_partitions().unwrap().partitions.layout;
        let Some(mut store) = Store::new(parts.flash, layout) else {
            panic!("the state's partition lies on pages");
        };
        // A key of the MQTT session's; the device discards what it does not know there.
        let key = key::MQTT_SESSION + 63;
        store.put(key, b"kept").await.unwrap();
        let mut buffer = [0; 8];
        let kept = store.get(key, &mut buffer).await.unwrap();
        assert_eq!(kept, Some(&b"kept"[..]));
        store.remove(key).await.unwrap();
        assert_eq!(store.get(key, &mut buffer).await, Ok(None));
    }
}
