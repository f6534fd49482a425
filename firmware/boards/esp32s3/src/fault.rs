//! What nobody expected. A panic, and an exception, which esp-hal turns into one, becomes a console
//! line, is kept over the reset that follows, and is told again with the reason of the next start.

use core::fmt;
use core::panic::PanicInfo;

use esp_hal::peripherals::LPWR;
use esp_hal::rtc_cntl::reset_reason;
use esp_hal::system::{Cpu, software_reset};
use firmproof_device::console::OneWord;

use crate::{console, last_words, reset};

/// Writes `event=panic`, and restarts the chip. The program's panic handler calls this.
pub fn report(info: &PanicInfo<'_>) -> ! {
    let message = info.message();
    match info.location() {
        Some(at) => tell(
            format_args!("{}:{}", at.file(), at.line()),
            format_args!("{message}"),
        ),
        None => tell(format_args!("?"), format_args!("{message}")),
    }
    software_reset()
}

fn tell(at: fmt::Arguments<'_>, message: fmt::Arguments<'_>) {
    let (at, message) = (OneWord(&at), OneWord(&message));
    // Kept first: a console that faults must not lose it.
    last_words::keep(format_args!("at={at} message={message}"));
    console::line(format_args!("event=panic at={at} message={message}"));
}

/// Writes `event=reset`: why the chip began anew. After a panic, its `event=panic` comes first.
pub fn announce_reset() {
    last_words::take(|words| console::line(format_args!("event=panic {words}")));
    let source = reset_reason(Cpu::ProCpu).map_or(0, |reason| reason as u32);
    console::line(format_args!("event=reset reason={}", reset::word(source)));
}

/// Has a supply voltage that sags reset the chip, with the reset source `brown-out`. ESP-IDF's
/// bootloader sets the analogue reset instead, which the ROM reports as a power-on.
pub fn reset_on_brown_out() {
    LPWR::regs().brown_out().modify(|_, w| {
        // SAFETY: any value of these two fields is a number of clock cycles.
        unsafe {
            w.brown_out_int_wait().bits(2);
            w.brown_out_rst_wait().bits(0x3ff);
        }
        w.brown_out_ana_rst_en().clear_bit();
        w.brown_out_close_flash_ena().set_bit();
        w.brown_out_pd_rf_ena().set_bit();
        w.brown_out_rst_sel().set_bit();
        w.brown_out_rst_ena().set_bit();
        w.brown_out_ena().set_bit()
    });
}
