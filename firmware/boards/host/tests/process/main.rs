//! The device process as its user sees it: arguments, console, Ethernet frames, files.
//!
//! This program starts itself as the device when its first argument says so, as the harness does.

mod frame;
mod process;

use std::fs;
use std::io::Write;
use std::process::ExitCode;

use firmproof_bootconfig::{BootConfig, Host, MAX_ENCODED_LEN, Network};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::process::{DEVICE, DeviceProcess, Folder};

type Test = fn() -> Result<(), Failed>;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if std::env::args_os().nth(1).is_some_and(|arg| arg == DEVICE) {
        return firmproof_host::main(args.by_ref().skip(1));
    }
    let tests: [(&str, Test); 10] = [
        ("it_boots_and_answers_arp_and_echo", it_boots_and_answers),
        ("garbage_frames_do_not_stop_it", garbage_frames),
        ("it_ends_when_standard_input_ends", standard_input_ends),
        ("boots_are_counted_over_kills", boots_are_counted),
        ("a_broken_configuration_is_named", broken_configuration),
        ("a_missing_configuration_is_named", missing_configuration),
        ("timers_run_at_the_time_scale", time_scale),
        ("it_outlives_its_peers_socket", peer_vanishes),
        ("it_sleeps_while_it_waits", sleeps_while_waiting),
        (
            "it_takes_the_time_from_a_server_that_it_knows_by_name",
            named_time_server,
        ),
    ];
    let trials = tests.map(|(name, test)| Trial::test(name, test)).into();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn fixed_address() -> BootConfig {
    let mut config = BootConfig::safe_default();
    config.network = Network::Static {
        address: frame::DEVICE_IP,
        prefix_len: 24,
        gateway: None,
    };
    config
}

fn stored(config: &BootConfig) -> Vec<u8> {
    let mut buffer = [0; MAX_ENCODED_LEN];
    let len = firmproof_bootconfig::encode(config, &mut buffer).unwrap();
    buffer[..len].to_vec()
}

fn it_boots_and_answers() -> Result<(), Failed> {
    let folder = Folder::with_config(&stored(&fixed_address()));
    let device = DeviceProcess::start(&folder);
    let ready = device.console_line("event=ready ")?;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        ready,
        format!(
            "event=ready version={version} board=host slot=a address=192.0.2.2 time_scale=1 boots=1"
        )
    );

    let mac = device.resolve(&folder)?;
    assert_eq!(
        mac[0] & 0b11,
        0b10,
        "a locally administered unicast address"
    );

    let payload: Vec<u8> = (0..=255).collect();
    folder.send(&frame::echo_request(mac, &payload));
    let reply = folder.receive(frame::echo_reply)?;
    assert_eq!(reply, payload);
    Ok(())
}

fn garbage_frames() -> Result<(), Failed> {
    let folder = Folder::with_config(&stored(&fixed_address()));
    let device = DeviceProcess::start(&folder);
    device.console_line("event=ready ")?;
    let mac = device.resolve(&folder)?;
    // A linear congruential generator (Knuth's MMIX constants): the same garbage every time.
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for round in 0..3_000 {
        let len = next() % 1_600;
        let mut garbage: Vec<u8> = (0..len).map(|_| next() as u8).collect();
        // Two of three rounds look like frames for this device, so that they get past the address.
        if round % 3 != 0 && len >= 34 {
            let ethertype = [[8, 0], [8, 6]][round % 2];
            garbage[..6].copy_from_slice(&mac);
            garbage[12..14].copy_from_slice(&ethertype);
            garbage[14] = 0x45;
        }
        folder.send(&garbage);
    }
    device.resolve(&folder)?;
    Ok(())
}

fn standard_input_ends() -> Result<(), Failed> {
    let folder = Folder::with_config(&stored(&fixed_address()));
    let mut device = DeviceProcess::start(&folder);
    device.console_line("event=ready ")?;
    let mut input = device.take_input();
    input.write_all(b"ignored")?;
    drop(input);
    assert_eq!(device.wait()?.code(), Some(0));
    Ok(())
}

fn boots_are_counted() -> Result<(), Failed> {
    let folder = Folder::with_config(&stored(&fixed_address()));
    for boots in 1..=3 {
        // Dropping it kills it: no farewell, as without power.
        let device = DeviceProcess::start(&folder);
        let ready = device.console_line("event=ready ")?;
        assert!(ready.ends_with(&format!(" boots={boots}")), "{ready}");
    }
    Ok(())
}

fn broken_configuration() -> Result<(), Failed> {
    let mut broken = stored(&fixed_address());
    let last = broken.len() - 1;
    broken[last] ^= 1;
    let folder = Folder::with_config(&broken);
    let device = DeviceProcess::start(&folder);
    device.console_line("event=config.error reason=bad-crc")?;
    // It lives, on its defaults: it asks a DHCP server for an address.
    folder.receive(frame::is_dhcp_discover)?;
    Ok(())
}

