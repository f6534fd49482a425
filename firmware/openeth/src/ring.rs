//! The two rings of descriptors. A descriptor is written whole words at a time, the buffer's
//! address before the word that hands it over.
#![allow(unsafe_code)]

use core::task::Waker;

use embassy_net_driver::{RxToken, TxToken};

use crate::buffers::Buffer;
use crate::interrupt::Wakers;
use crate::registers::{
    DESCRIPTOR_BASE, DESCRIPTOR_LEN, DESCRIPTOR_POINTER, FCS_LEN, LENGTH_SHIFT, Registers, int,
    offset, rx, tx,
};

/// One ring: consecutive descriptors, each with its buffer, used one after the other.
struct Ring<R> {
    registers: R,
    buffers: &'static [Buffer],
    first: usize,
    /// The descriptor that the MAC fills or empties next, when all before are done.
    next: usize,
}

impl<R: Registers> Ring<R> {
    fn flags_at(&self, index: usize) -> usize {
        DESCRIPTOR_BASE + (self.first + index) * DESCRIPTOR_LEN
    }

    fn flags(&self) -> u32 {
        self.registers.read(self.flags_at(self.next))
    }

    fn point_at_buffers(&self) {
        for (index, buffer) in self.buffers.iter().enumerate() {
            let pointer = self.flags_at(index) + DESCRIPTOR_POINTER;
            self.registers.write(pointer, buffer.address());
        }
    }

    /// Writes length and flags of descriptor `index`; `wrap` ends the ring.
    fn hand_over(&self, index: usize, flags: u32, wrap: u32) {
        let last = index + 1 == self.buffers.len();
        let wrap = if last { wrap } else { 0 };
        self.registers.write(self.flags_at(index), flags | wrap);
    }

    fn advance(&mut self) {
        self.next = (self.next + 1) % self.buffers.len();
    }

    /// # Safety
    /// The next descriptor is the driver's, not the MAC's.
    unsafe fn with_next<T>(&mut self, len: usize, f: impl FnOnce(&mut [u8]) -> T) -> T {
        // SAFETY: the descriptor is ours (the caller's promise), and `&mut self` is the only one
        // who uses this ring.
        unsafe { self.buffers[self.next].with(len, f) }
    }
}

/// Frames that come in.
pub(crate) struct ReceiveRing<R>(Ring<R>);

impl<R: Registers> ReceiveRing<R> {
    /// Makes all descriptors ready to be filled; the first is number `first`.
    pub(crate) fn new(registers: R, buffers: &'static [Buffer], first: usize) -> Self {
        let ring = Ring {
            registers,
            buffers,
            first,
            next: 0,
        };
        ring.point_at_buffers();
        for index in 0..buffers.len() {
            ring.hand_over(index, rx::EMPTY | rx::IRQ, rx::WRAP);
        }
        Self(ring)
    }

    /// Whether a good frame waits. Damaged ones before it are thrown away.
    pub(crate) fn has_frame(&mut self) -> bool {
        loop {
            let flags = self.0.flags();
            if flags & rx::EMPTY != 0 {
                return false;
            }
            if flags & rx::ERRORS == 0 {
                return true;
            }
            self.release();
        }
    }

    /// The frame that [`Self::has_frame`] found.
    pub(crate) fn token(&mut self) -> Received<'_, R> {
        Received(self)
    }

    fn release(&mut self) {
        self.0.hand_over(self.0.next, rx::EMPTY | rx::IRQ, rx::WRAP);
        self.0.advance();
    }
}

/// A frame that came in. It stays in the ring until it is consumed.
pub struct Received<'a, R: Registers>(&'a mut ReceiveRing<R>);

impl<R: Registers> RxToken for Received<'_, R> {
    fn consume<T, F>(self, f: F) -> T
    where
        F: FnOnce(&mut [u8]) -> T,
    {
        let len = (self.0.0.flags() >> LENGTH_SHIFT) as usize;
        // SAFETY: `has_frame` saw that the descriptor is not the MAC's, and it stays so until
        // `release`.
        let result = unsafe { self.0.0.with_next(len.saturating_sub(FCS_LEN), f) };
        self.0.release();
        result
    }
}

/// Frames that go out.
pub(crate) struct TransmitRing<R>(Ring<R>);

impl<R: Registers> TransmitRing<R> {
    pub(crate) fn new(registers: R, buffers: &'static [Buffer]) -> Self {
        let ring = Ring {
            registers,
            buffers,
            first: 0,
            next: 0,
        };
        ring.point_at_buffers();
        for index in 0..buffers.len() {
            ring.hand_over(index, 0, tx::WRAP);
        }
        Self(ring)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.buffers.len()
    }

    fn has_room(&self) -> bool {
        self.0.flags() & tx::READY == 0
    }

    /// Room for one frame; `None` wakes `waker` when there is.
    ///
    /// "Sent" interrupts only while someone waits for room.
    pub(crate) fn token(&mut self, wakers: &Wakers, waker: &Waker) -> Option<Transmit<'_, R>> {
        if !self.has_room() {
            wakers.transmit.register(waker);
            let registers = &self.0.registers;
            // One frame may have left before this; the next look sees it.
            registers.write(offset::INT_SOURCE, int::TXB | int::TXE);
            let mask = registers.read(offset::INT_MASK);
            registers.write(offset::INT_MASK, mask | int::TXB | int::TXE);
            if !self.has_room() {
                return None;
            }
        }
        Some(Transmit(self))
    }
}

/// Room for one frame.
pub struct Transmit<'a, R: Registers>(&'a mut TransmitRing<R>);

impl<R: Registers> TxToken for Transmit<'_, R> {
    fn consume<T, F>(self, len: usize, f: F) -> T
    where
        F: FnOnce(&mut [u8]) -> T,
    {
        let ring = &mut self.0.0;
        // SAFETY: `token` saw that the descriptor is not the MAC's, and it stays so until
        // `hand_over`.
        let result = unsafe { ring.with_next(len, f) };
        let flags = tx::READY | tx::IRQ | tx::PAD | tx::CRC;
        ring.hand_over(ring.next, (len as u32) << LENGTH_SHIFT | flags, tx::WRAP);
        ring.advance();
        result
    }
}
