//! On the chip: joins the Wi-Fi network whose credentials the rig has stored, and gets an address.
#![no_std]
#![no_main]

esp_bootloader_esp_idf::esp_app_desc!();

#[cfg(test)]
#[embedded_test::tests(executor = esp_rtos::embassy::Executor::new())]
mod tests {
    use embassy_executor::Spawner;
    use embassy_net::{Config, Runner, StackResources};
    use embassy_time::{Duration, with_timeout};
    use esp_hal::clock::CpuClock;
    use esp_hal::peripherals::{FLASH, WIFI};
    use esp_hal::rng::Rng;
    use esp_hal::timer::timg::TimerGroup;
    use firmproof_bootconfig::WifiCredentials;
    use firmproof_esp32s3::flash::BoardFlash;
    use firmproof_esp32s3::partitions::PAGE_LEN;
    use firmproof_esp32s3::wifi::{self, Driver};
    use static_cell::StaticCell;

    #[init]
    fn init() -> (FLASH<'static>, WIFI<'static>) {
        let peripherals = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
        esp_alloc::heap_allocator!(#[esp_hal::ram(reclaimed)] size: 64 * 1024);
        esp_alloc::heap_allocator!(size: 36 * 1024);
        esp_rtos::start(
            TimerGroup::new(peripherals.TIMG0).timer0,
            peripherals.FROM_CPU_INTR0,
        );
        (peripherals.FLASH, peripherals.WIFI)
    }

    #[embassy_executor::task]
    async fn network(mut runner: Runner<'static, Driver>) -> ! {
        runner.run().await
    }

    #[test]
    #[timeout(90)]
    async fn the_stored_network_is_joined_and_gives_an_address(
        parts: (FLASH<'static>, WIFI<'static>),
    ) {
        let (flash, radio) = parts;
        let mut flash = BoardFlash::new(flash);
        let found = flash.find_partitions().unwrap();
        let mut page = [0; PAGE_LEN as usize];
        flash.read_config(&found.partitions, &mut page).unwrap();
        let stored = &page[WifiCredentials::PARTITION_OFFSET..];
        // `firmproof rig flash` stores them.
        let credentials = WifiCredentials::decode(stored).unwrap();
        let (controller, driver) = wifi::start(radio, Some(&credentials)).unwrap();
        static RESOURCES: StaticCell<StackResources<3>> = StaticCell::new();
        let rng = Rng::new();
        let seed = u64::from(rng.random()) << 32 | u64::from(rng.random());
        let (stack, runner) = embassy_net::new(
            driver,
            Config::dhcpv4(Default::default()),
            RESOURCES.init(StackResources::new()),
            seed,
        );
        // SAFETY: the test runs on the executor that this asks for.
        let spawner = unsafe { Spawner::for_current_executor() }.await;
        spawner.spawn(network(runner).unwrap());
        spawner.spawn(wifi::join(controller).unwrap());
        let up = with_timeout(Duration::from_secs(60), stack.wait_config_up()).await;
        assert!(up.is_ok(), "no address within 60 s");
        assert!(stack.config_v4().is_some());
    }
}
