//! One network connection, from CONNECT to its end.

use core::convert::Infallible;

use embassy_futures::select::{Either3, select3};
use embassy_net::tcp::TcpReader;
use embassy_time::{Instant, Timer};
use firmproof_bootconfig::Mqtt;
use heapless::Vec;

use super::codec::{Connect, Decoder, Item, Oversize, PublishHeader, Qos, Received, Will};
use super::delivery::deliver;
use super::outbox::Outbox;
use super::session::{
    Close, Content, MAX_RECORD_LEN, Notice, Purpose, Reaction, Reply, SNAPSHOT_LEN, Session,
    Transmit,
};
use super::topics::Topics;
use super::wire::{Wire, WireError};
use crate::status::count;
use crate::{Board, Device};

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The session decided so.
    Session(Close),
    /// Nothing more can be read or written.
    Broken,
    /// The server took nothing for the response time-out.
    WriteTimeout,
    /// DISCONNECT was sent because a command asked for it.
    Disconnect,
    /// DISCONNECT was sent to make the server forget a session.
    Purged,
    /// The session could not be made durable, so that nothing may be answered.
    StoreFailed,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Session(close)
    }
}

impl From<WireError> for End {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Timeout => Self::WriteTimeout,
            WireError::Broken | WireError::Unsendable => Self::Broken,
        }
    }
}

/// A connection and what it works on.
pub(super) struct Connection<'c, 'd, B: Board> {
    pub(super) device: &'c Device<'d, B>,
    pub(super) mqtt: &'c Mqtt,
    pub(super) topics: &'c Topics,
    pub(super) session: &'c mut Session,
    pub(super) outbox: &'c mut Outbox,
    pub(super) wire: Wire<'c>,
}

impl<B: Board> Connection<'_, '_, B> {
    /// Serves the connection until it must be closed.
    pub(super) async fn run(&mut self, reader: &mut TcpReader<'_>, decoder: &mut Decoder) -> End {
        self.session.connected();
        let Err(end) = self.serve(reader, decoder).await;
        end
    }

    async fn serve(
        &mut self,
        reader: &mut TcpReader<'_>,
        decoder: &mut Decoder,
    ) -> Result<Infallible, End> {
        loop {
            if self.device.state_changed.try_take().is_some() {
                self.outbox.state_due = true;
            }
            self.save().await?;
            self.session
                .check(Instant::now(), reader.recv_queue() > 0)?;
            let item = if self.send_one().await? {
                // Reading goes on between packets, however many are to be sent.
                if reader.recv_queue() == 0 {
                    continue;
                }
                read(reader, decoder).await?
            } else {
                let deadline = self.session.deadline().unwrap_or(Instant::MAX);
                let state_changed = self.device.state_changed.wait();
                match select3(read(reader, decoder), Timer::at(deadline), state_changed).await {
                    Either3::First(item) => item?,
                    Either3::Second(()) => continue,
                    Either3::Third(()) => {
                        self.outbox.state_due = true;
                        continue;
                    }
                }
            };
            match item {
                Some(Item::Packet(packet)) => self.take(&packet).await?,
                Some(Item::Oversize(oversize)) => self.take_oversize(&oversize).await?,
                None => {
                    if decoder.is_reading_past() {
                        self.session.reading_past(Instant::now());
                    }
                }
            }
        }
    }

    /// Makes every change of the session durable.
    async fn save(&mut self) -> Result<(), End> {
        let mut buffer = [0; MAX_RECORD_LEN];
        while let Some((record, value)) = self.session.next_save(&mut buffer) {
            let mut store = self.device.store.lock().await;
            let saved = match value {
                Some(value) => store.put(record.key(), value).await,
                None => store.remove(record.key()).await,
            };
            saved.map_err(|_| End::StoreFailed)?;
        }
        Ok(())
    }

