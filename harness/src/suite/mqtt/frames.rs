//! Lost, doubled, late, reordered and damaged Ethernet frames: TCP mends them all (MQTT-7.1.2-1), and MQTT's flows
//! must not notice.

use std::time::Duration;

use super::flight::published;
use super::qos_2::{EXACTLY_ONCE, completes, id_of, released, sends_qos_2};
use super::scene::{SUBSCRIBES, begin, begin_session, command, delivered, takes_message};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop};
use crate::lab::{Action, Matcher, Protocol, Which};
use crate::peers::mqtt_bytes::{pubcomp, pubrec};
use crate::peers::mqtt_packet::ClientPacket;
use crate::profile::Capability::{Command, LabFrames, Mqtt, ObserveConsole};

const TRANSPORT: &str = "MQTT-7.1.2-1";
const PAYLOAD: &[u8] = b"exactly once";

pub(super) fn cases() -> Vec<Case> {
    let tcp = Matcher::protocol(Protocol::Tcp);
    let data = tcp.with_payload();
    let late = Action::Delay(Duration::from_millis(30));
    vec![
        exchange(
            "lost-to-device",
            "The first segment to the device is lost",
            data.to_dut().which(Which::Nth(1)),
            Action::Drop,
        ),
        exchange(
            "lost-from-device",
            "The first segment from the device is lost",
            data.from_dut().which(Which::Nth(1)),
            Action::Drop,
        ),
        exchange(
            "acknowledgement-lost",
            "Acknowledgements of TCP are lost",
            tcp.from_dut().which(Which::Nth(2)),
            Action::Drop,
        ),
        exchange(
            "some-lost",
            "Two of a hundred frames are lost",
            tcp.which(Which::Chance(0.02)),
            Action::Drop,
        ),
        exchange(
            "all-doubled",
            "Every frame arrives twice",
            tcp,
            Action::Duplicate,
        ),
        exchange(
            "some-reordered",
            "A third of the frames are overtaken by the next one",
            tcp.which(Which::Chance(0.33)),
            Action::Reorder,
        ),
        exchange(
            "late",
            "Every frame to the device is 30 ms late",
            tcp.to_dut(),
            late,
        ),
        exchange(
            "damaged",
            "A segment to the device has a bit flipped",
            data.to_dut().which(Which::Nth(3)),
            Action::CorruptBit,
        ),
        connecting(
            "syn-lost",
            "the first SYN is lost",
            tcp.from_dut().which(Which::Nth(1)),
        ),
        connecting(
            "syn-ack-lost",
            "the first SYN-ACK is lost",
            tcp.to_dut().which(Which::Nth(1)),
        ),
        goodbye(data.from_dut().port(1883).which(Which::Nth(1))),
    ]
}

/// Six QoS 2 messages each way over such a wire.
fn exchange(name: &str, what: &str, frames: Matcher, action: Action) -> Case {
    Case::must(
        format!("mqtt/frames/{name}"),
        &[TRANSPORT, EXACTLY_ONCE, "MQTT-4.3.3-1"],
        format!("{what}: six QoS 2 messages each way are delivered once, in order"),
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            let faults = bench.lab().faults().ok_or_else(no_frames)?;
            let rule = faults.add(frames, action);
            for id in 1..=6 {
                sends_qos_2(&mut connection, id, false, PAYLOAD).await?;
                completes(&mut connection, id).await?;
                let own = id_of(&published(&mut connection, usize::from(id), 2).await?);
                connection.send(&pubrec(own)).await?;
                released(&mut connection, own).await?;
                connection.send(&pubcomp(own)).await?;
            }
            let acted = faults.remove(rule).unwrap_or_default();
            bench.evidence().metrics.set("faults_count", acted as f64);
            delivered(&bench, &mut connection, EXACTLY_ONCE, PAYLOAD, 6).await?;
            // Chance may spare a short exchange, a rule for the nth frame may not.
            if !matches!(frames.which, Which::Chance(_)) && acted == 0 {
                return Err(Stop::inconclusive(
                    "the wire had no fault: no frame fitted the rule",
                ));
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, ObserveConsole, LabFrames])
}

fn no_frames() -> Stop {
    Stop::inconclusive("the lab has no frames")
}

fn connecting(name: &str, what: &str, frames: Matcher) -> Case {
    Case::must(
        format!("mqtt/frames/{name}"),
        &[TRANSPORT],
        format!("When {what}, the device connects all the same"),
        move |bench: Bench| async move {
            let faults = bench.lab().faults().ok_or_else(no_frames)?;
            let rule = faults.add(frames.port(1883), Action::Drop);
            let mut broker = begin(&bench, |_| ()).await?;
            let mut connection = broker.serve_session(PATIENCE).await?;
            lost_one(faults.remove(rule))?;
            takes_message(&mut connection, TRANSPORT, 1).await
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, LabFrames])
}

/// A device that resets a connection as soon as its back-off is over throws DISCONNECT away with what TCP was to
/// repeat, and the server publishes the will of a client that left in order (§3.14.4).
fn goodbye(frames: Matcher) -> Case {
    let statement = "FIRMPROOF-MQTT-13";
    Case::new(
        Level::Policy,
        "mqtt/frames/goodbye-lost",
        &[statement],
        "When the segment with DISCONNECT is lost, it is sent again, though the back-off is shorter than that takes",
        move |bench: Bench| async move {
            let (_broker, mut connection) = begin_session(&bench, |_| ()).await?;
            // The device has nothing else to say when it has answered.
            takes_message(&mut connection, statement, 1).await?;
            let faults = bench.lab().faults().ok_or_else(no_frames)?;
            let rule = faults.add(frames, Action::Drop);
            command(&mut connection, "disconnect", "").await?;
            connection
                .expect(statement, "DISCONNECT", PATIENCE, |p| {
                    *p == ClientPacket::Disconnect
                })
                .await?;
            lost_one(faults.remove(rule))
        },
    )
    .needs(&[Mqtt, SUBSCRIBES, Command, LabFrames])
}

fn lost_one(acted: Option<u64>) -> Judged {
    match acted {
        Some(1) => Ok(()),
        other => Err(Stop::inconclusive(format!(
            "{other:?} frames were lost, not one"
        ))),
    }
}
