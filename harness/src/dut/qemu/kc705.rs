//! The command line of mainline QEMU for the board `kc705`.

use std::ffi::OsString;
use std::path::Path;

use super::Files;
use crate::dut::{Launch, firmware};
use crate::lab::FramePort;

/// The network's name on QEMU's control socket.
pub(super) const NETDEV: &str = "n0";
/// Where the firmware reads its boot configuration (`firmware/boards/kc705/src/memory_map.rs`).
const CONFIG_ADDRESS: u32 = 0x6004_0000;

/// QEMU with the board, its frames on `port`.
pub(super) fn launch(program: &str, files: &Files, port: &FramePort) -> Launch {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut option = |name: &str, value: String| {
        arguments.push(name.into());
        arguments.push(value.into());
    };
    option("-machine", "kc705-nommu".into());
    option("-cpu", "de212".into());
    option("-m", "4M".into());
    option("-display", "none".into());
    option("-monitor", "none".into());
    option("-kernel", comma_safe(&files.elf));
    option(
        "-device",
        format!(
            "loader,file={},addr={CONFIG_ADDRESS:#x},force-raw=on",
            comma_safe(&files.config)
        ),
    );
    option(
        "-drive",
        format!("if=pflash,format=raw,file={}", comma_safe(&files.flash)),
    );
    option(
        "-netdev",
        format!(
            "dgram,id={NETDEV},local.type=unix,local.path={},remote.type=unix,remote.path={}",
            comma_safe(&port.dut_socket),
            comma_safe(&port.harness_socket)
        ),
    );
    option("-net", format!("nic,model=open_eth,netdev={NETDEV}"));
    option("-chardev", "stdio,id=console,signal=off".into());
    option("-serial", "chardev:console".into());
    option(
        "-qmp",
        format!("unix:{},server=on,wait=off", comma_safe(&files.control)),
    );
    outlived_by_the_harness(Launch {
        program: program.into(),
        arguments,
        environment: Default::default(),
        working_folder: None,
    })
}

/// QEMU does not notice that the harness has been killed. `setpriv` of util-linux has the kernel
/// kill it then (prctl(2), `PR_SET_PDEATHSIG`).
fn outlived_by_the_harness(launch: Launch) -> Launch {
    let Some(setpriv) = firmware::find("setpriv") else {
        return launch;
    };
    let mut arguments: Vec<OsString> = vec!["--pdeathsig".into(), "KILL".into(), "--".into()];
    arguments.push(launch.program);
    arguments.extend(launch.arguments);
    Launch {
        program: setpriv.into(),
        arguments,
        ..launch
    }
}

/// QEMU splits option values at commas; a doubled comma stands for itself.
fn comma_safe(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wires_the_board_to_the_bench() {
        let files = Files {
            elf: "/t/kc705.elf".into(),
            config: "/t/a,b/config".into(),
            flash: "/t/flash".into(),
            control: "/t/qmp".into(),
        };
        let port = FramePort {
            harness_socket: "/t/h".into(),
            dut_socket: "/t/d".into(),
        };
        let launch = launch("qemu-system-xtensa", &files, &port);
        let words: Vec<_> = [launch.program]
            .into_iter()
            .chain(launch.arguments)
            .map(|word| word.to_string_lossy().into_owned())
            .skip_while(|word| word != "qemu-system-xtensa")
            .collect();
        insta::assert_snapshot!(words.join("\n"));
    }
}
