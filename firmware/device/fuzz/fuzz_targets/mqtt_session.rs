//! Any records as the stored session, then any bytes as the broker's stream: restoring never
//! panics, what is due ends, and what was discarded stays so.
#![no_main]

use embassy_time::{Duration, Instant};
use firmproof_device::mqtt::codec::{Decoder, Item, Qos};
use firmproof_device::mqtt::session::{
    Content, MAX_RECORD_LEN, Record, Restored, Session, Settings,
};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;

const SETTINGS: Settings = Settings {
    clean_session: false,
    keep_alive: Duration::from_secs(60),
    response_timeout: Duration::from_secs(5),
    identity: 1,
    subscriptions: 7,
    filters: 2,
};

/// More packets than a session can ever have due at once: 8 in flight, CONNECT, SUBSCRIBE, PINGREQ.
const MOST_DUE: usize = 16;

type Store = BTreeMap<u16, Vec<u8>>;

fn restore(store: &Store) -> (Session, Restored) {
    let mut session = Session::new(SETTINGS);
    for record in Record::all() {
        if let Some(value) = store.get(&record.key()) {
            session.restore(record, value);
        }
    }
    let restored = session.finish_restore();
    (session, restored)
}

fn save(session: &mut Session, store: &mut Store) {
    let mut buffer = [0; MAX_RECORD_LEN];
    let mut saves = 0;
    while let Some((record, value)) = session.next_save(&mut buffer) {
        match value {
            Some(value) => store.insert(record.key(), value.to_vec()),
            None => store.remove(&record.key()),
        };
        saves += 1;
        assert!(saves <= Record::all().count(), "saving does not end");
    }
}

/// Sends all that is due.
fn drain(session: &mut Session, now: Instant) {
    for _ in 0..MOST_DUE {
        if session.next_transmit(now).is_none() {
            return;
        }
        session.sent(now, now);
    }
    panic!("what is due does not end");
}

/// The stored records by their place in the order of records, how the device publishes meanwhile
/// (at QoS 2 or 1), and the broker's stream.
type Input<'a> = (Vec<(u8, &'a [u8])>, Vec<bool>, &'a [u8]);

fuzz_target!(|input: Input<'_>| {
    let (records, publishes, mut stream) = input;
    let mut store = Store::new();
    for (index, value) in records {
        if let Some(record) = Record::all().nth(usize::from(index)) {
            store.insert(record.key(), value.to_vec());
        }
    }
    let (mut session, restored) = restore(&store);
    save(&mut session, &mut store);
    if restored != Restored::Held {
        assert_eq!(restore(&store).1, Restored::Nothing);
    }

    let now = Instant::from_secs(1);
    session.connected();
    drain(&mut session, now);
    let mut publishes = publishes.into_iter();
    let mut decoder = Decoder::new();
    while let Ok(Some(item)) = decoder.decode(&mut stream) {
        let reaction = match item {
            Item::Packet(packet) => session.receive(&packet, now),
            Item::Oversize(oversize) => session.receive_oversize(&oversize),
        };
        if reaction.is_err() {
            break;
        }
        if let Some(twice) = publishes.next() {
            let qos = if twice {
                Qos::ExactlyOnce
            } else {
                Qos::AtLeastOnce
            };
            let had_room = session.has_room();
            assert_eq!(session.publish(Content::Pattern(3), qos, false), had_room);
        }
        save(&mut session, &mut store);
        drain(&mut session, now);
    }

    // A power cut here finds a sound session, or none.
    save(&mut session, &mut store);
    assert_ne!(restore(&store).1, Restored::Discarded);
});
