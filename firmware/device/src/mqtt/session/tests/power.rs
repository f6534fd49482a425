//! What survives a power cut, and what a broken store does.

use super::*;

#[test]
fn after_a_power_cut_messages_are_sent_again_with_identifier_content_and_dup() {
    let mut rig = Rig::subscribed(SETTINGS);
    let snapshot = Content::Snapshot(heapless::Vec::from_slice(b"{\"led\":\"on\"}").unwrap());
    assert!(
        rig.session
            .publish(snapshot.clone(), Qos::AtLeastOnce, true)
    );
    let state = rig.drain();
    let state = rig.ids(&state)[0].0;
    let data = rig.send(Qos::ExactlyOnce, 123_456).get();
    let released = rig.send(Qos::ExactlyOnce, 9).get();
    rig.receive(Received::Pubrec(id(released))).unwrap();

    assert_eq!(rig.reboot(), Restored::Held);
    assert_eq!(rig.connect(true), Ok(Notice::Began(Begin::Resumed)));
    assert!(rig.session.is_ready(), "SUBACK is on record");
    let sent = rig.drain();
    let expected = [(state, "dup"), (data, "dup"), (released, "pubrel")];
    assert_eq!(rig.ids(&sent), expected);
    let contents: Vec<_> = sent
        .iter()
        .filter_map(|transmit| match transmit {
            Transmit::Publish { slot, .. } => rig.session.message(*slot).cloned(),
            _ => None,
        })
        .collect();
    assert_eq!(contents[0].content, snapshot);
    assert!(contents[0].retain);
    assert_eq!(contents[1].content, Content::Pattern(123_456));
    assert_eq!(contents[1].qos(), Qos::ExactlyOnce);
}

#[test]
fn after_a_power_cut_a_qos_2_message_is_still_a_duplicate() {
    let mut rig = Rig::subscribed(SETTINGS);
    rig.receive(message(Qos::ExactlyOnce, 65_535)).unwrap();
    rig.reboot();
    rig.connect(true).unwrap();
    let again = rig.receive(message(Qos::ExactlyOnce, 65_535)).unwrap();
    assert_eq!(again.notice, Notice::None);
    rig.receive(Received::Pubrel(id(65_535))).unwrap();
    rig.reboot();
    rig.connect(true).unwrap();
    let next = rig.receive(message(Qos::ExactlyOnce, 65_535)).unwrap();
    assert_eq!(next.notice, Notice::Deliver);
}

#[test]
fn the_record_is_to_be_saved_before_the_answer_is_given() {
    let mut rig = Rig::subscribed(SETTINGS);
    let mut buffer = [0; MAX_RECORD_LEN];
    let packet = message(Qos::ExactlyOnce, 3);
    rig.session.receive(&packet, rig.now).unwrap();
    let (record, value) = rig.session.next_save(&mut buffer).unwrap();
    assert_eq!((record, value.is_some()), (Record::Inbound(0), true));
    rig.session
        .publish(Content::Pattern(1), Qos::AtLeastOnce, false);
    let (record, value) = rig.session.next_save(&mut buffer).unwrap();
    assert_eq!((record, value.is_some()), (Record::Slot(0), true));
}

#[test]
fn new_identifiers_after_a_power_cut_are_none_of_the_last_ones() {
    let mut rig = Rig::subscribed(SETTINGS);
    let mut used = Vec::new();
    for _ in 0..200 {
        for _ in 0..3 {
            let id = rig.send(Qos::AtLeastOnce, 5);
            rig.receive(Received::Puback(id)).unwrap();
            used.push(id);
        }
        rig.reboot();
        rig.connect(true).unwrap();
        let id = rig.send(Qos::AtLeastOnce, 5);
        rig.receive(Received::Puback(id)).unwrap();
        assert!(!used.contains(&id), "{id}");
        used.push(id);
        used.drain(..used.len().saturating_sub(64));
    }
}

