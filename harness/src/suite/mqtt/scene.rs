//! What the MQTT cases share: a device with its scripted broker, and the ends that cases come to.

use std::time::Duration;

use firmproof_bootconfig::{Mqtt, Subscription};

use crate::bench::{Bench, PATIENCE, text};
use crate::case::{Judged, Stop, require};
use crate::evidence::console::Line;
use crate::peers::mqtt_bytes::publish;
use crate::peers::mqtt_packet::{ClientPacket, Connect};
use crate::peers::scripted_broker::{BrokerError, Connection, ScriptedBroker};
use crate::profile::{Capability, Liveness, Setting};

/// The device's state topic.
pub(super) const STATE: &str = "fp/dut/state";
/// Where the device publishes on command.
pub(super) const DATA: &str = "fp/dut/data";
/// A topic that the device has subscribed to at QoS 2 and gives no meaning.
pub(super) const PROBE: &str = "fp/probe/a";

/// Subscribes to what the case says.
pub(super) const SUBSCRIBES: Capability = Capability::Setting(Setting::Subscription);
/// Asks for clean session 0 when the case says so.
pub(super) const PERSISTS: Capability = Capability::Setting(Setting::PersistentSession);
/// After any hostile input the client connects again; judged where the profile declares it.
const RECOVERY: &str = "FIRMPROOF-MQTT-7";

/// For how long a device that does not wait for CONNACK may take to send what it has.
const SENT_AT_ONCE: Duration = Duration::from_millis(30);

/// Starts the device, which then connects to the broker.
///
/// Its own time limits are far off, so that a connection that it closes was closed for a packet.
pub(super) async fn begin(bench: &Bench, change: impl FnOnce(&mut Mqtt)) -> Judged<ScriptedBroker> {
    let broker = prepare(bench, change).await?;
    bench.start().await?;
    Ok(broker)
}

/// As [`begin`], without starting the device.
pub(super) async fn prepare(
    bench: &Bench,
    change: impl FnOnce(&mut Mqtt),
) -> Judged<ScriptedBroker> {
    bench.configure_mqtt(|mqtt| {
        mqtt.response_timeout_s = 120;
        mqtt.keep_alive_s = 1200;
        // Most cases end with a device that connects again; what its waits must be is for `back_off`.
        mqtt.backoff_min_ms = 10;
        mqtt.backoff_max_ms = 40;
        mqtt.subscriptions.clear();
        let probe = Subscription {
            filter: text("fp/probe/#"),
            qos: 2,
        };
        // There is room: it is the first.
        let _ = mqtt.subscriptions.push(probe);
        change(mqtt);
    });
    let mut broker = bench.broker().await?;
    broker.acknowledge(STATE);
    Ok(broker)
}

/// [`begin`], and a session with its subscriptions granted.
pub(super) async fn begin_session(
    bench: &Bench,
    change: impl FnOnce(&mut Mqtt),
) -> Judged<(ScriptedBroker, Connection)> {
    let mut broker = begin(bench, change).await?;
    let connection = broker.serve_session(PATIENCE).await?;
    Ok((broker, connection))
}

/// The device connects anew; the CONNACK is left to the caller.
pub(super) async fn reconnects(
    broker: &mut ScriptedBroker,
    statement: &str,
) -> Judged<(Connection, Connect)> {
    let expected = if statement == RECOVERY {
        "the device connects again, as the profile's `liveness` says"
    } else {
        "the device connects again"
    };
    let mut connection = broker.accept(PATIENCE).await.map_err(|e| match e {
        BrokerError::Late(after) => Stop::fail(
            statement,
            expected,
            format!("no connection within {} ms", after.as_millis()),
        ),
        other => other.into(),
    })?;
    let connect = connection.expect_connect(PATIENCE).await?;
    Ok((connection, connect))
}

