//! The wire as smoltcp's network device.

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use super::LONGEST_FRAME;
use super::wire::Wire;

pub(super) struct Nic {
    pub(super) wire: Wire,
    current: Vec<u8>,
    scratch: Vec<u8>,
}

impl Nic {
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            wire,
            current: Vec::new(),
            scratch: vec![0; LONGEST_FRAME],
        }
    }
}

pub(super) struct RxToken<'a>(&'a [u8]);

pub(super) struct TxToken<'a> {
    wire: &'a mut Wire,
    scratch: &'a mut [u8],
}

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        // The stack keeps to the MTU of the capabilities below.
        let frame = &mut self.scratch[..length];
        let result = f(frame);
        self.wire.send_from_stack(frame);
        result
    }
}

impl Device for Nic {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        let next = self.wire.next_inbound()?;
        let used = std::mem::replace(&mut self.current, next);
        self.wire.recycle(used);
        let send = TxToken {
            wire: &mut self.wire,
            scratch: &mut self.scratch,
        };
        Some((RxToken(&self.current), send))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        // While frames wait for the DUT, the stack keeps its data: it is bounded there, and repeated if lost.
        if self.wire.blocked() {
            return None;
        }
        Some(TxToken {
            wire: &mut self.wire,
            scratch: &mut self.scratch,
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = LONGEST_FRAME;
        capabilities
    }
}
