//! Where things are on `kc705-nommu`: QEMU's `hw/xtensa/xtfpga.c`, I/O at 0x9000_0000 (uncached).

/// CFI flash, 128 MiB.
pub(crate) const FLASH: usize = 0x9000_0000;
/// Frequency of the CPU's cycle counter in Hz, read only.
pub(crate) const FREQUENCY: *const u32 = 0x9d02_0004 as *const u32;
/// LEDs, a bit each.
pub(crate) const LEDS: *mut u32 = 0x9d02_0008 as *mut u32;
/// [`RESET`] written here resets the board.
pub(crate) const RESET_REGISTER: *mut u32 = 0x9d02_0010 as *mut u32;
/// See [`RESET_REGISTER`].
pub(crate) const RESET: u32 = 0xdead;
/// OpenCores Ethernet MAC; its descriptors are 0x400 behind.
pub(crate) const ETHERNET: usize = 0x9d03_0000;
/// UART 16550, a register every 4 bytes.
pub(crate) const UART: usize = 0x9d05_0020;
