//! A board with a scripted probe: every step of a start fails in turn.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use firmproof_bootconfig::decode;

use super::debugger::{MockChip, MockProbes};
use super::power::MockPowerSwitch;
use super::*;

const SHORT: Limits = Limits {
    attach: Duration::from_millis(200),
    flash: Duration::from_secs(2),
    write: Duration::from_secs(2),
    reset: Duration::from_secs(2),
    console: Duration::from_millis(200),
    stop: Duration::from_secs(2),
};

fn wiring(probes: MockProbes, power: Option<MockPowerSwitch>) -> Wiring {
    Wiring {
        board: "bench-1".into(),
        serial: "7C:DF:A1:00:00:01".into(),
        chip: "esp32s3".into(),
        image: Image {
            elf: "device.elf".into(),
            partition_table: "partitions.csv".into(),
        },
        wifi: None,
        power: power.map(|power| Arc::new(power) as Arc<dyn PowerSwitch>),
        probes: Arc::new(probes),
    }
}

fn probe(probes: MockProbes, power: Option<MockPowerSwitch>) -> Probe {
    Probe {
        limits: SHORT,
        ..Probe::new(wiring(probes, power))
    }
}

fn boot() -> Boot {
    Boot {
        config: BootConfig::safe_default(),
        places: Default::default(),
    }
}

fn console() -> Arc<Console> {
    Arc::new(Console::new(Instant::now()))
}

/// A chip that does everything, says `text` and is then silent.
fn good_chip(text: &'static str) -> MockChip {
    let mut chip = MockChip::new();
    chip.expect_write().returning(|_, _| Ok(()));
    chip.expect_reset().returning(|_| Ok(()));
    chip.expect_hold().returning(|| Ok(()));
    chip.expect_flash().returning(|_| Ok(()));
    chip.expect_find_console().returning(|_| Ok(true));
    let mut rest = text.as_bytes();
    chip.expect_read_console().returning(move |buffer| {
        let count = rest.len().min(buffer.len()).min(7);
        let (now, later) = rest.split_at(count);
        buffer[..count].copy_from_slice(now);
        rest = later;
        Ok(count)
    });
    chip
}

fn good_power() -> MockPowerSwitch {
    let mut power = MockPowerSwitch::new();
    power.expect_on().returning(|| Ok(()));
    power.expect_off().returning(|| Ok(()));
    power
}

fn attaches(
    mut make: impl FnMut(usize) -> Result<MockChip, ProbeError> + Send + 'static,
) -> MockProbes {
    let mut probes = MockProbes::new();
    let mut count = 0;
    probes
        .expect_attach()
        .withf(|serial, chip| serial == "7C:DF:A1:00:00:01" && chip == "esp32s3")
        .returning(move |_, _| {
            count += 1;
            make(count).map(|chip| Box::new(chip) as Box<dyn Chip>)
        });
    probes
}

async fn refused(probe: &mut Probe) -> String {
    let error = probe.power_on(&boot(), &console()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("board bench-1: "), "{text}");
    text
}

async fn started(probe: &mut Probe) {
    let console = console();
    probe.power_on(&boot(), &console).await.unwrap();
    let second = Duration::from_secs(2);
    let ready = console.wait(0, second, |line| line.is("ready")).await;
    assert!(ready.is_some(), "{:?}", console.tail(5));
}

#[tokio::test]
async fn a_start_writes_the_configuration_resets_the_chip_and_reads_its_console() {
    let written = Arc::new(Mutex::new(Vec::new()));
    let seen = written.clone();
    let mut probe = probe(
        attaches(move |_| {
            let mut chip = MockChip::new();
            let seen = seen.clone();
            let mut order = mockall::Sequence::new();
            chip.expect_write()
                .once()
                .in_sequence(&mut order)
                .returning(move |offset, bytes| {
                    seen.lock().unwrap().push((offset, bytes.to_vec()));
                    Ok(())
                });
            chip.expect_reset()
                .once()
                .in_sequence(&mut order)
                .withf(|elf| elf.ends_with("device.elf"))
                .returning(|_| Ok(()));
            // The program takes a while until it has a console.
            let mut looks = 0;
            chip.expect_find_console().times(3).returning(move |_| {
                looks += 1;
                Ok(looks == 3)
            });
            let mut text = Some("event=ready version=1\nevent=half");
            chip.expect_read_console().returning(move |buffer| {
                let bytes = text.take().unwrap_or_default().as_bytes();
                buffer[..bytes.len()].copy_from_slice(bytes);
                Ok(bytes.len())
            });
            chip.expect_hold().once().returning(|| Ok(()));
            Ok(chip)
        }),
        None,
    );
    let console = console();
    probe.power_on(&boot(), &console).await.unwrap();
    let ready = console.wait(0, Duration::from_secs(2), |l| l.is("ready"));
    assert!(ready.await.is_some());
    let life = probe.life().unwrap();
    assert_eq!(life.ended(), None);
    probe.cut_power().await;
    assert_eq!(life.ended().as_deref(), Some(POWER_CUT));
    assert_eq!(console.tail(1)[0].text, "event=half");
    let written = written.lock().unwrap();
    let [(0xb000, page)] = written.as_slice() else {
        panic!("{written:?}");
    };
    assert_eq!(page.len(), 4096);
    assert_eq!(decode(page), Ok(BootConfig::safe_default()));
}

