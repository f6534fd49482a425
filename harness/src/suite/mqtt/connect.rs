//! CONNECT (§3.1): what the device says of itself, against what it is configured to say.

use firmproof_bootconfig::{Mqtt as Settings, Will as Testament};

use super::between::Between;
use super::scene::{PERSISTS, begin, lives_on, prepare, reconnects, settles};
use crate::bench::{Bench, PATIENCE, text};
use crate::case::{Case, Level, require};
use crate::peers::mqtt_bytes::{connack, packet};
use crate::peers::mqtt_packet::Connect;
use crate::profile::Capability::{self, Configure, Mqtt, ObserveConsole, Reconnects, Setting};
use crate::profile::Setting::{
    ClientId, KeepAlive, KeepAliveOff, Password, UserName, Will, WillRetain,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        first_and_once(),
        nothing_optional(),
        no_credentials_on_the_console(),
    ];
    for qos in 0..=2 {
        for retain in [false, true] {
            cases.push(will(qos, retain));
        }
    }
    cases.extend([
        field(
            "empty-will-message",
            &[Setting(Will), Setting(WillRetain)],
            &["MQTT-3.1.2-9", "MQTT-3.1.3-10"],
            "A will with an empty message is a will",
            |mqtt| {
                mqtt.will = Some(Testament {
                    topic: text("fp/dut/gone"),
                    payload: heapless::Vec::new(),
                    qos: 0,
                    retain: true,
                });
            },
            |c| {
                c.will
                    .as_ref()
                    .is_some_and(|w| w.payload.is_empty() && w.retain)
            },
        ),
        field(
            "user-name",
            &[Setting(UserName)],
            &["MQTT-3.1.2-19", "MQTT-3.1.2-20", "MQTT-3.1.3-11"],
            "With a user name and no password, the flags and the payload say so",
            |mqtt| mqtt.user_name = Some(text("anna/ö")),
            |c| c.user_name.as_deref() == Some("anna/ö") && c.password.is_none(),
        ),
        field(
            "password",
            &[Configure],
            &["MQTT-3.1.2-19", "MQTT-3.1.2-21"],
            "A password is sent as the bytes that it is, U+0000 and ill-formed UTF-8 included",
            |mqtt| {
                mqtt.user_name = Some(text("anna"));
                mqtt.password = heapless::Vec::from_slice(b"\x00\xff secret").ok();
            },
            |c| {
                c.user_name.as_deref() == Some("anna")
                    && c.password.as_deref() == Some(b"\x00\xff secret")
            },
        ),
        field(
            "password-of-text",
            &[Setting(UserName), Setting(Password)],
            &["MQTT-3.1.2-19", "MQTT-3.1.2-21"],
            "With a user name and a password, the flags and the payload say so",
            |mqtt| {
                mqtt.user_name = Some(text("anna"));
                mqtt.password = heapless::Vec::from_slice("sésame".as_bytes()).ok();
            },
            |c| {
                c.user_name.as_deref() == Some("anna")
                    && c.password.as_deref() == Some("sésame".as_bytes())
            },
        ),
        field(
            "will-of-any-bytes",
            &[Configure],
            &["MQTT-3.1.2-9", "MQTT-3.1.3-10"],
            "A will message is sent as the bytes that it is, U+0000 included",
            |mqtt| {
                mqtt.will = Some(Testament {
                    topic: text("fp/dut/gone"),
                    payload: heapless::Vec::from_slice(b"power \x00 \xff lost").unwrap_or_default(),
                    qos: 1,
                    retain: false,
                });
            },
            |c| {
                c.will
                    .as_ref()
                    .is_some_and(|w| w.payload == b"power \x00 \xff lost")
            },
        ),
        field(
            "empty-password",
            &[Configure],
            &["MQTT-3.1.2-21"],
            "A password of no bytes is sent, and its flag is set",
            |mqtt| {
                mqtt.user_name = Some(text("anna"));
                mqtt.password = Some(heapless::Vec::new());
            },
            |c| c.password.as_deref() == Some(b""),
        ),
        field(
            "client-identifier",
            &[Setting(ClientId)],
            &["MQTT-3.1.3-3", "MQTT-3.1.3-4"],
            "The client identifier is the configured one, which may be UTF-8",
            |mqtt| mqtt.client_id = text("Gerät-42"),
            |c| c.client_id == "Gerät-42",
        ),
        // A policy: the interval is the client's to choose (§3.1.2.10); what it says is what it has to keep.
        field(
            "keep-alive-largest",
            &[Setting(KeepAlive)],
            &["MQTT-7.0.0-2"],
            "The keep alive field is the configured one, up to 65,535 s",
            |mqtt| mqtt.keep_alive_s = u16::MAX,
            |c| c.keep_alive == u16::MAX,
        )
        .policy(),
        field(
            "keep-alive-0",
            &[Setting(KeepAliveOff)],
            &["MQTT311-3.1.2.10-2"],
            "A keep alive of 0 is sent as 0",
            |mqtt| mqtt.keep_alive_s = 0,
            |c| c.keep_alive == 0,
        ),
        field(
            "clean-session-0",
            &[PERSISTS],
            &["MQTT-3.1.2-4", "MQTT-3.1.3-7"],
            "Clean session 0 is sent as configured, and with a client identifier of at least one byte",
            |mqtt| mqtt.clean_session = false,
            |c| !c.clean_session && !c.client_id.is_empty(),
        ),
        field(
            "client-identifier-of-one-byte",
            &[Setting(ClientId)],
            &["MQTT-3.1.3-3"],
            "A client identifier of one byte is sent as it is",
            |mqtt| mqtt.client_id = text("x"),
            |c| c.client_id == "x",
        ),
        field(
            "client-identifier-longer-than-23",
            &[Configure],
            &["MQTT-3.1.3-3", "MQTT-3.1.3-4"],
            "A client identifier of 64 bytes, which a server may allow (§3.1.3.1), is sent whole",
            |mqtt| mqtt.client_id = text(&"0123456789abcdef".repeat(4)),
            |c| c.client_id == "0123456789abcdef".repeat(4),
        ),
        field(
            "will-with-credentials",
            &[Configure],
            &["MQTT-3.1.3-1", "MQTT-3.1.2-9", "MQTT-3.1.2-19", "MQTT-3.1.2-21"],
            "With every field there, they stand in the order of §3.1.3",
            |mqtt| {
                mqtt.will = Some(Testament {
                    topic: text("fp/dut/gone"),
                    payload: heapless::Vec::from_slice(b"will message").unwrap_or_default(),
                    qos: 2,
                    retain: true,
                });
                mqtt.user_name = Some(text("user name"));
                mqtt.password = heapless::Vec::from_slice(b"pass word").ok();
            },
            |c| {
                let will = c.will.as_ref();
                c.client_id == "firmproof-dut"
                    && will.is_some_and(|w| w.topic == "fp/dut/gone" && w.payload == b"will message")
                    && c.user_name.as_deref() == Some("user name")
                    && c.password.as_deref() == Some(b"pass word")
            },
        ),
        field(
            "will-topic-of-utf-8",
            &[Configure],
            &["MQTT-3.1.3-10", "MQTT-4.7.1-1"],
            "A will topic of more than ASCII is sent as it is",
            |mqtt| {
                mqtt.will = Some(Testament {
                    topic: text("fp/Gerät/\u{1F50C}"),
                    payload: heapless::Vec::from_slice(b"gone").unwrap_or_default(),
                    qos: 0,
                    retain: false,
                });
            },
            |c| c.will.as_ref().is_some_and(|w| w.topic == "fp/Gerät/\u{1F50C}"),
        ),
        field(
            "largest-fields",
            &[Configure],
            &["MQTT-3.1.2-9", "MQTT-3.1.3-11", "MQTT-3.1.2-21"],
            "Will message, user name and password of 64 bytes each are sent whole",
            |mqtt| {
                mqtt.will = Some(Testament {
                    topic: text(&"w".repeat(64)),
                    payload: heapless::Vec::from_slice(&[0xA5; 64]).unwrap_or_default(),
                    qos: 1,
                    retain: false,
                });
                mqtt.user_name = Some(text(&"u".repeat(64)));
                mqtt.password = heapless::Vec::from_slice(&[0x5A; 64]).ok();
            },
            |c| {
                c.will.as_ref().is_some_and(|w| w.topic.len() == 64 && w.payload == [0xA5; 64])
                    && c.user_name.as_ref().is_some_and(|u| u.len() == 64)
                    && c.password.as_deref() == Some(&[0x5A; 64])
            },
        ),
        keeps_its_identifier(Between::Reconnect),
        keeps_its_identifier(Between::PowerCut),
        same_will_again(),
    ]);
    cases
}

