//! MQTT 3.1.1 clients.

mod back_off;
mod between;
mod byte_stream;
mod connack;
mod connect;
mod fixed_header;
mod flight;
mod frames;
mod hostile;
mod interruption;
mod keep_alive;
mod loss;
mod malformed;
mod malformed_message;
mod mosquitto;
mod mosquitto_cuts;
mod other_client;
mod ping_response;
mod publish_in;
mod publish_out;
mod qos_2;
mod qos_2_in;
mod qos_2_out;
mod reconnect;
mod remaining_length;
mod retransmission;
mod scene;
mod session_present;
mod subscribe;
mod subscription;
mod sweep;
mod topic_name;
mod unexpected;
mod witness;

use crate::case::Case;

/// Every MQTT case, by section of the specification.
pub fn cases() -> Vec<Case> {
    [
        fixed_header::cases(),
        remaining_length::cases(),
        byte_stream::cases(),
        malformed::cases(),
        unexpected::cases(),
        sweep::cases(),
        topic_name::cases(),
        connect::cases(),
        keep_alive::cases(),
        ping_response::cases(),
        connack::cases(),
        session_present::cases(),
        subscribe::cases(),
        subscription::cases(),
        publish_out::cases(),
        publish_in::cases(),
        retransmission::cases(),
        qos_2_out::cases(),
        qos_2_in::cases(),
        reconnect::cases(),
        loss::cases(),
        frames::cases(),
        back_off::cases(),
        interruption::cases(),
        witness::cases(),
        mosquitto::cases(),
        mosquitto_cuts::cases(),
    ]
    .concat()
}
