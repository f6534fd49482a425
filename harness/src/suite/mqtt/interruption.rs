//! What happens to a device besides the network: it stands still, is reset, loses its cable, or its
//! power in the middle of a write.

use std::time::Duration;

use super::flight::{published, sent_again};
use super::reconnect::works_again;
use super::scene::{
    DATA, PERSISTS, PROBE, SUBSCRIBES, acknowledges, begin, begin_session, command, reconnects,
    takes_message, told,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::dut::Control;
use crate::peers::mqtt_bytes::{puback, publish, suback};
use crate::peers::mqtt_packet::{ClientPacket, Publish};
use crate::peers::scripted_broker::{BrokerError, Connection, ScriptedBroker};
use crate::profile::Capability::{
    self, Command, Configure, Monitor, Mqtt, ObserveConsole, Power, Reconnects, TimeScale,
};

const GOES_ON: &str = "FIRMPROOF-RESUME-1";
const STATE_STAYS: &str = "FIRMPROOF-RESUME-2";
const SESSION_STAYS: &str = "FIRMPROOF-MQTT-4";
/// A device that stands still answers nothing for so long.
const STILL: Duration = Duration::from_secs(1);
/// How often the power is cut in the middle of a write.
const CUTS: u32 = 20;
/// Messages that the device is told to publish, each of which it remembers until it is acknowledged.
const BURST: u32 = 40;
/// What it takes to hold the device still, and to see that it goes on.
const MONITORED: &[Capability] = &[Mqtt, SUBSCRIBES, Reconnects, Monitor];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            Level::Policy,
            "mqtt/interruption/stands-still",
            &[GOES_ON],
            "A device that stood still answers what was sent meanwhile, on the same connection",
            stands_still,
        )
        .needs(MONITORED),
        Case::new(
            Level::Policy,
            "mqtt/interruption/stands-still-until-given-up",
            &[GOES_ON],
            "A device that stood still until the server gave the connection up connects again and works",
            given_up,
        )
        .needs(MONITORED),
        Case::new(
            Level::Policy,
            "mqtt/interruption/cable-pulled",
            &[GOES_ON],
            "A device whose cable was pulled and plugged in connects again and works",
            cable_pulled,
        )
        .needs(MONITORED)
        .needs(&[Configure, TimeScale, ObserveConsole]),
        Case::new(
            Level::Policy,
            "mqtt/interruption/reset",
            &[SESSION_STAYS, "MQTT-4.4.0-1"],
            "A device that is reset starts again, and sends what was not acknowledged again, with DUP and its identifier",
            reset,
        )
        .needs(MONITORED)
        .needs(&[PERSISTS, Command, ObserveConsole]),
        Case::new(
            Level::Policy,
            "mqtt/interruption/power-cut-while-it-writes",
            &[STATE_STAYS, SESSION_STAYS, "MQTT-4.4.0-1"],
            format!(
                "After each of {CUTS} power cuts in the middle of writes, the device counts its start, resumes its \
                 session, and sends again what was not acknowledged"
            ),
            cut_while_it_writes,
        )
        .needs(&[Mqtt, Configure, Power, Command, ObserveConsole]),
    ]
}

/// Pauses the device, and shows that it stands still: it does not answer.
async fn pauses(bench: &Bench, connection: &mut Connection) -> Judged {
    bench.control(Control::Pause).await?;
    let message = publish(PROBE, 1, 1, false, false, b"are you there");
    connection.send(&message).await?;
    match connection.next(STILL).await {
        Err(BrokerError::Late(_)) => Ok(()),
        Ok(seen) => Err(Stop::inconclusive(format!(
            "the device was paused, and sent {}",
            seen.map_or("the end of the connection".into(), |p| p.to_string())
        ))),
        Err(other) => Err(other.into()),
    }
}

async fn stands_still(bench: Bench) -> Judged {
    let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
    pauses(&bench, &mut connection).await?;
    bench.control(Control::Resume).await?;
    acknowledges(&mut connection, GOES_ON, 1, PATIENCE).await?;
    takes_message(&mut connection, GOES_ON, 2).await?;
    bench.alive(GOES_ON).await
}

async fn given_up(bench: Bench) -> Judged {
    let (mut broker, mut connection) = begin_session(&bench, |_| ()).await?;
    pauses(&bench, &mut connection).await?;
    connection.reset();
    bench.control(Control::Resume).await?;
    works_again(&mut broker, GOES_ON).await?;
    bench.alive(GOES_ON).await
}

/// The device learns of the cable from its PHY, and of the dead connection by the missing PINGRESP.
async fn cable_pulled(bench: Bench) -> Judged {
    bench.scale_time(10);
    let (mut broker, connection) = begin_session(&bench, |mqtt| {
        mqtt.keep_alive_s = 10;
        mqtt.response_timeout_s = 5;
    })
    .await?;
    bench.control(Control::Link(false)).await?;
    told(&bench, GOES_ON, "event=mqtt.closed", |line| {
        line.is("mqtt.closed")
    })
    .await?;
    connection.reset();
    bench.control(Control::Link(true)).await?;
    works_again(&mut broker, GOES_ON).await?;
    bench.alive(GOES_ON).await
}

