//! The reference board in QEMU, and QEMU itself, as a user may meet them on a bad day: faults of the
//! firmware, an emulator that dies or hangs, a harness that is killed.
//!
//! These are no cases: they ask nothing of a device's protocols, and break one board's firmware by
//! its symbols. Ignored where the device `qemu` is not available; `FIRMPROOF_REQUIRE=qemu` makes that
//! a failure.

mod debugger;
mod emulator;
mod faults;
mod images;
mod stand;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use firmproof::dut::availability::{Availability, is_required};
use firmproof::profile::Profile;

type Checked = Result<(), Failed>;
type Test = (&'static str, fn() -> Checked);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    if let Err(error) = std::env::set_current_dir(&root) {
        eprintln!("{}: {error}", root.display());
        return ExitCode::from(2);
    }
    let profile = Profile::find("qemu").map_err(|error| error.to_string());
    let lacking = match &profile {
        Ok(profile) => Availability::of(profile, Path::new(".")).lacking(),
        Err(error) => Some(error.clone()),
    };
    let ignored = lacking.is_some() && !is_required("qemu");
    let tests = faults::TESTS
        .into_iter()
        .chain(emulator::TESTS)
        .chain(images::TESTS);
    let trials = tests
        .map(|(name, test)| {
            let lacking = lacking.clone();
            let trial = Trial::test(name, move || match lacking {
                Some(reason) => Err(Failed::from(reason)),
                None => test(),
            });
            trial.with_ignored_flag(ignored)
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Fails a test unless `holds`.
fn check(holds: bool, otherwise: impl std::fmt::Display) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(Failed::from(otherwise.to_string()))
    }
}
