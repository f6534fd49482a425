//! The console: every line goes out over RTT, for a probe, and over the chip's USB-Serial-JTAG (in
//! QEMU: UART 0), for a cable. Neither needs a reader: a line that nobody takes is dropped.

use core::fmt;

use rtt_target::{ChannelMode, rtt_init, set_print_channel};

/// Sets RTT up. Called once, before the first line.
pub fn start() {
    let channels = rtt_init! {
        up: {
            0: {
                size: 4096,
                mode: ChannelMode::NoBlockSkip,
                name: "console"
            }
        }
    };
    set_print_channel(channels.up.0);
}

/// Writes one line.
pub fn line(text: fmt::Arguments<'_>) {
    rtt_target::rprintln!("{}", text);
    esp_println::println!("{}", text);
}
