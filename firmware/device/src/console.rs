//! The console: one `key=value` line per event, the first key always `event`.
//!
//! Values never hold a space or a control character: text from elsewhere goes through [`Escaped`],
//! which writes such bytes as `%XX`.

use core::fmt;

use crate::{Board, Device};

impl<B: Board> Device<'_, B> {
    /// Writes `event=<name> <fields>`. `fields` are `key=value` pairs joined by single spaces.
    pub fn event(&self, name: &str, fields: fmt::Arguments<'_>) {
        if fields.as_str() == Some("") {
            self.board.console_line(format_args!("event={name}"));
        } else {
            self.board
                .console_line(format_args!("event={name} {fields}"));
        }
    }
}

/// Bytes from elsewhere, as they may stand in a console value: printable ASCII but `%`, `=` and
/// space as it is, all else as `%XX`.
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0 {
            if byte.is_ascii_graphic() && byte != b'%' && byte != b'=' {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}
