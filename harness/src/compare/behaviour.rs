//! A case's transcript without what is not behaviour.
//!
//! Left out: times; how often in a row the case sends the same, or the device PINGREQ; what the case had no part in
//! (`aside`, such as the device's own state messages and the harness's looks at its state, whose number depends on
//! time), and connections that carry nothing else. Made equal: port numbers and addresses of this machine, the
//! board's name and version, the clock's value. Values that the device draws (an NTP transmit timestamp, the
//! identifiers of DNS and DHCP) become their number in order of appearance: whether a value is a new one or an
//! earlier one is behaviour.

mod body;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use serde::Serialize;

use crate::evidence::{Direction, Entry};
use crate::result::EvidenceFile;
use body::Identity;

/// Messages of one peer's connection in one direction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Stream {
    /// The peer.
    pub peer: String,
    /// Its connection.
    pub connection: Option<u32>,
    /// `to the device`, `from the device`, or `note`.
    pub direction: &'static str,
}

/// One message, without what is not behaviour.
#[derive(Debug, Clone)]
pub struct Message {
    /// The message decoded, in one line.
    pub summary: String,
    /// What the line does not tell of it.
    pub content: String,
    /// Whether only the beginning of the content is kept.
    pub is_cut: bool,
}

impl PartialEq for Message {
    /// Evidence keeps as many bytes of a long message whatever the board is called: the contents of two that were cut
    /// need not end at the same place.
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.content, &other.content);
        let same = if self.is_cut && other.is_cut {
            a.starts_with(b.as_str()) || b.starts_with(a.as_str())
        } else {
            a == b
        };
        same && self.summary == other.summary
    }
}

/// What a device and its peers said in one case.
#[derive(Debug, Default, PartialEq)]
pub struct Behaviour {
    /// Messages, in their order.
    pub streams: BTreeMap<Stream, Vec<Message>>,
}

impl Behaviour {
    /// The behaviour that `evidence` holds.
    pub fn of(evidence: &EvidenceFile) -> Self {
        let identity = Identity::of(&evidence.console);
        let mut drawn = Drawn::default();
        let mut behaviour = Self::default();
        let entries = || evidence.transcript.iter().filter(|entry| !entry.aside);
        // How often a peer tried in between, or only looked, depends on the time.
        let connections: BTreeSet<_> = entries().map(|e| (&e.peer, e.connection)).collect();
        let number = |entry: &Entry| {
            let before = (&entry.peer, Some(0))..(&entry.peer, Some(entry.connection?));
            Some(1 + connections.range(before).count() as u32)
        };
        for entry in entries() {
            let stream = Stream {
                peer: entry.peer.clone(),
                connection: number(entry),
                direction: match entry.direction {
                    Direction::ToDevice => "to the device",
                    Direction::FromDevice => "from the device",
                    Direction::Note => "note",
                },
            };
            let message = message(entry, &identity, &mut drawn);
            let messages = behaviour.streams.entry(stream).or_default();
            // A case that sends the same until something happens does so as often as time allows, and so does keep
            // alive.
            let depends_on_time =
                entry.direction == Direction::ToDevice || message.summary == "PINGREQ";
            if !(depends_on_time && messages.last() == Some(&message)) {
                messages.push(message);
            }
        }
        behaviour
    }
}

fn message(entry: &Entry, identity: &Identity, drawn: &mut Drawn) -> Message {
    let from_device = entry.direction == Direction::FromDevice;
    // A file that was edited by hand may hold other digits; its bytes are compared as they stand.
    let mut bytes = hex::decode(&entry.bytes).unwrap_or_else(|_| entry.bytes.clone().into_bytes());
    let summary = without_machine_addresses(&entry.summary);
    let is_cut = (bytes.len() as u64) < entry.length;
    if is_cut
        && let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        // A character was cut in two.
        bytes.truncate(error.valid_up_to());
    }
    let (summary, content) = match entry.peer.split('-').next().unwrap_or_default() {
        // Their summaries tell every field.
        "ntp" if from_device => {
            let summary = drawn.numbered(&summary, &["transmit"], true);
            (summary, String::new())
        }
        // Replies that go wrong on purpose put the device's timestamp into any field.
        "ntp" => {
            let summary = drawn.numbered(&summary, &TIMESTAMPS, false);
            (summary, String::new())
        }
        "dns" => {
            let summary = drawn.numbered(&summary, &["id"], from_device);
            (summary, String::new())
        }
        "dhcp" => {
            let summary = drawn.numbered(&summary, &["xid"], from_device);
            (summary, String::new())
        }
        "http" if from_device => {
            let (head, body) = body::of_response(&bytes, identity);
            let content = format!("{head}{}", body.text);
            (without_state_length(summary, body.is_state), content)
        }
        "broker" if from_device && summary.starts_with("PUBLISH ") => {
            let payload = body::of_publish(&summary, &bytes, identity);
            let summary = without_state_length(summary, payload.is_state);
            (summary, payload.text)
        }
        _ if entry.direction == Direction::Note => (without_durations(&summary), String::new()),
        _ => {
            let content = without_machine_addresses(&body::escaped(&bytes));
            (summary, content)
        }
    };
    Message {
        summary,
        content,
        is_cut,
    }
}

/// The fields of an NTP packet that have a timestamp.
const TIMESTAMPS: [&str; 4] = ["reference", "originate", "receive", "transmit"];

