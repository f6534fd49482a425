//! QEMU's command line: what all boards have in common.

use std::ffi::OsString;
use std::path::Path;

use super::Files;
use crate::dut::{Launch, firmware};
use crate::lab::FramePort;

/// The network's name on QEMU's control socket.
pub(super) const NETDEV: &str = "n0";

/// Options, each with its value.
#[derive(Debug, Default)]
pub(super) struct Options(Vec<OsString>);

impl Options {
    pub(super) fn add(&mut self, name: &str, value: String) {
        self.0.push(name.into());
        self.0.push(value.into());
    }

    /// The board's own options, and what wires it to the bench: frames, console, control socket, and
    /// a socket for a debugger.
    pub(super) fn launch(mut self, program: &str, files: &Files, port: &FramePort) -> Launch {
        self.add("-display", "none".into());
        self.add("-monitor", "none".into());
        self.add(
            "-netdev",
            format!(
                "dgram,id={NETDEV},local.type=unix,local.path={},remote.type=unix,remote.path={}",
                comma_safe(&port.dut_socket),
                comma_safe(&port.harness_socket)
            ),
        );
        self.add("-net", format!("nic,model=open_eth,netdev={NETDEV}"));
        self.add("-chardev", "stdio,id=console,signal=off".into());
        self.add("-serial", "chardev:console".into());
        for (name, socket) in [("-qmp", &files.control), ("-gdb", &files.debugger)] {
            let socket = comma_safe(socket);
            self.add(name, format!("unix:{socket},server=on,wait=off"));
        }
        outlived_by_the_harness(Launch {
            program: program.into(),
            arguments: self.0,
            environment: Default::default(),
            working_folder: None,
        })
    }
}

/// QEMU does not notice that the harness has been killed. `setpriv` of util-linux has the kernel
/// kill it then (prctl(2), `PR_SET_PDEATHSIG`). A harness that was killed before that is no longer
/// the parent: then QEMU is not started.
fn outlived_by_the_harness(launch: Launch) -> Launch {
    const START: &str = "parent=$1; shift; [ \"$PPID\" = \"$parent\" ] && exec \"$@\"";
    let (Some(setpriv), Some(shell)) = (firmware::find("setpriv"), firmware::find("sh")) else {
        return launch;
    };
    let mut arguments: Vec<OsString> = vec!["--pdeathsig".into(), "KILL".into(), "--".into()];
    arguments.extend([shell.into(), "-c".into(), START.into(), "sh".into()]);
    arguments.push(std::process::id().to_string().into());
    arguments.push(launch.program);
    arguments.extend(launch.arguments);
    Launch {
        program: setpriv.into(),
        arguments,
        ..launch
    }
}

/// QEMU splits option values at commas; a doubled comma stands for itself.
pub(super) fn comma_safe(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

/// The words of QEMU's own command line, one a line.
#[cfg(test)]
pub(super) fn words(launch: &Launch) -> String {
    let words: Vec<_> = [&launch.program]
        .into_iter()
        .chain(&launch.arguments)
        .map(|word| word.to_string_lossy().into_owned())
        .skip_while(|word| word != "qemu-system-xtensa")
        .collect();
    words.join("\n")
}
