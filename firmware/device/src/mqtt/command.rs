//! Commands that arrive on `<prefix>/<device id>/cmd/…`.

use heapless::String;

use super::codec::{MAX_REMAINING_LENGTH, Qos, is_topic_filter};
use crate::board::{Beeper, Led};

/// The longest topic filter that a command may carry, in bytes.
pub const MAX_FILTER_LEN: usize = 64;

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `led`: `on` or `off`.
    Led(Led),
    /// `beep`: `on` or `off`.
    Beep(Beeper),
    /// `publish`: `size=<bytes> qos=<0..2> [count=<n>] [retain=0|1]`.
    Publish(Batch),
    /// `subscribe`: `filter=<f> qos=<q>`.
    Subscribe(String<MAX_FILTER_LEN>, Qos),
    /// `unsubscribe`: `filter=<f>`.
    Unsubscribe(String<MAX_FILTER_LEN>),
    /// `disconnect`.
    Disconnect,
    /// `state`.
    State,
}

/// Messages of generated payload that are to be published on the data topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Payload length in bytes.
    pub size: u32,
    /// Quality of service.
    pub qos: Qos,
    /// The retain flag.
    pub retain: bool,
    /// How many; 1 at least.
    pub count: u32,
}

/// Why a command is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// No command has this name.
    UnknownCommand,
    /// The payload is not what the command takes.
    Malformed,
    /// A value that the protocol or the device does not allow.
    OutOfRange,
    /// The filter breaks §4.7.1.
    BadFilter,
    /// As many commands of this kind are waiting as the device keeps.
    Busy,
    /// The message was a retained one, which would act again at every connect.
    Retained,
}

impl CommandError {
    /// The name that the console shows, in kebab case.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnknownCommand => "unknown-command",
            Self::Malformed => "malformed",
            Self::OutOfRange => "out-of-range",
            Self::BadFilter => "bad-filter",
            Self::Busy => "busy",
            Self::Retained => "retained",
        }
    }
}

/// Reads the command `name` with its payload. `data_topic_len` is the length of the data topic in
/// bytes, which bounds the payload that fits a packet.
///
/// # Errors
/// Why the command is to be ignored.
pub fn parse(name: &str, payload: &[u8], data_topic_len: usize) -> Result<Command, CommandError> {
    let text = core::str::from_utf8(payload).map_err(|_| CommandError::Malformed)?;
    match name {
        "led" => Ok(Command::Led(if on_off(text)? { Led::On } else { Led::Off })),
        "beep" => Ok(Command::Beep(if on_off(text)? {
            Beeper::On
        } else {
            Beeper::Off
        })),
        "publish" => publish(text, data_topic_len),
        "subscribe" => {
            let [filter, qos] = pairs(text, ["filter", "qos"])?;
            let qos = number(required(qos)?)?;
            Ok(Command::Subscribe(topic_filter(filter)?, level(qos)?))
        }
        "unsubscribe" => {
            let [filter] = pairs(text, ["filter"])?;
            Ok(Command::Unsubscribe(topic_filter(filter)?))
        }
        "disconnect" => Ok(Command::Disconnect),
        "state" => Ok(Command::State),
        _ => Err(CommandError::UnknownCommand),
    }
}

fn on_off(text: &str) -> Result<bool, CommandError> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(CommandError::Malformed),
    }
}

fn publish(text: &str, data_topic_len: usize) -> Result<Command, CommandError> {
    let [size, qos, count, retain] = pairs(text, ["size", "qos", "count", "retain"])?;
    let batch = Batch {
        size: number(required(size)?)?,
        qos: level(number(required(qos)?)?)?,
        count: count.map_or(Ok(1), number)?,
        retain: match retain {
            None | Some("0") => false,
            Some("1") => true,
            Some(_) => return Err(CommandError::Malformed),
        },
    };
    let id_len = if batch.qos == Qos::AtMostOnce { 0 } else { 2 };
    let header =
        u32::try_from(2 + data_topic_len + id_len).map_err(|_| CommandError::OutOfRange)?;
    let fits = batch
        .size
        .checked_add(header)
        .is_some_and(|length| length <= MAX_REMAINING_LENGTH);
    if fits && batch.count > 0 {
        Ok(Command::Publish(batch))
    } else {
        Err(CommandError::OutOfRange)
    }
}

