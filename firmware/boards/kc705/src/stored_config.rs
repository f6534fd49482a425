//! The boot configuration: QEMU's loader writes it to a fixed place in RAM before the start, and
//! again at every reset (`-device loader,file=FILE,addr=0x60040000,force-raw=on`).

use firmproof_bootconfig::MAX_ENCODED_LEN;

unsafe extern "C" {
    /// The linker script's place for it.
    static _boot_config: [u8; MAX_ENCODED_LEN];
}

/// What the loader wrote. RAM that it did not touch is zero, so without a loader this is empty, and
/// a file that is cut short ends in zeros.
pub(crate) fn read() -> &'static [u8] {
    // SAFETY: the linker script keeps the place free of all else; nobody writes it after the start.
    let stored = unsafe { &_boot_config };
    if stored.iter().all(|byte| *byte == 0) {
        &[]
    } else {
        stored
    }
}
