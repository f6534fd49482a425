//! What can be seen of a device, ours or not: its clock, and the messages that it delivers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISO_HDLC, Crc};
use serde_json::Value;

use super::{Bench, PATIENCE, lock};
use crate::case::{Judged, Stop};
use crate::evidence::console::Line;
use crate::peers::http_prober::Answer;
use crate::peers::scripted_broker::ScriptedBroker;
use crate::peers::state_topic::StateTopic;
use crate::profile::{Capability, ClockLine, ClockView};

/// What a device shows of its clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Unix time in seconds, once the device says that its clock is set.
    pub unix_s: Option<i64>,
    /// How it says so, for a person.
    pub shown: String,
}

impl Clock {
    /// The clock in JSON, by the pointers of the profile.
    fn read(seen: &Value, unix_s: &str, synced: Option<&str>) -> Self {
        let number = seen.pointer(unix_s).and_then(Value::as_f64);
        let set = match synced {
            Some(synced) => seen.pointer(synced) == Some(&Value::Bool(true)),
            None => number.is_some_and(|number| number > 0.0),
        };
        Self {
            unix_s: number.filter(|_| set).map(|number| number as i64),
            shown: seen.to_string(),
        }
    }
}

impl Bench {
    /// What the device shows of its clock.
    ///
    /// # Errors
    /// [`Stop::Skip`] without `observe.clock`; [`Stop::Fail`] and [`Stop::Inconclusive`] when it does not answer as
    /// its profile says.
    pub async fn clock(&self) -> Judged<Clock> {
        self.need(Capability::ObserveClock)?;
        match &self.profile().observe.clock {
            Some(ClockView::Console(line)) => Ok(match self.clocks_told(line).pop() {
                Some(told) => told,
                None => Clock {
                    unix_s: None,
                    shown: self.with_console("no console line that tells its clock"),
                },
            }),
            Some(ClockView::Http {
                path,
                unix_s,
                synced,
            }) => {
                let seen = self.json(path).await?;
                Ok(Clock::read(&seen, unix_s, synced.as_deref()))
            }
            Some(ClockView::Topic {
                name,
                unix_s,
                synced,
            }) => self.published_clock(name, unix_s, synced.as_deref()),
            None => {
                let time = &self.state().await?["time"];
                let set = time["synced"] == true;
                Ok(Clock {
                    unix_s: time["unix_s"].as_i64().filter(|_| set),
                    shown: time.to_string(),
                })
            }
        }
    }

