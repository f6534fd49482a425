//! The stored form of a session: a header, a record for each message in flight, and the
//! identifiers of inbound QoS 2 messages.
//!
//! Every record carries the session's epoch. A new header with the next epoch makes all other
//! records stale in one write, so that a power cut never leaves parts of two sessions.

use serde::{Deserialize, Serialize};

use super::inbound::CHUNKS;
use super::outbound::{Message, SLOTS};
use crate::store::key::MQTT_SESSION;

/// The version of the stored form; another one is discarded.
const VERSION: u8 = 1;

/// The most bytes that a record takes.
pub const MAX_RECORD_LEN: usize = 832;

/// The name of a stored record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// The header; read and written before all others.
    Header,
    /// A message in flight, 0 to 7.
    Slot(u8),
    /// A chunk of inbound QoS 2 identifiers, 0 to 15.
    Inbound(u8),
}

/// Records in all.
const COUNT: u8 = 1 + SLOTS as u8 + CHUNKS as u8;

impl Record {
    /// Every record, the header first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..COUNT).map(Self::from_index)
    }

    fn from_index(index: u8) -> Self {
        match index {
            0 => Self::Header,
            slot if slot <= SLOTS as u8 => Self::Slot(slot - 1),
            chunk => Self::Inbound(chunk - 1 - SLOTS as u8),
        }
    }

    fn index(self) -> u8 {
        match self {
            Self::Header => 0,
            Self::Slot(slot) => 1 + slot,
            Self::Inbound(chunk) => 1 + SLOTS as u8 + chunk,
        }
    }

    /// The key in the device's store.
    pub fn key(self) -> u16 {
        // The stored form: 0x100, 0x101 to 0x108, 0x110 to 0x11f.
        MQTT_SESSION
            + match self {
                Self::Header => 0,
                Self::Slot(slot) => 1 + u16::from(slot),
                Self::Inbound(chunk) => 0x10 + u16::from(chunk),
            }
    }
}

/// A set of records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Records(u32);

impl Records {
    pub(super) const fn empty() -> Self {
        Self(0)
    }

    pub(super) fn insert(&mut self, record: Record) {
        self.0 |= 1 << record.index();
    }

    pub(super) fn insert_all(&mut self, others: Self) {
        self.0 |= others.0;
    }

    pub(super) fn remove(&mut self, record: Record) {
        self.0 &= !(1 << record.index());
    }

    pub(super) fn contains(self, record: Record) -> bool {
        self.0 & (1 << record.index()) != 0
    }

    pub(super) fn first(self) -> Option<Record> {
        Record::all().find(|record| self.contains(*record))
    }
}

/// The header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) epoch: u32,
    /// False: there is no session, and the epoch is all that counts.
    pub(super) held: bool,
    /// CRC-32 of what the session depends on: client identifier and topics.
    pub(super) identity: u32,
    /// CRC-32 of the subscriptions that SUBACK has answered.
    pub(super) subscribed: Option<u32>,
    /// No identifier from here on was used in this round.
    pub(super) next_id: u16,
}

pub(super) fn encode_header(header: &Header, out: &mut [u8]) -> Option<usize> {
    Some(postcard::to_slice(&(VERSION, header), out).ok()?.len())
}

pub(super) fn decode_header(stored: &[u8]) -> Option<Header> {
    let ((version, header), rest): ((u8, Header), _) = postcard::take_from_bytes(stored).ok()?;
    (version == VERSION && rest.is_empty()).then_some(header)
}

pub(super) fn encode_message(epoch: u32, message: &Message, out: &mut [u8]) -> Option<usize> {
    let (head, body) = out.split_first_chunk_mut()?;
    *head = epoch.to_le_bytes();
    Some(head.len() + postcard::to_slice(message, body).ok()?.len())
}

pub(super) fn decode_message(body: &[u8]) -> Option<Message> {
    let (message, rest) = postcard::take_from_bytes(body).ok()?;
    rest.is_empty().then_some(message)
}

/// The epoch of a record other than the header, and its body.
pub(super) fn split_epoch(stored: &[u8]) -> Option<(u32, &[u8])> {
    let (epoch, body) = stored.split_first_chunk()?;
    Some((u32::from_le_bytes(*epoch), body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_has_a_key_and_an_index_of_its_own_in_the_session_s_range() {
        let mut last = None;
        for (index, record) in Record::all().enumerate() {
            assert_eq!(usize::from(record.index()), index);
            assert!(Some(record.key()) > last, "{record:?}");
            assert!(record.key() < MQTT_SESSION + 64);
            last = Some(record.key());
        }
    }
}