#[tokio::test]
async fn the_wifi_credentials_lie_behind_the_configuration_and_in_no_error() {
    let credentials = WifiCredentials {
        ssid: "lab-net".try_into().unwrap(),
        passphrase: "correct horse".try_into().unwrap(),
    };
    let page = config_page(&BootConfig::safe_default(), Some(&credentials)).unwrap();
    let stored = &page[WifiCredentials::PARTITION_OFFSET..];
    assert_eq!(WifiCredentials::decode(stored), Ok(credentials.clone()));
    let bad = WifiCredentials {
        passphrase: "short".try_into().unwrap(),
        ..credentials
    };
    let error = config_page(&BootConfig::safe_default(), Some(&bad)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("wifi.passphrase must be 8 to 63"), "{text}");
    assert!(!text.contains("short"), "{text}");
}

/// The steps of a start that go through the chip, and what each says when it fails.
const STEPS: [(&str, &str); 4] = [
    ("write", "the flash holds something else than was written"),
    ("reset", "the connection to the chip was lost: USB"),
    ("find", "the program set up no console within"),
    ("read", "the connection to the chip was lost: USB"),
];

fn chip_failing_at(step: &str) -> MockChip {
    let lost = || ProbeError::Lost("USB".into());
    let mut chip = MockChip::new();
    let fails = step == "write";
    chip.expect_write().returning(move |_, _| {
        if fails {
            Err(ProbeError::Verify)
        } else {
            Ok(())
        }
    });
    let fails = step == "reset";
    chip.expect_reset()
        .returning(move |_| if fails { Err(lost()) } else { Ok(()) });
    let fails = step == "find";
    chip.expect_find_console().returning(move |_| Ok(!fails));
    chip.expect_read_console().returning(move |_| Err(lost()));
    chip.expect_hold().returning(|| Ok(()));
    chip
}

#[tokio::test]
async fn whatever_step_fails_is_told_with_the_board_and_the_next_start_attaches_anew() {
    for (step, said) in STEPS {
        let attached = Arc::new(AtomicUsize::new(0));
        let count = attached.clone();
        let probes = attaches(move |n| {
            count.store(n, Ordering::Relaxed);
            Ok(match n {
                1 => chip_failing_at(step),
                _ => good_chip("event=ready\n"),
            })
        });
        let mut probe = probe(probes, None);
        if step == "read" {
            // In the middle of a case: the bench learns it from the device's life.
            probe.power_on(&boot(), &console()).await.unwrap();
            let how = probe.life().unwrap().end().await;
            assert!(how.starts_with(said), "{how}");
        } else {
            let text = refused(&mut probe).await;
            assert!(text.contains(said), "{step}: {text}");
        }
        if step == "find" {
            // The link is whole, and the chip as silent as before.
            refused(&mut probe).await;
            assert_eq!(attached.load(Ordering::Relaxed), 1);
            continue;
        }
        started(&mut probe).await;
        assert_eq!(attached.load(Ordering::Relaxed), 2, "{step}");
    }
}

#[tokio::test]
async fn a_probe_that_is_missing_doubled_or_locked_and_a_wrong_chip_are_told_apart() {
    let named = |serial: &str| FoundProbe {
        name: "ESP JTAG".into(),
        serial: Some(serial.into()),
        accessible: serial != "C",
    };
    let found = [named("A"), named("B"), named("B"), named("C")];
    let texts =
        ["D", "B", "C"].map(|serial| debugger::pick(&found, serial).unwrap_err().to_string());
    insta::assert_snapshot!(texts.join("\n"));
    assert_eq!(debugger::pick(&found, "A"), Ok(&found[0]));
    let none = debugger::pick(&[], "A").unwrap_err().to_string();
    assert!(none.contains("no probe is plugged in"), "{none}");

    let wrong = || ProbeError::WrongChip {
        wanted: "esp32s3".into(),
        found: "esp32c3".into(),
    };
    let text = refused(&mut probe(attaches(move |_| Err(wrong())), None)).await;
    assert!(
        text.contains("the chip is esp32c3, and the rig says esp32s3"),
        "{text}"
    );
}

/// What an attach comes to, once.
type Attach = Box<dyn FnOnce() -> Result<MockChip, ProbeError> + Send>;

