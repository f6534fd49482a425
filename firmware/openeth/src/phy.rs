//! The link's state, as the PHY tells it over its management interface.

use crate::registers::{Registers, mii, offset};

/// The PHY. A read takes it some 25 µs, so each look takes the answer to the look before and asks
/// anew: the state is one look old, and nobody waits.
pub(crate) struct Phy<R> {
    registers: R,
    up: bool,
}

impl<R: Registers> Phy<R> {
    pub(crate) fn new(registers: R) -> Self {
        registers.write(offset::MIIADDRESS, mii::STATUS_OF_PHY_1);
        registers.write(offset::MIICOMMAND, mii::READ);
        Self {
            registers,
            up: false,
        }
    }

    pub(crate) fn link_is_up(&mut self) -> bool {
        if self.registers.read(offset::MIISTATUS) & mii::BUSY == 0 {
            self.up = self.registers.read(offset::MIIRX_DATA) & mii::LINK != 0;
            self.registers.write(offset::MIICOMMAND, 0);
            self.registers.write(offset::MIICOMMAND, mii::READ);
        }
        self.up
    }
}
