//! The incremental decoder: any split of the stream, packets of any size, bounded memory.

use super::packet::{PacketId, PacketType, Qos, Received};
use super::parse::{self, FirstByte};
use super::{ProtocolError, topic::NameScan};

/// The largest remaining length that is buffered, in bytes. Larger packets are read past.
pub const BUFFER_LEN: usize = 2048;

/// The largest remaining length of the protocol, in bytes (§2.2.3).
pub const MAX_REMAINING_LENGTH: u32 = 268_435_455;

/// A packet that was read past because it is larger than [`BUFFER_LEN`]. Its topic name was
/// checked all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oversize {
    /// PUBLISH or SUBACK: the types whose length varies.
    pub packet_type: PacketType,
    /// The QoS of PUBLISH; 0 otherwise.
    pub qos: Qos,
    /// The identifier; `None` for PUBLISH at QoS 0.
    pub id: Option<PacketId>,
    /// The remaining length in bytes.
    pub remaining_length: u32,
}

/// What the stream held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// A packet that passed every check.
    Packet(Received<'a>),
    /// The end of a packet that was read past.
    Oversize(Oversize),
}

/// The parts of an oversize packet, in the order of the wire.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// Two bytes before the topic name, the first of which may be there.
    NameLength(Option<u8>),
    /// So many bytes of the topic name are still to come.
    Name(u16, NameScan),
    /// Two bytes of the identifier, the first of which may be there.
    Id(Option<u8>),
    /// All that is of no interest.
    Rest,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Before a packet.
    FirstByte,
    /// In the remaining length; so many of its bytes are read.
    Length {
        first: FirstByte,
        length: u32,
        bytes: u8,
    },
    /// In a packet that fits the buffer.
    Body {
        first: FirstByte,
        length: usize,
        filled: usize,
    },
    /// In a packet that does not.
    Past {
        oversize: Oversize,
        left: u32,
        part: Part,
    },
    /// The stream has broken the protocol; nothing after that has a meaning.
    Failed(ProtocolError),
}

/// What a step of the decoder came to; borrows nothing.
enum Step {
    Starved,
    Body(FirstByte, usize),
    Past(Oversize),
}

