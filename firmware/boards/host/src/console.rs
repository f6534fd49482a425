//! The console: standard output, a whole line at a time.

use std::fmt;
use std::io::Write;

use firmproof_device::console::Escaped;

/// Writes one line and flushes it. The line is complete before it touches standard output, so that
/// lines of several threads never mix and a panic while formatting leaves no half of one.
///
/// A console that nobody reads any more does not stop the device.
pub(crate) fn line(text: fmt::Arguments<'_>) {
    let line = format!("{text}\n");
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

/// Makes a panic a console line and the end of the process, as a fault is on a board.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        let message = info.payload_as_str().unwrap_or("?");
        let at = info.location().map_or_else(
            || "?".to_owned(),
            |at| format!("{}:{}", at.file(), at.line()),
        );
        line(format_args!(
            "event=panic at={} message={}",
            Escaped(at.as_bytes()),
            Escaped(message.as_bytes())
        ));
        std::process::abort();
    }));
}
