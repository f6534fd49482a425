//! Commands, large packets, resume, and ends of connections, as a broker sees them.

extern crate std;
use std::vec;
use std::vec::Vec;

use firmproof_bootconfig::{BootConfig, Host, Mqtt, Subscription};

use super::bench::{Bench, PEER, on_one_wire};
use super::broker::{Broker, PORT, publish};
use crate::board::Led;
use crate::mqtt::{codec, task};
use crate::status::MqttState;

pub(super) fn config() -> BootConfig {
    let mut config = BootConfig::safe_default();
    config.device_id = "dut".try_into().unwrap();
    let subscription = Subscription {
        filter: "news/+".try_into().unwrap(),
        qos: 1,
    };
    config.mqtt = Some(Mqtt {
        broker: Host::Address(PEER.octets()),
        port: PORT,
        client_id: "c".try_into().unwrap(),
        clean_session: false,
        keep_alive_s: 0,
        will: None,
        user_name: None,
        password: None,
        topic_prefix: "lab".try_into().unwrap(),
        subscriptions: heapless::Vec::from_slice(&[subscription]).unwrap(),
        backoff_min_ms: 50,
        backoff_max_ms: 100,
        response_timeout_s: 20,
    });
    config
}

pub(super) fn buffers() -> (Vec<u8>, Vec<u8>) {
    (vec![0; 16_384], vec![0; 16_384])
}

#[test]
fn the_client_connects_subscribes_and_publishes_its_state() {
    let (bench, config) = (Bench::new(), config());
    let device = bench.boot(&config);
    on_one_wire(
        async |stack| task::run(&device, stack).await,
        async |stack| {
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            let connect = broker.expect(0x10).await;
            assert_eq!(connect.body, b"\0\x04MQTT\x04\x00\0\0\0\x01c");
            broker.send(&[0x20, 2, 0, 0]).await;
            let subscribe = broker.expect(0x82).await;
            assert_eq!(
                subscribe.body[2..],
                *b"\0\x0dlab/dut/cmd/#\x02\0\x06news/+\x01"
            );
            let id = [subscribe.body[0], subscribe.body[1]];
            broker.send(&[0x90, 4, id[0], id[1], 2, 0x80]).await;
            let state = broker.take_state().await;
            assert!(state.publish().2.starts_with(b"{"));
            assert_eq!(device.status.mqtt.get(), MqttState::Connected);
            // A command at QoS 2, byte by byte, and its duplicate.
            let on = publish(0x34, "lab/dut/cmd/led", Some(9), b"on");
            for byte in on.chunks(1) {
                broker.send(byte).await;
            }
            assert_eq!(broker.expect(0x50).await.body, [0, 9]);
            broker.take_state().await;
            assert_eq!(*bench.lamp.borrow(), Some(Led::On));
            broker.send(&[&[on[0] | 8], &on[1..]].concat()).await;
            assert_eq!(broker.expect(0x50).await.body, [0, 9]);
            broker.send(&[0x62, 2, 0, 9]).await;
            assert_eq!(broker.expect(0x70).await.body, [0, 9]);
            assert_eq!(bench.lines("mqtt.message").len(), 1);
            assert_eq!(bench.lines("mqtt.suback")[0], "id=1 codes=2,128");
        },
    );
}

#[test]
fn a_payload_of_any_length_is_made_while_it_is_sent_and_made_again_on_resume() {
    let (bench, config) = (Bench::new(), config());
    let device = bench.boot(&config);
    let pattern: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
    let first_id = core::cell::Cell::new(0);
    on_one_wire(
        async |stack| task::run(&device, stack).await,
        async |stack| {
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            broker.welcome().await;
            broker.take_state().await;
            let command = b"size=300000 qos=2 retain=1";
            broker
                .send(&publish(0x30, "lab/dut/cmd/publish", None, command))
                .await;
            let packet = broker.expect(0x35).await;
            let (topic, id, payload) = packet.publish();
            assert_eq!(topic, "lab/dut/data");
            assert!(payload == pattern);
            first_id.set(id);
        },
    );
    // The power is cut before PUBREC.
    let device = bench.boot(&config);
    on_one_wire(
        async |stack| task::run(&device, stack).await,
        async |stack| {
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            broker.expect(0x10).await;
            broker.send(&[0x20, 2, 1, 0]).await;
            let packet = broker.expect(0x3d).await;
            let (_, id, payload) = packet.publish();
            assert_eq!(id, first_id.get());
            assert!(payload == pattern);
            broker.take_state().await;
            let id = id.to_be_bytes();
            broker.send(&[0x50, 2, id[0], id[1]]).await;
            assert_eq!(broker.expect(0x62).await.body, id);
            broker.send(&[0x70, 2, id[0], id[1]]).await;
            // No data is left: the next command's state is all that comes.
            broker
                .send(&publish(0x30, "lab/dut/cmd/state", None, b""))
                .await;
            broker.take_state().await;
            assert_eq!(bench.lines("mqtt.session"), ["state=new", "state=resumed"]);
        },
    );
}

