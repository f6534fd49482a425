//! The command line of mainline QEMU for the board `kc705`.

use super::Files;
use super::command::{Options, comma_safe};
use crate::dut::{DutError, Launch};
use crate::lab::FramePort;

/// Where the firmware reads its boot configuration (`firmware/boards/kc705/link.ld`).
const CONFIG_ADDRESS: u32 = 0x6004_0000;

/// QEMU with the board, its frames on `port`.
///
/// # Errors
/// No image is named.
pub(super) fn launch(program: &str, files: &Files, port: &FramePort) -> Result<Launch, DutError> {
    let mut options = Options::default();
    options.add("-machine", "kc705-nommu".into());
    options.add("-cpu", "de212".into());
    options.add("-m", "4M".into());
    options.add("-kernel", comma_safe(files.image()?));
    options.add(
        "-device",
        format!(
            "loader,file={},addr={CONFIG_ADDRESS:#x},force-raw=on",
            comma_safe(&files.config)
        ),
    );
    let flash = comma_safe(&files.flash);
    options.add("-drive", format!("if=pflash,format=raw,file={flash}"));
    Ok(options.launch(program, files, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wires_the_board_to_the_bench() {
        let files = Files {
            image: Some("/t/kc705.elf".into()),
            config: "/t/a,b/config".into(),
            flash: "/t/flash".into(),
            control: "/t/qmp".into(),
            debugger: "/t/gdb".into(),
        };
        let port = FramePort {
            harness_socket: "/t/h".into(),
            dut_socket: "/t/d".into(),
        };
        let launch = launch("qemu-system-xtensa", &files, &port).unwrap();
        insta::assert_snapshot!(super::super::command::words(&launch));
    }
}
