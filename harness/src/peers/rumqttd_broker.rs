//! rumqttd inside this process: a real broker, a witness for ordinary traffic. The scripted broker
//! judges; this one only shows that the device and a broker that we did not write understand each
//! other.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};

use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

/// A broker on a free port of the loopback interface.
#[derive(Debug)]
pub struct RumqttdBroker {
    address: SocketAddr,
}

impl RumqttdBroker {
    /// Starts the broker and waits until it accepts connections.
    ///
    /// # Errors
    /// No free port, or the broker does not listen.
    pub async fn start() -> std::io::Result<Self> {
        let address = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let server = ServerSettings {
            name: "firmproof".into(),
            listen: address,
            tls: None,
            next_connection_delay_ms: 1,
            connections: ConnectionSettings {
                connection_timeout_ms: 60_000,
                max_payload_size: 256 * 1024,
                max_inflight_count: 100,
                auth: None,
                external_auth: None,
                dynamic_filters: true,
            },
        };
        let config = Config {
            id: 0,
            router: RouterConfig {
                max_connections: 64,
                max_outgoing_packet_count: 200,
                max_segment_size: 1024 * 1024,
                max_segment_count: 4,
                ..RouterConfig::default()
            },
            v4: Some(HashMap::from([("firmproof".into(), server)])),
            ..Config::default()
        };
        // `start` never returns and hides a failed bind, so it has a thread of its own and its port
        // is asked.
        std::thread::Builder::new()
            .name("rumqttd".into())
            .spawn(move || {
                // It only returns when it cannot go on; whoever waits for its port is told there.
                let _ = Broker::new(config).start();
            })?;
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Ok(Self { address });
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        Err(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            format!("rumqttd does not listen on {address}"),
        ))
    }

    /// Where the broker listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
