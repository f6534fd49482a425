//! Any behaviour of a broker, legal and illegal, against the session: QoS 2 messages are delivered once in both
//! directions, PUBLISH keeps its order and never follows its PUBREL, identifiers in flight differ, and whatever has
//! happened, a broker that behaves brings every flow to its end.
#![no_main]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use embassy_time::{Duration, Instant};
use firmproof_device::mqtt::codec::{
    Connack, PacketId, Publish, Qos, Received, ReturnCode, Suback,
};
use firmproof_device::mqtt::session::{
    Content, MAX_RECORD_LEN, Notice, Record, Reply, SLOTS, Session, Settings, Transmit,
};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

const SETTINGS: Settings = Settings {
    clean_session: false,
    keep_alive: Duration::from_secs(60),
    response_timeout: Duration::from_secs(5),
    identity: 1,
    subscriptions: 7,
    filters: 2,
};

/// One thing that happens.
#[derive(Debug, Arbitrary)]
enum Event {
    /// The device's application publishes, at QoS 2 or 1.
    Publishes { twice: bool },
    /// The broker sends a new message at this QoS.
    Sends { qos: u8 },
    /// The broker reads so many packets of the device, and answers them.
    Reads { count: u8 },
    /// The broker releases an open flow of its own.
    Releases { which: u8 },
    /// The broker sends an acknowledgement that answers nothing, or the wrong thing.
    Lies { kind: u8, id: u16 },
    /// The connection is lost; the broker has read so much of what was under way.
    Reconnects { read: u8 },
    /// The device loses its power, and comes back.
    PowerCut,
    /// The broker loses its session.
    Forgets,
    /// Time passes, in seconds.
    Waits { seconds: u8 },
}

/// A packet of the device on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sent {
    Connect,
    Publish {
        id: PacketId,
        qos: Qos,
        number: u32,
        dup: bool,
    },
    Pubrel(PacketId),
    Request(PacketId),
    Pingreq,
    Answer(Reply),
}

/// How far a flow of the broker's has come.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Sent,
    Recorded,
    Released,
}

/// The broker's half of the session.
#[derive(Default)]
struct Broker {
    session: bool,
    next_id: u16,
    /// Its own messages: number, QoS, step.
    own: BTreeMap<PacketId, (u32, Qos, Step)>,
    /// The device's QoS 2 messages that are recorded and not released.
    held: BTreeSet<PacketId>,
}

struct World {
    session: Session,
    store: BTreeMap<u16, Vec<u8>>,
    broker: Broker,
    under_way: VecDeque<Sent>,
    connected: bool,
    accepted: bool,
    now: Instant,
    next_number: u32,
    /// How often the device delivered each message of the broker's.
    delivered: BTreeMap<u32, u32>,
    /// How often the broker took in each message of the device's, and whether it went out at QoS 2.
    taken: BTreeMap<u32, u32>,
    at_qos_2: BTreeSet<u32>,
    /// Messages of the device's that a lie has ended.
    forfeited: BTreeSet<u32>,
    /// Of this connection: the numbers published, and the identifiers released.
    published: Vec<u32>,
    released: BTreeMap<PacketId, u32>,
}

impl World {
    fn new() -> Self {
        Self {
            session: Session::new(SETTINGS),
            store: BTreeMap::new(),
            broker: Broker::default(),
            under_way: VecDeque::new(),
            connected: false,
            accepted: false,
            now: Instant::from_secs(1),
            next_number: 1,
            delivered: BTreeMap::new(),
            taken: BTreeMap::new(),
            at_qos_2: BTreeSet::new(),
            forfeited: BTreeSet::new(),
            published: Vec::new(),
            released: BTreeMap::new(),
        }
    }

    fn save(&mut self) {
        let mut buffer = [0; MAX_RECORD_LEN];
        while let Some((record, value)) = self.session.next_save(&mut buffer) {
            match value {
                Some(value) => self.store.insert(record.key(), value.to_vec()),
                None => self.store.remove(&record.key()),
            };
        }
    }

