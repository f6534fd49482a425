//! Messages on their way to the server at QoS 1 and 2, and packet identifiers.

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::mqtt::codec::{MAX_REMAINING_LENGTH, PacketId, ProtocolError, Qos};

/// Messages that can be in flight at once.
pub const SLOTS: usize = 8;
/// The longest state snapshot in bytes.
pub const SNAPSHOT_LEN: usize = 768;

/// What a message carries, and thereby its topic. Without a heap, every slot has room for a
/// snapshot.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// The device's state as it was, for the state topic.
    Snapshot(Vec<u8, SNAPSHOT_LEN>),
    /// So many bytes of the pattern ([`crate::mqtt::payload::fill_pattern`]), for the data topic.
    Pattern(u32),
}

impl Content {
    /// Payload length in bytes.
    pub fn len(&self) -> u32 {
        match self {
            Self::Snapshot(bytes) => bytes.len() as u32,
            Self::Pattern(len) => *len,
        }
    }

    /// Whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A message in flight: what is stored of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The packet identifier.
    pub id: PacketId,
    /// At-least-once or exactly-once.
    pub(super) exactly_once: bool,
    /// The retain flag.
    pub retain: bool,
    /// PUBREC has come: PUBREL is due or sent, and the content is gone.
    pub(super) released: bool,
    /// Place in the order of sending; PUBREL takes a new one (MQTT-4.6.0-4).
    pub(super) order: u32,
    /// Topic and payload.
    pub content: Content,
}

impl Message {
    /// QoS 1 or 2.
    pub fn qos(&self) -> Qos {
        if self.exactly_once {
            Qos::ExactlyOnce
        } else {
            Qos::AtLeastOnce
        }
    }

    fn is_sound(&self) -> bool {
        self.content.len() <= MAX_REMAINING_LENGTH && (self.exactly_once || !self.released)
    }
}

#[derive(Debug)]
struct Slot {
    message: Message,
    /// To be sent on this connection.
    due: bool,
    /// Sending it was begun at some time, so that the next PUBLISH carries DUP (MQTT-3.3.1-1).
    begun: bool,
    /// It was sent whole at some time.
    sent: bool,
}

/// What an acknowledgement came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ack {
    /// The slot with this number has changed.
    Changed(usize),
    /// The slot with this number is free.
    Done(usize, Qos),
    /// There is nothing to change.
    Repeated,
    /// No message with this identifier was sent.
    Unknown,
}

/// All messages in flight.
#[derive(Debug)]
pub(super) struct Outbound {
    slots: [Option<Slot>; SLOTS],
    next_id: u16,
    next_order: u32,
}

