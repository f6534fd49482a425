//! A board whose flash outlives the device that ran on it, and two network stacks on one wire.

extern crate std;
use core::cell::RefCell;
use core::fmt;
use core::task::Context;
use std::collections::VecDeque;
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use embassy_futures::block_on;
use embassy_futures::select::{Either, select, select3};
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Stack, StackResources, StaticConfigV4};
use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};
use embassy_time::{Duration, Timer};
use embedded_storage_async::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use firmproof_bootconfig::BootConfig;

use crate::board::{Beeper, FlashLayout, Led};
use crate::clock::Clock;
use crate::random::Random;
use crate::status::Status;
use crate::store::Store;
use crate::{Board, Device};

pub(super) const DEVICE: Ipv4Address = Ipv4Address::new(10, 0, 0, 1);
pub(super) const PEER: Ipv4Address = Ipv4Address::new(10, 0, 0, 2);

const PAGE: u32 = 4096;
const STATE_LEN: u32 = 8 * PAGE;

/// A flash; its clones are the same flash.
#[derive(Debug, Clone)]
pub(super) struct Flash {
    bytes: Rc<RefCell<Vec<u8>>>,
    /// Every write fails.
    pub(super) broken: Rc<RefCell<bool>>,
}

#[derive(Debug)]
pub(super) struct Broken;

impl NorFlashError for Broken {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl ErrorType for Flash {
    type Error = Broken;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Broken> {
        let from = offset as usize;
        bytes.copy_from_slice(&self.bytes.borrow()[from..from + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.borrow().len()
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Broken> {
        self.bytes.borrow_mut()[from as usize..to as usize].fill(0xff);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Broken> {
        if *self.broken.borrow() {
            return Err(Broken);
        }
        let from = offset as usize;
        self.bytes.borrow_mut()[from..from + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

/// The board, with its console.
pub(super) struct Bench {
    pub(super) flash: Flash,
    pub(super) console: RefCell<Vec<String>>,
    pub(super) lamp: RefCell<Option<Led>>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            flash: Flash {
                bytes: Rc::new(RefCell::new(vec![0xff; 3 * STATE_LEN as usize])),
                broken: Rc::default(),
            },
            console: RefCell::default(),
            lamp: RefCell::new(None),
        }
    }

    /// Boots a device on what the flash holds.
    pub(super) fn boot<'a>(&'a self, config: &'a BootConfig) -> Device<'a, Self> {
        let store = Store::new(self.flash.clone(), self.flash_layout()).unwrap();
        Device {
            board: self,
            config,
            clock: Clock::default(),
            random: Random::new(&config.seed, 1, None),
            status: Status::new(1),
            store: embassy_sync::mutex::Mutex::new(store),
            state_changed: embassy_sync::signal::Signal::new(),
            update_requests: embassy_sync::channel::Channel::new(),
        }
    }

    /// The console's lines that begin with `event=<name>`, without that.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        let prefix = std::format!("event={name} ");
        let console = self.console.borrow();
        let lines = console.iter().filter_map(|line| line.strip_prefix(&prefix));
        lines.map(String::from).collect()
    }
}

impl Board for Bench {
    const NAME: &'static str = "bench";
    type Flash = Flash;

    fn flash_layout(&self) -> FlashLayout {
        FlashLayout {
            state: 0..STATE_LEN,
            slots: [STATE_LEN..2 * STATE_LEN, 2 * STATE_LEN..3 * STATE_LEN],
        }
    }
    fn running_slot(&self) -> u8 {
        0
    }
    fn console_line(&self, line: fmt::Arguments<'_>) {
        self.console.borrow_mut().push(line.to_string());
    }
    fn set_led(&self, led: Led) {
        *self.lamp.borrow_mut() = Some(led);
    }
    fn set_beeper(&self, _: Beeper) {}
    fn hardware_entropy(&self) -> Option<[u8; 32]> {
        None
    }
    fn restart(&self) -> ! {
        panic!("restart")
    }
}

type Frames = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end of the wire. The test polls both ends all the time, so no waker is kept.
struct End {
    incoming: Frames,
    outgoing: Frames,
    mac: u8,
}

struct Incoming(Vec<u8>);
struct Outgoing(Frames);

impl RxToken for Incoming {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(mut self, f: F) -> R {
        f(&mut self.0)
    }
}

impl TxToken for Outgoing {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.borrow_mut().push_back(frame);
        result
    }
}

impl Driver for End {
    type RxToken<'a> = Incoming;
    type TxToken<'a> = Outgoing;

    fn receive(&mut self, _: &mut Context<'_>) -> Option<(Incoming, Outgoing)> {
        let frame = self.incoming.borrow_mut().pop_front()?;
        Some((Incoming(frame), Outgoing(self.outgoing.clone())))
    }
    fn transmit(&mut self, _: &mut Context<'_>) -> Option<Outgoing> {
        Some(Outgoing(self.outgoing.clone()))
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
        HardwareAddress::Ethernet([2, 0, 0, 0, 0, self.mac])
    }
}

/// Runs `device` and `peer`, each on its stack, until the peer is done.
pub(super) fn on_one_wire(device: impl AsyncFnOnce(Stack<'_>), peer: impl AsyncFnOnce(Stack<'_>)) {
    let (there, back) = (Frames::default(), Frames::default());
    let config = |address| {
        Config::ipv4_static(StaticConfigV4 {
            address: Ipv4Cidr::new(address, 24),
            gateway: None,
            dns_servers: heapless::Vec::new(),
        })
    };
    let (mut ours, mut theirs) = (StackResources::<8>::new(), StackResources::<8>::new());
    let end = |incoming: &Frames, outgoing: &Frames, mac| End {
        incoming: incoming.clone(),
        outgoing: outgoing.clone(),
        mac,
    };
    let (stack, mut runner) = embassy_net::new(end(&there, &back, 1), config(DEVICE), &mut ours, 1);
    let (peer_stack, mut peer_runner) =
        embassy_net::new(end(&back, &there, 2), config(PEER), &mut theirs, 2);
    let tested = select3(runner.run(), peer_runner.run(), device(stack));
    let test = async {
        match select(peer(peer_stack), Timer::after(Duration::from_secs(120))).await {
            Either::First(()) => {}
            Either::Second(()) => panic!("the exchange has not ended after 120 s"),
        }
    };
    match block_on(select(tested, test)) {
        Either::First(_) => panic!("the device's task has ended"),
        Either::Second(()) => {}
    }
}