#[test]
fn with_clean_session_nothing_is_stored() {
    let mut rig = Rig::subscribed(Settings {
        clean_session: true,
        ..SETTINGS
    });
    rig.send(Qos::ExactlyOnce, 5);
    rig.receive(message(Qos::ExactlyOnce, 3)).unwrap();
    rig.save();
    assert!(rig.store.is_empty());
    rig.connect(false).unwrap();
    rig.subscribe();
    assert_eq!(rig.drain(), [], "the session ended with its connection");
}

#[test]
fn clean_session_removes_what_an_earlier_session_stored() {
    let mut rig = Rig::subscribed(SETTINGS);
    rig.send(Qos::ExactlyOnce, 5);
    rig.receive(message(Qos::ExactlyOnce, 3)).unwrap();
    rig.settings.clean_session = true;
    rig.reboot();
    assert_eq!(rig.connect(false), Ok(Notice::Began(Begin::Discarded)));
    rig.save();
    let keys: Vec<_> = rig.store.keys().copied().collect();
    assert_eq!(keys, [Record::Header.key()], "its epoch outdates the rest");
    rig.settings.clean_session = false;
    assert_eq!(rig.reboot(), Restored::Nothing);
}

/// A stored session with messages in both directions.
fn stored() -> Rig {
    let mut rig = Rig::subscribed(SETTINGS);
    rig.send(Qos::AtLeastOnce, 77);
    rig.send(Qos::ExactlyOnce, 78);
    rig.receive(message(Qos::ExactlyOnce, 3)).unwrap();
    rig
}

#[test]
fn a_corrupt_record_discards_the_session_and_never_panics() {
    let good = stored().store;
    let mut discarded = 0;
    for (key, value) in &good {
        let mut broken: Vec<Vec<u8>> = (0..value.len()).map(|cut| value[..cut].to_vec()).collect();
        broken.push([&value[..], &[0]].concat());
        for bit in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            broken.push(flipped);
        }
        for value in broken {
            let mut rig = stored();
            rig.store.insert(*key, value);
            // Some flips give another sound session; none may panic or keep half of one.
            match rig.reboot() {
                Restored::Discarded => {
                    discarded += 1;
                    rig.save();
                    assert_eq!(rig.reboot(), Restored::Nothing);
                    assert_eq!(rig.connect(false), Ok(Notice::Began(Begin::New)));
                }
                Restored::Held => {
                    rig.connect(true).unwrap();
                    rig.drain();
                }
                Restored::Nothing => {}
            }
        }
    }
    assert!(discarded > 100, "{discarded}");
}

#[test]
fn a_record_that_cannot_be_read_discards_the_session() {
    let mut rig = stored();
    rig.session = Session::new(SETTINGS);
    let header = rig.store.get(&Record::Header.key()).unwrap();
    rig.session.restore(Record::Header, header);
    rig.session.restore_failed(Record::Slot(1));
    assert_eq!(rig.session.finish_restore(), Restored::Discarded);
}

#[test]
fn another_client_identifier_discards_the_session() {
    let mut rig = stored();
    rig.settings.identity += 1;
    assert_eq!(rig.reboot(), Restored::Discarded);
    assert_eq!(rig.connect(false), Ok(Notice::Began(Begin::New)));
}

#[test]
fn a_power_cut_while_a_session_is_replaced_never_mixes_the_two() {
    // The server lost the session; the power goes after each number of writes.
    for writes in 0..10 {
        let mut rig = stored();
        rig.open();
        let connack = Received::Connack(Connack {
            session_present: false,
            code: ReturnCode::Accepted,
        });
        rig.session.receive(&connack, rig.now).unwrap();
        for _ in 0..writes {
            rig.save_one();
        }
        assert_eq!(rig.reboot(), Restored::Held);
        rig.connect(true).unwrap();
        let sent = rig.drain();
        let publishes = sent
            .iter()
            .filter(|t| matches!(t, Transmit::Publish { .. }))
            .count();
        let first = rig.receive(message(Qos::ExactlyOnce, 3)).unwrap();
        if writes == 0 {
            assert_eq!((publishes, first.notice), (2, Notice::None), "the old one");
        } else {
            assert_eq!(
                (publishes, first.notice),
                (0, Notice::Deliver),
                "the new one"
            );
        }
    }
}