/// The device, which has lost its connection, is alive by the liveness that its profile declares: a client
/// need not connect again (the specification does not say so), nor run on after an error.
pub(super) async fn lives_on(
    bench: &Bench,
    broker: &mut ScriptedBroker,
    statement: &str,
) -> Judged {
    bench.alive(statement).await?;
    match bench.profile().liveness() {
        Liveness::Reconnects => tries_again(bench, broker).await?,
        Liveness::Restarted => comes_back(bench, broker).await?,
        Liveness::Runs | Liveness::NotDeclared => (),
    }
    bench.alive(statement).await
}

/// The device connects again by itself, or ends and does so when it is started again.
async fn comes_back(bench: &Bench, broker: &mut ScriptedBroker) -> Judged {
    tokio::select! {
        again = tries_again(bench, broker) => return again,
        () = bench.until_ended() => (),
    }
    bench.restart_if_ended().await?;
    tries_again(bench, broker).await
}

/// As [`reconnects`], or with another version of the protocol: a client that speaks an earlier one too may well ask for
/// that after an attempt that failed, and no clause ties it to 3.1.1.
async fn tries_again(bench: &Bench, broker: &mut ScriptedBroker) -> Judged {
    let is_version = |statement: &str| ["MQTT-3.1.2-1", "MQTT-3.1.2-2"].contains(&statement);
    match reconnects(broker, RECOVERY).await {
        Err(Stop::Fail(finding)) if is_version(&finding.statement) => {
            bench.observed("asks for another version of the protocol");
            Ok(())
        }
        again => again.map(drop),
    }
}

/// Takes what the device sends behind its CONNECT without waiting for CONNACK, as it may (§3.1.4).
pub(super) async fn hears_out(connection: &mut Connection) -> Judged {
    connection.closes(SENT_AT_ONCE).await?;
    Ok(())
}

/// Ends a case on an accepted connection: a device that subscribes takes a message, and any is alive.
pub(super) async fn settles(bench: &Bench, connection: &mut Connection, statement: &str) -> Judged {
    if bench.need(SUBSCRIBES).is_ok() {
        connection.grant_subscribe(PATIENCE).await?;
        takes_message(connection, statement, 1).await?;
    }
    bench.alive(statement).await
}

/// The device closes the connection for what it was sent, and lives on.
pub(super) async fn refuses(
    bench: &Bench,
    broker: &mut ScriptedBroker,
    mut connection: Connection,
    statement: &str,
) -> Judged {
    let farewell = connection.closes(PATIENCE).await?;
    if farewell.end.is_none() {
        let count = farewell.packets.len();
        let packets: Vec<String> = farewell
            .packets
            .iter()
            .take(4)
            .map(ToString::to_string)
            .collect();
        bench.alive(statement).await?;
        return Err(Stop::fail(
            statement,
            "the device closes the connection",
            if packets.is_empty() {
                format!(
                    "open after {} ms; the device sends nothing",
                    PATIENCE.as_millis()
                )
            } else {
                format!(
                    "open after {} ms; {count} packets from the device: {}",
                    PATIENCE.as_millis(),
                    packets.join(", ")
                )
            },
        ));
    }
    drop(connection);
    lives_on(bench, broker, statement).await
}

/// The device takes a QoS 1 message and answers it: it is in step with the byte stream.
pub(super) async fn takes_message(connection: &mut Connection, statement: &str, id: u16) -> Judged {
    connection
        .send(&publish(PROBE, 1, id, false, false, b"are you there"))
        .await?;
    acknowledges(connection, statement, id, PATIENCE).await
}

/// The next packet is the PUBACK of `id`.
pub(super) async fn acknowledges(
    connection: &mut Connection,
    statement: &str,
    id: u16,
    deadline: Duration,
) -> Judged {
    connection
        .expect(statement, &format!("PUBACK id={id}"), deadline, |p| {
            *p == ClientPacket::Puback(id)
        })
        .await?;
    Ok(())
}

