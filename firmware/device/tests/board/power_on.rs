//! From power-on to the ready line, on boards that are sound and boards that fail.

use core::cell::Cell;
use core::task::Context;

use embassy_futures::block_on;
use embassy_futures::select::{Either4, select4};
use embassy_futures::yield_now;
use embassy_net::Runner;
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_time::{Duration, Timer};
use firmproof_bootconfig::{BootConfig, Network};
use firmproof_device::board::{Beeper, Board, Led};
use firmproof_device::boot;
use firmproof_device::link::LinkFirst;
use mockall::predicate::eq;

use crate::rig::{Flash, MockCells, MockOutputs, Mocked, Worn};

/// A cable into nothing.
struct Unplugged;

/// No frame is ever received or sent.
enum Never {}

impl RxToken for Never {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, _: F) -> R {
        match self {}
    }
}

impl TxToken for Never {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, _: usize, _: F) -> R {
        match self {}
    }
}

impl Driver for Unplugged {
    type RxToken<'a> = Never;
    type TxToken<'a> = Never;

    fn receive(&mut self, _: &mut Context<'_>) -> Option<(Never, Never)> {
        None
    }
    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Never> {
        None
    }
    fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet([2, 0, 0, 0, 0, 1])
    }
}

/// Every output is turned off once, and entropy is asked for once.
fn outputs() -> MockOutputs {
    let mut outputs = MockOutputs::new();
    outputs
        .expect_set_led()
        .with(eq(Led::Off))
        .once()
        .return_const(());
    outputs
        .expect_set_beeper()
        .with(eq(Beeper::Off))
        .once()
        .return_const(());
    outputs.expect_hardware_entropy().once().return_const(None);
    outputs
}

/// The console from power-on to the ready line.
fn events(outputs: MockOutputs, cells: MockCells) -> Vec<String> {
    let board = Mocked::new(outputs);
    let mut config = BootConfig::safe_default();
    config.network = Network::Static {
        address: [10, 0, 0, 1],
        prefix_len: 24,
        gateway: None,
    };
    let store = boot::open_store(&board, Flash(cells)).expect("the layout is sound");
    let ready = async {
        while !board
            .events()
            .iter()
            .any(|event| event.starts_with("ready "))
        {
            yield_now().await;
        }
    };
    let handed = Cell::new(None::<Runner<'static, LinkFirst<Unplugged>>>);
    let resources = Box::leak(Box::default());
    let drive = |runner| handed.set(Some(runner));
    let device = boot::run(&board, store, Unplugged, &config, resources, drive);
    let network = async {
        loop {
            match handed.take() {
                Some(mut runner) => runner.run().await,
                None => yield_now().await,
            }
        }
    };
    let deadline = Timer::after(Duration::from_secs(60));
    match block_on(select4(device, network, ready, deadline)) {
        Either4::First(never) | Either4::Second(never) => never,
        Either4::Third(()) => board.events(),
        Either4::Fourth(()) => panic!("not ready after 60 s: {:?}", board.events()),
    }
}

/// The ready line of boot number `boots`.
fn ready(boots: u32) -> String {
    format!(
        "ready version={} board={} slot=a address=10.0.0.1 time_scale=1 boots={boots}",
        firmproof_device::VERSION,
        Mocked::NAME
    )
}

#[test]
fn a_start_sets_every_output_once_and_says_ready_first() {
    assert_eq!(events(outputs(), Flash::sound()), [ready(1)]);
}

#[test]
fn a_flash_that_cannot_be_written_is_named_and_the_device_goes_on() {
    let mut cells = MockCells::new();
    cells.expect_read().returning(|_, len| Ok(vec![0xff; len]));
    cells.expect_write().times(1..).returning(|_, _| Err(Worn));
    cells.expect_erase().returning(|_, _| Err(Worn));
    assert_eq!(
        events(outputs(), cells),
        ["store.error reason=write-failed".to_owned(), ready(1)]
    );
}

#[test]
fn a_flash_that_fails_at_everything_is_named_and_the_device_goes_on() {
    let mut cells = MockCells::new();
    cells.expect_read().times(1..).returning(|_, _| Err(Worn));
    cells.expect_erase().times(1..).returning(|_, _| Err(Worn));
    cells.expect_write().returning(|_, _| Err(Worn));
    assert_eq!(
        events(outputs(), cells),
        [
            "store.error reason=unreadable".to_owned(),
            "store.error reason=erase-failed".to_owned(),
            "store.error reason=write-failed".to_owned(),
            ready(1),
        ]
    );
}