/// Values that the device has drawn in one case, in the order of their appearance.
#[derive(Debug, Default)]
struct Drawn(Vec<String>);

impl Drawn {
    /// `summary` with the values of `keys` as their numbers; of a message that `draws`, new ones
    /// too. The source port, which is drawn as well and says nothing more, is left out.
    fn numbered(&mut self, summary: &str, keys: &[&str], draws: bool) -> String {
        let words = summary.split(' ').filter(|w| !w.starts_with("port="));
        let numbered = words.map(|word| match word.split_once('=') {
            Some((key, value)) if keys.contains(&key) => self.number(key, value, draws),
            _ => word.to_owned(),
        });
        numbered.collect::<Vec<_>>().join(" ")
    }

    fn number(&mut self, key: &str, value: &str, draws: bool) -> String {
        if draws && !self.0.iter().any(|earlier| earlier == value) {
            self.0.push(value.into());
        }
        match self.0.iter().position(|earlier| earlier == value) {
            Some(place) => format!("{key}=<drawn {}>", place + 1),
            // What is made from a drawn value differs with it.
            None if ["originate", "id", "xid"].contains(&key) && !is_zero(value) => {
                format!("{key}=<other>")
            }
            // A server whose clock runs tells the time.
            None if TIMESTAMPS.contains(&key) && !is_zero(value) => format!("{key}=<time>"),
            None => format!("{key}={value}"),
        }
    }
}

fn is_zero(value: &str) -> bool {
    value.bytes().all(|b| matches!(b, b'0' | b'.'))
}

/// What the harness noted, without the numbers of milliseconds that it measured.
fn without_durations(note: &str) -> String {
    let Some((measured, rest)) = note.rsplit_once(" ms") else {
        return note.into();
    };
    let words = measured
        .split(' ')
        .map(|word| match word.trim_end_matches(',').parse::<u64>() {
            Ok(_) => format!("…{}", word.trim_start_matches(|c: char| c.is_ascii_digit())),
            Err(_) => word.to_owned(),
        });
    format!("{} ms{rest}", words.collect::<Vec<_>>().join(" "))
}

/// `summary`; when it is of the device's state, whose length depends on the time and the board, without that.
fn without_state_length(summary: String, is_state: bool) -> String {
    match is_state {
        true => without(&summary, "bytes"),
        false => summary,
    }
}

/// `summary` without the value of `key`.
fn without(summary: &str, key: &str) -> String {
    let words = summary.split(' ').map(|word| match word.split_once('=') {
        Some((name, _)) if name == key => format!("{key}=…"),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// `text` with each IPv4 address that is not of the lab's own Ethernet, and a port behind it, made
/// equal: the machine chooses them.
fn without_machine_addresses(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..begin]);
        rest = &rest[begin..];
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
        match number.trim_end_matches('.').parse::<Ipv4Addr>() {
            // 192.0.2.0/24 is the lab's Ethernet (RFC 5737); it is the same in every run.
            Ok(address) if address.octets()[..3] != [192, 0, 2] && !address.is_unspecified() => {
                out.push_str("<address>");
                out.push_str(&number[number.trim_end_matches('.').len()..]);
                rest = after.strip_prefix(':').map_or(after, |port| {
                    port.trim_start_matches(|c: char| c.is_ascii_digit())
                });
            }
            _ => {
                out.push_str(number);
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_value_becomes_its_number_and_a_repeated_one_keeps_it() {
        let mut drawn = Drawn::default();
        let mut id = |text, draws| drawn.numbered(text, &["id"], draws);
        let query = id("QUERY id=51800 a. port=62316", true);
        assert_eq!(query, "QUERY id=<drawn 1> a.");
        let response = id("RESPONSE id=51800 a.", false);
        assert_eq!(response, "RESPONSE id=<drawn 1> a.");
        assert_eq!(id("QUERY id=7 a. port=1", true), "QUERY id=<drawn 2> a.");
    }

    #[test]
    fn a_reply_that_echoes_and_one_that_does_not_are_told_apart() {
        let mut drawn = Drawn::default();
        drawn.numbered("NTP transmit=a1.b2", &["transmit"], true);
        let mut reply = |text| drawn.numbered(text, &TIMESTAMPS, false);
        assert_eq!(reply("NTP originate=a1.b2"), "NTP originate=<drawn 1>");
        assert_eq!(reply("NTP originate=a1.b3"), "NTP originate=<other>");
        assert_eq!(reply("NTP originate=0.0"), "NTP originate=0.0");
    }

    #[test]
    fn of_what_was_measured_in_milliseconds_the_count_is_kept() {
        let note = "the device waits of 502, 1043, 2016 ms of its time";
        let kept = "the device waits of …, …, … ms of its time";
        assert_eq!(without_durations(note), kept);
        assert_eq!(without_durations("power on, 2 times"), "power on, 2 times");
    }

    #[test]
    fn addresses_of_the_machine_are_made_equal_and_those_of_the_lab_are_not() {
        assert_eq!(
            without_machine_addresses("Host: 127.0.0.1:41871, 10.1.2.3. 192.0.2.10:80 HTTP/1.1"),
            "Host: <address>, <address>. 192.0.2.10:80 HTTP/1.1"
        );
    }
}
