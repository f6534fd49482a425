//! The command `firmproof`.

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::main()
}
