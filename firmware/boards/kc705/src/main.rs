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
mod load;
mod memory_map;
mod stored_config;
mod time_driver;
mod watchdog;

use embassy_executor::{SpawnError, SpawnToken, Spawner};
use embassy_net::Runner;
use embassy_time::{Duration, Ticker};
use firmproof_bootconfig::BootConfig;
use firmproof_device::boot::{self, NetworkResources};
use firmproof_device::link::LinkFirst;
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
    executor::run(|spawner| {
        spawn(spawner, watch_link(look));
        spawn(spawner, device(spawner, board, flash, ethernet, config));
    })
}

/// Each task of this program is spawned once, and has room for that.
fn spawn<S>(spawner: Spawner, task: Result<SpawnToken<S>, SpawnError>) {
    match task {
        Ok(task) => spawner.spawn(task),
        Err(_) => unreachable!("a task is spawned once"),
    }
}

#[embassy_executor::task]
async fn network(mut runner: Runner<'static, LinkFirst<OpenEth<Mmio>>>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn device(
    spawner: Spawner,
    board: Kc705,
    flash: CfiFlash,
    ethernet: OpenEth<Mmio>,
    config: BootConfig,
) -> ! {
    static RESOURCES: ConstStaticCell<NetworkResources> =
        ConstStaticCell::new(NetworkResources::new());
    let Some(mut store) = boot::open_store(&board, flash) else {
        unreachable!("the board's layout is made of erase blocks")
    };
    board.set_running_slot(firmproof_device::update::slot_to_boot(&mut store).await);
    let drive = |runner| spawn(spawner, network(runner));
    boot::run(&board, store, ethernet, &config, RESOURCES.take(), drive).await
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
