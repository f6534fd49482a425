//! CONNACK, session present, and the subscription (§3.2, §3.8, §3.9).

use super::*;

const CLEAN: Settings = Settings {
    clean_session: true,
    ..SETTINGS
};

#[test]
fn nothing_may_come_before_connack() {
    let packets = [
        message(Qos::AtMostOnce, 0),
        Received::Puback(id(1)),
        Received::Pubrel(id(1)),
        Received::Unsuback(id(1)),
        Received::Pingresp,
    ];
    for packet in packets {
        let mut rig = Rig::new(SETTINGS);
        rig.open();
        let expected = protocol(ProtocolError::ConnackNotFirst);
        assert_eq!(rig.receive(packet), Err(expected), "{packet:?}");
    }
}

#[test]
fn a_second_connack_closes_the_connection() {
    let mut rig = Rig::subscribed(SETTINGS);
    let expected = protocol(ProtocolError::SecondConnack);
    assert_eq!(rig.connack(false, ReturnCode::Accepted), Err(expected));
}

#[test]
fn each_refusal_closes_the_connection_and_keeps_the_session() {
    let mut rig = Rig::subscribed(SETTINGS);
    let sent = rig.send(Qos::AtLeastOnce, 5);
    for code in [
        ReturnCode::UnacceptableProtocolVersion,
        ReturnCode::IdentifierRejected,
        ReturnCode::ServerUnavailable,
        ReturnCode::BadUserNameOrPassword,
        ReturnCode::NotAuthorised,
    ] {
        rig.open();
        assert_eq!(rig.connack(false, code), Err(Close::Refused(code)));
        assert_eq!(rig.drain(), []);
    }
    assert_eq!(rig.connect(true), Ok(Notice::Began(Begin::Resumed)));
    let resent = rig.drain();
    assert_eq!(rig.ids(&resent), [(sent.get(), "dup")]);
}

#[test]
fn session_present_is_judged_against_what_was_asked_and_what_is_held() {
    let clean_error = Err(protocol(ProtocolError::SessionPresentOnCleanSession));
    let unexpected = Err(protocol(ProtocolError::SessionPresentUnexpected));
    let began = |begin| Ok(Notice::Began(begin));
    let rows = [
        (CLEAN, false, false, began(Begin::New)),
        (CLEAN, false, true, clean_error),
        (CLEAN, true, false, began(Begin::Discarded)),
        (CLEAN, true, true, clean_error),
        (SETTINGS, false, false, began(Begin::New)),
        (SETTINGS, false, true, unexpected),
        (SETTINGS, true, false, began(Begin::Lost)),
        (SETTINGS, true, true, began(Begin::Resumed)),
    ];
    for (settings, held, present, expected) in rows {
        let mut rig = if held {
            Rig::subscribed(settings)
        } else {
            Rig::new(settings)
        };
        let found = rig.connect(present);
        let clean = settings.clean_session;
        assert_eq!(
            found, expected,
            "clean {clean} held {held} present {present}"
        );
        if found.is_err() {
            assert_eq!(rig.drain(), [], "nothing is sent after the error");
        }
    }
}

#[test]
fn a_session_that_only_the_server_holds_is_cleaned_by_one_connection() {
    let mut rig = Rig::new(SETTINGS);
    assert!(rig.connect(true).is_err());
    assert!(rig.open(), "clean session 1");
    // Refused, so still to be done.
    assert!(rig.connack(false, ReturnCode::ServerUnavailable).is_err());
    assert!(rig.open(), "clean session 1");
    assert_eq!(rig.connack(false, ReturnCode::Accepted), Ok(Notice::Purged));
    assert!(!rig.open(), "clean session 0 again");
    let begun = rig.connack(false, ReturnCode::Accepted);
    assert_eq!(begun, Ok(Notice::Began(Begin::New)));
}