    /// What every console line that tells the clock says of it, in their order.
    fn clocks_told(&self, line: &ClockLine) -> Vec<Clock> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs_f64();
        let told = |shown: Line| Clock {
            unix_s: line.unix_s(&shown.text, now).map(|unix_s| unix_s as i64),
            shown: shown.text,
        };
        let lines = self.console().into_iter().map(told);
        lines.filter(|clock| clock.unix_s.is_some()).collect()
    }

    /// Every time that the device's console has told so far; none where its clock is seen elsewhere.
    pub fn clock_history(&self) -> Vec<Clock> {
        match &self.profile().observe.clock {
            Some(ClockView::Console(line)) => self.clocks_told(line),
            _ => Vec::new(),
        }
    }

    /// Asks for the clock until it is set or the deadline passes; what it shows last either way.
    ///
    /// # Errors
    /// As [`Self::clock`].
    pub async fn clock_set(&self, deadline: Duration) -> Judged<Clock> {
        let until = tokio::time::Instant::now() + deadline;
        // A device does not tell when its clock is set: it is asked, this often at most.
        let mut turns = tokio::time::interval(Duration::from_millis(100));
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            let clock = self.clock().await?;
            if clock.unix_s.is_some() {
                return Ok(clock);
            }
            if tokio::time::Instant::now() >= until {
                self.can_be_seen()?;
                return Ok(clock);
            }
        }
    }

    /// Whether the device has come to where it shows its clock.
    fn can_be_seen(&self) -> Judged {
        let Some(unseen) = lock(&self.0.state_topic)
            .as_ref()
            .filter(|watched| !watched.has_connected())
            .map(StateTopic::why_nothing)
        else {
            return Ok(());
        };
        Err(Stop::inconclusive(self.with_console(&format!(
            "the profile's `observe.clock`: {unseen}"
        ))))
    }

    /// The JSON that the device's server gives for a GET of `path`.
    async fn json(&self, path: &str) -> Judged<Value> {
        let mut connection = self.http().await?;
        let host = connection.host();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        connection.send(request.as_bytes()).await;
        let seen = match connection.answer(PATIENCE, "GET").await {
            Answer::Response(response) if response.status == 200 => {
                match serde_json::from_slice(&response.body) {
                    Ok(json) => return Ok(json),
                    Err(error) => format!("a body that is not JSON: {error}"),
                }
            }
            other => other.to_string(),
        };
        Err(Stop::inconclusive(self.with_console(&format!(
            "the profile's `observe.clock` is at {path}: {seen}"
        ))))
    }

    /// Puts a broker beside the case when the profile has the device show its state on a topic, and the case has no
    /// broker of its own.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when its port is taken.
    pub(super) async fn watch_state_topic(&self) -> Judged {
        let Some(ClockView::Topic { name, .. }) = &self.profile().observe.clock else {
            return Ok(());
        };
        if lock(&self.0.endpoints).contains_key("mqtt_port") {
            return Ok(());
        }
        let (lab, evidence) = (&self.0.lab, &self.0.evidence);
        let broker = ScriptedBroker::listen(lab, evidence).await.map_err(|e| {
            Stop::inconclusive(format!(
                "the broker for the topic of `observe.clock` cannot listen: {e}"
            ))
        })?;
        let watched = StateTopic::watch(broker, name);
        self.announce("mqtt", watched.address());
        *lock(&self.0.state_topic) = Some(watched);
        Ok(())
    }

    /// What the device has published of its clock.
    fn published_clock(&self, topic: &str, unix_s: &str, synced: Option<&str>) -> Judged<Clock> {
        let (latest, why_nothing) = match &*lock(&self.0.state_topic) {
            Some(watched) => (watched.latest(), watched.why_nothing()),
            None => {
                let text = "the clock is shown on a topic, and the case has the device's broker for itself";
                return Err(Stop::inconclusive(text));
            }
        };
        let Some(payload) = latest else {
            return Ok(Clock {
                unix_s: None,
                shown: why_nothing,
            });
        };
        match serde_json::from_slice(&payload) {
            Ok(seen) => Ok(Clock::read(&seen, unix_s, synced)),
            Err(error) => Err(Stop::inconclusive(self.with_console(&format!(
                "the profile's `observe.clock` is on the topic `{topic}`: a payload that is not JSON: {error}"
            )))),
        }
    }

    /// Waits until the device has told of a message with this payload; whether it has.
    ///
    /// # Errors
    /// [`Stop::Skip`] without `observe.message`.
    pub async fn message(&self, deadline: Duration, payload: &[u8]) -> Judged<bool> {
        self.need(Capability::ObserveMessages)?;
        let mark = *lock(&self.0.started_at);
        let console = &self.0.evidence.console;
        let told = console.wait(mark, deadline, |line| self.tells(line, payload));
        Ok(told.await.is_some())
    }

    /// How many messages with this payload the device has told of since its last start.
    pub fn messages(&self, payload: &[u8]) -> usize {
        let lines = self.console();
        lines
            .iter()
            .filter(|line| self.tells(line, payload))
            .count()
    }

    fn tells(&self, line: &Line, payload: &[u8]) -> bool {
        match &self.profile().observe.message {
            Some(pattern) => pattern.tells(&line.text, payload),
            None => {
                let crc = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(payload);
                line.is("mqtt.message") && line.field("crc32") == Some(&format!("{crc:08x}"))
            }
        }
    }
}