impl Outbound {
    pub(super) const fn new() -> Self {
        Self {
            slots: [const { None }; SLOTS],
            next_id: 1,
            next_order: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.slots = [const { None }; SLOTS];
        self.next_order = 0;
    }

    /// The identifier that the next packet would get if it is free.
    pub(super) fn next_id(&self) -> u16 {
        self.next_id
    }

    pub(super) fn set_next_id(&mut self, next_id: u16) {
        self.next_id = next_id;
    }

    /// An identifier that is not 0, not that of a message in flight (MQTT-2.3.1-2), not `other`.
    pub(super) fn take_id(&mut self, other: Option<PacketId>) -> PacketId {
        loop {
            let id = PacketId::new(self.next_id).unwrap_or(PacketId::MIN);
            self.next_id = id.get().wrapping_add(1);
            if Some(id) != other && self.find(id).is_none() {
                return id;
            }
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.slots.iter().any(Option::is_none)
    }

    /// Puts a message in line; `None` when all slots are taken.
    pub(super) fn publish(
        &mut self,
        content: Content,
        qos: Qos,
        retain: bool,
        other: Option<PacketId>,
    ) -> Option<usize> {
        let free = self.slots.iter().position(Option::is_none)?;
        let message = Message {
            id: self.take_id(other),
            exactly_once: qos == Qos::ExactlyOnce,
            retain,
            released: false,
            order: self.take_order(),
            content,
        };
        let slot = self.slots.get_mut(free)?;
        *slot = Some(Slot {
            message,
            due: true,
            begun: false,
            sent: false,
        });
        Some(free)
    }

    fn take_order(&mut self) -> u32 {
        if self.slots.iter().all(Option::is_none) {
            self.next_order = 0;
        }
        let order = self.next_order;
        self.next_order = order.saturating_add(1);
        order
    }

    pub(super) fn message(&self, slot: usize) -> Option<&Message> {
        Some(&self.slots.get(slot)?.as_ref()?.message)
    }

    /// Takes a stored message; `None` when it cannot be one.
    pub(super) fn restore(&mut self, slot: usize, message: Message) -> Option<()> {
        if !message.is_sound() || self.find(message.id).is_some() {
            return None;
        }
        self.next_order = self.next_order.max(message.order.saturating_add(1));
        // It was stored before it was sent, so it may have been: DUP is right (§3.3.1.1).
        *self.slots.get_mut(slot)? = Some(Slot {
            message,
            due: false,
            begun: true,
            sent: true,
        });
        Some(())
    }

    /// A session was resumed: everything unacknowledged is due again (MQTT-4.4.0-1).
    pub(super) fn resume(&mut self) {
        for slot in self.slots.iter_mut().flatten() {
            slot.due = true;
        }
    }

    /// The next message that is due, in the original order (MQTT-4.6.0-1, 4.6.0-4), whether it is
    /// a PUBREL, and whether PUBLISH carries DUP. It is no longer due then.
    pub(super) fn take_due(&mut self) -> Option<(usize, PacketId, bool, bool)> {
        let (number, slot) = self
            .slots
            .iter_mut()
            .enumerate()
            .filter_map(|(number, slot)| Some((number, slot.as_mut().filter(|s| s.due)?)))
            .min_by_key(|(_, slot)| slot.message.order)?;
        slot.due = false;
        let dup = slot.begun;
        slot.begun = true;
        Some((number, slot.message.id, slot.message.released, dup))
    }

    /// PUBLISH from this slot has been sent whole; true the first time.
    pub(super) fn mark_sent(&mut self, slot: usize) -> bool {
        let Some(Some(slot)) = self.slots.get_mut(slot) else {
            return false;
        };
        !core::mem::replace(&mut slot.sent, true)
    }

    fn find(&self, id: PacketId) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| slot.as_ref().is_some_and(|s| s.message.id == id))
    }

    /// The message that an acknowledgement of `id` is about, if sending it was begun.
    fn acknowledged(&mut self, id: PacketId) -> Option<(usize, &mut Slot)> {
        let number = self.find(id)?;
        let slot = self.slots.get_mut(number)?.as_mut()?;
        slot.begun.then_some((number, slot))
    }

    pub(super) fn free(&mut self, slot: usize) {
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = None;
        }
    }

    pub(super) fn puback(&mut self, id: PacketId) -> Result<Ack, ProtocolError> {
        let Some((number, slot)) = self.acknowledged(id) else {
            return Ok(Ack::Unknown);
        };
        if slot.message.exactly_once {
            return Err(ProtocolError::QosMismatch);
        }
        self.free(number);
        Ok(Ack::Done(number, Qos::AtLeastOnce))
    }

    /// The caller answers with PUBREL in every case.
    pub(super) fn pubrec(&mut self, id: PacketId) -> Result<Ack, ProtocolError> {
        let order = self.next_order;
        let Some((number, slot)) = self.acknowledged(id) else {
            return Ok(Ack::Unknown);
        };
        if !slot.message.exactly_once {
            return Err(ProtocolError::QosMismatch);
        }
        slot.due = false;
        if slot.message.released {
            return Ok(Ack::Repeated);
        }
        // §4.3.3: from here on the message must not be sent again, only PUBREL.
        slot.message.released = true;
        slot.message.content = Content::Pattern(0);
        slot.message.order = order;
        self.next_order = order.saturating_add(1);
        Ok(Ack::Changed(number))
    }

    pub(super) fn pubcomp(&mut self, id: PacketId) -> Result<Ack, ProtocolError> {
        let Some((number, slot)) = self.acknowledged(id) else {
            return Ok(Ack::Unknown);
        };
        if !slot.message.exactly_once {
            return Err(ProtocolError::QosMismatch);
        }
        if !slot.message.released {
            return Err(ProtocolError::AckMismatch);
        }
        self.free(number);
        Ok(Ack::Done(number, Qos::ExactlyOnce))
    }
}
