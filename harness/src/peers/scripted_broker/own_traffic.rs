//! What a case has no part in: the messages and subscriptions that a device makes of its own accord.

use crate::peers::mqtt_bytes::{puback, pubcomp, pubrec, suback, unsuback};
use crate::peers::mqtt_packet::ClientPacket;

/// What the device publishes and subscribes to of its own accord.
#[derive(Debug, Default)]
pub(super) struct OwnTraffic {
    /// Whether it is answered without the case.
    pub(super) answered: bool,
    /// Whether its first SUBSCRIBE was granted, so that further ones are its own affair.
    pub(super) subscribed: bool,
    /// Its QoS 2 messages that are recorded and not yet released.
    recorded: Vec<u16>,
}

impl OwnTraffic {
    pub(super) fn concerns(&self, packet: &ClientPacket) -> bool {
        match packet {
            ClientPacket::Publish(_) => true,
            ClientPacket::Pubrel(id) => self.recorded.contains(id),
            ClientPacket::Subscribe { .. } | ClientPacket::Unsubscribe { .. } => self.subscribed,
            _ => false,
        }
    }

    /// The answer to a packet that is the device's own affair; nothing for a message at QoS 0.
    pub(super) fn answer(&mut self, packet: &ClientPacket) -> Option<Vec<u8>> {
        if !self.concerns(packet) {
            return None;
        }
        match packet {
            ClientPacket::Publish(publish) => Some(match (publish.qos, publish.id) {
                (2, Some(id)) => {
                    self.recorded.push(id);
                    pubrec(id)
                }
                (_, id) => id.map(puback).unwrap_or_default(),
            }),
            ClientPacket::Pubrel(id) => {
                self.recorded.retain(|recorded| recorded != id);
                Some(pubcomp(*id))
            }
            ClientPacket::Subscribe { id, filters } => {
                let codes: Vec<u8> = filters.iter().map(|(_, qos)| *qos).collect();
                Some(suback(*id, &codes))
            }
            ClientPacket::Unsubscribe { id, .. } => Some(unsuback(*id)),
            _ => None,
        }
    }
}
