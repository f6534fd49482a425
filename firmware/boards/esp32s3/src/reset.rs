//! Why the chip began anew, in a word.

/// The word for a reset source, as the ROM numbers it (ESP32-S3 technical reference manual, table
/// "Reset source"; the ESP32-C3's is the same for what both have).
pub fn word(source: u32) -> &'static str {
    match source {
        0x01 => "power-on",
        0x03 | 0x0c => "software",
        0x05 => "deep-sleep",
        0x07 | 0x08 | 0x0b | 0x11 => "timer-watchdog",
        0x09 | 0x0d | 0x10 => "rtc-watchdog",
        0x0f => "brown-out",
        0x12 => "super-watchdog",
        0x13 => "clock-glitch",
        0x14 => "efuse-error",
        0x15 => "usb-serial",
        0x16 => "usb-jtag",
        0x17 => "power-glitch",
        _ => "unknown",
    }
}
