//! Where the state of a device that is not ours can be seen.

use serde::Deserialize;

/// Where the state of an external device can be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Observe {
    /// Its clock.
    pub clock: Option<ClockView>,
    /// The messages that its MQTT client delivers: a console line for each.
    pub message: Option<MessageLine>,
}

/// Where the clock can be seen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClockView {
    /// On the console, in a line that is written when the clock has been set.
    Console(ClockLine),
    /// In JSON that its HTTP server gives.
    Http {
        /// The target of the request.
        path: String,
        /// JSON pointer (RFC 6901) to the Unix time in seconds.
        unix_s: String,
        /// JSON pointer to a boolean that says whether the clock is set; without it, a number above 0 does.
        synced: Option<String>,
    },
    /// In JSON that its MQTT client publishes, once the clock has been set or again and again.
    Topic {
        /// The topic name.
        name: String,
        /// As in [`Self::Http`]; "" is the whole payload, when that is a number.
        unix_s: String,
        /// As in [`Self::Http`].
        synced: Option<String>,
    },
}

/// A part of a console line with one value in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    before: String,
    name: String,
    after: String,
}

impl Pattern {
    fn read(text: &str, names: &[&str]) -> Result<Self, String> {
        let allowed = || {
            let names: Vec<String> = names.iter().map(|name| format!("`{{{name}}}`")).collect();
            let names = names.join(" or ");
            format!("`{text}`: a part of a console line with {names} in it, once")
        };
        let (before, rest) = text.split_once('{').ok_or_else(allowed)?;
        let (name, after) = rest.split_once('}').ok_or_else(allowed)?;
        if !names.contains(&name) || after.contains('{') || before.is_empty() {
            return Err(allowed());
        }
        Ok(Self {
            before: before.into(),
            name: name.into(),
            after: after.into(),
        })
    }

    /// The value in `line`, when the line has the pattern.
    fn value<'a>(&self, line: &'a str) -> Option<&'a str> {
        let (_, rest) = line.split_once(&self.before)?;
        if self.after.is_empty() {
            return Some(rest);
        }
        rest.split_once(&self.after).map(|(value, _)| value)
    }
}

/// The console line that tells the clock: `… {offset_s} …`, the seconds by which the device found this machine's
/// clock to be behind, or `… {unix_s} …`, the Unix time that it took.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ClockLine(Pattern);

impl TryFrom<String> for ClockLine {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Pattern::read(&text, &["offset_s", "unix_s"]).map(Self)
    }
}

impl ClockLine {
    /// The device's Unix time in seconds by `line`, which was written when this machine's was `now`.
    pub fn unix_s(&self, line: &str, now: f64) -> Option<f64> {
        let value: f64 = self.0.value(line)?.trim().parse().ok()?;
        Some(if self.0.name == "offset_s" {
            now + value
        } else {
            value
        })
    }
}

/// The console line that tells of a message: `… {payload} …` as it is, or `… {payload_hex} …` in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct MessageLine(Pattern);

impl TryFrom<String> for MessageLine {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Pattern::read(&text, &["payload", "payload_hex"]).map(Self)
    }
}

impl MessageLine {
    /// Whether `line` tells of a message with this payload.
    pub fn tells(&self, line: &str, payload: &[u8]) -> bool {
        self.0.value(line).is_some_and(|value| {
            if self.0.name == "payload" {
                value.as_bytes() == payload
            } else {
                value.trim().eq_ignore_ascii_case(&hex::encode(payload))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_line_tells_an_offset_from_this_machine_or_a_time() {
        let read = |text: &str| ClockLine::try_from(text.to_owned()).unwrap();
        let line = "2026-01-01T00:00:00Z System clock wrong by -2.5 seconds";
        let offset = read("System clock wrong by {offset_s} seconds");
        assert_eq!(offset.unix_s(line, 100.0), Some(97.5));
        assert_eq!(read("time={unix_s}").unix_s("time=12", 100.0), Some(12.0));
        assert_eq!(offset.unix_s("System clock is fine", 100.0), None);
    }

    #[test]
    fn a_message_line_tells_a_payload_in_text_or_in_hexadecimal_digits() {
        let read = |text: &str| MessageLine::try_from(text.to_owned()).unwrap();
        assert!(read("got {payload_hex}").tells("got 6869", b"hi"));
        assert!(read("got {payload};").tells("got hi; again", b"hi"));
        assert!(read("got {payload_hex}").tells("got ", b""));
        assert!(!read("got {payload}").tells("got hi there", b"hi"));
    }

    #[test]
    fn a_pattern_without_its_one_value_is_refused_with_what_is_allowed() {
        for text in [
            "",
            "wrong by",
            "{offset_s}",
            "by {seconds}",
            "{unix_s} {unix_s}",
        ] {
            let error = ClockLine::try_from(text.to_owned()).unwrap_err();
            assert!(error.contains("`{offset_s}` or `{unix_s}`"), "{error}");
        }
    }
}
