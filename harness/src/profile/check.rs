//! What the keys of a profile say together.

use std::net::SocketAddrV4;

use super::{Capability, ClockView, Kind, Liveness, Profile, QemuSettings};

/// Requires that the keys of `profile`, which was read from `text`, go together.
///
/// # Errors
/// The line, and what is allowed.
pub(super) fn check(profile: &Profile, text: &str) -> Result<(), String> {
    let at = &profile.at;
    let path = at.path();
    if !path.starts_with('/')
        || path.contains(|c: char| !c.is_ascii_graphic() || matches!(c, '?' | '#'))
    {
        let problem =
            format!("`at.path` must be the path of a URL, such as \"/index.html\": it is {path:?}");
        return Err(on_line(text, "path", &problem));
    }
    if profile.kind != Kind::Qemu && profile.qemu != QemuSettings::default() {
        let kind = profile.kind;
        return Err(on_line(
            text,
            "kind",
            &format!("`[qemu]` is for devices of kind \"qemu\"; this one is of kind \"{kind}\""),
        ));
    }
    clock_topic(profile, text)?;
    reconnects(profile, text)?;
    match profile.kind {
        Kind::External => external(profile, text),
        Kind::Host | Kind::Qemu | Kind::Probe => ours(profile, text),
    }
}

/// A case ends after 150 s, and may lose the connection twice.
const LONGEST_RECONNECT_S: u16 = 60;

fn reconnects(profile: &Profile, text: &str) -> Result<(), String> {
    let Some(seconds) = profile.reconnect_s else {
        return Ok(());
    };
    let problem = if profile.liveness() != Liveness::Reconnects {
        "`reconnect_s` is for a device with `liveness = \"reconnects\"`".into()
    } else if !(1..=LONGEST_RECONNECT_S).contains(&seconds) {
        format!("`reconnect_s` is 1 to {LONGEST_RECONNECT_S} seconds: it is {seconds}")
    } else {
        return Ok(());
    };
    Err(on_line(text, "reconnect_s", &problem))
}

fn clock_topic(profile: &Profile, text: &str) -> Result<(), String> {
    let Some(ClockView::Topic { name, .. }) = &profile.observe.clock else {
        return Ok(());
    };
    let problem = if profile.kind != Kind::External {
        format!(
            "`observe.clock` at a topic is for devices of kind \"external\"; this one is of kind \"{}\"",
            profile.kind
        )
    } else if !profile.capabilities.contains(&Capability::Mqtt) {
        "`observe.clock` at a topic needs `mqtt` in `capabilities`: the device's MQTT client publishes there".into()
    } else if name.is_empty() || name.contains(['#', '+', '\0']) {
        format!(
            "`observe.clock` has the name of a topic, such as \"sensor/state\", without `+` and `#`: it is {name:?}"
        )
    } else {
        return Ok(());
    };
    Err(on_line(text, "clock", &problem))
}

fn external(profile: &Profile, text: &str) -> Result<(), String> {
    let (start, at) = (profile.start.as_ref(), &profile.at);
    if start.is_none() && at.http.is_none() && !at.is_fixed() {
        return Err(on_line(
            text,
            "kind",
            "an external device needs `[start] command = […]` or, when it already runs, `[at]` with \
             `http = \"address:port\"` of its server, or `mqtt` or `ntp` = \"address:port\" where the harness is \
             to wait for its client",
        ));
    }
    if let Some(http) = &at.http {
        // Any port in the place of the one that each bench has.
        let filled = http.replace("{http_port}", "1");
        if !filled.contains('{') && filled.parse::<SocketAddrV4>().is_err() {
            let problem = format!(
                "`at.http` must be an IPv4 address and a port, such as \"192.168.1.20:80\": it is {http:?}"
            );
            return Err(on_line(text, "http", &problem));
        }
    }
    let lists = |capability| profile.capabilities.contains(&capability);
    if lists(Capability::Http) && at.http.is_none() {
        return Err(on_line(
            text,
            "capabilities",
            "`http` needs `[at] http = \"address:port\"`, such as \"127.0.0.1:{http_port}\"",
        ));
    }
    if start.is_none() {
        for (capability, fixed, key) in [
            (Capability::Mqtt, at.mqtt, "mqtt"),
            (Capability::Ntp, at.ntp, "ntp"),
        ] {
            if lists(capability) && fixed.is_none() {
                let problem = format!(
                    "`{key}` of a device that the harness does not start needs `[at] {key} = \"address:port\"`, \
                     where the harness is to wait for it"
                );
                return Err(on_line(text, "capabilities", &problem));
            }
        }
        if lists(Capability::Power) && !profile.power.can_be_cut() {
            let problem = "`power` of a device that the harness does not start needs `[power]` with `on` and `off`";
            return Err(on_line(text, "capabilities", problem));
        }
    }
    for frames in [
        Capability::LabFrames,
        Capability::LabAddresses,
        Capability::Monitor,
    ] {
        if lists(frames) {
            let problem = format!(
                "an external device has no `{frames}`: the harness does not carry its frames; `[start] network = \
                 \"own\"` gives `lab.addresses`"
            );
            return Err(on_line(text, "capabilities", &problem));
        }
    }
    Ok(())
}

fn ours(profile: &Profile, text: &str) -> Result<(), String> {
    let Some(start) = &profile.start else {
        return Ok(());
    };
    let more = start.command.len() > 1
        || start.ready_line.is_some()
        || start.working_folder.is_some()
        || !(start.env.is_empty() && start.files.is_empty() && start.settings.is_empty());
    if profile.kind == Kind::Host && more {
        return Err(on_line(
            text,
            "command",
            "a host device's `[start]` has `command = [\"program\"]` and nothing else: \
             the harness gives the arguments and knows the ready line",
        ));
    }
    Ok(())
}

/// `problem` with the line on which `key` stands, or the table of that name.
fn on_line(text: &str, key: &str, problem: &str) -> String {
    let is_key = |line: &str| {
        let line = line.trim_start();
        let rest = line.strip_prefix(key);
        let mut table = line.trim_start_matches('[').split(['.', ']']);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
            || (line.starts_with('[') && table.any(|part| part == key))
    };
    match text.lines().position(is_key) {
        Some(place) => format!("line {}: {problem}", place + 1),
        None => problem.into(),
    }
}
