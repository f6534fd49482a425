//! Every case on every available device, as a test of its own: `cargo test host/mqtt/connack`.
//!
//! `FIRMPROOF_REQUIRE=host,qemu` turns a device that is not available from ignored into failed.
//! `FIRMPROOF_RUN_DIR` names the folder that the records go to.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use firmproof::case::{Case, Verdict};
use firmproof::profile::Profile;
use firmproof::run::judge::{bench_seed, judge};
use libtest_mimic::{Arguments, Failed, Trial};

/// Devices that later releases bring.
const NOT_YET: [(&str, &str); 1] = [("qemu", "not in this release")];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most of a case is waiting, so more of them fit than there are cores.
    arguments.test_threads.get_or_insert(8);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf);
    if let Some(root) = root
        && let Err(error) = std::env::set_current_dir(&root)
    {
        eprintln!("{}: {error}", root.display());
        return ExitCode::from(2);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::from(2);
        }
    };
    let mut trials = Vec::new();
    match Profile::find("host") {
        Ok(profile) => {
            let profile = Arc::new(profile);
            for case in firmproof::suite::all() {
                trials.push(trial(case, profile.clone(), runtime.clone()));
            }
        }
        Err(error) => trials.push(Trial::test("host", move || {
            Err(Failed::from(error.to_string()))
        })),
    }
    let required = std::env::var("FIRMPROOF_REQUIRE").unwrap_or_default();
    for (dut, reason) in NOT_YET {
        let is_required = required.split(',').any(|r| r.trim() == dut);
        trials.push(
            Trial::test(format!("{dut} ({reason})"), move || {
                Err(Failed::from(reason))
            })
            .with_ignored_flag(!is_required),
        );
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(case: Case, profile: Arc<Profile>, runtime: Arc<tokio::runtime::Runtime>) -> Trial {
    let name = format!("{}/{}", profile.name, case.id);
    let lacking = case.needs.iter().find(|need| !profile.has(**need)).copied();
    let trial = Trial::test(name, move || {
        let folder = run_folder();
        let program = Path::new(env!("CARGO_BIN_EXE_firmproof"));
        let seed = bench_seed(&[0; 32], &case.id);
        let record = runtime.block_on(judge(&case, profile, program, seed, &folder));
        match (record.verdict, record.finding, record.reason) {
            (Verdict::Pass | Verdict::Skipped, _, _) => Ok(()),
            (Verdict::Fail, Some(finding), _) => Err(Failed::from(format!(
                "{}\nclause   {}\nexpected {}\nseen     {}\nevidence {}",
                record.requirement,
                finding.statement,
                finding.expected,
                firmproof::report::printable(&finding.seen),
                folder.join(record.evidence).display(),
            ))),
            (verdict, _, reason) => Err(Failed::from(format!(
                "{verdict}: {}",
                firmproof::report::printable(&reason.unwrap_or_default())
            ))),
        }
    });
    match lacking {
        Some(need) => trial
            .with_ignored_flag(true)
            .with_kind(format!("lacks {need}")),
        None => trial,
    }
}

fn run_folder() -> PathBuf {
    std::env::var_os("FIRMPROOF_RUN_DIR").map_or_else(
        || PathBuf::from("target/firmproof").join(format!("test-{}", std::process::id())),
        PathBuf::from,
    )
}
