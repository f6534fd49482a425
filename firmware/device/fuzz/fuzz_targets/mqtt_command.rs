//! Any message on a command topic: reading it never panics, and what it asks for can be sent.
#![no_main]

use firmproof_device::mqtt::codec::{MAX_REMAINING_LENGTH, Qos, is_topic_filter};
use firmproof_device::mqtt::command::{Command, parse};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 8] = [
    "led",
    "beep",
    "publish",
    "subscribe",
    "unsubscribe",
    "disconnect",
    "state",
    "none",
];
const DATA_TOPIC_LEN: usize = 20;

fuzz_target!(|data: &[u8]| {
    let Some((&name, payload)) = data.split_first() else {
        return;
    };
    let name = NAMES[usize::from(name) % NAMES.len()];
    match parse(name, payload, DATA_TOPIC_LEN) {
        Ok(Command::Publish(batch)) => {
            let id_len = if batch.qos == Qos::AtMostOnce { 0 } else { 2 };
            let remaining_length = 2 + DATA_TOPIC_LEN as u64 + id_len + u64::from(batch.size);
            assert!(remaining_length <= u64::from(MAX_REMAINING_LENGTH) && batch.count > 0);
        }
        Ok(Command::Subscribe(filter, _) | Command::Unsubscribe(filter)) => {
            assert!(is_topic_filter(&filter));
        }
        Ok(Command::Led(_) | Command::Beep(_) | Command::Disconnect | Command::State) => {
            assert_ne!(name, "none");
        }
        Err(_) => {}
    }
});
