//! The reference device on an ESP32-S3 or ESP32-C3. See README.md beside this crate.
#![no_std]
#![no_main]

use embassy_executor::{SpawnError, SpawnToken, Spawner};
use embassy_net::Runner;
use esp_hal::clock::CpuClock;
use esp_hal::timer::timg::TimerGroup;
use firmproof_bootconfig::BootConfig;
#[cfg(feature = "wifi")]
use firmproof_bootconfig::WifiCredentials;
use firmproof_device::boot::{self, NetworkResources};
#[cfg(feature = "wifi")]
use firmproof_device::console::OneWord;
use firmproof_device::link::LinkFirst;
use firmproof_esp32s3::board::EspBoard;
#[cfg(feature = "openeth")]
use firmproof_esp32s3::ethernet::{self, Driver};
use firmproof_esp32s3::flash::BoardFlash;
use firmproof_esp32s3::partitions::PAGE_LEN;
#[cfg(feature = "wifi")]
use firmproof_esp32s3::wifi::{self, Driver};
use firmproof_esp32s3::{console, fault, slots, take_pins, watchdog};
use static_cell::ConstStaticCell;

esp_bootloader_esp_idf::esp_app_desc!();

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    fault::report(info)
}

#[esp_hal::main]
async fn main(spawner: Spawner) -> ! {
    let peripherals = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    console::start();
    fault::announce_reset();
    fault::reset_on_brown_out();
    // The radio's: what the bootloader leaves behind, and a share of the rest.
    esp_alloc::heap_allocator!(#[esp_hal::ram(reclaimed)] size: 64 * 1024);
    esp_alloc::heap_allocator!(size: 36 * 1024);
    esp_rtos::start(
        TimerGroup::new(peripherals.TIMG0).timer0,
        peripherals.FROM_CPU_INTR0,
    );
    spawn(
        spawner,
        watchdog::feed(watchdog::start(peripherals.RTC_TIMER)),
    );

    let mut flash = BoardFlash::new(peripherals.FLASH);
    let found = match flash.find_partitions() {
        Ok(found) => found,
        Err(error) => panic!("{error}: flash with partitions.csv"),
    };
    static PAGE: ConstStaticCell<[u8; PAGE_LEN as usize]> =
        ConstStaticCell::new([0xff; PAGE_LEN as usize]);
    let page = PAGE.take();
    if flash.read_config(&found.partitions, page).is_err() {
        console::line(format_args!("event=store.error reason=config-unreadable"));
    }
    let running = found.running;
    let (lamp, beeper) = take_pins!(peripherals);
    let board = EspBoard::new(found, lamp, beeper);
    let config = configuration(&board, page);
    let Some(mut store) = boot::open_store(&board, flash) else {
        unreachable!("a partition that was found lies on pages")
    };
    if slots::settle(&mut store, running).await.is_err() {
        console::line(format_args!("event=store.error reason=slots"));
    }

    #[cfg(feature = "wifi")]
    let driver = start_wifi(spawner, peripherals.WIFI, page);
    #[cfg(feature = "openeth")]
    let driver = {
        spawn(spawner, ethernet::watch_link());
        ethernet::start(boot::mac_address(&config))
    };
    static RESOURCES: ConstStaticCell<NetworkResources> =
        ConstStaticCell::new(NetworkResources::new());
    let drive = |runner| spawn(spawner, network(runner));
    boot::run(&board, store, driver, &config, RESOURCES.take(), drive).await
}

/// The stored configuration, and the two things that this board does not take from it.
fn configuration(board: &EspBoard, page: &[u8; PAGE_LEN as usize]) -> BootConfig {
    let (stored, _) = page.split_at(firmproof_bootconfig::MAX_ENCODED_LEN);
    let mut config = boot::configuration(board, stored);
    if config.time_scale != 1 {
        console::line(format_args!(
            "event=config.error reason=time_scale-must-be-1-on-this-board"
        ));
        config.time_scale = 1;
    }
    config
}

#[cfg(feature = "wifi")]
fn start_wifi(
    spawner: Spawner,
    radio: esp_hal::peripherals::WIFI<'static>,
    page: &[u8; PAGE_LEN as usize],
) -> Driver {
    let (_, stored) = page.split_at(WifiCredentials::PARTITION_OFFSET);
    let credentials = WifiCredentials::decode(stored);
    let (controller, driver) = match wifi::start(radio, credentials.as_ref().ok()) {
        Ok(started) => started,
        Err(error) => panic!("the radio does not start: {error:?}"),
    };
    match credentials {
        Ok(_) => spawn(spawner, wifi::join(controller)),
        // The device goes on without a network; the radio stays on, for its random numbers.
        Err(error) => {
            core::mem::forget(controller);
            console::line(format_args!(
                "event=wifi.failed reason=credentials-{}",
                OneWord(&error)
            ));
        }
    }
    driver
}

/// Each task of this program is spawned once, and has room for that.
fn spawn<S>(spawner: Spawner, task: Result<SpawnToken<S>, SpawnError>) {
    match task {
        Ok(task) => spawner.spawn(task),
        Err(_) => unreachable!("a task is spawned once"),
    }
}

#[embassy_executor::task]
async fn network(mut runner: Runner<'static, LinkFirst<Driver>>) -> ! {
    runner.run().await
}