/// One setting, and what CONNECT must then say.
fn field(
    name: &str,
    settings: &[Capability],
    statements: &'static [&'static str],
    requirement: &'static str,
    set: fn(&mut Settings),
    holds: fn(&Connect) -> bool,
) -> Case {
    Case::must(
        format!("mqtt/connect/{name}"),
        statements,
        requirement,
        move |bench: Bench| async move {
            let mut broker = begin(&bench, set).await?;
            let (mut connection, connect) = broker.serve_connect(false, 0, PATIENCE).await?;
            require(
                holds(&connect),
                statements[0],
                requirement,
                format!("{connect:?}"),
            )?;
            settles(&bench, &mut connection, "MQTT-4.3.2-2").await
        },
    )
    .needs(&[Mqtt])
    .needs(settings)
}

fn will(qos: u8, retain: bool) -> Case {
    let statement = "MQTT-3.1.2-9";
    Case::must(
        format!("mqtt/connect/will-qos-{qos}-retain-{}", u8::from(retain)),
        &[statement, "MQTT-3.1.2-14"],
        format!(
            "A will at QoS {qos} with retain {} is sent with its topic and message",
            u8::from(retain)
        ),
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |mqtt| {
                mqtt.will = Some(Testament {
                    topic: text("fp/dut/gone"),
                    payload: heapless::Vec::from_slice(b"power lost").unwrap_or_default(),
                    qos,
                    retain,
                });
            })
            .await?;
            let (mut connection, connect) = broker.serve_connect(false, 0, PATIENCE).await?;
            let holds = connect.will.as_ref().is_some_and(|will| {
                will.topic == "fp/dut/gone"
                    && will.payload == b"power lost"
                    && will.qos == qos
                    && will.retain == retain
            });
            require(
                holds,
                statement,
                "the configured will",
                format!("{:?}", connect.will),
            )?;
            settles(&bench, &mut connection, "MQTT-4.3.2-2").await
        },
    )
    .needs(&[Mqtt, Setting(Will)])
    .needs(if retain { &[Setting(WillRetain)] } else { &[] })
}

