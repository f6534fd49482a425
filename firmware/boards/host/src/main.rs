//! The host device as a program of its own, for a profile that names another build of it
//! (`start.command`): `ci/mutants` has the broken devices judged by a harness that is whole.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The harness starts every host device by this word, which its own program needs.
    let arguments = std::env::args_os().skip(1);
    firmproof_host::main(arguments.skip_while(|argument| argument == "device-host"))
}
