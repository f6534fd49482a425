//! A transcript as a ladder that is the same in every run: what varies by the rules below is left out.
//!
//! - Times and raw bytes: a snapshot shows what is said, not when.
//! - The device's state reports and their acknowledgements: the device publishes them when its state
//!   changes, concurrently with whatever the case does.
//! - Packet identifiers that the device chose are numbered as they appear (`id=device-1`), since a
//!   state report may take one in between; a repetition (DUP) keeps its number.
//! - FIN and RST of the device are both `closes`: which one depends on bytes still on their way.
//! - Exchanges with the HTTP server: cases ask for the state as often as the machine needs.
//! - NTP: the client's port, its random transmit timestamp, and the copy of that in the reply.
//! - Exchanges that repeat but for their packet identifiers are shown once and counted.

use std::collections::{HashMap, HashSet};

use firmproof::evidence::{Direction, Entry};

/// The name of the bench's own looks at the device's state, in transcripts.
pub(super) const STATE: &str = "state";
/// The longest exchange that is looked for repetitions, in lines.
const LONGEST_EXCHANGE: usize = 4;
/// Repetitions that are worth a count.
const FEW: usize = 10;

/// The lines of the ladder.
pub(super) fn readable(transcript: &[Entry]) -> Vec<String> {
    let mut identifiers = Identifiers::default();
    let lines: Vec<String> = transcript
        .iter()
        .filter(|entry| entry.peer != STATE)
        .filter_map(|entry| line(entry, &mut identifiers))
        .collect();
    counted(&lines)
}

fn line(entry: &Entry, identifiers: &mut Identifiers) -> Option<String> {
    let summary = entry.summary.as_str();
    Some(match entry.direction {
        Direction::Note => format!("-- {summary}"),
        Direction::FromDevice if matches!(summary, "FIN" | "RST") => "device -> closes".into(),
        Direction::FromDevice => {
            let said = identifiers.said_by_device(summary)?;
            format!("device -> {}", without(&said, &["transmit", "port"]))
        }
        Direction::ToDevice => {
            let said = identifiers.said_to_device(summary)?;
            format!("device <- {}", without(&said, &["originate"]))
        }
    })
}

/// `summary` of an NTP packet without the fields that chance decides.
fn without(summary: &str, fields: &[&str]) -> String {
    if !summary.starts_with("NTP ") {
        return summary.into();
    }
    let kept: Vec<&str> = summary
        .split(' ')
        .filter(|word| {
            let name = word.split('=').next().unwrap_or_default();
            !fields.contains(&name)
        })
        .collect();
    kept.join(" ")
}

/// The packet identifiers that the device chose.
#[derive(Default)]
struct Identifiers {
    /// What each stands for now.
    names: HashMap<String, usize>,
    used: usize,
    /// Those of state reports that await their acknowledgement.
    states: HashSet<String>,
}

impl Identifiers {
    fn said_by_device(&mut self, summary: &str) -> Option<String> {
        let id = field(summary, "id");
        if summary.starts_with("PUBLISH ")
            && field(summary, "topic").is_some_and(|topic| topic.ends_with("/state"))
        {
            self.states.extend(id.map(str::to_owned));
            return None;
        }
        let Some(id) = id else {
            return Some(summary.into());
        };
        let is_new = match summary.split(' ').next() {
            Some("SUBSCRIBE" | "UNSUBSCRIBE") => true,
            Some("PUBLISH") => field(summary, "dup") == Some("0"),
            Some("PUBREL") => false,
            // An answer: the server chose the identifier.
            _ => return Some(summary.into()),
        };
        if is_new {
            self.used += 1;
            self.names.insert(id.into(), self.used);
        }
        Some(self.named(summary, id))
    }

    fn said_to_device(&mut self, summary: &str) -> Option<String> {
        let answers = ["PUBACK", "PUBREC", "PUBCOMP", "SUBACK", "UNSUBACK"];
        let is_answer = answers
            .iter()
            .any(|name| summary.split(' ').next() == Some(name));
        match field(summary, "id") {
            Some(id) if is_answer => {
                if summary.starts_with("PUBACK") && self.states.remove(id) {
                    return None;
                }
                Some(self.named(summary, id))
            }
            _ => Some(summary.into()),
        }
    }

    fn named(&self, summary: &str, id: &str) -> String {
        match self.names.get(id) {
            Some(name) => summary.replacen(&format!(" id={id}"), &format!(" id=device-{name}"), 1),
            None => summary.into(),
        }
    }
}

fn field<'a>(summary: &'a str, key: &str) -> Option<&'a str> {
    summary
        .split(' ')
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

/// `lines` with every exchange that repeats more than a [`FEW`] times shown once.
fn counted(lines: &[String]) -> Vec<String> {
    let alike: Vec<String> = lines.iter().map(|line| unidentified(line)).collect();
    let mut shown = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let repeated = (1..=LONGEST_EXCHANGE).find_map(|length| {
            let exchange = alike.get(at..at + length)?;
            let times = alike[at..]
                .chunks(length)
                .take_while(|next| *next == exchange)
                .count();
            (times > FEW).then_some((length, times))
        });
        let length = repeated.map_or(1, |(length, _)| length);
        shown.extend_from_slice(&lines[at..at + length]);
        if let Some((length, times)) = repeated {
            let more = times - 1;
            shown.push(format!("… and {more} times more, with other identifiers"));
            at += length * times;
        } else {
            at += 1;
        }
    }
    shown
}

/// `line` without the values of its packet identifiers.
fn unidentified(line: &str) -> String {
    let words = line.split(' ').map(|word| match word.starts_with("id=") {
        true => "id",
        false => word,
    });
    words.collect::<Vec<_>>().join(" ")
}
