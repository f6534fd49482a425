//! A network namespace for the run, where a profile asks for one: the program starts itself again in it.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Set in the process that is in the namespace.
const INSIDE: &str = "FIRMPROOF_OWN_NETWORK";

/// Starts this program again, with its own arguments, in a network namespace of its own; returns when that is where
/// it is already.
///
/// # Errors
/// What is missing for that: a program, or a privilege.
pub(super) fn enter() -> Result<(), String> {
    if std::env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    let needs =
        "the profile has `[start] network = \"own\"`, and a network namespace cannot be made";
    for (program, package) in [("unshare", "util-linux"), ("ip", "iproute2")] {
        let asked = Command::new(program)
            .arg("-V")
            .stdin(Stdio::null())
            .output();
        if let Err(error) = asked {
            return Err(format!("{needs}: {program} (package {package}): {error}"));
        }
    }
    // Root needs no user namespace, and others get the privilege from one.
    let ways: [&[&str]; 2] = [&["--net"], &["--user", "--map-root-user", "--net"]];
    let mut refusals = Vec::new();
    for way in ways {
        let tried = Command::new("unshare")
            .args(way)
            .args(["ip", "link", "set", "lo", "up"])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{needs}: unshare: {error}"))?;
        if !tried.status.success() {
            let said = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
            refusals.push(format!("`unshare {}`: {said}", way.join(" ")));
            continue;
        }
        let program = std::env::current_exe().map_err(|error| format!("{needs}: {error}"))?;
        let error = Command::new("unshare")
            .args(way)
            .args(["sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""])
            .arg(program)
            .args(std::env::args_os().skip(1))
            .env(INSIDE, "1")
            .exec();
        return Err(format!("{needs}: unshare: {error}"));
    }
    Err(format!(
        "{needs}: {}; it takes root, or a kernel that lets users make namespaces",
        refusals.join("; ")
    ))
}
