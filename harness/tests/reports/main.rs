//! What other programs make of a run's reports: Chromium shows the web page, tshark reads the captures.
//! Where a program is missing, its tests are ignored by name; `ci/setup` installs both.

#[path = "../control_page/browser.rs"]
#[expect(dead_code, reason = "the control page needs more of it")]
mod browser;
mod captures;
mod page;
mod runs;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

type Checked<T = ()> = Result<T, Failed>;

fn check(holds: bool, message: impl Into<String>) -> Checked {
    match holds {
        true => Ok(()),
        false => Err(Failed::from(message.into())),
    }
}

/// A test of this file's kind.
type Test = (&'static str, fn() -> Checked);

/// Tests that need a program, ignored by name when it is missing, unless `FIRMPROOF_REQUIRE` names `what`.
fn needing(what: &str, missing: Option<&'static str>, tests: &[Test]) -> Vec<Trial> {
    let required = std::env::var("FIRMPROOF_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|name| name.trim() == what);
    let trial = |(name, test): &Test| match missing {
        Some(program) => Trial::test(format!("{name} ({program} is missing)"), *test)
            .with_ignored_flag(!is_required),
        None => Trial::test(*name, *test),
    };
    tests.iter().map(trial).collect()
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = needing("browser", browser::missing(), page::TESTS);
    trials.extend(needing("tshark", captures::missing(), captures::TESTS));
    libtest_mimic::run(&arguments, trials).exit_code()
}