fn missing_configuration() -> Result<(), Failed> {
    let folder = Folder::with_config(&[]);
    fs::remove_file(folder.config())?;
    let device = DeviceProcess::start(&folder);
    device.console_line("event=config.error reason=missing")?;
    folder.receive(frame::is_dhcp_discover)?;
    Ok(())
}

fn time_scale() -> Result<(), Failed> {
    let mut config = BootConfig::safe_default();
    config.time_scale = 200;
    let folder = Folder::with_config(&stored(&config));
    let _device = DeviceProcess::start(&folder);
    // The first goes out before the link is up, and at once again when it is.
    folder.receive(frame::is_dhcp_discover)?;
    folder.receive(frame::is_dhcp_discover)?;
    let second = std::time::Instant::now();
    folder.receive(frame::is_dhcp_discover)?;
    // smoltcp repeats a DISCOVER after 10 s, here 50 ms.
    let wall = second.elapsed().as_millis();
    assert!((25..5_000).contains(&wall), "repeated after {wall} ms");
    Ok(())
}

fn peer_vanishes() -> Result<(), Failed> {
    let mut folder = Folder::with_config(&stored(&fixed_address()));
    let device = DeviceProcess::start(&folder);
    device.console_line("event=ready ")?;
    device.resolve(&folder)?;
    folder.close_peer();
    let knock = std::os::unix::net::UnixDatagram::unbound()?;
    knock.send_to(&frame::arp_request(), folder.device_socket())?;
    folder.open_peer();
    device.resolve(&folder)?;
    Ok(())
}

fn sleeps_while_waiting() -> Result<(), Failed> {
    let mut config = fixed_address();
    config
        .ntp
        .servers
        .push(Host::Address([192, 0, 2, 1]))
        .unwrap();
    let folder = Folder::with_config(&stored(&config));
    let device = DeviceProcess::start(&folder);
    device.console_line("event=ntp.query ")?;
    let (asked, before) = (std::time::Instant::now(), device.processor_time());
    device.console_line("event=ntp.timeout ")?;
    let (waited, used) = (asked.elapsed(), device.processor_time() - before);
    // A device that polls takes a processor for itself, or two.
    assert!(
        used < waited / 10,
        "{used:?} of processor time in {waited:?}"
    );
    Ok(())
}

fn named_time_server() -> Result<(), Failed> {
    const DNS: u16 = 53;
    const NTP: u16 = 123;
    let mut config = fixed_address();
    config.dns.push(frame::OUR_IP).unwrap();
    let name = "ntp.example".try_into().unwrap();
    config.ntp.servers.push(Host::Name(name)).unwrap();
    let folder = Folder::with_config(&stored(&config));
    let device = DeviceProcess::start(&folder);
    device.console_line("event=ready ")?;
    let mac = device.resolve(&folder)?;

    let (port, mut dns) = folder.receive(|bytes| frame::udp_to(DNS, bytes))?;
    assert_eq!(&dns[12..], b"\x03ntp\x07example\x00\x00\x01\x00\x01");
    // A response with one answer: the question's name, type A, class IN, 60 s, our address.
    dns[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1]);
    dns.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
    dns.extend_from_slice(&frame::OUR_IP);
    folder.send(&frame::udp(mac, DNS, port, &dns));
    let resolved = device.console_line("event=dns.")?;
    assert_eq!(resolved, "event=dns.ok name=ntp.example address=192.0.2.1");

    let (port, request) = folder.receive(|bytes| frame::udp_to(NTP, bytes))?;
    assert_eq!((request.len(), request[0]), (48, 0x23));
    let mut reply = [0; 48];
    reply[..2].copy_from_slice(&[0x64, 3]);
    reply[24..32].copy_from_slice(&request[40..]);
    // 2024-02-29T16:00:00Z, both received and transmitted.
    let leap_day = 3_918_211_200_u32.to_be_bytes();
    reply[32..36].copy_from_slice(&leap_day);
    reply[40..44].copy_from_slice(&leap_day);
    folder.send(&frame::udp(mac, 124, port, &reply));
    let refused = device.console_line("event=ntp.refused ")?;
    assert!(refused.ends_with("server=192.0.2.1 reason=wrong-source"));
    folder.send(&frame::udp(mac, NTP, port, &reply));
    assert_eq!(
        device.console_line("event=ntp.sync ")?,
        "event=ntp.sync server=192.0.2.1 unix_s=1709222400 utc=2024-02-29T16:00:00Z \
         local=2024-03-01T00:00:00+08:00 stratum=3 leap=1"
    );
    device.console_line("event=ntp.poll seconds=64")?;
    Ok(())
}