#[test]
fn a_lost_session_takes_its_messages_with_it_and_subscribes_anew() {
    let mut rig = Rig::subscribed(SETTINGS);
    rig.send(Qos::ExactlyOnce, 5);
    rig.receive(message(Qos::ExactlyOnce, 9)).unwrap();
    assert_eq!(rig.connect(false), Ok(Notice::Began(Begin::Lost)));
    assert!(!rig.session.is_ready());
    rig.subscribe();
    assert_eq!(rig.drain(), []);
    let again = rig.receive(message(Qos::ExactlyOnce, 9)).unwrap();
    assert_eq!(
        again.notice,
        Notice::Deliver,
        "the identifier is free again"
    );
}

#[test]
fn a_resumed_session_subscribes_only_when_no_suback_is_on_record() {
    let mut rig = Rig::new(SETTINGS);
    rig.connect(false).unwrap();
    let sent = rig.drain();
    assert!(matches!(
        sent[..],
        [Transmit::Request(_, Purpose::Configured)]
    ));
    // The connection breaks before SUBACK.
    rig.connect(true).unwrap();
    assert!(!rig.session.is_ready());
    rig.subscribe();
    rig.connect(true).unwrap();
    assert!(rig.session.is_ready());
    assert_eq!(rig.drain(), []);
}

#[test]
fn other_configured_subscriptions_are_made_on_resume() {
    let mut rig = Rig::subscribed(SETTINGS);
    rig.settings.subscriptions += 1;
    assert_eq!(rig.reboot(), Restored::Held);
    assert_eq!(rig.connect(true), Ok(Notice::Began(Begin::Resumed)));
    rig.subscribe();
}

#[test]
fn suback_has_a_code_for_each_filter() {
    for codes in [&[0][..], &[0, 1, 2]] {
        let mut rig = Rig::new(SETTINGS);
        rig.connect(false).unwrap();
        let Some(Transmit::Request(id, _)) = rig.transmit() else {
            panic!("no SUBSCRIBE");
        };
        let found = rig.receive(Received::Suback(Suback { id, codes }));
        assert_eq!(found, Err(protocol(ProtocolError::SubackCount)));
    }
}

#[test]
fn an_answer_to_another_request_is_told_or_refused() {
    let mut rig = Rig::new(SETTINGS);
    rig.connect(false).unwrap();
    let Some(Transmit::Request(subscribe, _)) = rig.transmit() else {
        panic!("no SUBSCRIBE");
    };
    let other = id(subscribe.get() + 1);
    let codes = &[0, 0];
    let unknown = rig.receive(Received::Suback(Suback { id: other, codes }));
    let notice = Notice::UnknownAck(PacketType::Suback, other);
    assert_eq!(unknown.unwrap().notice, notice);
    assert!(!rig.session.is_ready());
    let mismatch = rig.receive(Received::Unsuback(subscribe));
    assert_eq!(mismatch, Err(protocol(ProtocolError::AckMismatch)));
}

#[test]
fn an_oversize_suback_cannot_answer() {
    let mut rig = Rig::new(SETTINGS);
    rig.connect(false).unwrap();
    let Some(Transmit::Request(id, _)) = rig.transmit() else {
        panic!("no SUBSCRIBE");
    };
    let oversize = Oversize {
        packet_type: PacketType::Suback,
        qos: Qos::AtMostOnce,
        id: Some(id),
        remaining_length: 9_999,
    };
    let found = rig.session.receive_oversize(&oversize);
    assert_eq!(found, Err(protocol(ProtocolError::SubackCount)));
}

#[test]
fn filters_by_command_go_one_at_a_time() {
    let mut rig = Rig::subscribed(SETTINGS);
    for purpose in [Purpose::Subscribe, Purpose::Unsubscribe] {
        assert!(rig.session.request(purpose));
        assert!(!rig.session.request(purpose));
        let Some(Transmit::Request(id, sent)) = rig.transmit() else {
            panic!("no request");
        };
        assert_eq!(sent, purpose);
        let answer = match purpose {
            Purpose::Unsubscribe => Received::Unsuback(id),
            _ => Received::Suback(Suback { id, codes: &[1] }),
        };
        let notice = rig.receive(answer).unwrap().notice;
        assert_eq!(notice, Notice::Answered(purpose));
    }
}