    /// Sends a packet, or makes one due; false when there is nothing to do.
    async fn send_one(&mut self) -> Result<bool, End> {
        let started = Instant::now();
        if let Some(transmit) = self.session.next_transmit(started) {
            self.transmit(transmit).await?;
            self.session.sent(started, Instant::now());
            return Ok(true);
        }
        if self.session.is_ready() {
            return self.serve_outbox().await;
        }
        Ok(false)
    }

    async fn transmit(&mut self, transmit: Transmit) -> Result<(), End> {
        match transmit {
            Transmit::Connect { clean_session } => self.connect(clean_session).await?,
            Transmit::Pubrel(id) => self.wire.packet(|e| e.pubrel(id)).await?,
            Transmit::Pingreq => self.wire.packet(|e| e.pingreq()).await?,
            Transmit::Request(id, Purpose::Configured) => {
                let filters = self.topics.filters(self.mqtt);
                self.wire.packet(|e| e.subscribe(id, filters)).await?;
            }
            Transmit::Request(id, Purpose::Subscribe | Purpose::Unsubscribe) => {
                if let Some(request) = self.outbox.request_in_hand() {
                    let filter = request.filter.as_str();
                    let written = match request.qos {
                        Some(qos) => {
                            let filters = core::iter::once((filter, qos));
                            self.wire.packet(|e| e.subscribe(id, filters)).await
                        }
                        None => self.wire.packet(|e| e.unsubscribe(id, filter)).await,
                    };
                    written?;
                }
            }
            Transmit::Publish { slot, dup } => self.publish(slot, dup).await?,
        }
        Ok(())
    }

    async fn connect(&mut self, clean_session: bool) -> Result<(), End> {
        let mqtt = self.mqtt;
        let keep_alive_s = mqtt.keep_alive_s;
        let connect = Connect {
            client_id: &mqtt.client_id,
            clean_session,
            keep_alive_s,
            will: mqtt.will.as_ref().map(|will| Will {
                topic: &will.topic,
                payload: &will.payload,
                qos: Qos::from_level(will.qos).unwrap_or(Qos::AtMostOnce),
                retain: will.retain,
            }),
            user_name: mqtt.user_name.as_deref(),
            password: mqtt.password.as_deref(),
        };
        self.wire.packet(|e| e.connect(&connect)).await?;
        self.device.event(
            "mqtt.connect",
            format_args!(
                "clean_session={} keep_alive={keep_alive_s}",
                u8::from(clean_session)
            ),
        );
        Ok(())
    }

    async fn publish(&mut self, slot: usize, dup: bool) -> Result<(), End> {
        let Some(message) = self.session.message(slot) else {
            return Ok(());
        };
        let (id, qos) = (message.id, message.qos());
        let header = PublishHeader {
            topic: self.topics.of(&message.content),
            delivery: Some((id, qos)),
            dup,
            retain: message.retain,
            payload_len: message.content.len(),
        };
        match self.wire.publish(&header, &message.content).await {
            Err(WireError::Unsendable) => self.session.abandon(slot),
            written => {
                written?;
                if self.session.mark_sent(slot) {
                    self.device.tell_sent(id.get(), qos);
                }
            }
        }
        Ok(())
    }

