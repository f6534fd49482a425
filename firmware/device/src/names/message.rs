//! DNS messages (RFC 1035 §4): one question for an IPv4 address, and what the reply says.

use core::net::Ipv4Addr;

/// The most bytes of a message over UDP (§2.3.4).
pub const MAX_MESSAGE_LEN: usize = 512;

const HEADER_LEN: usize = 12;
const TYPE_A: u16 = 1;
const TYPE_CNAME: u16 = 5;
const CLASS_IN: u16 = 1;
/// The most aliases to follow before they count as a loop.
const MAX_ALIASES: usize = 8;

/// What a reply says of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Its first address.
    pub address: Ipv4Addr,
    /// For how many seconds that holds: the least of the records that led to it (§3.2.1).
    pub ttl_s: u32,
}

/// Why a reply gives no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyError {
    /// It is no reply to the query: go on waiting, another host may have made it up.
    Unrelated,
    /// RCODE 3: the name does not exist.
    NoSuchName,
    /// The name has no usable IPv4 address.
    NoAddress,
    /// Another RCODE, or a reply that breaks off or that cannot be read: ask the next server.
    ServerFailed,
}

/// Writes a query for the IPv4 address of `name` with transaction id `id`; a dot at the end of the
/// name changes nothing. Returns its length; `None` when a label is empty or longer than 63 bytes,
/// or the name is longer than 255 (§2.3.4).
pub fn write_query(name: &str, id: u16, buffer: &mut [u8; MAX_MESSAGE_LEN]) -> Option<usize> {
    let mut message = heapless::Vec::<u8, MAX_MESSAGE_LEN>::new();
    let [id_high, id_low] = id.to_be_bytes();
    // Recursion desired (§4.1.1), one question.
    let header = [id_high, id_low, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    message.extend_from_slice(&header).ok()?;
    for label in name.strip_suffix('.').unwrap_or(name).split('.') {
        let len = u8::try_from(label.len()).ok()?;
        if !(1..=63).contains(&len) {
            return None;
        }
        message.push(len).ok()?;
        message.extend_from_slice(label.as_bytes()).ok()?;
    }
    message.push(0).ok()?;
    if message.len() - HEADER_LEN > 255 {
        return None;
    }
    // QTYPE A, QCLASS IN.
    message.extend_from_slice(&[0, 1, 0, 1]).ok()?;
    buffer.get_mut(..message.len())?.copy_from_slice(&message);
    Some(message.len())
}

/// Reads the address out of the reply to `query`, following aliases (RFC 1034 §3.6.2).
///
/// # Errors
/// What is wrong with the reply, or what it says is wrong with the name.
pub fn read_reply(query: &[u8], reply: &[u8]) -> Result<Answer, ReplyError> {
    let header = reply
        .first_chunk::<HEADER_LEN>()
        .ok_or(ReplyError::Unrelated)?;
    let [_, _, high, low, questions_high, questions_low, ..] = *header;
    let is_response = high & 0x80 != 0;
    let is_standard_query = high & 0x78 == 0;
    if query.get(..2) != header.get(..2)
        || !is_response
        || !is_standard_query
        || [questions_high, questions_low] != [0, 1]
    {
        return Err(ReplyError::Unrelated);
    }
    let question = Name {
        message: query,
        at: HEADER_LEN,
    };
    let (echoed, rest) = Name::read(reply, HEADER_LEN).ok_or(ReplyError::Unrelated)?;
    // The question comes back as it was (RFC 5452 §9.1).
    if !echoed.is(&question) || fixed(reply, rest) != Some([0, 1, 0, 1]) {
        return Err(ReplyError::Unrelated);
    }
    match low & 0x0f {
        0 => {}
        3 => return Err(ReplyError::NoSuchName),
        _ => return Err(ReplyError::ServerFailed),
    }
    let answers = u16::from_be_bytes(fixed(reply, 6).ok_or(ReplyError::ServerFailed)?);
    let found = find_address(reply, rest + 4, answers, question);
    let answer = found.ok_or(ReplyError::ServerFailed)?;
    answer
        .filter(|Answer { address: a, .. }| {
            !a.is_unspecified() && !a.is_broadcast() && !a.is_multicast()
        })
        .ok_or(ReplyError::NoAddress)
}

/// The address of `wanted` among the `answers` that start at `start`. `None` when the answers
/// cannot be read; `Some(None)` when they hold no address of it.
fn find_address<'a>(
    message: &'a [u8],
    start: usize,
    answers: u16,
    mut wanted: Name<'a>,
) -> Option<Option<Answer>> {
    let mut ttl_s = u32::MAX;
    // Aliases may stand in any order: each one starts a new pass.
    for _ in 0..=MAX_ALIASES {
        let mut alias = None;
        let mut at = start;
        for _ in 0..answers {
            let (owner, fields) = Name::read(message, at)?;
            let kind = u16::from_be_bytes(fixed(message, fields)?);
            let class = u16::from_be_bytes(fixed(message, fields + 2)?);
            let ttl = u32::from_be_bytes(fixed(message, fields + 4)?);
            // RFC 2181 §8: one with its top bit set counts as 0.
            let ttl = if ttl >> 31 == 0 { ttl } else { 0 };
            let len = usize::from(u16::from_be_bytes(fixed(message, fields + 8)?));
            let data = fields + 10;
            let bytes = message.get(data..data + len)?;
            if class == CLASS_IN && owner.is(&wanted) {
                match kind {
                    TYPE_A => {
                        let octets = <[u8; 4]>::try_from(bytes).ok()?;
                        return Some(Some(Answer {
                            address: Ipv4Addr::from(octets),
                            ttl_s: ttl_s.min(ttl),
                        }));
                    }
                    TYPE_CNAME => alias = Some((Name::read(message, data)?.0, ttl)),
                    _ => {}
                }
            }
            at = data + len;
        }
        match alias {
            Some((target, ttl)) => {
                wanted = target;
                ttl_s = ttl_s.min(ttl);
            }
            None => return Some(None),
        }
    }
    None
}

