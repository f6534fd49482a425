//! Saving and restoring the session, record by record.

use super::Session;
use super::inbound::Inbound;
use super::record::{self, Header, Record};
use crate::mqtt::codec::PacketId;

/// Identifiers are set aside in blocks of so many, so that the header need not be written for
/// each: after a power cut the client goes on with the next block.
const ID_BLOCK: u16 = 64;

/// What was in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// No session.
    Nothing,
    /// A session that can be resumed.
    Held,
    /// A session that cannot be used: a record is corrupt, or belongs to another client
    /// identifier or other topics. It was discarded.
    Discarded,
}

impl Session {
    /// Takes a stored record. Records come in the order of [`Record::all`], those that are there.
    pub fn restore(&mut self, record: Record, stored: &[u8]) {
        self.stored.insert(record);
        if self.restore_record(record, stored).is_none() {
            self.corrupt = true;
        }
    }

    /// A record could not be read from the store.
    pub fn restore_failed(&mut self, record: Record) {
        self.stored.insert(record);
        self.corrupt = true;
    }

    fn restore_record(&mut self, record: Record, stored: &[u8]) -> Option<()> {
        if record == Record::Header {
            let header = record::decode_header(stored)?;
            self.epoch = header.epoch;
            self.held = header.held;
            self.subscribed = header.subscribed;
            self.outbound.set_next_id(header.next_id);
            if header.held && header.identity != self.settings.identity {
                return None;
            }
            return Some(());
        }
        let (epoch, body) = record::split_epoch(stored)?;
        if !self.held || self.corrupt || epoch != self.epoch {
            // Of a session that is over; a power cut came before it was removed. The next epoch
            // must be none that such a record bears.
            if !self.held || self.corrupt {
                self.epoch = self.epoch.max(epoch);
            }
            self.dirty.insert(record);
            return Some(());
        }
        match record {
            Record::Header => None,
            Record::Slot(slot) => self
                .outbound
                .restore(usize::from(slot), record::decode_message(body)?),
            Record::Inbound(chunk) => self.inbound.decode(usize::from(chunk), body),
        }
    }

    /// All records have been taken.
    pub fn finish_restore(&mut self) -> Restored {
        if core::mem::take(&mut self.corrupt) {
            self.discard();
            Restored::Discarded
        } else if self.held {
            Restored::Held
        } else {
            Restored::Nothing
        }
    }

    /// Forgets everything, and makes what is stored stale.
    pub(super) fn discard(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.held = false;
        self.subscribed = None;
        self.outbound.clear();
        self.inbound.clear();
        self.dirty.insert_all(self.stored);
    }

    /// Notes that a record differs from its stored form.
    pub(super) fn mark(&mut self, record: Record) {
        self.dirty.insert(record);
    }

    pub(super) fn mark_inbound(&mut self, id: PacketId) {
        self.mark(Record::Inbound(Inbound::chunk_of(id) as u8));
    }

    /// Notes that an identifier was taken; the header names the end of its block.
    pub(super) fn mark_next_id(&mut self) {
        let block = self.outbound.next_id() / ID_BLOCK;
        if self.id_block.replace(block) != Some(block) {
            self.mark(Record::Header);
        }
    }

    /// The next record to make durable, in the order that it must be done in; `None` as its bytes
    /// means to remove it. With clean session nothing is stored, but what an earlier session left
    /// is removed.
    pub fn next_save<'b>(&mut self, out: &'b mut [u8]) -> Option<(Record, Option<&'b [u8]>)> {
        loop {
            let record = self.dirty.first()?;
            self.dirty.remove(record);
            match self.encode(record, out) {
                Some(len) => {
                    self.stored.insert(record);
                    return Some((record, Some(out.get(..len)?)));
                }
                None if self.stored.contains(record) => {
                    self.stored.remove(record);
                    return Some((record, None));
                }
                None => {}
            }
        }
    }

    fn encode(&self, record: Record, out: &mut [u8]) -> Option<usize> {
        let durable = self.held && !self.settings.clean_session;
        match record {
            // Without a session, the header stays for its epoch if there are records to outdate.
            Record::Header if durable || self.stored.contains(record) => {
                let next_block = self.outbound.next_id() / ID_BLOCK;
                let header = Header {
                    epoch: self.epoch,
                    held: durable,
                    identity: self.settings.identity,
                    subscribed: self.subscribed.filter(|_| durable),
                    next_id: next_block.wrapping_add(1).wrapping_mul(ID_BLOCK),
                };
                record::encode_header(&header, out)
            }
            _ if !durable => None,
            Record::Header => None,
            Record::Slot(slot) => {
                let message = self.outbound.message(usize::from(slot))?;
                record::encode_message(self.epoch, message, out)
            }
            Record::Inbound(chunk) => {
                let (head, body) = out.split_first_chunk_mut()?;
                let len = self.inbound.encode(usize::from(chunk), body)?;
                *head = self.epoch.to_le_bytes();
                Some(head.len() + len)
            }
        }
    }
}
