//! The register map: *Ethernet IP Core Specification* rev. 1.19, chapter 3 (registers) and
//! sections 4.2.2 and 4.2.3 (descriptors). Offsets are in bytes, every access is 32 bits wide.

/// The registers and descriptors of one MAC.
///
/// A clone is another handle to the same MAC: the driver has one, the interrupt handler has one.
pub trait Registers: Clone {
    /// Reads the word at `offset` bytes from the first register.
    fn read(&self, offset: usize) -> u32;
    /// Writes the word at `offset` bytes from the first register.
    fn write(&self, offset: usize, value: u32);
}

/// Descriptors, of both directions together.
pub const DESCRIPTORS: usize = 128;
/// Where the descriptors begin.
pub const DESCRIPTOR_BASE: usize = 0x400;
/// A descriptor is a word of length and flags, and then the buffer's address.
pub const DESCRIPTOR_LEN: usize = 8;
/// The buffer's address within a descriptor.
pub const DESCRIPTOR_POINTER: usize = 4;

/// Where each register is.
pub mod offset {
    /// Mode.
    pub const MODER: usize = 0x00;
    /// Pending interrupts; a one written clears.
    pub const INT_SOURCE: usize = 0x04;
    /// Interrupts that reach the processor.
    pub const INT_MASK: usize = 0x08;
    /// Minimum (upper half) and maximum frame length.
    pub const PACKETLEN: usize = 0x18;
    /// How many descriptors transmit; those behind receive.
    pub const TX_BD_NUM: usize = 0x20;
    /// Command to the PHY.
    pub const MIICOMMAND: usize = 0x2c;
    /// PHY (bits 0 to 4) and its register (bits 8 to 12).
    pub const MIIADDRESS: usize = 0x30;
    /// What was read from the PHY.
    pub const MIIRX_DATA: usize = 0x38;
    /// State of the PHY's interface.
    pub const MIISTATUS: usize = 0x3c;
    /// MAC address, bytes 2 to 5.
    pub const MAC_ADDR0: usize = 0x40;
    /// MAC address, bytes 0 and 1.
    pub const MAC_ADDR1: usize = 0x44;
}

/// Bits of MODER.
pub mod moder {
    /// Receive.
    pub const RXEN: u32 = 1 << 0;
    /// Transmit.
    pub const TXEN: u32 = 1 << 1;
    /// Full duplex.
    pub const FULLD: u32 = 1 << 10;
    /// Resets the MAC while it is set.
    pub const RST: u32 = 1 << 11;
    /// Append the frame check sequence.
    pub const CRCEN: u32 = 1 << 13;
    /// Pad short frames.
    pub const PAD: u32 = 1 << 15;
}

/// Bits of INT_SOURCE and INT_MASK.
pub mod int {
    /// A frame was sent.
    pub const TXB: u32 = 1 << 0;
    /// Sending failed.
    pub const TXE: u32 = 1 << 1;
    /// A frame came in.
    pub const RXB: u32 = 1 << 2;
    /// A frame came in with an error.
    pub const RXE: u32 = 1 << 3;
    /// A frame was dropped for want of a descriptor.
    pub const BUSY: u32 = 1 << 4;
    /// All of them, with the two of control frames.
    pub const ALL: u32 = 0x7f;
}

/// Flags of a transmit descriptor.
pub mod tx {
    /// Append the frame check sequence.
    pub const CRC: u32 = 1 << 11;
    /// Pad to the minimum length.
    pub const PAD: u32 = 1 << 12;
    /// The last descriptor of the ring.
    pub const WRAP: u32 = 1 << 13;
    /// Interrupt when sent.
    pub const IRQ: u32 = 1 << 14;
    /// The MAC's: to be sent.
    pub const READY: u32 = 1 << 15;
}

/// Flags of a receive descriptor.
pub mod rx {
    /// Late collision, wrong check sequence, short frame, too long, dribble nibble, invalid
    /// symbol, overrun: what is in the buffer is no frame.
    pub const ERRORS: u32 = 0x7f;
    /// The last descriptor of the ring.
    pub const WRAP: u32 = 1 << 13;
    /// Interrupt when filled.
    pub const IRQ: u32 = 1 << 14;
    /// The MAC's: to be filled.
    pub const EMPTY: u32 = 1 << 15;
}

/// The length field of a descriptor, which includes the frame check sequence of received frames.
pub const LENGTH_SHIFT: u32 = 16;
/// Bytes of the frame check sequence.
pub const FCS_LEN: usize = 4;

/// Commands and answers of the PHY's interface.
pub mod mii {
    /// MIICOMMAND: read the addressed register.
    pub const READ: u32 = 1 << 1;
    /// MIISTATUS: a command is under way.
    pub const BUSY: u32 = 1 << 1;
    /// The PHY at address 1, its basic mode status register (IEEE 802.3 §22.2.4.2).
    pub const STATUS_OF_PHY_1: u32 = 1 | 1 << 8;
    /// Basic mode status: the link is up.
    pub const LINK: u32 = 1 << 2;
}
