//! The client's side of an MQTT session (§3.1.2.4, §4.1, §4.3, §4.4), without I/O.
//!
//! The caller moves packets: each received one goes to [`Session::receive`], each one due comes
//! from [`Session::next_transmit`]. The rule that makes a power cut harmless: before anything is
//! delivered or sent, everything from [`Session::next_save`] is made durable.

mod inbound;
mod link;
mod outbound;
mod persist;
mod record;

pub use link::Purpose;
pub use outbound::{Content, Message, SLOTS, SNAPSHOT_LEN};
pub use persist::Restored;
pub use record::{MAX_RECORD_LEN, Record};

use embassy_time::{Duration, Instant};

use super::codec::{
    Connack, Oversize, PacketId, PacketType, ProtocolError, Publish, Qos, Received, ReturnCode,
    Suback,
};
use inbound::Inbound;
use link::{Link, Phase, Request};
use outbound::{Ack, Outbound};
use record::Records;

/// A connection that has been usable for so long resets the back-off. A server that accepts and
/// closes at once is therefore met with growing waits.
pub const STABLE_AFTER: Duration = Duration::from_secs(10);

/// What the session is told at boot.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The clean session flag. With it nothing is stored.
    pub clean_session: bool,
    /// Keep alive; zero turns it off.
    pub keep_alive: Duration,
    /// How long to wait for CONNACK, SUBACK, UNSUBACK and PINGRESP.
    pub response_timeout: Duration,
    /// CRC-32 of what a stored session depends on: client identifier and topics.
    pub identity: u32,
    /// CRC-32 of the configured subscriptions.
    pub subscriptions: u32,
    /// How many filters that is, and how many codes SUBACK must have.
    pub filters: u8,
}

/// Why the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// The server broke the protocol (MQTT-4.8.0-1).
    Protocol(ProtocolError),
    /// CONNACK refused (MQTT-3.2.2-5: the server closes too).
    Refused(ReturnCode),
    /// No CONNACK in time (§3.2).
    ConnackTimeout,
    /// No SUBACK or UNSUBACK in time.
    AnswerTimeout,
    /// No PINGRESP in time (§3.1.2.10).
    PingrespTimeout,
}

impl From<ProtocolError> for Close {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

/// How a connection's session began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Both sides held state.
    Resumed,
    /// Neither side held state.
    New,
    /// The client held state and gave it up, as clean session asks.
    Discarded,
    /// The client held state, the server did not.
    Lost,
}

/// An answer that is due at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// PUBACK.
    Puback(PacketId),
    /// PUBREC.
    Pubrec(PacketId),
    /// PUBREL.
    Pubrel(PacketId),
    /// PUBCOMP.
    Pubcomp(PacketId),
}

/// What a packet meant, beside the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Nothing that the device tells.
    None,
    /// The message is to be delivered to the application, once.
    Deliver,
    /// The connection is accepted.
    Began(Begin),
    /// The server has forgotten a session that only it remembered: disconnect and connect anew.
    Purged,
    /// The flow of an outbound message is complete.
    Acked(PacketId, Qos),
    /// SUBACK or UNSUBACK has answered the request.
    Answered(Purpose),
    /// An acknowledgement of nothing that is in flight; see [`Session::receive`].
    UnknownAck(PacketType, PacketId),
}

/// What to do about a packet, after saving: first the notice, then the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reaction {
    /// What it meant.
    pub notice: Notice,
    /// What to send.
    pub reply: Option<Reply>,
}

impl Reaction {
    const fn notice(notice: Notice) -> Self {
        Self {
            notice,
            reply: None,
        }
    }

    const fn reply(reply: Reply) -> Self {
        Self {
            notice: Notice::None,
            reply: Some(reply),
        }
    }
}