/// The decoder of one network connection.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    buffer: [u8; BUFFER_LEN],
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub const fn new() -> Self {
        Self {
            state: State::FirstByte,
            buffer: [0; BUFFER_LEN],
        }
    }

    /// Whether the stream is inside a packet that is being read past.
    pub fn is_reading_past(&self) -> bool {
        matches!(self.state, State::Past { .. })
    }

    /// Takes bytes from the front of `input` up to the end of a packet, and returns that packet;
    /// `None` when `input` is used up before. Payload that is read past costs no work per byte.
    ///
    /// # Errors
    /// The server's mistake, as soon as it can be told; the same again for ever after.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Item<'_>>, ProtocolError> {
        match self.step(input) {
            Ok(Step::Starved) => Ok(None),
            Ok(Step::Past(oversize)) => Ok(Some(Item::Oversize(oversize))),
            Ok(Step::Body(first, length)) => {
                match parse::packet(first, self.buffer.get(..length).unwrap_or(&[])) {
                    Ok(packet) => Ok(Some(Item::Packet(packet))),
                    Err(error) => {
                        self.state = State::Failed(error);
                        Err(error)
                    }
                }
            }
            Err(error) => {
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    fn step(&mut self, input: &mut &[u8]) -> Result<Step, ProtocolError> {
        loop {
            match &mut self.state {
                State::Failed(error) => return Err(*error),
                State::FirstByte => {
                    let Some(byte) = take_byte(input) else {
                        return Ok(Step::Starved);
                    };
                    self.state = State::Length {
                        first: FirstByte::check(byte)?,
                        length: 0,
                        bytes: 0,
                    };
                }
                State::Length {
                    first,
                    length,
                    bytes,
                } => {
                    let Some(byte) = take_byte(input) else {
                        return Ok(Step::Starved);
                    };
                    // §2.2.3: seven bits a byte, least significant first, four bytes at most. An
                    // encoding with needless bytes is not forbidden.
                    *length |= u32::from(byte & 0x7f) << (7 * u32::from(*bytes));
                    *bytes += 1;
                    if byte & 0x80 == 0 {
                        self.state = start_body(*first, *length)?;
                    } else if *bytes == 4 {
                        return Err(ProtocolError::BadRemainingLength);
                    }
                }
                State::Body {
                    first,
                    length,
                    filled,
                } => {
                    let taken = take(input, *length - *filled);
                    if let Some(room) = self.buffer.get_mut(*filled..*filled + taken.len()) {
                        room.copy_from_slice(taken);
                    }
                    *filled += taken.len();
                    if filled < length {
                        return Ok(Step::Starved);
                    }
                    let whole = Step::Body(*first, *length);
                    self.state = State::FirstByte;
                    return Ok(whole);
                }
                State::Past {
                    oversize,
                    left,
                    part,
                } => {
                    if !read_past(input, oversize, left, part)? {
                        return Ok(Step::Starved);
                    }
                    let whole = Step::Past(*oversize);
                    self.state = State::FirstByte;
                    return Ok(whole);
                }
            }
        }
    }
}

/// The state after a fixed header.
fn start_body(first: FirstByte, length: u32) -> Result<State, ProtocolError> {
    first.check_length(length)?;
    match usize::try_from(length) {
        Ok(length) if length <= BUFFER_LEN => Ok(State::Body {
            first,
            length,
            filled: 0,
        }),
        _ => Ok(State::Past {
            oversize: Oversize {
                packet_type: first.packet_type,
                qos: first.qos,
                id: None,
                remaining_length: length,
            },
            left: length,
            part: if first.packet_type == PacketType::Publish {
                Part::NameLength(None)
            } else {
                Part::Id(None)
            },
        }),
    }
}

/// Goes on in an oversize packet; true at its end.
fn read_past(
    input: &mut &[u8],
    oversize: &mut Oversize,
    left: &mut u32,
    part: &mut Part,
) -> Result<bool, ProtocolError> {
    // Larger than the buffer, and the topic name was found to fit: `left` ends in `Rest` only.
    while *left > 0 {
        let before = input.len();
        match part {
            Part::NameLength(high) => match (take_byte(input), *high) {
                (None, _) => return Ok(false),
                (Some(byte), None) => *high = Some(byte),
                (Some(low), Some(high)) => {
                    let length = u16::from_be_bytes([high, low]);
                    if length == 0 {
                        return Err(ProtocolError::EmptyTopic);
                    }
                    let id_len = if oversize.qos == Qos::AtMostOnce {
                        0
                    } else {
                        2
                    };
                    // `left` still counts the byte just taken.
                    if u32::from(length) + id_len > *left - 1 {
                        return Err(ProtocolError::BadLength);
                    }
                    *part = Part::Name(length, NameScan::default());
                }
            },
            Part::Name(to_come, scan) => {
                let piece = take(input, usize::from(*to_come));
                if piece.is_empty() {
                    return Ok(false);
                }
                scan.push(piece)?;
                *to_come -= u16::try_from(piece.len()).unwrap_or(*to_come);
                if *to_come == 0 {
                    scan.finish()?;
                    *part = if oversize.qos == Qos::AtMostOnce {
                        Part::Rest
                    } else {
                        Part::Id(None)
                    };
                }
            }
            Part::Id(high) => match (take_byte(input), *high) {
                (None, _) => return Ok(false),
                (Some(byte), None) => *high = Some(byte),
                (Some(low), Some(high)) => {
                    oversize.id = Some(parse::packet_id([high, low])?);
                    *part = Part::Rest;
                }
            },
            Part::Rest => {
                if take(input, usize::try_from(*left).unwrap_or(usize::MAX)).is_empty() {
                    return Ok(false);
                }
            }
        }
        let taken = u32::try_from(before - input.len()).unwrap_or(*left);
        *left = left.saturating_sub(taken);
    }
    Ok(true)
}

fn take_byte(input: &mut &[u8]) -> Option<u8> {
    let (byte, rest) = input.split_first()?;
    *input = rest;
    Some(*byte)
}

/// At most `count` bytes from the front.
fn take<'i>(input: &mut &'i [u8], count: usize) -> &'i [u8] {
    let (taken, rest) = input.split_at(count.min(input.len()));
    *input = rest;
    taken
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