/// The values of `keys` in `key=value` pairs joined by single spaces. A key that is not among
/// them, or comes twice, is an error.
fn pairs<'t, const N: usize>(
    text: &'t str,
    keys: [&str; N],
) -> Result<[Option<&'t str>; N], CommandError> {
    let mut values = [None; N];
    for pair in text.split(' ') {
        let (key, value) = pair.split_once('=').ok_or(CommandError::Malformed)?;
        let slot = keys
            .iter()
            .position(|k| *k == key)
            .and_then(|index| values.get_mut(index))
            .ok_or(CommandError::Malformed)?;
        if slot.replace(value).is_some() {
            return Err(CommandError::Malformed);
        }
    }
    Ok(values)
}

fn required(value: Option<&str>) -> Result<&str, CommandError> {
    value.ok_or(CommandError::Malformed)
}

fn number(text: &str) -> Result<u32, CommandError> {
    // `parse` would take a leading plus.
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(CommandError::Malformed);
    }
    text.parse().map_err(|_| CommandError::OutOfRange)
}

fn level(number: u32) -> Result<Qos, CommandError> {
    u8::try_from(number)
        .ok()
        .and_then(Qos::from_level)
        .ok_or(CommandError::OutOfRange)
}

fn topic_filter(value: Option<&str>) -> Result<String<MAX_FILTER_LEN>, CommandError> {
    let filter = required(value)?;
    if !is_topic_filter(filter) {
        return Err(CommandError::BadFilter);
    }
    String::try_from(filter).map_err(|_| CommandError::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(text: &str) -> Result<Command, CommandError> {
        parse("publish", text.as_bytes(), 10)
    }

    #[test]
    fn every_command_is_read() {
        assert_eq!(parse("led", b"on", 9), Ok(Command::Led(Led::On)));
        assert_eq!(parse("led", b"off", 9), Ok(Command::Led(Led::Off)));
        assert_eq!(parse("beep", b"on", 9), Ok(Command::Beep(Beeper::On)));
        assert_eq!(parse("disconnect", b"", 9), Ok(Command::Disconnect));
        assert_eq!(parse("state", b"", 9), Ok(Command::State));
        let filter = String::try_from("a/+").unwrap();
        assert_eq!(
            parse("subscribe", b"filter=a/+ qos=1", 9),
            Ok(Command::Subscribe(filter.clone(), Qos::AtLeastOnce))
        );
        assert_eq!(
            parse("unsubscribe", b"filter=a/+", 9),
            Ok(Command::Unsubscribe(filter))
        );
        let expected = Batch {
            size: 5,
            qos: Qos::ExactlyOnce,
            retain: true,
            count: 7,
        };
        assert_eq!(
            batch("qos=2 size=5 retain=1 count=7"),
            Ok(Command::Publish(expected))
        );
    }

    #[test]
    fn a_malformed_command_is_named() {
        use CommandError as E;
        let rows: [(&str, &[u8], E); 10] = [
            ("nothing", b"", E::UnknownCommand),
            ("led", b"ON", E::Malformed),
            ("led", b"\xff", E::Malformed),
            ("publish", b"size=1", E::Malformed),
            ("publish", b"size=1 qos=0 size=1", E::Malformed),
            ("publish", b"size=1 qos=0 x=1", E::Malformed),
            ("publish", b"size=1  qos=0", E::Malformed),
            ("publish", b"size=+1 qos=0", E::Malformed),
            ("publish", b"size=1 qos=3", E::OutOfRange),
            ("subscribe", b"filter=a# qos=0", E::BadFilter),
        ];
        for (name, payload, error) in rows {
            assert_eq!(parse(name, payload, 9), Err(error), "{name}");
        }
    }

    #[test]
    fn a_payload_may_be_as_large_as_the_remaining_length_allows() {
        // 268,435,455 less two bytes of length, ten of topic name, and two of identifier.
        assert!(batch("size=268435443 qos=0").is_ok());
        assert_eq!(batch("size=268435444 qos=0"), Err(CommandError::OutOfRange));
        assert!(batch("size=268435441 qos=1").is_ok());
        assert_eq!(batch("size=268435442 qos=1"), Err(CommandError::OutOfRange));
        assert_eq!(
            batch("size=4294967295 qos=1"),
            Err(CommandError::OutOfRange)
        );
        assert_eq!(
            batch("size=4294967296 qos=1"),
            Err(CommandError::OutOfRange)
        );
    }
}
