//! What a panic said, kept in RTC memory over the reset that follows it: a probe may not have read
//! the console before, and RTT starts empty.

use core::fmt::{self, Write};

use esp_hal::ram;
use portable_atomic::{AtomicU8, AtomicU32, Ordering};

const LEN: usize = 240;
/// Stands before what a panic wrote. RTC memory holds anything at power-on.
const MARK: u32 = 0x4c57_5246;

#[ram(unstable(rtc_fast, persistent))]
static MARKED: AtomicU32 = AtomicU32::new(0);
#[ram(unstable(rtc_fast, persistent))]
static USED: AtomicU32 = AtomicU32::new(0);
#[ram(unstable(rtc_fast, persistent))]
static BYTES: [AtomicU8; LEN] = [const { AtomicU8::new(0) }; LEN];

/// Keeps `text`, cut where the room ends. It is console text: printable ASCII.
pub fn keep(text: fmt::Arguments<'_>) {
    MARKED.store(0, Ordering::SeqCst);
    USED.store(0, Ordering::SeqCst);
    // What does not fit is lost.
    let _ = Writer.write_fmt(text);
    MARKED.store(MARK, Ordering::SeqCst);
}

/// Takes what was kept, once, and hands it to `tell`.
pub fn take(tell: impl FnOnce(&str)) {
    let marked = MARKED.swap(0, Ordering::SeqCst);
    let used = USED.load(Ordering::SeqCst) as usize;
    let (MARK, 1..=LEN) = (marked, used) else {
        return;
    };
    let mut bytes = [0; LEN];
    for (byte, kept) in bytes.iter_mut().zip(&BYTES) {
        *byte = kept.load(Ordering::SeqCst);
    }
    if let Some(text) = bytes.get(..used).and_then(|b| core::str::from_utf8(b).ok()) {
        tell(text);
    }
}

struct Writer;

impl Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let used = USED.load(Ordering::SeqCst);
            let kept = BYTES.get(used as usize).ok_or(fmt::Error)?;
            kept.store(byte, Ordering::SeqCst);
            USED.store(used + 1, Ordering::SeqCst);
        }
        Ok(())
    }
}