/// Probes whose attach may hang: a mock holds a lock while it answers, and a call that hangs would
/// keep the next one out.
struct Hanging(Mutex<Vec<Attach>>);

impl Probes for Hanging {
    fn list(&self) -> Result<Vec<FoundProbe>, ProbeError> {
        Ok(Vec::new())
    }

    fn attach(&self, _: &str, _: &str) -> Result<Box<dyn Chip>, ProbeError> {
        let next = self.0.lock().unwrap().remove(0);
        next().map(|chip| Box::new(chip) as Box<dyn Chip>)
    }
}

fn hang() -> Attach {
    Box::new(|| {
        std::thread::sleep(Duration::from_secs(2));
        Err(ProbeError::Attach("too late".into()))
    })
}

#[tokio::test]
async fn an_attach_that_hangs_is_tried_once_more_after_a_power_cycle() {
    let mut power = MockPowerSwitch::new();
    power.expect_on().times(2).returning(|| Ok(()));
    power.expect_off().once().returning(|| Ok(()));
    let mut board = probe(MockProbes::new(), Some(power));
    let second: Attach = Box::new(|| Ok(good_chip("event=ready\n")));
    board.wiring.probes = Arc::new(Hanging(Mutex::new(vec![hang(), second])));
    started(&mut board).await;

    let mut board = probe(MockProbes::new(), None);
    board.wiring.probes = Arc::new(Hanging(Mutex::new(vec![hang(), hang()])));
    let text = refused(&mut board).await;
    assert!(
        text.contains("attaching to the chip took longer than"),
        "{text}"
    );
}

#[tokio::test]
async fn a_power_command_that_fails_is_told_whenever_it_does() {
    let failed = |command: &str| PowerError::Failed {
        command: command.into(),
        status: "exit status: 1".into(),
        output: "no hub".into(),
    };
    let mut power = MockPowerSwitch::new();
    power
        .expect_on()
        .once()
        .returning(move || Err(failed("hub on")));
    let text = refused(&mut probe(MockProbes::new(), Some(power))).await;
    assert!(
        text.contains("`hub on` failed (exit status: 1): no hub"),
        "{text}"
    );

    // At the end of a case nobody listens: the next start tells.
    let mut power = MockPowerSwitch::new();
    power.expect_on().returning(|| Ok(()));
    power
        .expect_off()
        .once()
        .returning(move || Err(failed("hub off")));
    let mut board = probe(attaches(|_| Ok(good_chip("event=ready\n"))), Some(power));
    started(&mut board).await;
    board.cut_power().await;
    let text = refused(&mut board).await;
    assert!(text.contains("`hub off` failed"), "{text}");
}

#[tokio::test]
async fn power_is_cut_by_the_switch_and_given_back_at_the_next_start() {
    let mut power = MockPowerSwitch::new();
    let mut order = mockall::Sequence::new();
    power
        .expect_on()
        .once()
        .in_sequence(&mut order)
        .returning(|| Ok(()));
    power
        .expect_off()
        .once()
        .in_sequence(&mut order)
        .returning(|| Ok(()));
    power
        .expect_on()
        .once()
        .in_sequence(&mut order)
        .returning(|| Ok(()));
    let mut board = probe(attaches(|_| Ok(good_chip("event=ready\n"))), Some(power));
    started(&mut board).await;
    board.cut_power().await;
    assert!(board.life().is_none());
    started(&mut board).await;
}

#[tokio::test]
async fn flashing_fails_with_what_to_check_and_succeeds_the_second_time() {
    let mut board = probe(
        attaches(|n| {
            let mut chip = MockChip::new();
            chip.expect_flash()
                .withf(|image| image.elf.ends_with("device.elf"))
                .returning(move |_| match n {
                    1 => Err(ProbeError::Flash("the erase of sector 0x20000".into())),
                    _ => Ok(()),
                });
            // The bootloader then starts the slot that was flashed.
            chip.expect_write()
                .times(n - 1)
                .withf(|offset, bytes| *offset == 0x9000 && bytes.len() == 0x2000)
                .returning(|_, _| Ok(()));
            Ok(chip)
        }),
        Some(good_power()),
    );
    let text = board.flash().await.unwrap_err().to_string();
    assert!(
        text.starts_with("board bench-1: writing the flash failed"),
        "{text}"
    );
    assert!(text.contains("check the chip's power"), "{text}");
    board.flash().await.unwrap();
}

#[tokio::test]
async fn erasing_the_state_leaves_the_configuration_alone() {
    let mut board = probe(
        attaches(|_| {
            let mut chip = MockChip::new();
            chip.expect_write()
                .once()
                .withf(|offset, bytes| {
                    *offset == 0xc000 && bytes.len() == 0x14000 && bytes.iter().all(|b| *b == 0xff)
                })
                .returning(|_, _| Ok(()));
            Ok(chip)
        }),
        None,
    );
    board.erase_flash().await.unwrap();
}