fn fixed<const N: usize>(message: &[u8], at: usize) -> Option<[u8; N]> {
    message.get(at..)?.first_chunk::<N>().copied()
}

/// A name in a message, whose labels have been found to be readable.
#[derive(Clone, Copy)]
struct Name<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Name<'a> {
    /// Reads the name at `at`; also returns where the next field starts.
    fn read(message: &'a [u8], at: usize) -> Option<(Self, usize)> {
        let name = Self { message, at };
        let mut position = Position { message, at };
        let mut end = None;
        let mut wire_len = 1;
        loop {
            let before = position.at;
            match position.step()? {
                Step::Label(label) => wire_len += 1 + label.len(),
                Step::Pointer => {
                    end.get_or_insert(before + 2);
                }
                Step::End => return Some((name, end.unwrap_or(before + 1))),
            }
            if wire_len > 255 {
                return None;
            }
        }
    }

    fn labels(self) -> impl Iterator<Item = &'a [u8]> {
        let mut position = Position {
            message: self.message,
            at: self.at,
        };
        core::iter::from_fn(move || {
            loop {
                match position.step()? {
                    Step::Label(label) => return Some(label),
                    Step::Pointer => {}
                    Step::End => return None,
                }
            }
        })
    }

    /// Names are equal without regard to the case of ASCII letters (RFC 4343).
    fn is(self, other: &Self) -> bool {
        let mut theirs = other.labels();
        let ours_match = self.labels().all(|ours| {
            theirs
                .next()
                .is_some_and(|label| label.eq_ignore_ascii_case(ours))
        });
        ours_match && theirs.next().is_none()
    }
}

struct Position<'a> {
    message: &'a [u8],
    at: usize,
}

enum Step<'a> {
    Label(&'a [u8]),
    Pointer,
    End,
}

impl<'a> Position<'a> {
    fn step(&mut self) -> Option<Step<'a>> {
        let len = *self.message.get(self.at)?;
        match len >> 6 {
            0 if len == 0 => Some(Step::End),
            0 => {
                let start = self.at + 1;
                let end = start + usize::from(len);
                let label = self.message.get(start..end)?;
                self.at = end;
                Some(Step::Label(label))
            }
            3 => {
                let [high, low] = fixed(self.message, self.at)?;
                let target = usize::from(u16::from_be_bytes([high & 0x3f, low]));
                // A pointer goes to a prior place (§4.1.4). That alone lets labels walk forward
                // into the same pointer again; the limit of 255 bytes ends such a name, and two
                // pointers in a row always go back.
                if target >= self.at {
                    return None;
                }
                self.at = target;
                Some(Step::Pointer)
            }
            // §4.1.4: 01 and 10 are reserved.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
