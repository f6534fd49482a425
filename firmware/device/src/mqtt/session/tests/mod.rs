//! A session driven by hand: the server's packets in, the client's packets out, and a store that
//! survives a power cut.

extern crate std;
use std::collections::BTreeMap;
use std::vec::Vec;

use embassy_time::{Duration, Instant};

use super::*;
use crate::mqtt::codec::{
    Connack, Oversize, PacketId, PacketType, ProtocolError, Publish, Qos, Received, ReturnCode,
    Suback,
};

mod begin;
mod incoming;
mod outgoing;
mod power;
mod timing;

const SETTINGS: Settings = Settings {
    clean_session: false,
    keep_alive: Duration::from_secs(60),
    response_timeout: Duration::from_secs(5),
    identity: 1,
    subscriptions: 7,
    filters: 2,
};

fn id(value: u16) -> PacketId {
    PacketId::new(value).unwrap()
}

fn at(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

/// A session, the time, and the store.
struct Rig {
    settings: Settings,
    session: Session,
    now: Instant,
    store: BTreeMap<u16, Vec<u8>>,
}

impl Rig {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            session: Session::new(settings),
            now: at(1_000),
            store: BTreeMap::new(),
        }
    }

    /// A rig whose first connection is made, subscribed and quiet.
    fn subscribed(settings: Settings) -> Self {
        let mut rig = Self::new(settings);
        rig.connect(false).unwrap();
        rig.subscribe();
        rig
    }

    fn save(&mut self) {
        while self.save_one() {}
    }

    fn save_one(&mut self) -> bool {
        let mut buffer = [0; MAX_RECORD_LEN];
        match self.session.next_save(&mut buffer) {
            Some((record, Some(value))) => {
                self.store.insert(record.key(), value.to_vec());
                true
            }
            Some((record, None)) => {
                assert!(self.store.remove(&record.key()).is_some(), "{record:?}");
                true
            }
            None => false,
        }
    }

    /// Cuts the power and boots.
    fn reboot(&mut self) -> Restored {
        self.session = Session::new(self.settings);
        for record in Record::all() {
            if let Some(value) = self.store.get(&record.key()) {
                self.session.restore(record, value);
            }
        }
        self.session.finish_restore()
    }

    /// Opens a connection up to CONNECT, and returns its clean session flag.
    fn open(&mut self) -> bool {
        self.session.disconnected();
        self.session.connected();
        match self.transmit() {
            Some(Transmit::Connect { clean_session }) => clean_session,
            other => panic!("{other:?} in place of CONNECT"),
        }
    }

    fn connack(&mut self, session_present: bool, code: ReturnCode) -> Result<Notice, Close> {
        let connack = Connack {
            session_present,
            code,
        };
        Ok(self.receive(Received::Connack(connack))?.notice)
    }

    /// Opens a connection that is accepted.
    fn connect(&mut self, session_present: bool) -> Result<Notice, Close> {
        self.open();
        self.connack(session_present, ReturnCode::Accepted)
    }

    fn subscribe(&mut self) {
        let Some(Transmit::Request(id, Purpose::Configured)) = self.transmit() else {
            panic!("no SUBSCRIBE");
        };
        let suback = Suback {
            id,
            codes: &[2, 0x80],
        };
        let reaction = self.receive(Received::Suback(suback)).unwrap();
        assert_eq!(reaction.notice, Notice::Answered(Purpose::Configured));
        assert!(self.session.is_ready());
    }

    fn receive(&mut self, packet: Received<'_>) -> Result<Reaction, Close> {
        let reaction = self.session.receive(&packet, self.now);
        self.save();
        reaction
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.save();
        let transmit = self.session.next_transmit(self.now)?;
        self.session.sent(self.now, self.now);
        Some(transmit)
    }

    /// All that is due.
    fn drain(&mut self) -> Vec<Transmit> {
        core::iter::from_fn(|| self.transmit()).collect()
    }

    fn publish(&mut self, qos: Qos, len: u32) -> PacketId {
        assert!(self.session.publish(Content::Pattern(len), qos, false));
        let slot = (0..SLOTS).max_by_key(|slot| self.session.message(*slot).map(|m| m.order));
        self.session.message(slot.unwrap()).unwrap().id
    }

    /// Publishes and sends.
    fn send(&mut self, qos: Qos, len: u32) -> PacketId {
        let id = self.publish(qos, len);
        let sent = self.drain();
        assert_eq!(self.ids(&sent), [(id.get(), "publish")]);
        id
    }

    /// Identifiers and kinds of what was sent.
    fn ids(&self, sent: &[Transmit]) -> Vec<(u16, &'static str)> {
        sent.iter()
            .map(|transmit| match transmit {
                Transmit::Publish { slot, dup } => {
                    let id = self.session.message(*slot).unwrap().id.get();
                    (id, if *dup { "dup" } else { "publish" })
                }
                Transmit::Pubrel(id) => (id.get(), "pubrel"),
                Transmit::Request(id, _) => (id.get(), "request"),
                Transmit::Connect { .. } => (0, "connect"),
                Transmit::Pingreq => (0, "pingreq"),
            })
            .collect()
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
    }
}

fn protocol(error: ProtocolError) -> Close {
    Close::Protocol(error)
}

fn message(qos: Qos, id: u16) -> Received<'static> {
    Received::Publish(Publish {
        topic: "t",
        id: PacketId::new(id),
        qos,
        dup: false,
        retain: false,
        payload: b"p",
    })
}
