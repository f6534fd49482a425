//! Espressif's QEMU gives its ESP32-S3 and ESP32-C3 an OpenCores Ethernet MAC where the real chips
//! have nothing, on the interrupt of the radio that it does not emulate.

use embassy_time::{Duration, Ticker};
use esp_hal::handler;
use esp_hal::interrupt::{self, Priority};
use esp_hal::peripherals::Interrupt;
use firmproof_openeth::{Buffers, Mmio, OpenEth, Wakers, on_interrupt};
use static_cell::ConstStaticCell;

/// The network as embassy-net sees it.
pub type Driver = OpenEth<Mmio>;

/// The MAC's first register; the descriptors are 0x400 behind it.
const BASE: usize = 0x600c_d000;
const RECEIVE_BUFFERS: usize = 16;
const TRANSMIT_BUFFERS: usize = 8;
/// How often to look whether the cable is plugged in.
const LINK_LOOK: Duration = Duration::from_millis(100);

static WAKERS: Wakers = Wakers::new();

fn registers() -> Mmio {
    // SAFETY: QEMU has the MAC here, and feature `openeth` is for QEMU alone.
    unsafe { Mmio::new(BASE) }
}

#[handler(priority = Priority::Priority1)]
fn on_mac() {
    on_interrupt(&registers(), &WAKERS);
}

/// Starts the MAC. Called once.
pub fn start(mac: [u8; 6]) -> Driver {
    static BUFFERS: ConstStaticCell<Buffers<RECEIVE_BUFFERS, TRANSMIT_BUFFERS>> =
        ConstStaticCell::new(Buffers::new());
    let driver = OpenEth::new(registers(), BUFFERS.take(), &WAKERS, mac);
    interrupt::bind_handler(Interrupt::WIFI_MAC, on_mac);
    interrupt::enable(Interrupt::WIFI_MAC, Priority::Priority1);
    driver
}

/// The MAC does not tell when its cable is pulled.
#[embassy_executor::task]
pub async fn watch_link() -> ! {
    let mut ticks = Ticker::every(LINK_LOOK);
    loop {
        WAKERS.look_at_link();
        ticks.next().await;
    }
}