/// The device's next packet, or the connection's end; silence breaks `statement`.
pub(super) async fn reacts(
    connection: &mut Connection,
    statement: &str,
    expected: &str,
) -> Judged<Option<ClientPacket>> {
    connection.next(PATIENCE).await.map_err(|e| match e {
        BrokerError::Late(after) => Stop::fail(
            statement,
            expected,
            format!("nothing within {} ms", after.as_millis()),
        ),
        other => other.into(),
    })
}

/// Sends a command at QoS 0.
pub(super) async fn command(connection: &mut Connection, name: &str, arguments: &str) -> Judged {
    let topic = format!("fp/dut/cmd/{name}");
    let message = publish(&topic, 0, 0, false, false, arguments.as_bytes());
    Ok(connection.send(&message).await?)
}

/// Waits for a console event; its absence breaks `statement`.
pub(super) async fn told(
    bench: &Bench,
    statement: &str,
    what: &str,
    wanted: impl Fn(&Line) -> bool,
) -> Judged<Line> {
    match bench.event(PATIENCE, wanted).await? {
        Some(line) => Ok(line),
        None => Err(Stop::fail(
            statement,
            what,
            bench.with_console("no such console line"),
        )),
    }
}

/// Requires that the device has delivered `payload` so many times. A marker message, delivered after
/// it, shows that the count is final.
pub(super) async fn delivered(
    bench: &Bench,
    connection: &mut Connection,
    statement: &str,
    payload: &[u8],
    times: usize,
) -> Judged {
    let marker = b"that was all";
    connection
        .send(&publish(PROBE, 0, 0, false, false, marker))
        .await?;
    let told = bench.message(PATIENCE, marker).await?;
    let seen = bench.with_console("no console line that tells of it");
    require(told, statement, "the marker message delivered", seen)?;
    let count = bench.messages(payload);
    require(
        count == times,
        statement,
        format!("the message delivered {times} times"),
        format!("{count} times"),
    )
}

/// What the device does where a clause lets it go on or close.
pub(super) enum Choice {
    /// It goes on with this connection.
    GoesOn(Box<Connection>),
    /// It has closed it.
    Closes,
}

/// A message shows what the device makes of what it was sent before; the choice goes on record.
pub(super) async fn chooses(
    bench: &Bench,
    mut connection: Connection,
    statement: &str,
    id: u16,
) -> Judged<Choice> {
    let message = publish(PROBE, 1, id, false, false, b"and now");
    connection.send(&message).await?;
    let expected = format!("PUBACK id={id}, or the connection's end");
    match reacts(&mut connection, statement, &expected).await? {
        Some(ClientPacket::Puback(seen)) if seen == id => {
            bench.observed("goes on");
            Ok(Choice::GoesOn(Box::new(connection)))
        }
        None | Some(ClientPacket::Disconnect) => {
            bench.observed("closes the connection");
            Ok(Choice::Closes)
        }
        Some(other) => Err(Stop::fail(statement, expected, other.to_string())),
    }
}

/// As [`chooses`]; a device that has closed connects again where it does so by itself, and works.
pub(super) async fn chooses_and_works(
    bench: &Bench,
    broker: &mut ScriptedBroker,
    connection: Connection,
    statement: &str,
) -> Judged {
    match chooses(bench, connection, statement, 901).await? {
        Choice::GoesOn(mut connection) => takes_message(&mut connection, statement, 902).await?,
        Choice::Closes if bench.need(Capability::Reconnects).is_ok() => {
            let mut connection = broker.serve_session(PATIENCE).await?;
            takes_message(&mut connection, statement, 902).await?;
        }
        Choice::Closes => return lives_on(bench, broker, statement).await,
    }
    bench.alive(statement).await
}

/// The device connects again, and the server still has its session.
pub(super) async fn resumes(broker: &mut ScriptedBroker, statement: &str) -> Judged<Connection> {
    let (mut connection, _) = reconnects(broker, statement).await?;
    connection.accepted(true).await?;
    Ok(connection)
}
