use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::dut::{DutError, MockDevice, Ready};
use crate::evidence::Console;

fn bench(device: MockDevice) -> Bench {
    let profile = Arc::new(Profile::find("host").expect("a built-in profile"));
    let folder = tempfile::tempdir().expect("a folder");
    let lab = Lab::os(OsOptions::default());
    Bench::wire(profile, [7; 32], folder, lab, Box::new(device))
}

fn powered(says: &'static [&'static str]) -> MockDevice {
    let mut device = MockDevice::new();
    device
        .expect_power_on()
        .times(1)
        .returning(move |_, console: &Arc<Console>| {
            for line in says {
                console.push(line);
            }
            Ok(())
        });
    device.expect_life().returning(|| None);
    device
        .expect_ready()
        .returning(|| Ready::Line("event=ready".into(), Duration::from_millis(50)));
    device
}

#[tokio::test]
async fn a_device_that_says_ready_is_ready() {
    let bench = bench(powered(&["event=boot", "event=ready version=1"]));
    bench.start().await.expect("it is ready");
}

#[tokio::test]
async fn a_device_that_never_says_ready_is_inconclusive_with_its_last_console_lines() {
    let bench = bench(powered(&["E (120) wifi: no antenna"]));
    let Err(Stop::Inconclusive(reason)) = bench.start().await else {
        panic!("it was never ready");
    };
    assert!(reason.contains("no console line with `event=ready`"));
    assert!(reason.contains("E (120) wifi: no antenna"));
}

#[tokio::test]
async fn a_program_that_is_missing_is_inconclusive_and_named() {
    let mut device = MockDevice::new();
    device.expect_power_on().returning(|_, _| {
        Err(DutError::Start {
            program: "no-such-firmware".into(),
            source: std::io::ErrorKind::NotFound.into(),
        })
    });
    let Err(Stop::Inconclusive(reason)) = bench(device).start().await else {
        panic!("it cannot have started");
    };
    assert!(reason.contains("no-such-firmware"));
}

#[tokio::test]
async fn a_second_ready_line_is_an_unasked_restart() {
    let bench = bench(powered(&["event=ready boots=1", "event=ready boots=2"]));
    bench.start().await.expect("it is ready");
    let Err(Stop::Fail(finding)) = bench.alive("FIRMPROOF-BOOT-1").await else {
        panic!("it restarted");
    };
    assert!(finding.seen.contains("it restarted"));
}

#[tokio::test]
async fn the_next_start_is_told_what_was_configured_last() {
    let mut device = MockDevice::new();
    device
        .expect_power_on()
        .withf(|boot, _| boot.config.http_port == 8080)
        .times(1)
        .returning(|_, _| Ok(()));
    device.expect_life().returning(|| None);
    let bench = bench(device);
    bench.configure(|config| config.http_port = 8080);
    bench.power_on().await.expect("it starts");
}

#[tokio::test]
async fn a_power_cut_is_skipped_by_name_where_the_profile_has_no_power() {
    let mut profile = Profile::find("host").expect("a built-in profile");
    profile.capabilities.retain(|c| *c != Capability::Power);
    let mut device = MockDevice::new();
    device.expect_cut_power().never();
    let folder = tempfile::tempdir().expect("a folder");
    let lab = Lab::os(OsOptions::default());
    let bench = Bench::wire(Arc::new(profile), [7; 32], folder, lab, Box::new(device));
    assert!(matches!(
        bench.cut_power().await,
        Err(Stop::Skip(Capability::Power))
    ));
}