#[test]
fn a_packet_larger_than_the_buffer_is_read_past_and_acknowledged() {
    let (bench, config) = (Bench::new(), config());
    let device = bench.boot(&config);
    on_one_wire(
        async |stack| task::run(&device, stack).await,
        async |stack| {
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            broker.welcome().await;
            broker.take_state().await;
            // Remaining length 2,097,152.
            for (first, answer) in [(0x32, 0x40), (0x34, 0x50)] {
                let head = [first, 0x80, 0x80, 0x80, 1, 0, 1, b't', 0, 5];
                broker.send(&head).await;
                broker.send(&vec![0; 2_097_152 - 5]).await;
                assert_eq!(broker.expect(answer).await.body, [0, 5]);
            }
            broker.send(&[0x62, 2, 0, 5]).await;
            assert_eq!(broker.expect(0x70).await.body, [0, 5]);
            assert_eq!(
                bench.lines("mqtt.oversize")[1],
                std::format!("type=3 bytes=2097152 limit={}", codec::BUFFER_LEN)
            );
            assert_eq!(device.status.counters.mqtt_oversize.get(), 2);
            assert_eq!(device.status.counters.mqtt_received.get(), 0);
        },
    );
}

#[test]
fn a_protocol_error_ends_the_connection_in_order_and_the_client_comes_back() {
    let (bench, config) = (Bench::new(), config());
    let device = bench.boot(&config);
    on_one_wire(
        async |stack| task::run(&device, stack).await,
        async |stack| {
            let refused: [&[u8]; 4] = [
                &[0x20, 2, 0, 5],
                &[0x20, 2, 2, 0],
                &[0x20, 3, 0, 0, 0],
                &[0xd0, 0],
            ];
            for answer in refused {
                let (mut rx, mut tx) = buffers();
                let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
                broker.expect(0x10).await;
                broker.send(answer).await;
                broker.expect_end().await;
            }
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            broker.welcome().await;
            broker.take_state().await;
            let closed = bench.lines("mqtt.closed");
            assert_eq!(closed[0], "reason=refused");
            assert_eq!(closed[1..], ["reason=protocol-error"; 3]);
            let errors = bench.lines("mqtt.protocol_error");
            assert_eq!(
                errors,
                [
                    "reason=reserved-connack-flags",
                    "reason=bad-length",
                    "reason=connack-not-first"
                ]
            );
        },
    );
}

#[test]
fn a_session_that_only_the_broker_holds_is_cleaned_and_then_begun() {
    let (bench, config) = (Bench::new(), config());
    let device = bench.boot(&config);
    on_one_wire(
        async |stack| task::run(&device, stack).await,
        async |stack| {
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            assert_eq!(broker.expect(0x10).await.body[7], 0);
            broker.send(&[0x20, 2, 1, 0]).await;
            broker.expect_end().await;
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            assert_eq!(broker.expect(0x10).await.body[7], 2, "clean session 1");
            broker.send(&[0x20, 2, 0, 0]).await;
            broker.expect(0xe0).await;
            broker.expect_end().await;
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            broker.welcome().await;
        },
    );
}

#[test]
fn commands_subscribe_unsubscribe_and_disconnect() {
    let (bench, config) = (Bench::new(), config());
    let device = bench.boot(&config);
    on_one_wire(
        async |stack| task::run(&device, stack).await,
        async |stack| {
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            broker.welcome().await;
            broker.take_state().await;
            let command = |name: &str, payload: &[u8]| {
                publish(0x30, &std::format!("lab/dut/cmd/{name}"), None, payload)
            };
            // Both at once: the second request waits for the first one's answer.
            broker
                .send(&command("subscribe", b"filter=a/# qos=1"))
                .await;
            broker.send(&command("unsubscribe", b"filter=a/#")).await;
            let subscribe = broker.expect(0x82).await.body;
            assert_eq!(subscribe[2..], *b"\0\x03a/#\x01");
            broker.send(&[0x90, 3, subscribe[0], subscribe[1], 1]).await;
            let unsubscribe = broker.expect(0xa2).await.body;
            assert_eq!(unsubscribe[2..], *b"\0\x03a/#");
            broker
                .send(&[0xb0, 2, unsubscribe[0], unsubscribe[1]])
                .await;
            broker.send(&command("nonsense", b"")).await;
            // A retained command would act again at every connect.
            broker
                .send(&publish(0x31, "lab/dut/cmd/led", None, b"on"))
                .await;
            broker.send(&command("disconnect", b"")).await;
            broker.expect(0xe0).await;
            broker.expect_end().await;
            let errors = bench.lines("mqtt.command_error");
            assert_eq!(errors, ["reason=unknown-command", "reason=retained"]);
            assert_eq!(*bench.lamp.borrow(), None);
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            broker.expect(0x10).await;
        },
    );
}

#[test]
fn a_flash_that_fails_answers_nothing_that_must_be_durable() {
    let (bench, config) = (Bench::new(), config());
    let device = bench.boot(&config);
    on_one_wire(
        async |stack| task::run(&device, stack).await,
        async |stack| {
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            broker.welcome().await;
            broker.take_state().await;
            // The state's record is removed on PUBACK; wait until nothing is to be written.
            broker.send(&publish(0x32, "t", Some(3), b"")).await;
            broker.expect(0x40).await;
            *bench.flash.broken.borrow_mut() = true;
            let message = publish(0x34, "t", Some(4), b"once");
            broker.send(&message).await;
            broker.expect_end().await;
            *bench.flash.broken.borrow_mut() = false;
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            broker.expect(0x10).await;
            broker.send(&[0x20, 2, 1, 0]).await;
            broker.take_state().await;
            broker.send(&message).await;
            broker.expect(0x50).await;
            let delivered = bench.lines("mqtt.message");
            assert_eq!(delivered.len(), 2, "{delivered:?}");
        },
    );
}