    fn connect(&mut self) {
        self.session.connected();
        self.connected = true;
        self.accepted = false;
        self.published.clear();
        self.drain();
    }

    fn disconnect(&mut self) {
        self.session.disconnected();
        self.connected = false;
        self.under_way.clear();
    }

    /// Puts all that is due on its way.
    fn drain(&mut self) {
        for _ in 0..4 * SLOTS {
            self.save();
            let Some(transmit) = self.session.next_transmit(self.now) else {
                return;
            };
            let sent = match transmit {
                Transmit::Connect { .. } => Sent::Connect,
                Transmit::Publish { slot, dup } => {
                    let message = self
                        .session
                        .message(slot)
                        .expect("a slot that is due is full");
                    let (id, qos, number) = (message.id, message.qos(), message.content.len());
                    assert!(
                        self.released.get(&id) != Some(&number),
                        "PUBLISH {number} after its PUBREL"
                    );
                    assert!(
                        self.published.last().is_none_or(|last| *last < number),
                        "PUBLISH {number} after {:?}",
                        self.published
                    );
                    self.published.push(number);
                    self.session.mark_sent(slot);
                    Sent::Publish {
                        id,
                        qos,
                        number,
                        dup,
                    }
                }
                Transmit::Pubrel(id) => Sent::Pubrel(id),
                Transmit::Request(id, _) => Sent::Request(id),
                Transmit::Pingreq => Sent::Pingreq,
            };
            self.under_way.push_back(sent);
            self.session.sent(self.now, self.now);
        }
        panic!("what is due does not end");
    }

    /// The device takes a packet of the broker's.
    fn receive(&mut self, packet: &Received<'_>) {
        if !self.connected {
            return;
        }
        let reaction = self.session.receive(packet, self.now);
        self.save();
        let Ok(reaction) = reaction else {
            self.disconnect();
            return;
        };
        if let (Notice::Deliver, Received::Publish(publish)) = (reaction.notice, packet) {
            let number = u32::from_le_bytes(publish.payload.try_into().expect("four bytes"));
            *self.delivered.entry(number).or_default() += 1;
        }
        if let Some(reply) = reaction.reply {
            self.under_way.push_back(Sent::Answer(reply));
        }
        self.identifiers_differ();
        self.drain();
    }

    fn identifiers_differ(&self) {
        let ids: Vec<PacketId> = (0..SLOTS)
            .filter_map(|slot| Some(self.session.message(slot)?.id))
            .collect();
        let different: BTreeSet<&PacketId> = ids.iter().collect();
        assert_eq!(different.len(), ids.len(), "{ids:?}");
    }

    /// The broker reads a packet and answers it as it should.
    fn read(&mut self) -> bool {
        let Some(packet) = self.under_way.pop_front() else {
            return false;
        };
        match packet {
            Sent::Connect => {
                let session_present = self.broker.session;
                if !session_present {
                    // The device gives its half up; neither end owes anything of before.
                    self.broker = Broker::default();
                    self.broker.session = true;
                    self.forget_numbers();
                }
                self.accepted = true;
                let code = ReturnCode::Accepted;
                self.receive(&Received::Connack(Connack {
                    session_present,
                    code,
                }));
                self.send_again();
            }
            Sent::Publish {
                id,
                qos: Qos::ExactlyOnce,
                number,
                dup,
            } => {
                if self.broker.held.insert(id) {
                    let times = self.taken.entry(number).or_default();
                    *times += 1;
                    assert_eq!(*times, 1, "message {number} came twice, DUP {dup}");
                }
                self.receive(&Received::Pubrec(id));
            }
            Sent::Publish { id, number, .. } => {
                *self.taken.entry(number).or_default() += 1;
                self.receive(&Received::Puback(id));
            }
            Sent::Pubrel(id) | Sent::Answer(Reply::Pubrel(id)) => {
                self.broker.held.remove(&id);
                self.receive(&Received::Pubcomp(id));
            }
            Sent::Request(id) => {
                let codes = &[2, 2];
                self.receive(&Received::Suback(Suback { id, codes }));
            }
            Sent::Pingreq => self.receive(&Received::Pingresp),
            Sent::Answer(Reply::Puback(id)) => {
                if matches!(self.broker.own.get(&id), Some((_, Qos::AtLeastOnce, _))) {
                    self.broker.own.remove(&id);
                }
            }
            Sent::Answer(Reply::Pubrec(id)) => {
                if let Some((_, Qos::ExactlyOnce, step @ Step::Sent)) = self.broker.own.get_mut(&id)
                {
                    *step = Step::Recorded;
                }
            }
            Sent::Answer(Reply::Pubcomp(id)) => {
                if matches!(self.broker.own.get(&id), Some((_, _, Step::Released))) {
                    self.broker.own.remove(&id);
                }
            }
        }
        true
    }

