//! Lost connections: the device comes back, and not in haste.

use tokio::time::Instant;

use super::scene::{
    STATE, SUBSCRIBES, begin, begin_session, prepare, reconnects, takes_message, told,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::scripted_broker::{Connection, ScriptedBroker};
use crate::profile::Capability::{
    Configure, LabAddresses, LabFrames, Mqtt, ObserveConsole, Reconnects, TimeScale,
};

const BACK_OFF: &str = "FIRMPROOF-MQTT-2";
const RECOVERY: &str = "FIRMPROOF-MQTT-7";

pub(super) fn cases() -> Vec<Case> {
    vec![
        back_off(),
        after("server-closes", "the server closes the connection", drop),
        after("server-resets", "the server resets the connection", |c| {
            c.reset()
        }),
        broker_comes_late(),
        wire_cut(),
    ]
}

/// The CONNECT of a new connection is accepted and its session served.
pub(super) async fn works_again(broker: &mut ScriptedBroker, statement: &str) -> Judged {
    let (mut connection, _) = reconnects(broker, statement).await?;
    connection.accepted(false).await?;
    connection.grant_subscribe(PATIENCE).await?;
    takes_message(&mut connection, statement, 1).await
}

fn back_off() -> Case {
    let (shortest, longest) = (200, 1600);
    Case::new(
        Level::Policy,
        "mqtt/reconnect/back-off",
        &[BACK_OFF],
        "The waits between attempts grow, and stay between the configured bounds",
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |mqtt| {
                mqtt.backoff_min_ms = shortest;
                mqtt.backoff_max_ms = longest;
            })
            .await?;
            let mut connection = broker.accept(PATIENCE).await?;
            let mut waits = Vec::new();
            for _ in 0..4 {
                connection.expect_connect(PATIENCE).await?;
                connection.reset();
                let lost = Instant::now();
                connection = broker.accept(PATIENCE).await?;
                waits.push(lost.elapsed().as_millis());
            }
            let seen = format!("waits of {waits:?} ms");
            // The harness sees the attempt a little late, never early.
            let in_bounds = |wait: &u128| {
                (u128::from(shortest) - 10..=u128::from(longest) + 500).contains(wait)
            };
            require(
                waits.iter().all(in_bounds),
                BACK_OFF,
                format!("waits from {shortest} to {longest} ms"),
                &seen,
            )?;
            require(
                waits[0] < waits[2],
                BACK_OFF,
                "a third wait longer than the first",
                &seen,
            )
        },
    )
    .needs(&[Mqtt, Configure])
}

type Loss = fn(Connection);

fn after(name: &str, what: &str, lose: Loss) -> Case {
    Case::new(
        Level::Policy,
        format!("mqtt/reconnect/{name}"),
        &[RECOVERY],
        format!("When {what}, the device connects again and works"),
        move |bench: Bench| async move {
            let (mut broker, connection) = begin_session(&bench, |_| ()).await?;
            lose(connection);
            works_again(&mut broker, RECOVERY).await?;
            bench.alive(RECOVERY).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Reconnects])
}

fn broker_comes_late() -> Case {
    Case::new(
        Level::Policy,
        "mqtt/reconnect/broker-comes-late",
        &[RECOVERY],
        "A device whose connection is refused at first tries until the broker is there",
        |bench: Bench| async move {
            drop(prepare(&bench, |_| ()).await?);
            bench.start().await?;
            told(&bench, RECOVERY, "event=mqtt.backoff", |line| {
                line.is("mqtt.backoff")
            })
            .await?;
            let mut broker = bench.broker().await?;
            broker.acknowledge(STATE);
            works_again(&mut broker, RECOVERY).await
        },
    )
    .needs(&[Mqtt, Configure, LabAddresses, ObserveConsole])
}

/// Nobody tells the device that the wire is dead: only the missing PINGRESP does.
fn wire_cut() -> Case {
    let statement = "MQTT311-3.1.2.10-1";
    Case::new(
        Level::Should,
        "mqtt/reconnect/wire-cut",
        &[statement, RECOVERY],
        "A device whose wire is dead notices by the missing PINGRESP, and comes back with the wire",
        move |bench: Bench| async move {
            bench.scale_time(10);
            let (mut broker, connection) = begin_session(&bench, |mqtt| {
                mqtt.keep_alive_s = 10;
                mqtt.response_timeout_s = 5;
            })
            .await?;
            let lab = bench.lab();
            lab.cut().map_err(|e| Stop::inconclusive(e.to_string()))?;
            bench.evidence().transcript.note("the wire is cut");
            told(&bench, statement, "event=mqtt.closed", |line| {
                line.is("mqtt.closed")
            })
            .await?;
            connection.reset();
            lab.restore()
                .map_err(|e| Stop::inconclusive(e.to_string()))?;
            bench.evidence().transcript.note("the wire is restored");
            works_again(&mut broker, RECOVERY).await?;
            bench.alive(statement).await
        },
    )
    .needs(&[Mqtt, Configure, LabFrames, TimeScale, ObserveConsole])
}
