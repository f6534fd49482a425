//! The chunked transfer coding (RFC 9112 §7.1), decoded strictly: CRLF and nothing else, sizes that
//! cannot overflow, extensions and trailers bounded and ignored.

use core::ops::Range;

use super::head::is_tchar;

/// Bytes of chunk extensions that a message may carry in all.
pub const MAX_EXTENSIONS_LEN: u16 = 1024;
/// Bytes of trailer fields that a message may carry.
pub const MAX_TRAILERS_LEN: u16 = 1024;

/// Why a chunked body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkError {
    /// The size is not `1*HEXDIG`, or does not fit 64 bits (§7.1 warns of both).
    BadSize,
    /// A line or a chunk's data does not end with CRLF, or a control character stands in a line.
    BadLine,
    /// More extensions than [`MAX_EXTENSIONS_LEN`] (§7.1.1 asks for a limit).
    ExtensionsTooLong,
    /// A trailer field that is none, or more than [`MAX_TRAILERS_LEN`].
    BadTrailer,
    /// The chunks add up to more than the limit.
    TooLarge,
}

/// What one step took from the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the input that were used.
    pub consumed: usize,
    /// Where the content lies in the input; may be empty.
    pub data: Range<usize>,
    /// The body is complete; the rest of the input is the next message.
    pub done: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size {
        digits: u8,
    },
    /// White space between the size and the `;` of an extension.
    BeforeExtension,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    Done,
}

/// The decoder.
#[derive(Debug, Clone)]
pub struct Chunked {
    state: State,
    /// The chunk's size; while in its data, what is left of it.
    size: u64,
    /// Content that the limit still allows.
    room: u64,
    extensions: u16,
    trailers: u16,
}

impl Chunked {
    /// A decoder for a body of at most `limit` bytes of content.
    pub const fn new(limit: u64) -> Self {
        Self {
            state: State::Size { digits: 0 },
            size: 0,
            room: limit,
            extensions: 0,
            trailers: 0,
        }
    }

    /// Whether the last chunk and its trailers have been read.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Decodes up to the end of the input, of a run of content, or of the body.
    ///
    /// # Errors
    /// The body is malformed or too large. Where it ends is not known then.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, ChunkError> {
        let mut consumed = 0;
        while let Some(&byte) = input.get(consumed) {
            if self.state == State::Done {
                break;
            }
            if self.state == State::Data {
                let rest = input.len() - consumed;
                let run = usize::try_from(self.size).map_or(rest, |size| size.min(rest));
                self.size = self.size.saturating_sub(run as u64);
                if self.size == 0 {
                    self.state = State::DataCr;
                }
                return Ok(Step {
                    consumed: consumed + run,
                    data: consumed..consumed + run,
                    done: false,
                });
            }
            self.state = self.line_byte(byte)?;
            consumed += 1;
        }
        Ok(Step {
            consumed,
            data: consumed..consumed,
            done: self.is_done(),
        })
    }

    fn line_byte(&mut self, byte: u8) -> Result<State, ChunkError> {
        Ok(match (self.state, byte) {
            (State::Size { digits }, _) if byte.is_ascii_hexdigit() => self.digit(digits, byte)?,
            (State::Size { digits: 0 }, _) => return Err(ChunkError::BadSize),
            (State::Size { .. } | State::Extension, b'\r') => State::SizeLf,
            (State::Size { .. } | State::BeforeExtension, b';') => self.extension()?,
            (State::Size { .. } | State::BeforeExtension, b' ' | b'\t') => {
                self.extension()?;
                State::BeforeExtension
            }
            (State::Size { .. } | State::BeforeExtension, _) => return Err(ChunkError::BadSize),
            (State::Extension, _) if is_text(byte) => self.extension()?,
            (State::SizeLf, b'\n') if self.size == 0 => State::TrailerStart,
            (State::SizeLf, b'\n') => {
                self.room = self
                    .room
                    .checked_sub(self.size)
                    .ok_or(ChunkError::TooLarge)?;
                State::Data
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { digits: 0 },
            (State::TrailerStart, b'\r') => State::EndLf,
            (State::TrailerStart, _) if is_tchar(byte) => self.trailer(State::TrailerName)?,
            (State::TrailerStart, _) => return Err(ChunkError::BadTrailer),
            (State::TrailerName, b':') => self.trailer(State::TrailerValue)?,
            (State::TrailerName, _) if is_tchar(byte) => self.trailer(State::TrailerName)?,
            (State::TrailerName, _) => return Err(ChunkError::BadTrailer),
            (State::TrailerValue, b'\r') => State::TrailerLf,
            (State::TrailerValue, _) if is_text(byte) => self.trailer(State::TrailerValue)?,
            (State::TrailerLf, b'\n') => State::TrailerStart,
            (State::EndLf, b'\n') => State::Done,
            _ => return Err(ChunkError::BadLine),
        })
    }

    fn digit(&mut self, digits: u8, byte: u8) -> Result<State, ChunkError> {
        let value = char::from(byte).to_digit(16).ok_or(ChunkError::BadSize)?;
        // Sixteen digits fill 64 bits; leading zeros beyond that serve nobody.
        if digits >= 16 {
            return Err(ChunkError::BadSize);
        }
        let before = if digits == 0 { 0 } else { self.size };
        self.size = (before << 4) | u64::from(value);
        Ok(State::Size { digits: digits + 1 })
    }

    fn extension(&mut self) -> Result<State, ChunkError> {
        self.extensions += 1;
        if self.extensions > MAX_EXTENSIONS_LEN {
            return Err(ChunkError::ExtensionsTooLong);
        }
        Ok(State::Extension)
    }

    fn trailer(&mut self, next: State) -> Result<State, ChunkError> {
        self.trailers += 1;
        if self.trailers > MAX_TRAILERS_LEN {
            return Err(ChunkError::BadTrailer);
        }
        Ok(next)
    }
}

/// Visible characters, obs-text, space and tab (RFC 9110 §5.5).
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= 0x20 && byte != 0x7f)
}
