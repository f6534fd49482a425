//! What the session knows of the network connection in hand: handshake, requests, time limits.

use embassy_time::{Duration, Instant};

use super::{Close, STABLE_AFTER, Settings};
use crate::mqtt::codec::PacketId;

/// How far the connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No network connection.
    Down,
    /// CONNECT is to be sent.
    ConnectDue,
    /// CONNECT is sent; nothing but CONNACK may come (MQTT-3.2.0-1).
    AwaitConnack,
    /// CONNACK 0 has come.
    Open,
}

/// What a SUBSCRIBE or UNSUBSCRIBE is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The configured subscriptions, all in one SUBSCRIBE.
    Configured,
    /// One filter that was asked for by command.
    Subscribe,
    /// One filter that is to be given up by command.
    Unsubscribe,
}

/// A SUBSCRIBE or UNSUBSCRIBE that has no answer yet; one at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) id: PacketId,
    pub(super) purpose: Purpose,
    pub(super) due: bool,
}

/// The connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) phase: Phase,
    pub(super) request: Option<Request>,
    /// When the last packet was sent, which keep alive counts from.
    last_sent: Option<Instant>,
    connack_by: Option<Instant>,
    answer_by: Option<Instant>,
    pingresp_by: Option<Instant>,
    pings: u8,
    ready_since: Option<Instant>,
}

impl Link {
    pub(super) const fn down() -> Self {
        Self {
            phase: Phase::Down,
            request: None,
            last_sent: None,
            connack_by: None,
            answer_by: None,
            pingresp_by: None,
            pings: 0,
            ready_since: None,
        }
    }

    pub(super) fn up() -> Self {
        Self {
            phase: Phase::ConnectDue,
            ..Self::down()
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready_since.is_some()
    }

    pub(super) fn set_ready(&mut self, now: Instant) {
        self.ready_since.get_or_insert(now);
    }

    pub(super) fn is_stable(&self, now: Instant) -> bool {
        self.ready_since
            .is_some_and(|since| now >= since + STABLE_AFTER)
    }

    pub(super) fn connect_sent(&mut self, now: Instant, timeout: Duration) {
        self.phase = Phase::AwaitConnack;
        self.last_sent = Some(now);
        self.connack_by = Some(now + timeout);
    }

    pub(super) fn connack_came(&mut self) {
        self.phase = Phase::Open;
        self.connack_by = None;
    }

    pub(super) fn request_sent(&mut self, now: Instant, timeout: Duration) {
        self.answer_by = Some(now + timeout);
    }

    pub(super) fn request_answered(&mut self) {
        self.request = None;
        self.answer_by = None;
    }

    pub(super) fn ping_sent(&mut self, now: Instant, timeout: Duration) {
        self.pings = self.pings.saturating_add(1);
        self.pingresp_by.get_or_insert(now + timeout);
    }

    pub(super) fn pingresp_came(&mut self, now: Instant, timeout: Duration) {
        self.pings = self.pings.saturating_sub(1);
        self.pingresp_by = (self.pings > 0).then_some(now + timeout);
    }

    /// Writing took from `started` to `now`, during which nothing was read: answers have that
    /// much longer to come.
    pub(super) fn sent(&mut self, started: Instant, now: Instant) {
        self.last_sent = Some(now);
        let took = now.saturating_duration_since(started);
        for by in [&mut self.answer_by, &mut self.pingresp_by] {
            *by = by.map(|by| by + took);
        }
    }

    /// Bytes of a packet came that is being read past: no answer can overtake them.
    pub(super) fn reading_past(&mut self, now: Instant, timeout: Duration) {
        for by in [&mut self.answer_by, &mut self.pingresp_by] {
            *by = by.map(|by| by.max(now + timeout));
        }
    }

    /// When PINGREQ is due: after three quarters of keep alive without a packet, so that the whole
    /// never passes (MQTT-3.1.2-23).
    pub(super) fn ping_due(&self, settings: &Settings) -> Option<Instant> {
        if settings.keep_alive.as_ticks() == 0 {
            return None;
        }
        Some(self.last_sent? + settings.keep_alive * 3 / 4)
    }

    pub(super) fn deadline(&self, settings: &Settings) -> Option<Instant> {
        [
            self.connack_by,
            self.answer_by,
            self.pingresp_by,
            self.ping_due(settings),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn check(&self, now: Instant, slack: Duration) -> Result<(), Close> {
        let passed = |by: Option<Instant>| by.is_some_and(|by| now >= by + slack);
        if passed(self.connack_by) {
            Err(Close::ConnackTimeout)
        } else if passed(self.answer_by) {
            Err(Close::AnswerTimeout)
        } else if passed(self.pingresp_by) {
            Err(Close::PingrespTimeout)
        } else {
            Ok(())
        }
    }
}
