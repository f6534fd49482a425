//! A small MQTT client on the crate rumqttc: a program that Firmproof judges as it does any other (profile
//! `fixtures/duts/rumqttc.toml`). It subscribes, tells of each message, and connects again when it has lost its broker.

use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, LastWill, MqttOptions, NetworkOptions, Packet, QoS};

/// How long it waits before it connects again.
const PAUSE: Duration = Duration::from_millis(200);

/// What the command line says.
struct Settings {
    options: MqttOptions,
    filters: Vec<(String, QoS)>,
}

fn settings(mut words: impl Iterator<Item = String>) -> Option<Settings> {
    let (host, port) = (words.next()?, words.next()?.parse().ok()?);
    let mut options = MqttOptions::new("rumqttc", host, port);
    let (mut filters, mut will) = (Vec::new(), None::<LastWill>);
    let (mut user_name, mut password) = (None, String::new());
    while let Some(option) = words.next() {
        match option.as_str() {
            "--client-id" => {
                let (host, port) = options.broker_address();
                options = MqttOptions::new(words.next()?, host, port);
            }
            "--subscribe" => filters.push((words.next()?, qos(&words.next()?)?)),
            "--keep-alive" => {
                options.set_keep_alive(Duration::from_secs(words.next()?.parse().ok()?));
            }
            "--persistent" => {
                options.set_clean_session(false);
            }
            "--user-name" => user_name = Some(words.next()?),
            "--password" => password = words.next()?,
            "--will" => {
                let (topic, payload) = (words.next()?, words.next()?);
                will = Some(LastWill::new(topic, payload, qos(&words.next()?)?, false));
            }
            "--will-retain" => will.as_mut()?.retain = true,
            _ => return None,
        }
    }
    if let Some(user_name) = user_name {
        options.set_credentials(user_name, password);
    }
    if let Some(will) = will {
        options.set_last_will(will);
    }
    Some(Settings { options, filters })
}

fn qos(text: &str) -> Option<QoS> {
    rumqttc::qos(u8::from_str(text).ok()?).ok()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(settings) = settings(std::env::args().skip(1)) else {
        eprintln!("usage: rumqttc_client HOST PORT [--client-id ID] [--subscribe FILTER QOS]…");
        return ExitCode::from(2);
    };
    let (client, mut events) = AsyncClient::new(settings.options, 64);
    // On a busy machine its five seconds for CONNACK may not be enough.
    let mut network = NetworkOptions::new();
    network.set_connection_timeout(60);
    events.set_network_options(network);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                for (filter, qos) in &settings.filters {
                    // It only fails when its queue is full, which holds more than these.
                    let _ = client.try_subscribe(filter, *qos);
                }
            }
            Ok(Event::Incoming(Packet::Publish(message))) => {
                let digits: String = message
                    .payload
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                println!("message {digits}");
            }
            Ok(_) => {}
            Err(error) => {
                println!("lost: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
