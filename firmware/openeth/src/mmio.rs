//! Registers at a real address.
#![allow(unsafe_code)]

use crate::registers::{DESCRIPTOR_BASE, DESCRIPTOR_LEN, DESCRIPTORS, Registers};

/// A MAC whose registers lie in the address space, the descriptors 0x400 behind the first register
/// (so they do on QEMU's `kc705` and on Espressif's QEMU).
#[derive(Debug, Clone, Copy)]
pub struct Mmio {
    base: *mut u32,
}

// SAFETY: an address; accesses are single volatile words, which may come from any context.
unsafe impl Send for Mmio {}

impl Mmio {
    /// The MAC whose first register is at `base`.
    ///
    /// # Safety
    /// `base` is a multiple of 4, and the 0x800 bytes from there are such a MAC and nothing else's.
    pub const unsafe fn new(base: usize) -> Self {
        Self {
            base: base as *mut u32,
        }
    }

    fn word(self, offset: usize) -> *mut u32 {
        const END: usize = DESCRIPTOR_BASE + DESCRIPTORS * DESCRIPTOR_LEN;
        assert!(offset < END && offset.is_multiple_of(4), "no such register");
        self.base.wrapping_byte_add(offset)
    }
}

impl Registers for Mmio {
    fn read(&self, offset: usize) -> u32 {
        // SAFETY: `new` was promised that these words are the MAC's; `word` stays within them.
        unsafe { self.word(offset).read_volatile() }
    }

    fn write(&self, offset: usize, value: u32) {
        // SAFETY: as for `read`.
        unsafe { self.word(offset).write_volatile(value) }
    }
}
