//! An [`embassy_net_driver`] for the OpenCores 10/100 Ethernet MAC (Igor Mohor, *Ethernet IP Core
//! Specification*, rev. 1.19), which QEMU emulates on its Xtensa boards and Espressif's QEMU gives
//! the ESP32-S3.
//!
//! Interrupt-driven, with as many receive and transmit descriptors as [`Buffers`] says. The board
//! gives the registers ([`Registers`]; [`Mmio`] on real addresses), calls [`on_interrupt`] from its
//! handler, and calls [`Wakers::look_at_link`] now and then, because the MAC has no interrupt for
//! the link.
//!
//! The MAC reads and writes the buffers by itself (DMA): they must lie in memory that no cache
//! hides from it.
#![no_std]

mod buffers;
mod interrupt;
mod mmio;
mod phy;
pub mod registers;
mod ring;
#[cfg(test)]
mod tests;

use core::task::Context;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState};

pub use buffers::{BUFFER_LEN, Buffers};
pub use interrupt::{Wakers, on_interrupt};
pub use mmio::Mmio;
pub use registers::Registers;
pub use ring::{Received, Transmit};

use phy::Phy;
use registers::{DESCRIPTORS, int, moder, offset};
use ring::{ReceiveRing, TransmitRing};

/// The longest frame that is sent or handed on: header of 14 bytes and 1,500 of payload.
const MAX_FRAME_LEN: usize = 1514;

/// The MAC as embassy-net sees it.
pub struct OpenEth<R: Registers> {
    receive: ReceiveRing<R>,
    transmit: TransmitRing<R>,
    phy: Phy<R>,
    wakers: &'static Wakers,
    mac: [u8; 6],
}

impl<R: Registers> OpenEth<R> {
    /// Resets the MAC, hands it the buffers, and turns it on.
    ///
    /// `RX` and `TX` descriptors are used, at least one each and 128 together.
    pub fn new<const RX: usize, const TX: usize>(
        registers: R,
        buffers: &'static mut Buffers<RX, TX>,
        wakers: &'static Wakers,
        mac: [u8; 6],
    ) -> Self {
        const { assert!(RX > 0 && TX > 0 && RX + TX <= DESCRIPTORS) };
        let (receive, transmit) = buffers.split();
        registers.write(offset::MODER, moder::RST);
        registers.write(offset::MODER, 0);
        // Receive descriptors begin behind the transmit ones.
        registers.write(offset::TX_BD_NUM, TX as u32);
        let [m0, m1, m2, m3, m4, m5] = mac;
        registers.write(offset::MAC_ADDR0, u32::from_be_bytes([m2, m3, m4, m5]));
        registers.write(offset::MAC_ADDR1, u32::from_be_bytes([0, 0, m0, m1]));
        let transmit = TransmitRing::new(registers.clone(), transmit);
        let receive = ReceiveRing::new(registers.clone(), receive, TX);
        let phy = Phy::new(registers.clone());
        registers.write(offset::INT_SOURCE, int::ALL);
        registers.write(offset::INT_MASK, int::RXB | int::RXE | int::BUSY);
        // BRO stays clear: it rejects broadcasts. RXEN and TXEN set both rings to their start.
        registers.write(
            offset::MODER,
            moder::PAD | moder::CRCEN | moder::FULLD | moder::TXEN | moder::RXEN,
        );
        Self {
            receive,
            transmit,
            phy,
            wakers,
            mac,
        }
    }
}

impl<R: Registers> Driver for OpenEth<R> {
    type RxToken<'a>
        = Received<'a, R>
    where
        R: 'a;
    type TxToken<'a>
        = Transmit<'a, R>
    where
        R: 'a;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Received<'_, R>, Transmit<'_, R>)> {
        // First the waker, then the look: a frame in between wakes.
        self.wakers.receive.register(cx.waker());
        if !self.receive.has_frame() {
            return None;
        }
        // The stack answers from within, so a frame waits until there is room for the answer.
        let transmit = self.transmit.token(self.wakers, cx.waker())?;
        Some((self.receive.token(), transmit))
    }

    fn transmit(&mut self, cx: &mut Context<'_>) -> Option<Transmit<'_, R>> {
        self.transmit.token(self.wakers, cx.waker())
    }

    fn link_state(&mut self, cx: &mut Context<'_>) -> LinkState {
        self.wakers.link.register(cx.waker());
        if self.phy.link_is_up() {
            LinkState::Up
        } else {
            LinkState::Down
        }
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = MAX_FRAME_LEN;
        capabilities.max_burst_size = Some(self.transmit.len());
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.mac)
    }
}
