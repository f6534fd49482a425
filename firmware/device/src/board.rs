//! What a board gives the device.

use core::fmt;
use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;

/// The two lamps of the control page, one lit at a time (the form's `led1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Led {
    /// `led1=1`: on.
    On,
    /// `led1=2`: off.
    Off,
}

/// The beeper of the control page (the form's `beep`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beeper {
    /// `beep=3`: sounding.
    On,
    /// `beep=4`: silent.
    Off,
}

/// Where things lie in the board's flash, in bytes from its start, on erase boundaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlashLayout {
    /// Boot counter, MQTT session, update record.
    pub state: Range<u32>,
    /// The two firmware slots, A and B.
    pub slots: [Range<u32>; 2],
}

/// A board. Methods take `&self`, because the device's tasks share one board.
pub trait Board {
    /// The board's name on the ready line.
    const NAME: &'static str;
    /// The flash that holds state and slots.
    type Flash: NorFlash;

    /// Where things lie in [`Self::Flash`].
    fn flash_layout(&self) -> FlashLayout;
    /// The slot that this firmware runs from: 0 or 1.
    fn running_slot(&self) -> u8;
    /// Writes one console line; the board adds the line end.
    fn console_line(&self, line: fmt::Arguments<'_>);
    /// Turns the lamp on or off.
    fn set_led(&self, led: Led);
    /// Turns the beeper on or off.
    fn set_beeper(&self, beeper: Beeper);
    /// Bytes of a hardware random number generator, where the board has one.
    fn hardware_entropy(&self) -> Option<[u8; 32]>;
    /// Restarts the board.
    fn restart(&self) -> !;
}
