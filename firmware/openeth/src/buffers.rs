//! The memory that driver and MAC hand back and forth.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::sync::atomic::{Ordering, compiler_fence};

/// Bytes of one buffer: the MAC's largest frame (PACKETLEN after reset) and its check sequence.
pub const BUFFER_LEN: usize = 1536;

/// Buffers for `RX` frames that come in and `TX` that go out.
#[repr(C, align(16))]
pub struct Buffers<const RX: usize, const TX: usize> {
    receive: [Buffer; RX],
    transmit: [Buffer; TX],
}

impl<const RX: usize, const TX: usize> Buffers<RX, TX> {
    /// Zeroed buffers.
    pub const fn new() -> Self {
        Self {
            receive: [const { Buffer::new() }; RX],
            transmit: [const { Buffer::new() }; TX],
        }
    }

    pub(crate) fn split(&'static mut self) -> (&'static [Buffer], &'static [Buffer]) {
        (&self.receive, &self.transmit)
    }
}

impl<const RX: usize, const TX: usize> Default for Buffers<RX, TX> {
    fn default() -> Self {
        Self::new()
    }
}

/// One frame's memory. It belongs to the MAC while its descriptor says so, and to the driver else.
#[repr(C, align(4))]
pub(crate) struct Buffer(UnsafeCell<[u8; BUFFER_LEN]>);

// SAFETY: the only access from Rust is `with`, whose caller owns the descriptor, and each
// descriptor belongs to one ring.
unsafe impl Sync for Buffer {}

impl Buffer {
    const fn new() -> Self {
        Self(UnsafeCell::new([0; BUFFER_LEN]))
    }

    /// The address that the MAC is told. Its bus is 32 bits wide.
    pub(crate) fn address(&self) -> u32 {
        self.0.get() as usize as u32
    }

    /// Calls `f` with the first `len` bytes.
    ///
    /// # Safety
    /// The descriptor says that the buffer is not the MAC's, and nobody else calls this for it.
    pub(crate) unsafe fn with<R>(&self, len: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
        // The bytes are touched after the descriptor was read and before it is given back.
        compiler_fence(Ordering::SeqCst);
        // SAFETY: the caller's promise: nobody else reads or writes these bytes.
        let bytes = unsafe { &mut *self.0.get() };
        let len = len.min(BUFFER_LEN);
        let result = f(&mut bytes[..len]);
        compiler_fence(Ordering::SeqCst);
        result
    }
}
