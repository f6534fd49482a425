//! What the device does with an application message.

use super::codec::Publish;
use super::command::{self, Command, CommandError};
use super::outbox::Outbox;
use super::payload::crc32;
use super::topics::Topics;
use crate::console::Escaped;
use crate::status::count;
use crate::{Board, Device};

/// Delivers a message: tells the console, and runs the command if it is one.
pub(super) fn deliver<B: Board>(
    device: &Device<'_, B>,
    topics: &Topics,
    outbox: &mut Outbox,
    publish: &Publish<'_>,
) {
    count(&device.status.counters.mqtt_received);
    device.event(
        "mqtt.message",
        format_args!(
            "topic={} qos={} retain={} dup={} bytes={} crc32={:08x}",
            Escaped(publish.topic.as_bytes()),
            publish.qos.level(),
            u8::from(publish.retain),
            u8::from(publish.dup),
            publish.payload.len(),
            crc32(publish.payload),
        ),
    );
    let Some(name) = topics.command(publish.topic) else {
        return;
    };
    if let Err(error) = run(device, topics, outbox, name, publish) {
        device.event(
            "mqtt.command_error",
            format_args!("reason={}", error.reason()),
        );
    }
}

fn run<B: Board>(
    device: &Device<'_, B>,
    topics: &Topics,
    outbox: &mut Outbox,
    name: &str,
    publish: &Publish<'_>,
) -> Result<(), CommandError> {
    if publish.retain {
        return Err(CommandError::Retained);
    }
    match command::parse(name, publish.payload, topics.data.len())? {
        Command::Led(led) => device.set_led(led),
        Command::Beep(beeper) => device.set_beeper(beeper),
        other => outbox.take(other)?,
    }
    Ok(())
}
