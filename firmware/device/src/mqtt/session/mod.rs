//! The client's side of an MQTT session (§3.1.2.4, §4.1, §4.3, §4.4), without I/O.
//!
//! The caller moves packets: each received one goes to [`Session::receive`], each one due comes
//! from [`Session::next_transmit`]. The rule that makes a power cut harmless: before anything is
//! delivered or sent, everything from [`Session::next_save`] is made durable.

mod inbound;
mod link;
mod outbound;
mod persist;
mod receive;
mod record;
mod types;

pub use link::Purpose;
pub use outbound::{Content, Message, SLOTS, SNAPSHOT_LEN};
pub use persist::Restored;
pub use record::{MAX_RECORD_LEN, Record};
pub use types::{Begin, Close, Notice, Reaction, Reply, Settings, Transmit};

use embassy_time::{Duration, Instant};

use super::codec::Qos;
use inbound::Inbound;
use link::{Link, Phase, Request};
use outbound::Outbound;
use record::Records;

/// A connection that has been usable for so long resets the back-off. A server that accepts and
/// closes at once is therefore met with growing waits.
pub const STABLE_AFTER: Duration = Duration::from_secs(10);

/// The session.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    link: Link,
    outbound: Outbound,
    inbound: Inbound,
    /// The session's place in the order of sessions (module `record`).
    epoch: u32,
    /// There is state that a server is expected to have its half of.
    held: bool,
    /// The digest of the subscriptions that the server has.
    subscribed: Option<u32>,
    /// The server holds state that this client does not: the next CONNECT has clean session 1.
    purge: bool,
    dirty: Records,
    stored: Records,
    /// Something stored could not be read.
    corrupt: bool,
    /// The block of identifiers that the stored header accounts for.
    id_block: Option<u16>,
}

impl Session {
    /// A session without state.
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            link: Link::down(),
            outbound: Outbound::new(),
            inbound: Inbound::new(),
            epoch: 0,
            held: false,
            subscribed: None,
            purge: false,
            dirty: Records::empty(),
            stored: Records::empty(),
            corrupt: false,
            id_block: None,
        }
    }

    /// A network connection is open: CONNECT is due.
    pub fn connected(&mut self) {
        self.link = Link::up();
    }

    /// The network connection is gone. Messages in flight stay.
    pub fn disconnected(&mut self) {
        self.link = Link::down();
    }

    /// Whether application messages may be sent: connected, and subscribed or resumed.
    pub fn is_ready(&self) -> bool {
        self.link.is_ready()
    }

    /// Whether the connection has been ready for [`STABLE_AFTER`].
    pub fn is_stable(&self, now: Instant) -> bool {
        self.link.is_stable(now)
    }

    /// Whether another message can be put in flight.
    pub fn has_room(&self) -> bool {
        self.outbound.has_room()
    }

    /// Puts a message in flight at QoS 1 or 2; false when there is no room.
    pub fn publish(&mut self, content: Content, qos: Qos, retain: bool) -> bool {
        let other = self.link.request.map(|request| request.id);
        let Some(slot) = self.outbound.publish(content, qos, retain, other) else {
            return false;
        };
        self.mark_next_id();
        self.mark(Record::Slot(slot as u8));
        true
    }

    /// The message in a slot.
    pub fn message(&self, slot: usize) -> Option<&Message> {
        self.outbound.message(slot)
    }

    /// Gives up a message that cannot be encoded.
    pub fn abandon(&mut self, slot: usize) {
        self.outbound.free(slot);
        self.mark(Record::Slot(slot as u8));
    }

    /// PUBLISH from this slot has been sent whole; true the first time.
    pub fn mark_sent(&mut self, slot: usize) -> bool {
        self.outbound.mark_sent(slot)
    }

    /// Makes a SUBSCRIBE or UNSUBSCRIBE of one filter due; false while another one is on its way.
    pub fn request(&mut self, purpose: Purpose) -> bool {
        if self.link.request.is_some() {
            return false;
        }
        self.link.request = Some(Request {
            id: self.outbound.take_id(None),
            purpose,
            due: true,
        });
        self.mark_next_id();
        true
    }

    /// The next packet that is due, in the order of §4.6.
    pub fn next_transmit(&mut self, now: Instant) -> Option<Transmit> {
        let timeout = self.settings.response_timeout;
        match self.link.phase {
            Phase::Down => return None,
            Phase::ConnectDue => {
                self.link.connect_sent(now, timeout);
                return Some(Transmit::Connect {
                    clean_session: self.settings.clean_session || self.purge,
                });
            }
            Phase::AwaitConnack => {}
            Phase::Open => {
                if let Some((slot, id, released, dup)) = self.outbound.take_due() {
                    return Some(if released {
                        Transmit::Pubrel(id)
                    } else {
                        Transmit::Publish { slot, dup }
                    });
                }
                if let Some(request) = self.link.request.as_mut().filter(|r| r.due) {
                    request.due = false;
                    let (id, purpose) = (request.id, request.purpose);
                    self.link.request_sent(now, timeout);
                    return Some(Transmit::Request(id, purpose));
                }
            }
        }
        let due = self.link.ping_due(&self.settings)?;
        (now >= due).then(|| {
            self.link.ping_sent(now, timeout);
            Transmit::Pingreq
        })
    }

    /// A packet was sent; writing it took from `started` to `now`.
    pub fn sent(&mut self, started: Instant, now: Instant) {
        self.link.sent(started, now);
    }

    /// Bytes came of a packet that is being read past.
    pub fn reading_past(&mut self, now: Instant) {
        self.link.reading_past(now, self.settings.response_timeout);
    }

    /// When to call [`Self::next_transmit`] and [`Self::check`] again.
    pub fn deadline(&self) -> Option<Instant> {
        self.link.deadline(&self.settings)
    }

    /// Checks the time limits. While bytes are `unread`, the answer may be among them, and a limit
    /// is one response time-out longer; no more, lest a flood of other packets suspend it.
    ///
    /// # Errors
    /// The limit that has passed.
    pub fn check(&self, now: Instant, unread: bool) -> Result<(), Close> {
        let slack = if unread {
            self.settings.response_timeout
        } else {
            Duration::MIN
        };
        self.link.check(now, slack)
    }
}

#[cfg(test)]
mod tests;
