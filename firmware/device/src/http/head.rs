//! The start line and the header section, gathered byte by byte, so that no split of the stream
//! matters, and checked for what httparse lets pass: bare LF, folds, leading white space.

use heapless::Vec;

use super::{MAX_FIELDS, MAX_FIELDS_LEN, MAX_TARGET_LEN};

/// The longest start line: the longest target, a method or version and reason phrase beside it.
pub const MAX_START_LEN: usize = MAX_TARGET_LEN + 128;
const CAPACITY: usize = MAX_START_LEN + MAX_FIELDS_LEN + 4;
/// Empty lines that may precede a start line (RFC 9112 §2.2 asks for one at least).
const MAX_BLANK_LINES: u8 = 4;

/// What a header section may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadError {
    /// CR without LF (RFC 9112 §2.2).
    BareCr,
    /// LF without CR. §2.2 lets a recipient take it as a line end; this one does not.
    BareLf,
    /// NUL or another control character (RFC 9110 §5.5).
    Control,
    /// The start line is longer than [`MAX_START_LEN`], or empty lines never end.
    StartTooLong,
    /// The fields are larger than [`MAX_FIELDS_LEN`].
    FieldsTooLarge,
    /// More field lines than [`MAX_FIELDS`].
    TooManyFields,
    /// A line folded onto the one before (RFC 9112 §5.2), or white space before the first field
    /// (§2.2).
    Fold,
    /// A field name that is empty, is no token, or has white space before its colon (§5.1).
    FieldName,
}

/// What a byte completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing yet.
    More,
    /// The start line: [`Head::start_line`].
    StartLine,
    /// The header section: [`Head::field_lines`].
    Complete,
}

/// What to do with obsolete line folding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folding {
    /// Refuse the message: a server's choice (RFC 9112 §5.2).
    Refuse,
    /// Replace the fold by spaces: what a user agent must do (RFC 9112 §5.2).
    Replace,
}

/// A start line and header section in the making.
#[derive(Debug)]
pub struct Head {
    bytes: Vec<u8, CAPACITY>,
    folding: Folding,
    /// Length of the start line with its CRLF; 0 until it is complete.
    start_len: usize,
    line_from: usize,
    lines: usize,
    blank_lines: u8,
    after_cr: bool,
}

/// Whether `byte` may stand in a token (RFC 9110 §5.6.2).
pub fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether `text` is a token.
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&b| is_tchar(b))
}

impl Head {
    /// An empty head.
    pub const fn new(folding: Folding) -> Self {
        Self {
            bytes: Vec::new(),
            folding,
            start_len: 0,
            line_from: 0,
            lines: 0,
            blank_lines: 0,
            after_cr: false,
        }
    }

    /// Forgets everything, for the next message.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.start_len = 0;
        self.line_from = 0;
        self.lines = 0;
        self.blank_lines = 0;
        self.after_cr = false;
    }

    /// Whether no byte has come since [`Self::clear`], empty lines included.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.blank_lines == 0
    }

    /// Whether the start line is not complete yet.
    pub fn in_start_line(&self) -> bool {
        self.start_len == 0
    }

    /// The start line without its CRLF; what there is of it until it is complete.
    pub fn start_line(&self) -> &[u8] {
        let end = match self.start_len {
            0 => self.bytes.len(),
            len => len.saturating_sub(2),
        };
        self.bytes.get(..end).unwrap_or_default()
    }

    /// The field lines with their CRLFs, and the empty line that ends them.
    pub fn field_lines(&self) -> &[u8] {
        self.bytes.get(self.start_len..).unwrap_or_default()
    }

    /// Takes the next byte. Not to be called again after `Complete` or an error.
    ///
    /// # Errors
    /// The first thing that a header section may not be.
    pub fn push(&mut self, byte: u8) -> Result<Progress, HeadError> {
        let in_start_line = self.in_start_line();
        match byte {
            b'\n' if !self.after_cr => return Err(HeadError::BareLf),
            b'\n' => {}
            _ if self.after_cr => return Err(HeadError::BareCr),
            b'\r' => {}
            b'\t' if !in_start_line => {}
            0..0x20 | 0x7f => return Err(HeadError::Control),
            _ => {}
        }
        let full = if in_start_line {
            self.bytes.len() >= MAX_START_LEN
        } else {
            self.bytes.len().saturating_sub(self.start_len) >= MAX_FIELDS_LEN
        };
        if full || self.bytes.push(byte).is_err() {
            return Err(if in_start_line {
                HeadError::StartTooLong
            } else {
                HeadError::FieldsTooLarge
            });
        }
        self.after_cr = byte == b'\r';
        if byte == b'\n' {
            self.end_line(in_start_line)
        } else {
            Ok(Progress::More)
        }
    }

    fn end_line(&mut self, in_start_line: bool) -> Result<Progress, HeadError> {
        let from = self.line_from;
        let end = self.bytes.len().saturating_sub(2);
        let line = self.bytes.get(from..end).unwrap_or_default();
        if in_start_line {
            if line.is_empty() {
                self.bytes.clear();
                self.blank_lines += 1;
                return if self.blank_lines > MAX_BLANK_LINES {
                    Err(HeadError::StartTooLong)
                } else {
                    Ok(Progress::More)
                };
            }
            self.start_len = self.bytes.len();
            self.line_from = self.start_len;
            return Ok(Progress::StartLine);
        }
        if line.is_empty() {
            return Ok(Progress::Complete);
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            if self.lines == 0 || self.folding == Folding::Refuse {
                return Err(HeadError::Fold);
            }
            if let Some(line_end) = self.bytes.get_mut(from.saturating_sub(2)..from) {
                line_end.fill(b' ');
            }
        } else {
            let colon = line.iter().position(|&b| b == b':');
            if !colon.and_then(|at| line.get(..at)).is_some_and(is_token) {
                return Err(HeadError::FieldName);
            }
            self.lines += 1;
            if self.lines > MAX_FIELDS {
                return Err(HeadError::TooManyFields);
            }
        }
        self.line_from = self.bytes.len();
        Ok(Progress::More)
    }
}
