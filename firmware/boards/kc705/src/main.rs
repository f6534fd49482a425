//! The reference device on QEMU's Xtensa board `kc705-nommu` with the core `de212`: the whole
//! firmware on an emulated CPU, without an operating system. See README.md beside this crate.
#![no_std]
#![no_main]

mod board;
mod console;
mod cpu;
mod executor;
mod fault;
mod flash;
mod interrupt;
mod memory_map;
mod stored_config;
mod time_driver;
mod watchdog;

use embassy_time::{Duration, Ticker};
use firmproof_bootconfig::BootConfig;
use firmproof_device::boot;
use firmproof_openeth::{Buffers, Mmio, OpenEth};
use static_cell::ConstStaticCell;

use crate::board::Kc705;
use crate::flash::CfiFlash;

/// A burst that fills the receive windows of the device's connections.
const RECEIVE_BUFFERS: usize = 64;
const TRANSMIT_BUFFERS: usize = 8;
/// How often to look whether the cable is plugged in, in wall time.
const LINK_LOOK: Duration = Duration::from_millis(100);

/// Called by `start.S`, with interrupts masked.
#[unsafe(no_mangle)]
extern "C" fn firmware_main() -> ! {
    console::start();
    watchdog::start();
    let board = Kc705::new();
    let config = boot::configuration(&board, stored_config::read());
    time_driver::start(config.time_scale);
    let Some(flash) = CfiFlash::probe() else {
        panic!("no CFI flash: QEMU needs -drive if=pflash,format=raw,file=FILE");
    };
    static BUFFERS: ConstStaticCell<Buffers<RECEIVE_BUFFERS, TRANSMIT_BUFFERS>> =
        ConstStaticCell::new(Buffers::new());
    let ethernet = OpenEth::new(
        interrupt::ethernet_registers(),
        BUFFERS.take(),
        &interrupt::ETHERNET,
        boot::mac_address(&config),
    );
    let look = LINK_LOOK * u32::from(config.time_scale);
    let (Ok(link), Ok(device)) = (watch_link(look), device(board, flash, ethernet, config)) else {
        unreachable!("each task is spawned once")
    };
    executor::run(|spawner| {
        spawner.spawn(link);
        spawner.spawn(device);
    })
}

#[embassy_executor::task]
async fn device(board: Kc705, flash: CfiFlash, ethernet: OpenEth<Mmio>, config: BootConfig) -> ! {
    let Some(mut store) = boot::open_store(&board, flash) else {
        unreachable!("the board's layout is made of erase blocks")
    };
    board.set_running_slot(firmproof_device::update::slot_to_boot(&mut store).await);
    boot::run(&board, store, ethernet, &config).await
}

/// The Ethernet MAC does not tell when its cable is pulled.
#[embassy_executor::task]
async fn watch_link(every: Duration) -> ! {
    let mut ticks = Ticker::every(every);
    loop {
        interrupt::ETHERNET.look_at_link();
        ticks.next().await;
    }
}