async fn reset(bench: Bench) -> Judged {
    let (mut broker, mut connection) =
        begin_session(&bench, |mqtt| mqtt.clean_session = false).await?;
    let message = published(&mut connection, 40, 1).await?;
    bench.control(Control::Reset).await?;
    // The device has forgotten this connection; the server gives it up too.
    connection.reset();
    told(&bench, SESSION_STAYS, "a second event=ready", |line| {
        line.is("ready") && line.field("boots") == Some("2")
    })
    .await?;
    let (mut connection, _) = reconnects(&mut broker, SESSION_STAYS).await?;
    connection.accepted(true).await?;
    sent_again(&mut connection, &message).await?;
    let id = message.id.unwrap_or_default();
    connection.send(&puback(id)).await?;
    takes_message(&mut connection, SESSION_STAYS, 1).await
}

async fn cut_while_it_writes(bench: Bench) -> Judged {
    let mut broker = begin(&bench, |mqtt| mqtt.clean_session = false).await?;
    let mut connection = broker.serve_session(PATIENCE).await?;
    // How far the device comes before a cut, and so what it repeats, depends on the time.
    connection.stands_aside();
    for cut in 1..=CUTS {
        command(
            &mut connection,
            "publish",
            &format!("size=40 qos=1 count={BURST}"),
        )
        .await?;
        // The message that is left unacknowledged is another one each time.
        let last = acknowledge_some(&mut connection, 1 + cut % (BURST / 2)).await?;
        bench.cut_power().await?;
        connection.reset();
        bench.start().await?;
        require_counted(&bench, cut + 1).await?;
        connection = resumed(&bench, &mut broker, &last).await?;
    }
    bench.alive(STATE_STAYS).await
}

/// Takes `count` messages and acknowledges all but the last, which the device has to remember.
/// When it has sent that one, it is busy with those behind it.
async fn acknowledge_some(connection: &mut Connection, count: u32) -> Judged<Publish> {
    let mut left = count;
    loop {
        let message = next_message(connection).await?;
        left -= 1;
        if left == 0 {
            return Ok(message);
        }
        let id = message.id.unwrap_or_default();
        connection.send(&puback(id)).await?;
    }
}

async fn next_message(connection: &mut Connection) -> Judged<Publish> {
    let is_data = |p: &ClientPacket| matches!(p, ClientPacket::Publish(m) if m.topic == DATA);
    let what = format!("PUBLISH topic={DATA}");
    let seen = connection
        .expect("MQTT-4.1.0-1", &what, PATIENCE, is_data)
        .await?;
    match seen {
        ClientPacket::Publish(message) => Ok(message),
        other => Err(Stop::fail("MQTT-4.1.0-1", what, other.to_string())),
    }
}

/// The device's state was readable: the start is counted, and no error is told.
async fn require_counted(bench: &Bench, boots: u32) -> Judged {
    let lines = bench.console();
    let error = lines.iter().find(|line| line.is("store.error"));
    let expected = "state that is readable";
    let seen = error.map_or_else(String::new, |line| line.text.clone());
    require(error.is_none(), STATE_STAYS, expected, seen)?;
    let ready = lines.iter().find(|line| line.is("ready"));
    let counted = ready.and_then(|line| line.field("boots")).unwrap_or("none");
    require(
        counted == boots.to_string(),
        STATE_STAYS,
        format!("event=ready boots={boots}"),
        format!("boots={counted}"),
    )
}

/// The device goes on with its session: `last` comes again, with DUP; what else comes again is
/// acknowledged too. A message that it takes shows that nothing more is to come.
async fn resumed(bench: &Bench, broker: &mut ScriptedBroker, last: &Publish) -> Judged<Connection> {
    let (mut connection, connect) = reconnects(broker, SESSION_STAYS).await?;
    let asked = format!("clean session {}", u8::from(connect.clean_session));
    require(
        !connect.clean_session,
        SESSION_STAYS,
        "clean session 0",
        asked,
    )?;
    connection.stands_aside();
    connection.accepted(true).await?;
    told(
        bench,
        SESSION_STAYS,
        "event=mqtt.session state=resumed",
        |line| line.is("mqtt.session") && line.field("state") == Some("resumed"),
    )
    .await?;
    let probe = publish(PROBE, 1, 1, false, false, b"are you there");
    connection.send(&probe).await?;
    let (mut repeated, mut answered) = (false, false);
    while !(repeated && answered) {
        let expected = format!(
            "the message {} again, with DUP, and PUBACK id=1",
            last.id.unwrap_or_default()
        );
        let seen = connection
            .next(PATIENCE)
            .await
            .map_err(|error| match error {
                BrokerError::Late(after) => Stop::fail(
                    "MQTT-4.4.0-1",
                    &expected,
                    format!("nothing more within {} ms", after.as_millis()),
                ),
                other => other.into(),
            })?;
        match seen {
            Some(ClientPacket::Puback(1)) => answered = true,
            Some(ClientPacket::Subscribe { id, filters }) => {
                let codes: Vec<u8> = filters.iter().map(|(_, qos)| *qos).collect();
                connection.send(&suback(id, &codes)).await?;
            }
            Some(ClientPacket::Publish(message)) if message.topic == DATA && message.dup => {
                let same = message.payload == last.payload;
                repeated |= message.id == last.id && same;
                connection
                    .send(&puback(message.id.unwrap_or_default()))
                    .await?;
            }
            other => {
                let seen = other.map_or("the connection's end".into(), |p| p.to_string());
                return Err(Stop::fail("MQTT-4.4.0-1", expected, seen));
            }
        }
    }
    Ok(connection)
}