    /// Takes one wish from the outbox; false when there is none that can be met now.
    async fn serve_outbox(&mut self) -> Result<bool, End> {
        if self.outbox.disconnect {
            self.outbox.disconnect = false;
            self.wire.packet(|e| e.disconnect()).await?;
            return Err(End::Disconnect);
        }
        if let Some(request) = self.outbox.request_in_hand() {
            let purpose = match request.qos {
                Some(_) => Purpose::Subscribe,
                None => Purpose::Unsubscribe,
            };
            if self.session.request(purpose) {
                return Ok(true);
            }
        }
        if self.outbox.state_due && self.session.has_room() {
            self.outbox.state_due = false;
            self.publish_state();
            return Ok(true);
        }
        let Some(batch) = self.outbox.next_message() else {
            return Ok(false);
        };
        let content = Content::Pattern(batch.size);
        if batch.qos == Qos::AtMostOnce {
            let header = PublishHeader {
                topic: &self.topics.data,
                delivery: None,
                dup: false,
                retain: batch.retain,
                payload_len: batch.size,
            };
            // Taken before it is sent: at QoS 0 a message that a broken connection cut is lost.
            self.outbox.message_taken();
            let started = Instant::now();
            self.wire.publish(&header, &content).await?;
            self.session.sent(started, Instant::now());
            self.device.tell_sent(0, batch.qos);
            return Ok(true);
        }
        let taken = self.session.publish(content, batch.qos, batch.retain);
        if taken {
            self.outbox.message_taken();
        }
        Ok(taken)
    }

    fn publish_state(&mut self) {
        let mut state: Vec<u8, SNAPSHOT_LEN> = Vec::new();
        if crate::status_json::write(self.device, &mut state).is_err() {
            self.device
                .event("mqtt.state_error", format_args!("reason=too-long"));
            return;
        }
        self.session
            .publish(Content::Snapshot(state), Qos::AtLeastOnce, true);
    }

    async fn take(&mut self, packet: &Received<'_>) -> Result<(), End> {
        if let Received::Connack(connack) = packet {
            self.device.tell_connack(*connack);
        }
        let was_ready = self.session.is_ready();
        let reaction = self.session.receive(packet, Instant::now())?;
        self.save().await?;
        match (reaction.notice, packet) {
            (Notice::Deliver, Received::Publish(publish)) => {
                deliver(self.device, self.topics, self.outbox, publish);
            }
            (Notice::Answered(purpose), _) => {
                self.device.tell_answer(packet);
                if purpose != Purpose::Configured {
                    self.outbox.request_answered();
                }
            }
            (Notice::Purged, _) => {
                self.device.tell_session("discarded");
                self.wire.packet(|e| e.disconnect()).await?;
                return Err(End::Purged);
            }
            (notice, _) => self.device.tell_notice(notice),
        }
        if !was_ready && self.session.is_ready() {
            self.outbox.state_due = true;
        }
        self.reply(&reaction).await
    }

    async fn take_oversize(&mut self, oversize: &Oversize) -> Result<(), End> {
        let reaction = self.session.receive_oversize(oversize)?;
        self.save().await?;
        count(&self.device.status.counters.mqtt_oversize);
        self.device.event(
            "mqtt.oversize",
            format_args!(
                "type={} bytes={} limit={}",
                oversize.packet_type as u8,
                oversize.remaining_length,
                super::codec::BUFFER_LEN,
            ),
        );
        self.device.tell_notice(reaction.notice);
        self.reply(&reaction).await
    }

    async fn reply(&mut self, reaction: &Reaction) -> Result<(), End> {
        let Some(reply) = reaction.reply else {
            return Ok(());
        };
        let started = Instant::now();
        self.wire
            .packet(|e| match reply {
                Reply::Puback(id) => e.puback(id),
                Reply::Pubrec(id) => e.pubrec(id),
                Reply::Pubrel(id) => e.pubrel(id),
                Reply::Pubcomp(id) => e.pubcomp(id),
            })
            .await?;
        self.session.sent(started, Instant::now());
        Ok(())
    }
}

/// Reads up to the end of one packet.
async fn read<'p>(
    reader: &mut TcpReader<'_>,
    decoder: &'p mut Decoder,
) -> Result<Option<Item<'p>>, End> {
    let decoded = reader
        .read_with(move |bytes| {
            let mut input: &[u8] = bytes;
            let available = input.len();
            let item = decoder.decode(&mut input);
            (available - input.len(), item)
        })
        .await
        .map_err(|_| End::Broken)?;
    decoded.map_err(|error| End::Session(Close::Protocol(error)))
}
