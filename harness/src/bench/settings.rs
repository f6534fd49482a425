//! What a device is told when its case says nothing else.

use std::collections::BTreeMap;

use firmproof_bootconfig::{BootConfig, Host, Mqtt, Network};

use super::ports::Port;
use super::{Bench, lock};
use crate::case::{Judged, Stop};
use crate::dut::Boot;
use crate::lab::Lab;

impl Bench {
    /// All that the device is told at its next start.
    pub(super) fn boot(&self) -> Judged<Boot> {
        Ok(Boot {
            config: self.config(),
            places: self.placeholders()?,
        })
    }

    pub(super) fn placeholders(&self) -> Judged<BTreeMap<String, String>> {
        let client_id = self.config().mqtt.map(|mqtt| mqtt.client_id.to_string());
        let mut values = lock(&self.0.endpoints);
        values.insert("client_id".into(), client_id.unwrap_or("firmproof".into()));
        values.insert("folder".into(), self.folder().display().to_string());
        if !values.contains_key("http_port") {
            values.insert("http_port".into(), self.free_port()?.to_string());
        }
        for peer in ["mqtt", "ntp"] {
            let port = format!("{peer}_port");
            if !values.contains_key(&port) {
                // The case has no such peer: a port where nothing answers.
                values.insert(format!("{peer}_host"), "127.0.0.1".into());
                values.insert(port, self.free_port()?.to_string());
            }
        }
        Ok(values.clone())
    }

    /// A port that this bench has until its end.
    fn free_port(&self) -> Judged<u16> {
        let port = Port::free()
            .map_err(|e| Stop::inconclusive(format!("no free port on this machine: {e}")))?;
        let number = port.number;
        lock(&self.0.ports).push(port);
        Ok(number)
    }
}

/// What a case starts from: a static address, no time server, no broker.
pub(super) fn standard_config(lab: &Lab, seed: [u8; 32]) -> BootConfig {
    let mut config = BootConfig::safe_default();
    config.device_id = text("dut");
    config.network = Network::Static {
        address: lab.dut_address().octets(),
        prefix_len: 24,
        gateway: Some(lab.peer_address(1).octets()),
    };
    config.seed = seed;
    config
}

pub(super) fn standard_mqtt(broker: Host) -> Mqtt {
    Mqtt {
        broker,
        port: 1883,
        client_id: text("firmproof-dut"),
        clean_session: true,
        keep_alive_s: 60,
        will: None,
        user_name: None,
        password: None,
        topic_prefix: text("fp"),
        subscriptions: heapless::Vec::new(),
        backoff_min_ms: 100,
        backoff_max_ms: 400,
        response_timeout_s: 5,
    }
}

/// A bounded string of the boot configuration; text that does not fit is a mistake in a case, and
/// is cut short.
pub fn text<const N: usize>(value: &str) -> heapless::String<N> {
    let mut fitted = heapless::String::new();
    for character in value.chars() {
        if fitted.push(character).is_err() {
            break;
        }
    }
    fitted
}