/// A session belongs to its client identifier, at both ends.
fn keeps_its_identifier(between: Between) -> Case {
    let statement = "MQTT-3.1.3-2";
    let name = between.name();
    let case = Case::new(
        between.level(),
        format!("mqtt/connect/client-identifier-stays-after-{name}"),
        &[statement],
        format!("After a {name} the device connects to its session by the same client identifier"),
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |mqtt| mqtt.clean_session = false).await?;
            let (mut connection, first) = broker.serve_connect(false, 0, PATIENCE).await?;
            settles(&bench, &mut connection, statement).await?;
            between.happens(&bench, connection).await?;
            let (mut connection, again) = reconnects(&mut broker, statement).await?;
            require(
                again.client_id == first.client_id,
                statement,
                format!("client identifier {:?}", first.client_id),
                format!("{:?}", again.client_id),
            )?;
            connection.accepted(false).await?;
            settles(&bench, &mut connection, statement).await
        },
    )
    .needs(&[Mqtt, PERSISTS]);
    between.allowed(case)
}

/// A will belongs to one connection (§3.1.2.5): the next CONNECT has to bring it again.
fn same_will_again() -> Case {
    let statement = "MQTT-3.1.2-9";
    Case::must(
        "mqtt/connect/will-on-every-connection",
        &[statement],
        "The device brings its will again when it connects again",
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |mqtt| {
                mqtt.will = Some(Testament {
                    topic: text("fp/dut/gone"),
                    payload: heapless::Vec::from_slice(b"power lost").unwrap_or_default(),
                    qos: 1,
                    retain: true,
                });
            })
            .await?;
            let (mut connection, first) = broker.serve_connect(false, 0, PATIENCE).await?;
            settles(&bench, &mut connection, statement).await?;
            connection.reset();
            let (mut connection, again) = reconnects(&mut broker, statement).await?;
            require(
                again.will == first.will && again.will.is_some(),
                statement,
                format!("{:?}", first.will),
                format!("{:?}", again.will),
            )?;
            connection.accepted(false).await?;
            settles(&bench, &mut connection, statement).await
        },
    )
    .needs(&[Mqtt, Setting(Will), Setting(WillRetain), Reconnects])
}

