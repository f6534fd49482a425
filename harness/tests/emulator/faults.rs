//! Faults of the firmware: told on the console with cause and place, fatal to the verdict, and ended
//! by a reset.

use std::time::Duration;

use firmproof::bench::Bench;
use firmproof::case::{Judged, Stop, Verdict};
use firmproof::dut::qemu::debugger as debugger_socket;
use firmproof::evidence::console::Line;
use firmproof::result::Record;
use libtest_mimic::Failed;

use super::debugger::{address_of, code, overwrite};
use super::stand::{Left, emulators, image, judged};
use super::{Checked, Test, check};

/// A fault is told within the watchdog's two periods of 6 s, and some more on a busy machine.
const TOLD: Duration = Duration::from_secs(30);
/// How long the idle device is watched, and the share of a CPU that it may take: it sleeps, and one
/// that polls takes all that it is given.
const IDLE: Duration = Duration::from_secs(3);
const IDLE_SHARE: f64 = 0.1;

pub(crate) const TESTS: [Test; 4] = [
    (
        "an-illegal-instruction-is-told-with-its-address",
        an_illegal_instruction,
    ),
    (
        "a-load-from-nowhere-is-told-with-both-addresses",
        a_load_from_nowhere,
    ),
    ("the-watchdog-ends-a-hang", the_watchdog_ends_a_hang),
    ("an-idle-device-sleeps", an_idle_device_sleeps),
];

/// Overwrites the code of `symbol` with `code` in a running device; what the run says of it. The
/// device has to tell of the fault and to start again.
fn broken(symbol: &str, bytes: &'static [u8]) -> Result<(u32, Record), Failed> {
    let address = address_of(symbol, &image()?)?;
    let left = Left::new();
    let told = left.clone();
    let record = judged(move |bench| break_it(bench, address, bytes, told.clone()))?;
    match left.take() {
        Some(problem) => Err(Failed::from(problem)),
        None => Ok((address, record)),
    }
}

async fn break_it(bench: Bench, address: u32, bytes: &'static [u8], left: Left<String>) -> Judged {
    let socket = debugger_socket(bench.folder());
    let done = tokio::task::spawn_blocking(move || overwrite(&socket, address, bytes)).await;
    if let Err(error) = done.unwrap_or_else(|_| Err(Failed::from("the debugger panicked"))) {
        left.put(format!("{error:?}"));
        return Ok(());
    }
    let is_second_start = |line: &Line| line.is("ready") && line.field("boots") == Some("2");
    if bench.event(TOLD, |line| line.is("panic")).await?.is_none() {
        left.put(bench.with_console("no event=panic"));
    } else if bench.event(TOLD, is_second_start).await?.is_none() {
        left.put(bench.with_console("no second event=ready"));
    }
    Ok(())
}

/// The run fails for the fault, and quotes all of `texts` from the console.
fn check_told(record: &Record, texts: &[&str]) -> Checked {
    check(record.verdict == Verdict::Fail, format!("{record:#?}"))?;
    let seen = record.finding.as_ref().map(|finding| &finding.seen);
    let seen = seen.cloned().unwrap_or_default();
    for text in texts {
        check(seen.contains(text), format!("no `{text}` in: {seen}"))?;
    }
    Ok(())
}

fn an_illegal_instruction() -> Checked {
    let (address, record) = broken("interrupt", &code::ILLEGAL)?;
    let at = format!("event=panic at={address:#010x} ");
    check_told(&record, &[&at, "exception%200%20(illegal%20instruction)"])
}

fn a_load_from_nowhere() -> Checked {
    let (address, record) = broken("interrupt", &code::BAD_LOAD)?;
    // The second of the two instructions.
    let at = format!("event=panic at={:#010x} ", address + 3);
    check_told(&record, &[&at, "exception%20", "EXCVADDR%200xfffffffc"])
}

fn the_watchdog_ends_a_hang() -> Checked {
    let (address, record) = broken("cpu_cycles", &code::HANG)?;
    let at = format!("event=panic at={address:#010x} ");
    check_told(
        &record,
        &[&at, "watchdog:%20no%20turn%20of%20the%20executor"],
    )
}

fn an_idle_device_sleeps() -> Checked {
    let left = Left::new();
    let told = left.clone();
    let record = judged(move |bench| watch(bench, told.clone()))?;
    check(record.verdict == Verdict::Pass, format!("{record:#?}"))?;
    let share = left.take().ok_or("nothing was measured")?;
    check(
        share < IDLE_SHARE,
        format!("{:.0} % of a CPU while idle", share * 100.0),
    )
}

async fn watch(bench: Bench, left: Left<f64>) -> Judged {
    let folder = bench.folder().display().to_string();
    let [pid] = emulators(&folder)[..] else {
        return Err(Stop::inconclusive("not one QEMU"));
    };
    // What the start left to do is done.
    bench.state().await?;
    let before = ticks(pid);
    tokio::time::sleep(IDLE).await;
    let (Some(before), Some(after)) = (before, ticks(pid)) else {
        return Err(Stop::inconclusive("QEMU's time cannot be read"));
    };
    // Linux counts in hundredths of a second, whatever its own clock.
    let seconds = (after - before) as f64 / 100.0;
    left.put(seconds / IDLE.as_secs_f64());
    Ok(())
}

/// The CPU time of a process: fields 14 and 15 of proc_pid_stat(5).
fn ticks(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let (user, system) = (fields.next()?, fields.next()?);
    Some(user.parse::<u64>().ok()? + system.parse::<u64>().ok()?)
}
