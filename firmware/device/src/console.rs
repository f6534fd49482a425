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

/// A text as one console value: spaces become `-`, and what [`Escaped`] escapes is escaped.
pub struct OneWord<'a, T>(pub &'a T);

impl<T: fmt::Display> fmt::Display for OneWord<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Joined<'a, 'b>(&'a mut fmt::Formatter<'b>);
        impl fmt::Write for Joined<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                text.bytes().try_for_each(|byte| match byte {
                    b' ' => self.0.write_str("-"),
                    _ => write!(self.0, "{}", Escaped(&[byte])),
                })
            }
        }
        fmt::Write::write_fmt(&mut Joined(f), format_args!("{}", self.0))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use firmproof_bootconfig::DecodeError;

    use super::OneWord;

    #[test]
    fn a_configuration_error_is_one_word_on_the_console() {
        let truncated = DecodeError::Truncated {
            needed: 12,
            found: 3,
        };
        assert_eq!(OneWord(&truncated).to_string(), "truncated:-3-of-12-bytes");
        assert_eq!(OneWord(&DecodeError::BadCrc).to_string(), "bad-crc");
    }
}
