//! A device in QEMU with a test's own case, judged as in a run; and the processes that it has.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use firmproof::bench::Bench;
use firmproof::case::{Case, Judged};
use firmproof::dut::availability::prepare;
use firmproof::profile::Profile;
use firmproof::result::{Record, RunFolder};
use firmproof::run::{Captures, Setup, judge};
use libtest_mimic::Failed;

/// How long a process may take to be seen, or to be gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// The image, built if it has to be; once for all tests.
pub(crate) fn image() -> Result<PathBuf, Failed> {
    static IMAGE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let prepared = IMAGE.get_or_init(|| {
        let mut profile = Profile::find("qemu").map_err(|error| error.to_string())?;
        prepare(&mut profile, Path::new("."), &|news| eprintln!("{news}"))?;
        let image = profile.qemu.elf.ok_or("no image")?;
        image.canonicalize().map_err(|error| error.to_string())
    });
    prepared.clone().map_err(Failed::from)
}

/// Judges a device in QEMU by `body`, which begins when the device is ready.
pub(crate) fn judged<F, R>(body: F) -> Result<Record, Failed>
where
    F: Fn(Bench) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Judged> + Send + 'static,
{
    let folder = tempfile::tempdir()?;
    let mut profile = Profile::find("qemu")?;
    profile.set_elf(image()?)?;
    let setup = Setup::new(
        Arc::new(profile),
        env!("CARGO_BIN_EXE_firmproof").into(),
        RunFolder::join(folder.path(), None)?,
        Captures::None,
    );
    let id = "mqtt/emulator/on-a-bad-day";
    let case = Case::must(
        id,
        &["liveness"],
        "The device lives",
        move |bench: Bench| {
            let body = body.clone();
            async move {
                bench.start().await?;
                body(bench).await
            }
        },
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(judge(&case, &setup)).case)
}

/// What a case's body leaves for its test.
pub(crate) struct Left<T>(Arc<Mutex<Option<T>>>);

impl<T> Left<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn put(&self, left: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
    }

    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T> Clone for Left<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The processes whose command line has `mark` in it and starts QEMU: those of one bench, or of one
/// run. The shell that becomes QEMU is none yet.
pub(crate) fn emulators(mark: &str) -> Vec<i32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            let program = line.split('\0').next().unwrap_or_default();
            program.ends_with("qemu-system-xtensa") && line.contains(mark)
        })
        .collect()
}

/// Whether the process has ended. One that nobody has waited for yet has.
pub(crate) fn is_gone(pid: i32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        // pid (name) state …
        Ok(stat) => stat
            .rsplit(") ")
            .next()
            .is_none_or(|rest| rest.starts_with('Z')),
        Err(_) => true,
    }
}

/// Waits until `holds`; no event tells when a process comes or goes that is not ours.
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) -> Result<(), Failed> {
    let began = Instant::now();
    while !holds() {
        if began.elapsed() > PATIENCE {
            return Err(Failed::from(format!("{what}: not within {PATIENCE:?}")));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