/// The strict decoder judges name, level, reserved flag and order of every CONNECT; here they are the point.
fn first_and_once() -> Case {
    let statement = "MQTT-3.1.0-1";
    Case::must(
        "mqtt/connect/first-and-once",
        &[statement, "MQTT-3.1.0-2", "MQTT-3.1.2-1", "MQTT-3.1.2-2", "MQTT-3.1.2-3", "MQTT-3.1.3-1"],
        "The first packet is a CONNECT of MQTT 3.1.1 with its fields in order, and there is no second one",
        move |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let mut connection = broker.accept(PATIENCE).await?;
            connection.expect_connect(PATIENCE).await?;
            // Byte by byte: a client that is not ready for that might think it has to begin again.
            connection.send_split(&connack(0, 0), &[1, 2, 3]).await?;
            connection.is_accepted();
            settles(&bench, &mut connection, statement).await
        },
    )
    .needs(&[Mqtt])
}

fn nothing_optional() -> Case {
    Case::must(
        "mqtt/connect/nothing-optional",
        &[
            "MQTT-3.1.2-11",
            "MQTT-3.1.2-13",
            "MQTT-3.1.2-15",
            "MQTT-3.1.2-18",
            "MQTT-3.1.2-22",
        ],
        "Without will, user name and password, no flag of theirs is set and no field is there",
        |bench: Bench| async move {
            let mut broker = begin(&bench, |_| ()).await?;
            let (_, connect) = broker.serve_connect(false, 0, PATIENCE).await?;
            require(
                connect.will.is_none(),
                "MQTT-3.1.2-11",
                "no will",
                format!("{connect:?}"),
            )?;
            let bare = connect.user_name.is_none() && connect.password.is_none();
            require(
                bare,
                "MQTT-3.1.2-18",
                "neither user name nor password",
                format!("{connect:?}"),
            )
        },
    )
    .needs(&[Mqtt, Setting(Will), Setting(UserName), Setting(Password)])
}

fn no_credentials_on_the_console() -> Case {
    let statement = "FIRMPROOF-MQTT-6";
    Case::new(
        Level::Policy,
        "mqtt/connect/credentials-stay-off-the-console",
        &[statement],
        "Neither user name nor password appears on the console, even when the server refuses them",
        move |bench: Bench| async move {
            let mut broker = prepare(&bench, |mqtt| {
                mqtt.user_name = Some(text("marguerite"));
                mqtt.password = heapless::Vec::from_slice(b"xyzzy-plugh").ok();
            })
            .await?;
            bench.start().await?;
            let mut connection = broker.accept(PATIENCE).await?;
            connection.expect_connect(PATIENCE).await?;
            connection.send(&packet(0x20, &[0, 4])).await?;
            connection.closes(PATIENCE).await?;
            drop(connection);
            lives_on(&bench, &mut broker, statement).await?;
            for line in bench.console() {
                let leaks = line.text.contains("marguerite") || line.text.contains("xyzzy-plugh");
                // What leaked must not leak once more through the report.
                require(
                    !leaks,
                    statement,
                    "no credentials",
                    format!("a line at {} us has them", line.at_us),
                )?;
            }
            Ok(())
        },
    )
    .needs(&[Mqtt, Setting(UserName), Setting(Password), ObserveConsole])
}