/// A packet that is due. Sending it is reported by [`Session::sent`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transmit {
    /// CONNECT with this clean session flag.
    Connect {
        /// The flag.
        clean_session: bool,
    },
    /// PUBLISH of the message in a slot ([`Session::message`]).
    Publish {
        /// The slot.
        slot: usize,
        /// The DUP flag.
        dup: bool,
    },
    /// PUBREL.
    Pubrel(PacketId),
    /// SUBSCRIBE or UNSUBSCRIBE.
    Request(PacketId, Purpose),
    /// PINGREQ.
    Pingreq,
}

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

    /// Takes a packet.
    ///
    /// Acknowledgements of unknown identifiers are told and otherwise ignored: they may belong to
    /// a flow that a power cut or a clean session ended, the server would send them again after
    /// a reconnect, and dropping the connection for them would help nobody. An unknown PUBREC is
    /// answered with PUBREL and an unknown PUBREL with PUBCOMP, so that the server's flow ends
    /// (§4.3.3).
    ///
    /// # Errors
    /// The connection must be closed.
    pub fn receive(&mut self, packet: &Received<'_>, now: Instant) -> Result<Reaction, Close> {
        if let Received::Connack(connack) = packet {
            return self.connack(*connack, now);
        }
        self.require_open()?;
        Ok(match packet {
            Received::Connack(_) => return Err(ProtocolError::SecondConnack.into()),
            Received::Publish(publish) => self.inbound_publish(publish),
            Received::Pubrel(id) => {
                if self.inbound.remove(*id) {
                    self.mark_inbound(*id);
                }
                Reaction::reply(Reply::Pubcomp(*id))
            }
            Received::Puback(id) => {
                let ack = self.outbound.puback(*id)?;
                self.outbound_ack(ack, PacketType::Puback, *id)
            }
            Received::Pubrec(id) => {
                let ack = self.outbound.pubrec(*id)?;
                Reaction {
                    reply: Some(Reply::Pubrel(*id)),
                    ..self.outbound_ack(ack, PacketType::Pubrec, *id)
                }
            }
            Received::Pubcomp(id) => {
                let ack = self.outbound.pubcomp(*id)?;
                self.outbound_ack(ack, PacketType::Pubcomp, *id)
            }
            Received::Suback(suback) => self.suback(suback, now)?,
            Received::Unsuback(id) => {
                match self.answer(*id, |purpose| purpose == Purpose::Unsubscribe)? {
                    Some(purpose) => Reaction::notice(Notice::Answered(purpose)),
                    None => Reaction::notice(Notice::UnknownAck(PacketType::Unsuback, *id)),
                }
            }
            Received::Pingresp => {
                // One that was not asked for changes nothing.
                self.link.pingresp_came(now, self.settings.response_timeout);
                Reaction::notice(Notice::None)
            }
        })
    }

    /// Takes the end of a packet that was read past. Its message is never delivered, but at QoS 1
    /// and 2 its flow is completed all the same: a server would send it again for ever otherwise
    /// (MQTT-4.4.0-1), and hold back what comes after it.
    ///
    /// # Errors
    /// The connection must be closed.
    pub fn receive_oversize(&mut self, oversize: &Oversize) -> Result<Reaction, Close> {
        self.require_open()?;
        let Some(id) = oversize.id else {
            return Ok(Reaction::notice(Notice::None));
        };
        if oversize.packet_type == PacketType::Suback {
            // No SUBSCRIBE of this client has so many filters.
            return match self.link.request {
                Some(request) if request.id == id => Err(ProtocolError::SubackCount.into()),
                _ => Ok(Reaction::notice(Notice::UnknownAck(PacketType::Suback, id))),
            };
        }
        if oversize.qos == Qos::AtLeastOnce {
            return Ok(Reaction::reply(Reply::Puback(id)));
        }
        self.hold(id);
        Ok(Reaction::reply(Reply::Pubrec(id)))
    }

    fn require_open(&self) -> Result<(), ProtocolError> {
        match self.link.phase {
            Phase::Open => Ok(()),
            _ => Err(ProtocolError::ConnackNotFirst),
        }
    }

    /// Remembers an inbound QoS 2 identifier; true when it is new.
    fn hold(&mut self, id: PacketId) -> bool {
        let new = self.inbound.insert(id);
        if new {
            self.mark_inbound(id);
        }
        new
    }

    fn inbound_publish(&mut self, publish: &Publish<'_>) -> Reaction {
        let (notice, reply) = match (publish.qos, publish.id) {
            (Qos::ExactlyOnce, Some(id)) => {
                // §4.3.3: until PUBREL, the identifier alone tells a duplicate; DUP does not. The
                // identifier is durable before delivery, so that a power cut between the two
                // loses the message rather than repeats it.
                let notice = if self.hold(id) {
                    Notice::Deliver
                } else {
                    Notice::None
                };
                (notice, Some(Reply::Pubrec(id)))
            }
            (_, Some(id)) => (Notice::Deliver, Some(Reply::Puback(id))),
            (_, None) => (Notice::Deliver, None),
        };
        Reaction { notice, reply }
    }

    fn outbound_ack(&mut self, ack: Ack, packet_type: PacketType, id: PacketId) -> Reaction {
        Reaction::notice(match ack {
            Ack::Changed(slot) => {
                self.mark(Record::Slot(slot as u8));
                Notice::None
            }
            Ack::Done(slot, qos) => {
                self.mark(Record::Slot(slot as u8));
                Notice::Acked(id, qos)
            }
            Ack::Repeated => Notice::None,
            Ack::Unknown => Notice::UnknownAck(packet_type, id),
        })
    }

    fn suback(&mut self, suback: &Suback<'_>, now: Instant) -> Result<Reaction, Close> {
        let expected = match self.link.request.map(|request| request.purpose) {
            Some(Purpose::Configured) => usize::from(self.settings.filters),
            _ => 1,
        };
        let answered = self.answer(suback.id, |purpose| purpose != Purpose::Unsubscribe)?;
        let Some(purpose) = answered else {
            return Ok(Reaction::notice(Notice::UnknownAck(
                PacketType::Suback,
                suback.id,
            )));
        };
        if suback.codes.len() != expected {
            return Err(ProtocolError::SubackCount.into());
        }
        if purpose == Purpose::Configured {
            // A filter that the server refuses (0x80) is told, not asked for again and again.
            self.subscribed = Some(self.settings.subscriptions);
            self.mark(Record::Header);
            self.link.set_ready(now);
        }
        Ok(Reaction::notice(Notice::Answered(purpose)))
    }

    /// The request that `id` answers; `None` when there is none.
    fn answer(
        &mut self,
        id: PacketId,
        fits: impl FnOnce(Purpose) -> bool,
    ) -> Result<Option<Purpose>, ProtocolError> {
        let Some(request) = self.link.request.filter(|r| r.id == id && !r.due) else {
            return Ok(None);
        };
        if !fits(request.purpose) {
            return Err(ProtocolError::AckMismatch);
        }
        self.link.request_answered();
        Ok(Some(request.purpose))
    }

    fn connack(&mut self, connack: Connack, now: Instant) -> Result<Reaction, Close> {
        match self.link.phase {
            Phase::AwaitConnack => {}
            Phase::Open => return Err(ProtocolError::SecondConnack.into()),
            Phase::Down | Phase::ConnectDue => return Err(ProtocolError::ConnackNotFirst.into()),
        }
        if connack.code != ReturnCode::Accepted {
            return Err(Close::Refused(connack.code));
        }
        let clean = self.settings.clean_session || self.purge;
        if connack.session_present && clean {
            return Err(ProtocolError::SessionPresentOnCleanSession.into());
        }
        if connack.session_present && !self.held {
            // §3.2.2.2: the two sides disagree, and the client can choose whether to go on or to
            // disconnect. Going on would take over identifiers and subscriptions that it knows
            // nothing of. The way out that the clause names: connect once with clean session 1.
            self.purge = true;
            return Err(ProtocolError::SessionPresentUnexpected.into());
        }
        self.link.connack_came();
        if core::mem::take(&mut self.purge) && !self.settings.clean_session {
            return Ok(Reaction::notice(Notice::Purged));
        }
        let begin = match (self.held, connack.session_present) {
            (true, true) => Begin::Resumed,
            (true, false) if self.settings.clean_session => Begin::Discarded,
            (true, false) => Begin::Lost,
            (false, _) => Begin::New,
        };
        if begin == Begin::Resumed {
            self.outbound.resume();
        } else {
            self.discard();
            self.held = true;
            self.mark(Record::Header);
        }
        if self.subscribed == Some(self.settings.subscriptions) {
            self.link.set_ready(now);
        } else {
            self.request(Purpose::Configured);
        }
        Ok(Reaction::notice(Notice::Began(begin)))
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
