//! Messages from the server (§4.3).

use super::*;

fn oversize(qos: Qos, id: u16) -> Oversize {
    Oversize {
        packet_type: PacketType::Publish,
        qos,
        id: PacketId::new(id),
        remaining_length: 268_435_455,
    }
}

#[test]
fn each_qos_has_its_answer() {
    let mut rig = Rig::subscribed(SETTINGS);
    let rows = [
        (Qos::AtMostOnce, 0, None),
        (Qos::AtLeastOnce, 7, Some(Reply::Puback(id(7)))),
        (Qos::ExactlyOnce, 7, Some(Reply::Pubrec(id(7)))),
    ];
    for (qos, id, reply) in rows {
        let reaction = rig.receive(message(qos, id)).unwrap();
        assert_eq!(reaction.notice, Notice::Deliver);
        assert_eq!(reaction.reply, reply);
    }
}

#[test]
fn a_qos_2_message_is_delivered_once_until_it_is_released() {
    let mut rig = Rig::subscribed(SETTINGS);
    let pubrec = Some(Reply::Pubrec(id(7)));
    for _round in 0..2 {
        let first = rig.receive(message(Qos::ExactlyOnce, 7)).unwrap();
        assert_eq!((first.notice, first.reply), (Notice::Deliver, pubrec));
        for _ in 0..2 {
            let again = rig.receive(message(Qos::ExactlyOnce, 7)).unwrap();
            assert_eq!((again.notice, again.reply), (Notice::None, pubrec));
        }
        rig.connect(true).unwrap();
        let resent = rig.receive(message(Qos::ExactlyOnce, 7)).unwrap();
        assert_eq!((resent.notice, resent.reply), (Notice::None, pubrec));
        for _ in 0..2 {
            let release = rig.receive(Received::Pubrel(id(7))).unwrap();
            assert_eq!(release.reply, Some(Reply::Pubcomp(id(7))), "also unknown");
        }
    }
}

#[test]
fn a_repeated_qos_1_message_is_delivered_again() {
    let mut rig = Rig::subscribed(SETTINGS);
    for _ in 0..2 {
        let reaction = rig.receive(message(Qos::AtLeastOnce, 7)).unwrap();
        assert_eq!(reaction.notice, Notice::Deliver);
    }
}

#[test]
fn an_oversize_message_completes_its_flow_without_delivery() {
    let mut rig = Rig::subscribed(SETTINGS);
    let rows = [
        (Qos::AtMostOnce, 0, None),
        (Qos::AtLeastOnce, 7, Some(Reply::Puback(id(7)))),
        (Qos::ExactlyOnce, 7, Some(Reply::Pubrec(id(7)))),
    ];
    for (qos, id, reply) in rows {
        let reaction = rig.session.receive_oversize(&oversize(qos, id)).unwrap();
        assert_eq!(reaction.notice, Notice::None);
        assert_eq!(reaction.reply, reply);
    }
    let release = rig.receive(Received::Pubrel(id(7))).unwrap();
    assert_eq!(release.reply, Some(Reply::Pubcomp(id(7))));
}

#[test]
fn an_oversize_message_before_connack_closes_the_connection() {
    let mut rig = Rig::new(SETTINGS);
    rig.open();
    let found = rig.session.receive_oversize(&oversize(Qos::AtMostOnce, 0));
    assert_eq!(found, Err(protocol(ProtocolError::ConnackNotFirst)));
}
