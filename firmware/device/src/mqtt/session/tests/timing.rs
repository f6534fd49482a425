//! Time limits, keep alive, stability (§3.1.2.10, §3.12).

use super::*;

#[test]
fn connack_has_a_limit() {
    let mut rig = Rig::new(SETTINGS);
    rig.open();
    rig.pass(4_999);
    assert_eq!(rig.session.check(rig.now, false), Ok(()));
    assert_eq!(rig.session.deadline(), Some(at(6_000)));
    rig.pass(1);
    let found = rig.session.check(rig.now, false);
    assert_eq!(found, Err(Close::ConnackTimeout));
}

#[test]
fn suback_has_a_limit() {
    let mut rig = Rig::new(SETTINGS);
    rig.connect(false).unwrap();
    rig.drain();
    rig.pass(5_000);
    let found = rig.session.check(rig.now, false);
    assert_eq!(found, Err(Close::AnswerTimeout));
}

#[test]
fn pingreq_is_sent_when_nothing_else_was_for_three_quarters_of_keep_alive() {
    let mut rig = Rig::subscribed(SETTINGS);
    rig.pass(44_999);
    assert_eq!(rig.drain(), []);
    rig.pass(1);
    assert_eq!(rig.drain(), [Transmit::Pingreq]);
    rig.receive(Received::Pingresp).unwrap();
    rig.pass(30_000);
    rig.send(Qos::AtLeastOnce, 5);
    rig.pass(44_999);
    assert_eq!(rig.drain(), [], "counted from the last packet");
    rig.pass(1);
    assert_eq!(rig.drain(), [Transmit::Pingreq]);
}

#[test]
fn packets_that_are_only_received_do_not_keep_the_connection_alive() {
    let mut rig = Rig::subscribed(SETTINGS);
    for _ in 0..44 {
        rig.pass(1_000);
        rig.receive(message(Qos::AtMostOnce, 0)).unwrap();
        assert_eq!(rig.drain(), []);
    }
    rig.pass(1_000);
    assert_eq!(rig.drain(), [Transmit::Pingreq]);
}

#[test]
fn a_missing_pingresp_closes_the_connection() {
    let mut rig = Rig::subscribed(SETTINGS);
    rig.pass(45_000);
    rig.drain();
    rig.receive(message(Qos::AtMostOnce, 0)).unwrap();
    rig.pass(4_999);
    assert_eq!(rig.session.check(rig.now, false), Ok(()));
    rig.pass(1);
    assert_eq!(rig.session.check(rig.now, true), Ok(()), "it may be unread");
    let found = rig.session.check(rig.now, false);
    assert_eq!(found, Err(Close::PingrespTimeout));
    rig.pass(5_000);
    let found = rig.session.check(rig.now, true);
    assert_eq!(
        found,
        Err(Close::PingrespTimeout),
        "a flood does not suspend it"
    );
}

#[test]
fn keep_alive_below_the_response_timeout_still_never_passes() {
    let mut rig = Rig::subscribed(Settings {
        keep_alive: Duration::from_secs(2),
        ..SETTINGS
    });
    for _ in 0..3 {
        rig.pass(1_500);
        assert_eq!(rig.drain(), [Transmit::Pingreq]);
        assert_eq!(rig.session.check(rig.now, false), Ok(()));
    }
    rig.pass(2_000);
    let found = rig.session.check(rig.now, false);
    assert_eq!(found, Err(Close::PingrespTimeout), "counted from the first");
}

#[test]
fn keep_alive_0_sends_no_pingreq_and_sets_no_timer() {
    let mut rig = Rig::subscribed(Settings {
        keep_alive: Duration::MIN,
        ..SETTINGS
    });
    assert_eq!(rig.session.deadline(), None);
    rig.pass(1_000_000_000);
    assert_eq!(rig.drain(), []);
    assert_eq!(rig.session.check(rig.now, false), Ok(()));
}

#[test]
fn a_pingresp_that_was_not_asked_for_is_ignored() {
    let mut rig = Rig::subscribed(SETTINGS);
    let reaction = rig.receive(Received::Pingresp).unwrap();
    assert_eq!((reaction.notice, reaction.reply), (Notice::None, None));
    rig.pass(45_000);
    rig.drain();
    rig.pass(5_000);
    assert!(
        rig.session.check(rig.now, false).is_err(),
        "it answers nothing"
    );
}

#[test]
fn an_answer_may_wait_behind_a_packet_that_is_read_past_or_a_long_write() {
    let mut rig = Rig::subscribed(SETTINGS);
    rig.pass(45_000);
    rig.drain();
    rig.pass(4_000);
    rig.session.reading_past(rig.now);
    rig.pass(4_999);
    assert_eq!(rig.session.check(rig.now, false), Ok(()));
    let started = rig.now;
    rig.pass(60_000);
    rig.session.sent(started, rig.now);
    assert_eq!(rig.session.check(rig.now, false), Ok(()));
    rig.pass(1);
    assert!(rig.session.check(rig.now, false).is_err());
}

#[test]
fn a_connection_is_stable_ten_seconds_after_it_became_ready() {
    let mut rig = Rig::new(SETTINGS);
    rig.connect(false).unwrap();
    rig.pass(1_000);
    assert!(!rig.session.is_stable(rig.now));
    rig.subscribe();
    rig.pass(9_999);
    assert!(!rig.session.is_stable(rig.now));
    rig.pass(1);
    assert!(rig.session.is_stable(rig.now));
    rig.session.disconnected();
    assert!(!rig.session.is_stable(rig.now));
}
