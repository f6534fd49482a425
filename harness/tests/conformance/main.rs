//! Every case on every available device, as a test of its own: `cargo test host/mqtt/connack`.
//!
//! A device is available when `firmproof doctor` calls it ready. `FIRMPROOF_REQUIRE=host,qemu` turns a device that is not available from ignored into failed.
//! `FIRMPROOF_RUN_DIR` names the folder that the records go to; processes that share it make one run.
//! `FIRMPROOF_SEED` replays a run. `FIRMPROOF_KC705_ELF` names a prebuilt image for `qemu`.

mod records;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use firmproof::case::{Case, Verdict};
use firmproof::dut::availability::{Availability, is_required, prepare};
use firmproof::profile::{Capability, Profile};
use firmproof::report::printable;
use firmproof::result::{RecordFile, RunFolder, parse_seed};
use firmproof::run::{Captures, Setup, assemble, judge, long_ones_first};
use libtest_mimic::{Arguments, Failed, Trial};

/// The devices, as `--dut` names them.
const DUTS: [&str; 3] = ["host", "qemu", "qemu-esp32s3"];

/// What the cases of one device share; made by the first that runs, so that a list makes no folder.
type LazySetup = Arc<OnceLock<Result<Setup, String>>>;

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
    let mut setups = Vec::new();
    let mut skipped = Vec::new();
    let mut trials = Vec::new();
    for dut in DUTS {
        match available(dut) {
            Ok(profile) => {
                let setup = LazySetup::default();
                setups.push(setup.clone());
                let profile = Arc::new(profile);
                for case in long_ones_first(firmproof::suite::all()) {
                    if lacking(&case, &profile).is_some() {
                        skipped.push((case.clone(), setup.clone()));
                    }
                    trials.push(trial(case, profile.clone(), setup.clone(), runtime.clone()));
                }
            }
            Err(reason) => trials.push(
                Trial::test(format!("{dut} ({reason})"), || Err(Failed::from(reason)))
                    .with_ignored_flag(!is_required(dut)),
            ),
        }
    }
    trials.extend(records::trials());
    let conclusion = libtest_mimic::run(&arguments, trials);
    if arguments.filter.is_none() && arguments.skip.is_empty() {
        // No test runs for a case that the device cannot be judged by, and the run tells of it all the same.
        for (case, setup) in &skipped {
            if let Some(Ok(setup)) = setup.get() {
                runtime.block_on(judge(case, setup));
            }
        }
    }
    // A process of cargo-nextest judges one case of many: `firmproof assemble` joins them.
    if let Some(Ok(setup)) = setups.iter().find_map(|setup| setup.get())
        && std::env::var_os("NEXTEST").is_none()
    {
        let folder = setup.folder.path();
        if let Err(error) = assemble(folder) {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
        eprintln!("results: {}", folder.display());
    }
    conclusion.exit_code()
}

/// The profile of a device that can run here.
fn available(dut: &str) -> Result<Profile, String> {
    let profile = Profile::find(dut).map_err(|error| error.to_string())?;
    match Availability::of(&profile, Path::new(".")).lacking() {
        None => Ok(profile),
        Some(lacking) => Err(lacking),
    }
}

fn trial(
    case: Case,
    profile: Arc<Profile>,
    setup: LazySetup,
    runtime: Arc<tokio::runtime::Runtime>,
) -> Trial {
    let name = format!("{}/{}", profile.name, case.id);
    let lacking = lacking(&case, &profile);
    let trial = Trial::test(name.clone(), move || {
        let setup = match setup.get_or_init(|| set_up(profile)) {
            Ok(setup) => setup,
            Err(error) => return Err(Failed::from(error.as_str())),
        };
        let record = runtime.block_on(judge(&case, setup));
        match record.case.verdict {
            Verdict::Pass => Ok(()),
            Verdict::Skipped => {
                println!("skipped: {}", record.case.reason.unwrap_or_default());
                Ok(())
            }
            Verdict::Fail | Verdict::Inconclusive => {
                Err(Failed::from(explain(&name, setup, &record)))
            }
        }
    });
    match lacking {
        // What cargo-nextest ignores is no part of any partition, and the whole would lack its record: there it is a
        // test that says in its output that it was skipped.
        Some(_) if std::env::var_os("NEXTEST").is_some() => trial,
        Some(need) => trial
            .with_ignored_flag(true)
            .with_kind(format!("lacks {need}")),
        None => trial,
    }
}

/// What the device lacks of what the case needs.
fn lacking(case: &Case, profile: &Profile) -> Option<Capability> {
    let mut needs = case.needs.iter().copied();
    needs.find(|need| !profile.has(*need))
}

/// What a reader needs to understand the verdict and to see it again.
fn explain(name: &str, setup: &Setup, record: &RecordFile) -> String {
    let case = &record.case;
    let mut lines = vec![case.requirement.clone()];
    if let Some(finding) = &case.finding {
        lines.push(format!("clause   {}", finding.statement));
        lines.push(format!("expected {}", printable(&finding.expected)));
        lines.push(format!("seen     {}", printable(&finding.seen)));
    }
    if let Some(reason) = &case.reason {
        lines.push(format!("{}: {}", case.verdict, printable(reason)));
    }
    for (what, file) in [
        ("evidence", Some(&case.evidence)),
        ("capture ", case.capture.as_ref()),
    ] {
        if let Some(file) = file {
            lines.push(format!(
                "{what} {}",
                setup.folder.path().join(file).display()
            ));
        }
    }
    lines.push(format!("seed     {}", record.seed));
    lines.push(format!(
        "again    FIRMPROOF_SEED={} cargo test -p firmproof --test conformance -- --exact {name}",
        record.seed
    ));
    lines.join("\n")
}

fn set_up(profile: Arc<Profile>) -> Result<Setup, String> {
    let seed = match std::env::var("FIRMPROOF_SEED") {
        Ok(text) => Some(parse_seed(&text).ok_or_else(|| {
            format!("FIRMPROOF_SEED=`{text}`: expected 64 hexadecimal digits, as in run.json")
        })?),
        Err(_) => None,
    };
    let folder = RunFolder::join(&run_folder(), seed).map_err(|error| error.to_string())?;
    let mut profile = Arc::unwrap_or_clone(profile);
    // Once for all cases: this may build the firmware.
    prepare(&mut profile, Path::new("."), &|news| eprintln!("{news}"))?;
    let profile = Arc::new(profile);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_firmproof"));
    // Passing cases have no capture here: people run this all the time.
    Ok(Setup::new(profile, program, folder, Captures::Failed))
}

/// The same for every process of one run: cargo-nextest gives its runs a name, and without it this
/// process is the whole run.
fn run_folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("FIRMPROOF_RUN_DIR") {
        return folder.into();
    }
    let run = match std::env::var("NEXTEST_RUN_ID") {
        Ok(id) => id,
        Err(_) => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let seconds = now.map_or(0, |d| d.as_secs());
            format!("{seconds}-{}", std::process::id())
        }
    };
    PathBuf::from("target/firmproof").join(format!("test-{run}"))
}