    fn forget_numbers(&mut self) {
        self.delivered.clear();
        self.taken.clear();
        self.at_qos_2.clear();
        self.forfeited.clear();
        self.released.clear();
    }

    /// §4.4: on resumption the broker repeats what is not acknowledged.
    fn send_again(&mut self) {
        let own: Vec<_> = self
            .broker
            .own
            .iter()
            .map(|(id, flow)| (*id, *flow))
            .collect();
        for (id, (number, qos, step)) in own {
            match step {
                Step::Sent => self.send(Some(id), qos, number, true),
                Step::Recorded | Step::Released => self.release(id),
            }
        }
    }

    fn send(&mut self, id: Option<PacketId>, qos: Qos, number: u32, dup: bool) {
        let publish = Publish {
            topic: "t",
            id,
            qos,
            dup,
            retain: false,
            payload: &number.to_le_bytes(),
        };
        self.receive(&Received::Publish(publish));
    }

    fn release(&mut self, id: PacketId) {
        if let Some((_, _, step)) = self.broker.own.get_mut(&id) {
            *step = Step::Released;
        }
        self.receive(&Received::Pubrel(id));
    }

    fn happens(&mut self, event: &Event) {
        match event {
            Event::Publishes { twice } => {
                let qos = if *twice {
                    Qos::ExactlyOnce
                } else {
                    Qos::AtLeastOnce
                };
                if self.session.is_ready()
                    && self
                        .session
                        .publish(Content::Pattern(self.next_number), qos, false)
                {
                    if *twice {
                        self.at_qos_2.insert(self.next_number);
                    }
                    self.next_number += 1;
                    self.drain();
                }
            }
            Event::Sends { qos } if self.accepted && self.connected => {
                let qos = Qos::from_level(qos % 3).unwrap_or(Qos::AtMostOnce);
                let number = self.next_number;
                self.next_number += 1;
                let id = (qos != Qos::AtMostOnce).then(|| self.free_id());
                if let Some(id) = id {
                    self.broker.own.insert(id, (number, qos, Step::Sent));
                }
                self.send(id, qos, number, false);
            }
            Event::Reads { count } => {
                for _ in 0..*count {
                    if !self.read() {
                        break;
                    }
                }
            }
            Event::Releases { which } => {
                let recorded: Vec<PacketId> = self
                    .broker
                    .own
                    .iter()
                    .filter(|(_, (_, _, step))| *step != Step::Sent)
                    .map(|(id, _)| *id)
                    .collect();
                if let Some(id) = recorded.get(usize::from(*which) % recorded.len().max(1)) {
                    self.release(*id);
                }
            }
            Event::Lies { kind, id } => self.lie(*kind, *id),
            Event::Reconnects { read } => {
                for _ in 0..*read {
                    if !self.read() {
                        break;
                    }
                }
                self.disconnect();
                self.connect();
            }
            Event::PowerCut => {
                self.disconnect();
                self.restore();
                self.connect();
            }
            Event::Forgets => {
                self.broker.session = false;
                self.disconnect();
                self.connect();
            }
            Event::Waits { seconds } => {
                self.now += Duration::from_secs(u64::from(*seconds));
                if self.connected && self.session.check(self.now, false).is_err() {
                    self.disconnect();
                }
                if self.connected {
                    self.drain();
                } else {
                    self.connect();
                }
            }
            Event::Sends { .. } => {}
        }
        if !self.connected {
            self.connect();
        }
    }

