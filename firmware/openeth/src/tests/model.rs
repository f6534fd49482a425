//! A model of the MAC, written from the *Ethernet IP Core Specification*: what it does with its
//! registers and descriptors, none of the driver's names for them.
#![allow(unsafe_code)]

extern crate std;

use std::cell::RefCell;
use std::rc::Rc;
use std::vec::Vec;

use crate::registers::Registers;

/// What became of a frame on the wire.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Stored,
    NotForUs,
    /// There was no empty descriptor.
    Dropped,
}

/// A MAC with its PHY. Clones are handles to the same one.
#[derive(Clone)]
pub(super) struct Model(Rc<RefCell<State>>);

struct State {
    registers: [u32; 21],
    descriptors: [[u32; 2]; 128],
    receives: usize,
    transmits: usize,
    link: bool,
    sent: Vec<Vec<u8>>,
    /// The memory around the buffers: its addresses have 64 bits here, descriptors hold 32.
    memory: *const u8,
}

impl Model {
    pub(super) fn new(memory: *const u8) -> Self {
        let mut state = State {
            registers: [0; 21],
            descriptors: [[0; 2]; 128],
            receives: 0,
            transmits: 0,
            link: true,
            sent: Vec::new(),
            memory,
        };
        state.reset();
        Self(Rc::new(RefCell::new(state)))
    }

    /// A frame arrives, with its check sequence behind it.
    pub(super) fn arrives(&self, frame: &[u8]) -> Arrival {
        self.0.borrow_mut().arrives(frame, 0)
    }

    /// A frame arrives whose check sequence is wrong.
    pub(super) fn arrives_damaged(&self, frame: &[u8]) -> Arrival {
        self.0.borrow_mut().arrives(frame, 0x2)
    }

    /// Sends all that is ready.
    pub(super) fn transmits(&self) {
        self.0.borrow_mut().transmit();
    }

    pub(super) fn sent(&self) -> Vec<Vec<u8>> {
        self.0.borrow().sent.clone()
    }

    /// Whether the interrupt line is high.
    pub(super) fn interrupts(&self) -> bool {
        let state = self.0.borrow();
        state.registers[1] & state.registers[2] != 0
    }

    pub(super) fn set_link(&self, up: bool) {
        self.0.borrow_mut().link = up;
    }
}

impl Registers for Model {
    fn read(&self, offset: usize) -> u32 {
        let state = self.0.borrow();
        if offset < 0x400 {
            return state.registers[offset / 4];
        }
        let word = (offset - 0x400) / 4;
        state.descriptors[word / 2][word % 2]
    }

    fn write(&self, offset: usize, value: u32) {
        let mut state = self.0.borrow_mut();
        if offset >= 0x400 {
            let word = (offset - 0x400) / 4;
            state.descriptors[word / 2][word % 2] = value;
            return;
        }
        match offset {
            0x00 => state.set_mode(value),
            // A one clears.
            0x04 => state.registers[1] &= !value,
            0x2c => state.command_phy(value),
            _ => state.registers[offset / 4] = value,
        }
    }
}

impl State {
    /// Reset values: section 3.1.
    fn reset(&mut self) {
        self.registers = [0; 21];
        self.registers[0] = 0xa000;
        self.registers[6] = 0x0040_0600;
        self.registers[8] = 0x40;
    }

    fn set_mode(&mut self, value: u32) {
        let set = value & !self.registers[0];
        if value & 0x800 != 0 {
            self.reset();
        }
        self.registers[0] = value;
        if set & 1 != 0 {
            self.receives = self.registers[8] as usize;
        }
        if set & 2 != 0 {
            self.transmits = 0;
        }
    }

    fn command_phy(&mut self, value: u32) {
        // The PHY at address 1, its register 1; elsewhere nobody answers.
        if value & 2 != 0 {
            self.registers[14] = match self.registers[12] {
                0x101 => 0x7800 | if self.link { 4 } else { 0 },
                _ => 0xffff,
            };
        }
    }

    fn buffer(&self, descriptor: usize) -> *mut u8 {
        let low = self.descriptors[descriptor][1];
        let distance = low.wrapping_sub(self.memory as usize as u32);
        self.memory.wrapping_add(distance as usize).cast_mut()
    }

    fn arrives(&mut self, frame: &[u8], errors: u32) -> Arrival {
        assert_ne!(self.registers[0] & 1, 0, "receiving is off");
        let (low, high) = (self.registers[16], self.registers[17]);
        let mut address = [0; 6];
        address[..2].copy_from_slice(&high.to_be_bytes()[2..]);
        address[2..].copy_from_slice(&low.to_be_bytes());
        let broadcast = frame[..6] == [0xff; 6] && self.registers[0] & 8 == 0;
        if frame[..6] != address && !broadcast {
            return Arrival::NotForUs;
        }
        let at = self.receives;
        let flags = self.descriptors[at][0];
        if flags & 0x8000 == 0 {
            self.registers[1] |= 0x10;
            return Arrival::Dropped;
        }
        let buffer = self.buffer(at);
        // SAFETY: an empty descriptor's buffer is the MAC's, and has room for 1,536 bytes.
        unsafe {
            buffer.copy_from_nonoverlapping(frame.as_ptr(), frame.len());
            buffer.add(frame.len()).write_bytes(0xc3, 4);
        }
        let len = frame.len() as u32 + 4;
        self.descriptors[at][0] = len << 16 | flags & 0x6000 | errors;
        if flags & 0x4000 != 0 {
            self.registers[1] |= if errors == 0 { 4 } else { 8 };
        }
        self.receives = if flags & 0x2000 != 0 || at == 127 {
            self.registers[8] as usize
        } else {
            at + 1
        };
        Arrival::Stored
    }

    fn transmit(&mut self) {
        assert_ne!(self.registers[0] & 2, 0, "transmitting is off");
        loop {
            let at = self.transmits;
            let flags = self.descriptors[at][0];
            if flags & 0x8000 == 0 {
                return;
            }
            let len = (flags >> 16) as usize;
            // SAFETY: a ready descriptor's buffer is the MAC's, and has `len` bytes.
            let bytes = unsafe { core::slice::from_raw_parts(self.buffer(at), len) };
            self.sent.push(bytes.to_vec());
            self.descriptors[at][0] &= !0x8000;
            if flags & 0x4000 != 0 {
                self.registers[1] |= 1;
            }
            self.transmits = if flags & 0x2000 != 0 { 0 } else { at + 1 };
        }
    }
}
