//! Connects to the broker again and again, and runs a connection each time.

use embassy_net::tcp::{ConnectError, State, TcpSocket};
use embassy_net::{IpAddress, Stack};
use embassy_time::{Duration, Instant, Timer, with_deadline, with_timeout};
use firmproof_bootconfig::Mqtt;

use super::backoff::Backoff;
use super::codec::{Decoder, is_topic_filter};
use super::connection::{Connection, End};
use super::outbox::Outbox;
use super::session::{Close, Record, Restored, Session, Settings};
use super::topics::Topics;
use super::wire::Wire;
use crate::console::Escaped;
use crate::names;
use crate::status::MqttState;
use crate::store::MAX_VALUE_LEN;
use crate::{Board, Device};

/// Receive buffer: large, since the window bounds how fast a packet is read past.
const RX_LEN: usize = 16 * 1024;
const TX_LEN: usize = 4 * 1024;

/// How long a closed connection may take to end in order before it is reset.
const CLOSE_GRACE: Duration = Duration::from_secs(2);

/// Runs the MQTT client for ever.
pub async fn run<B: Board>(device: &Device<'_, B>, stack: Stack<'_>) {
    let Some(mqtt) = &device.config.mqtt else {
        device.status.mqtt.set(MqttState::Off);
        return core::future::pending().await;
    };
    for subscription in &mqtt.subscriptions {
        if !is_topic_filter(&subscription.filter) {
            device.event(
                "mqtt.subscription_error",
                format_args!(
                    "filter={} reason=bad-filter",
                    Escaped(subscription.filter.as_bytes())
                ),
            );
        }
    }
    let topics = Topics::new(device.config, mqtt);
    let settings = topics.settings(device.config, mqtt);
    let mut session = Session::new(settings);
    restore(device, &mut session).await;
    let mut outbox = Outbox::default();
    let mut backoff = Backoff::new(mqtt.backoff_min_ms, mqtt.backoff_max_ms);
    // One by one: a tuple of them would be made on the stack first.
    let mut rx = [0; RX_LEN];
    let mut tx = [0; TX_LEN];
    loop {
        device.status.mqtt.set(MqttState::Connecting);
        let mut socket = TcpSocket::new(stack, &mut rx, &mut tx);
        let end = match open(device, stack, mqtt, settings, &mut socket).await {
            Ok(()) => {
                let mut decoder = Decoder::new();
                let (mut reader, writer) = socket.split();
                let mut connection = Connection {
                    device,
                    mqtt,
                    topics: &topics,
                    session: &mut session,
                    outbox: &mut outbox,
                    wire: Wire::new(writer, settings.response_timeout),
                };
                let end = connection.run(&mut reader, &mut decoder).await;
                Some(end)
            }
            Err(OpenError) => None,
        };
        device.status.mqtt.set(MqttState::Waiting);
        if session.is_stable(Instant::now()) {
            backoff.reset();
        }
        session.disconnected();
        if let Some(end) = end {
            tell_end(device, end, socket.state());
        }
        let wait = backoff.next(|bound| device.random.below(bound));
        let next = Instant::now() + wait;
        device.event("mqtt.backoff", format_args!("ms={}", wait.as_millis()));
        let grace = Instant::now() + CLOSE_GRACE;
        // Only for what was said last is the next connection put off: a short back-off must not cut
        // DISCONNECT off with an RST (MQTT-3.14.4-1 has it sent before the connection is closed).
        let heard = if says_goodbye(end) {
            grace
        } else {
            next.min(grace)
        };
        shut(&mut socket, heard, next.min(grace)).await;
        drop(socket);
        if end == Some(End::StoreFailed) {
            // What is in the flash is the truth; what it does not hold was never answered.
            session = Session::new(settings);
            restore(device, &mut session).await;
        }
        Timer::at(next).await;
    }
}

/// Takes the session from the store.
async fn restore<B: Board>(device: &Device<'_, B>, session: &mut Session) {
    let mut buffer = [0; MAX_VALUE_LEN + 32];
    for record in Record::all() {
        let mut store = device.store.lock().await;
        match store.get(record.key(), &mut buffer).await {
            Ok(Some(value)) => session.restore(record, value),
            Ok(None) => {}
            Err(_) => session.restore_failed(record),
        }
    }
    if session.finish_restore() == Restored::Discarded {
        device.event("mqtt.session", format_args!("state=discarded"));
    }
}

/// The console has been told why there is no connection.
struct OpenError;

/// Finds the broker and opens the network connection.
async fn open<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    mqtt: &Mqtt,
    settings: Settings,
    socket: &mut TcpSocket<'_>,
) -> Result<(), OpenError> {
    // Asked each time: the address may have changed.
    let address = names::resolve(device, stack, &mqtt.broker)
        .await
        .map_err(|_| OpenError)?;
    let port = mqtt.port;
    device.event(
        "mqtt.connecting",
        format_args!("address={address} port={port}"),
    );
    socket.set_nagle_enabled(false);
    let connect = socket.connect((IpAddress::Ipv4(address), port));
    let reason = match with_timeout(settings.response_timeout, connect).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(ConnectError::ConnectionReset)) => "connection-refused",
        Ok(Err(ConnectError::NoRoute)) => "no-route",
        Ok(Err(ConnectError::TimedOut)) | Err(_) => "connect-timeout",
        Ok(Err(ConnectError::InvalidState)) => "socket-in-use",
    };
    device.event("mqtt.closed", format_args!("reason={reason}"));
    Err(OpenError)
}

fn tell_end<B: Board>(device: &Device<'_, B>, end: End, state: State) {
    let reason = match end {
        End::Session(Close::Protocol(error)) => {
            device.event(
                "mqtt.protocol_error",
                format_args!("reason={}", error.reason()),
            );
            "protocol-error"
        }
        End::Session(Close::Refused(_)) => "refused",
        End::Session(Close::ConnackTimeout) => "connack-timeout",
        End::Session(Close::AnswerTimeout) => "suback-timeout",
        End::Session(Close::PingrespTimeout) => "pingresp-timeout",
        // Only a FIN leaves the connection half open.
        End::Broken if state == State::CloseWait => "peer-closed",
        End::Broken => "connection-reset",
        End::WriteTimeout => "write-timeout",
        End::Disconnect => "disconnect",
        End::Purged => "session-purged",
        End::StoreFailed => "store-failed",
    };
    device.event("mqtt.closed", format_args!("reason={reason}"));
}

/// Whether a peer that is still there is owed what was sent last: DISCONNECT, or an answer to the
/// packet before its FIN.
fn says_goodbye(end: Option<End>) -> bool {
    matches!(end, Some(End::Disconnect | End::Purged | End::Broken))
}

/// Ends the connection: FIN, with until `heard` for the peer to acknowledge what was sent; then what
/// it still sends is thrown away until it ends its side too. RST when that takes until `deadline`.
async fn shut(socket: &mut TcpSocket<'_>, heard: Instant, deadline: Instant) {
    socket.close();
    // Errors mean that the connection is over, which is what is waited for.
    let _ = with_deadline(heard, socket.flush()).await;
    let ended = async { while socket.read_with(|bytes| (bytes.len(), ())).await.is_ok() {} };
    let _ = with_deadline(deadline, ended).await;
    if !matches!(socket.state(), State::Closed | State::TimeWait) {
        socket.abort();
        let _ = with_timeout(CLOSE_GRACE, socket.flush()).await;
    }
}
