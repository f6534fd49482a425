//! Messages to the server (§4.3, §4.4, §4.6).

use super::*;

#[test]
fn a_qos_1_message_ends_with_puback() {
    let mut rig = Rig::subscribed(SETTINGS);
    let id = rig.send(Qos::AtLeastOnce, 5);
    let reaction = rig.receive(Received::Puback(id)).unwrap();
    assert_eq!(reaction.notice, Notice::Acked(id, Qos::AtLeastOnce));
    assert_eq!(reaction.reply, None);
    rig.connect(true).unwrap();
    assert_eq!(rig.drain(), [], "nothing is left to send again");
}

#[test]
fn a_qos_2_message_goes_through_pubrec_and_pubcomp() {
    let mut rig = Rig::subscribed(SETTINGS);
    let id = rig.send(Qos::ExactlyOnce, 5);
    for _ in 0..2 {
        let reaction = rig.receive(Received::Pubrec(id)).unwrap();
        assert_eq!(
            reaction.reply,
            Some(Reply::Pubrel(id)),
            "also when repeated"
        );
        assert_eq!(reaction.notice, Notice::None);
    }
    let reaction = rig.receive(Received::Pubcomp(id)).unwrap();
    assert_eq!(reaction.notice, Notice::Acked(id, Qos::ExactlyOnce));
    rig.connect(true).unwrap();
    assert_eq!(rig.drain(), []);
}

#[test]
fn an_acknowledgement_of_another_qos_closes_the_connection() {
    type Answer = fn(PacketId) -> Received<'static>;
    let rows: [(Qos, Answer, ProtocolError); 4] = [
        (
            Qos::ExactlyOnce,
            Received::Puback,
            ProtocolError::QosMismatch,
        ),
        (
            Qos::AtLeastOnce,
            Received::Pubrec,
            ProtocolError::QosMismatch,
        ),
        (
            Qos::AtLeastOnce,
            Received::Pubcomp,
            ProtocolError::QosMismatch,
        ),
        (
            Qos::ExactlyOnce,
            Received::Pubcomp,
            ProtocolError::AckMismatch,
        ),
    ];
    for (qos, ack, error) in rows {
        let mut rig = Rig::subscribed(SETTINGS);
        let id = rig.send(qos, 5);
        let ack = ack(id);
        assert_eq!(rig.receive(ack), Err(protocol(error)), "{ack:?}");
    }
}

#[test]
fn acknowledgements_of_nothing_are_told_and_pubrec_is_answered() {
    let mut rig = Rig::subscribed(SETTINGS);
    let unknown = id(999);
    let rows = [
        (Received::Puback(unknown), PacketType::Puback, None),
        (
            Received::Pubrec(unknown),
            PacketType::Pubrec,
            Some(Reply::Pubrel(unknown)),
        ),
        (Received::Pubcomp(unknown), PacketType::Pubcomp, None),
        (Received::Unsuback(unknown), PacketType::Unsuback, None),
    ];
    for (packet, packet_type, reply) in rows {
        let reaction = rig.receive(packet).unwrap();
        assert_eq!(reaction.notice, Notice::UnknownAck(packet_type, unknown));
        assert_eq!(reaction.reply, reply, "{packet:?}");
    }
}

#[test]
fn a_message_that_was_never_sent_cannot_be_acknowledged() {
    let mut rig = Rig::subscribed(SETTINGS);
    let id = rig.publish(Qos::AtLeastOnce, 5);
    let notice = rig.receive(Received::Puback(id)).unwrap().notice;
    assert_eq!(notice, Notice::UnknownAck(PacketType::Puback, id));
    let sent = rig.drain();
    assert_eq!(rig.ids(&sent), [(id.get(), "publish")]);
}

#[test]
fn resending_keeps_the_order_of_publish_and_of_pubrel() {
    let mut rig = Rig::subscribed(SETTINGS);
    let [a, b, c, d] = [(); 4].map(|()| rig.send(Qos::ExactlyOnce, 5).get());
    // PUBREC for c comes before that for a.
    rig.receive(Received::Pubrec(id(c))).unwrap();
    rig.receive(Received::Pubrec(id(a))).unwrap();
    let expected = [(b, "dup"), (d, "dup"), (c, "pubrel"), (a, "pubrel")];
    for _ in 0..2 {
        rig.connect(true).unwrap();
        let sent = rig.drain();
        assert_eq!(rig.ids(&sent), expected);
    }
    let later = rig.publish(Qos::AtLeastOnce, 5).get();
    rig.connect(true).unwrap();
    let sent = rig.drain();
    assert_eq!(
        rig.ids(&sent)[4..],
        [(later, "publish")],
        "DUP only when begun"
    );
}

#[test]
fn messages_leave_in_the_order_that_they_were_published_in() {
    let mut rig = Rig::subscribed(SETTINGS);
    let first: Vec<_> = (0..SLOTS)
        .map(|len| rig.publish(Qos::AtLeastOnce, len as u32).get())
        .collect();
    assert!(!rig.session.has_room());
    assert!(
        !rig.session
            .publish(Content::Pattern(1), Qos::AtLeastOnce, false)
    );
    let sent = rig.drain();
    let order: Vec<_> = rig.ids(&sent).iter().map(|(id, _)| *id).collect();
    assert_eq!(order, first);
    // The freed slot is not the last one; the order is that of publishing all the same.
    rig.receive(Received::Puback(id(first[2]))).unwrap();
    let last = rig.publish(Qos::AtLeastOnce, 99).get();
    rig.connect(true).unwrap();
    let sent = rig.drain();
    assert_eq!(rig.ids(&sent).last(), Some(&(last, "publish")));
}

#[test]
fn identifiers_wrap_past_0_and_those_in_use() {
    let mut rig = Rig::subscribed(SETTINGS);
    let kept = rig.send(Qos::AtLeastOnce, 5);
    let mut last = kept.get();
    let mut wrapped = false;
    for _ in 0..70_000 {
        let id = rig.send(Qos::AtLeastOnce, 5);
        assert_ne!(id, kept);
        let next = if last == u16::MAX { 1 } else { last + 1 };
        let next = if next == kept.get() { next + 1 } else { next };
        assert_eq!(id.get(), next);
        wrapped |= id.get() < last;
        last = id.get();
        rig.receive(Received::Puback(id)).unwrap();
    }
    assert!(wrapped);
}

#[test]
fn an_identifier_is_shared_by_no_request_and_message() {
    let mut rig = Rig::subscribed(SETTINGS);
    assert!(rig.session.request(Purpose::Subscribe));
    let Some(Transmit::Request(request, _)) = rig.transmit() else {
        panic!("no request");
    };
    for _ in 0..66_000 {
        let id = rig.send(Qos::AtLeastOnce, 5);
        assert_ne!(id, request);
        rig.receive(Received::Puback(id)).unwrap();
    }
}
