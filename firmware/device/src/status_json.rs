//! The device's state as one JSON object: `GET /api/state` and the MQTT state topic.

use core::fmt::{self, Write};

use embassy_time::Instant;

use crate::civil::Civil;
use crate::status::UpdateState;
use crate::{Board, Device, VERSION};

/// The most bytes that the object takes: every number at its widest, every text at its bound.
pub const MAX_LEN: usize = 768;

/// Writes the object; the order of its keys is stable.
///
/// No text in it needs JSON escapes: the device id is of `A-Z a-z 0-9 - _`, all else is the
/// device's own.
///
/// # Errors
/// Those of `out`.
pub fn write<B: Board>(device: &Device<'_, B>, out: &mut impl Write) -> fmt::Result {
    let now = Instant::now();
    let status = &device.status;
    let slot = if device.board.running_slot() == 0 {
        'a'
    } else {
        'b'
    };
    write!(
        out,
        r#"{{"version":"{VERSION}","board":"{}","device_id":"{}","slot":"{slot}","boots":{},"uptime_s":{},"#,
        B::NAME,
        device.config.device_id,
        status.boots.get(),
        now.as_secs(),
    )?;
    write_time(device, now, out)?;
    write!(
        out,
        r#","led":"{}","beeper":"{}","mqtt":"{}","#,
        status.led.get().as_str(),
        status.beeper.get().as_str(),
        status.mqtt.get().as_str(),
    )?;
    write_update(status.update.get(), out)?;
    let counters = &status.counters;
    write!(
        out,
        r#","counters":{{"mqtt_connects":{},"mqtt_received":{},"mqtt_sent":{},"mqtt_oversize":{},"http_requests":{},"ntp_taken":{},"ntp_refused":{}}}}}"#,
        counters.mqtt_connects.get(),
        counters.mqtt_received.get(),
        counters.mqtt_sent.get(),
        counters.mqtt_oversize.get(),
        counters.http_requests.get(),
        counters.ntp_taken.get(),
        counters.ntp_refused.get(),
    )
}

fn write_time<B: Board>(device: &Device<'_, B>, now: Instant, out: &mut impl Write) -> fmt::Result {
    let time = device.clock.now(now);
    write!(out, r#""time":{{"synced":{},"#, time.is_some())?;
    match time {
        Some(time) => {
            write!(out, r#""unix_s":{},"utc":"#, time.secs)?;
            write_civil(Civil::from_unix(time.secs, 0), out)?;
            out.write_str(r#","local":"#)?;
            write_civil(
                Civil::from_unix(time.secs, device.config.ntp.utc_offset_s),
                out,
            )?;
        }
        None => out.write_str(r#""unix_s":null,"utc":null,"local":null"#)?,
    }
    write!(out, r#","leap":{}}}"#, device.clock.leap())
}

/// A civil time in quotes, or `null` for an instant that the calendar does not reach.
fn write_civil(civil: Option<Civil>, out: &mut impl Write) -> fmt::Result {
    match civil {
        Some(civil) => write!(out, r#""{civil}""#),
        None => out.write_str("null"),
    }
}

fn write_update(update: UpdateState, out: &mut impl Write) -> fmt::Result {
    let (state, received, reason) = match update {
        UpdateState::Idle => ("idle", 0, None),
        UpdateState::Downloading { received } => ("downloading", received, None),
        UpdateState::Ready => ("ready", 0, None),
        UpdateState::Failed(reason) => ("failed", 0, Some(reason)),
    };
    write!(
        out,
        r#""update":{{"state":"{state}","received":{received},"reason":"#
    )?;
    match reason {
        Some(reason) => write!(out, r#""{reason}"}}"#),
        None => out.write_str("null}"),
    }
}
