//! Many messages in a row.

extern crate std;

use super::bench::{Bench, on_one_wire};
use super::broker::{Broker, publish};
use super::client::{buffers, config};
use crate::mqtt::task;

#[test]
fn a_batch_of_messages_keeps_its_order_and_at_most_eight_are_unacknowledged() {
    let (bench, config) = (Bench::new(), config());
    let device = bench.boot(&config);
    on_one_wire(
        async |stack| task::run(&device, stack).await,
        async |stack| {
            let (mut rx, mut tx) = buffers();
            let mut broker = Broker::accept(stack, &mut rx, &mut tx).await;
            broker.welcome().await;
            broker.take_state().await;
            let command = b"size=10 qos=1 count=300";
            broker
                .send(&publish(0x30, "lab/dut/cmd/publish", None, command))
                .await;
            let mut waiting = std::collections::VecDeque::new();
            let mut last = 0;
            for _ in 0..300 {
                if waiting.len() == 8 {
                    let id: [u8; 2] = waiting.pop_front().unwrap();
                    broker.send(&[0x40, 2, id[0], id[1]]).await;
                }
                let packet = broker.expect(0x32).await;
                let (_, id, payload) = packet.publish();
                assert_eq!(payload.len(), 10);
                assert!(id > last);
                last = id;
                waiting.push_back(id.to_be_bytes());
            }
        },
    );
}
