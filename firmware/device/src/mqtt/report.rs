//! What the device shows of its MQTT client: console lines, counters, status.

use core::fmt;

use super::codec::{Connack, Qos, Received};
use super::session::{Begin, Notice};
use crate::status::{MqttState, count};
use crate::{Board, Device};

impl<B: Board> Device<'_, B> {
    /// CONNACK has come.
    pub(super) fn tell_connack(&self, connack: Connack) {
        self.event(
            "mqtt.connack",
            format_args!(
                "code={} session_present={}",
                connack.code as u8,
                u8::from(connack.session_present)
            ),
        );
    }

    pub(super) fn tell_sent(&self, id: u16, qos: Qos) {
        count(&self.status.counters.mqtt_sent);
        let qos = qos.level();
        self.event("mqtt.sent", format_args!("id={id} qos={qos}"));
    }

    pub(super) fn tell_notice(&self, notice: Notice) {
        match notice {
            Notice::Began(begin) => {
                count(&self.status.counters.mqtt_connects);
                self.status.mqtt.set(MqttState::Connected);
                self.tell_session(match begin {
                    Begin::Resumed => "resumed",
                    Begin::New => "new",
                    Begin::Discarded => "discarded",
                    Begin::Lost => "lost",
                });
            }
            Notice::Acked(id, qos) => {
                self.event("mqtt.acked", format_args!("id={id} qos={}", qos.level()))
            }
            Notice::UnknownAck(packet_type, id) => self.event(
                "mqtt.unknown_ack",
                format_args!("type={} id={id}", packet_type as u8),
            ),
            Notice::None | Notice::Deliver | Notice::Purged | Notice::Answered(_) => {}
        }
    }

    pub(super) fn tell_session(&self, state: &str) {
        self.event("mqtt.session", format_args!("state={state}"));
    }

    pub(super) fn tell_answer(&self, packet: &Received<'_>) {
        match packet {
            Received::Suback(suback) => self.event(
                "mqtt.suback",
                format_args!("id={} codes={}", suback.id, Codes(suback.codes)),
            ),
            Received::Unsuback(id) => {
                self.event("mqtt.unsuback", format_args!("id={id}"));
            }
            _ => {}
        }
    }
}

/// SUBACK's codes, joined by commas.
struct Codes<'a>(&'a [u8]);

impl fmt::Display for Codes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, code) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{code}")?;
        }
        Ok(())
    }
}
