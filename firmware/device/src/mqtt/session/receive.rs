//! What each received packet does to the session.

use embassy_time::Instant;

use super::Session;
use super::link::{Phase, Purpose};
use super::outbound::Ack;
use super::record::Record;
use super::types::{Begin, Close, Notice, Reaction, Reply};
use crate::mqtt::codec::{
    Connack, Oversize, PacketId, PacketType, ProtocolError, Publish, Qos, Received, ReturnCode,
    Suback,
};

impl Session {
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
