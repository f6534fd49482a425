//! The other ends of each protocol, played by the harness: well-behaved and hostile.

pub mod dhcp_server;
pub mod dns_server;
pub mod download_server;
pub mod forward;
pub mod http_message;
pub mod http_prober;
pub mod http_request;
pub mod mosquitto;
pub mod mqtt_bytes;
pub mod mqtt_packet;
pub mod ntp_packet;
pub mod ntp_server;
pub mod rumqttd_broker;
pub mod scripted_broker;
pub mod state_topic;