    fn free_id(&mut self) -> PacketId {
        loop {
            self.broker.next_id = self.broker.next_id.wrapping_add(1);
            if let Some(id) = PacketId::new(self.broker.next_id)
                && !self.broker.own.contains_key(&id)
            {
                return id;
            }
        }
    }

    /// An acknowledgement out of place, of an identifier in use or of another one.
    fn lie(&mut self, kind: u8, id: u16) {
        let Some(id) = PacketId::new(id % 16) else {
            return;
        };
        let about = (0..SLOTS).find_map(|slot| {
            let message = self.session.message(slot)?;
            (message.id == id).then(|| message.content.len())
        });
        // The broker says that it has what it may not have: that message is the lie's, not the session's.
        self.forfeited.extend(about);
        match kind % 6 {
            0 => self.receive(&Received::Puback(id)),
            1 => {
                self.broker.held.remove(&id);
                self.receive(&Received::Pubrec(id));
            }
            2 => self.receive(&Received::Pubcomp(id)),
            3 => self.receive(&Received::Unsuback(id)),
            4 => self.receive(&Received::Pingresp),
            _ => {
                // A broker that says so has no session; the device gives its half up with it.
                self.broker.session = false;
                self.forget_numbers();
                let code = ReturnCode::Accepted;
                self.receive(&Received::Connack(Connack {
                    session_present: false,
                    code,
                }));
            }
        }
        // A lie about an identifier makes every later repetition of it the broker's own doing.
        self.taken
            .retain(|number, _| !self.forfeited.contains(number));
    }

    fn restore(&mut self) {
        self.session = Session::new(SETTINGS);
        for record in Record::all() {
            if let Some(value) = self.store.get(&record.key()) {
                self.session.restore(record, value);
            }
        }
        self.session.finish_restore();
    }

    /// With a broker that behaves, every flow ends.
    fn ends(&mut self) {
        self.disconnect();
        self.connect();
        for _ in 0..2_000 {
            if self.read() {
                continue;
            }
            if !self.connected {
                self.connect();
                continue;
            }
            let recorded: Vec<PacketId> = self
                .broker
                .own
                .iter()
                .filter(|(_, (_, _, step))| *step == Step::Recorded)
                .map(|(id, _)| *id)
                .collect();
            if recorded.is_empty() {
                break;
            }
            for id in recorded {
                self.release(id);
            }
        }
        assert!(self.session.is_ready(), "never ready again");
        assert!(self.broker.own.is_empty(), "open: {:?}", self.broker.own);
        for slot in 0..SLOTS {
            assert!(
                self.session.message(slot).is_none(),
                "slot {slot} is never free"
            );
        }
    }
}

fuzz_target!(|events: Vec<Event>| {
    let mut world = World::new();
    world.connect();
    for event in events.iter().take(200) {
        world.happens(event);
        for (number, times) in &world.delivered {
            let qos_2 = world
                .broker
                .own
                .values()
                .any(|(own, qos, _)| own == number && *qos == Qos::ExactlyOnce);
            assert!(
                !qos_2 || *times <= 1,
                "message {number} delivered {times} times"
            );
        }
    }
    world.ends();
    for number in &world.at_qos_2 {
        if !world.forfeited.contains(number) {
            assert_eq!(
                world.taken.get(number),
                Some(&1),
                "message {number} of the device"
            );
        }
    }
});
