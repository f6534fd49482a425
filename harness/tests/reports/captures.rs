//! Captures, as tshark dissects them.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use firmproof::evidence::Secrets;
use firmproof::evidence::capture::pcapng_of;
use firmproof::lab::{Lab, OsOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::{Checked, Test, check, runs};

const TSHARK: &str = "tshark";

pub(super) const TESTS: &[Test] = &[
    (
        "tshark dissects mqtt http and ntp in the captures of a run with true times",
        a_run_s_captures,
    ),
    (
        "tshark dissects mqtt http and ntp in what the operating system s sockets carried",
        what_sockets_carried,
    ),
];

pub(super) fn missing() -> Option<&'static str> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).any(|folder| folder.join(TSHARK).is_file());
    (!found).then_some(TSHARK)
}

/// One frame: when (in seconds), its protocols, and whether a checksum is wrong.
struct Dissected {
    at: f64,
    protocols: String,
    info: String,
    bad: bool,
}

fn dissect(capture: &Path) -> Checked<Vec<Dissected>> {
    let output = Command::new(TSHARK)
        .arg("-r")
        .arg(capture)
        .args([
            "-o",
            "tcp.check_checksum:TRUE",
            "-o",
            "udp.check_checksum:TRUE",
        ])
        .args([
            "-o",
            "ip.check_checksum:TRUE",
            "-T",
            "fields",
            "-E",
            "separator=|",
        ])
        .args([
            "-e",
            "frame.time_epoch",
            "-e",
            "frame.protocols",
            "-e",
            "_ws.col.Info",
        ])
        .args([
            "-e",
            "tcp.checksum.status",
            "-e",
            "udp.checksum.status",
            "-e",
            "ip.checksum.status",
        ])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    check(output.status.success(), said)?;
    let text = String::from_utf8(output.stdout)?;
    text.lines()
        .map(|line| {
            let mut parts = line.splitn(3, '|');
            let mut part = || parts.next().unwrap_or_default();
            let (at, protocols, rest) = (part(), part(), part());
            // The last three are checksums: 0 is bad, 1 good.
            let mut rest = rest.rsplitn(4, '|');
            let bad = (0..3).any(|_| rest.next() == Some("0"));
            Ok(Dissected {
                at: at.parse()?,
                protocols: protocols.into(),
                info: rest.next().unwrap_or_default().into(),
                bad,
            })
        })
        .collect()
}

/// Checks that some frame has the protocol and the information.
fn has(frames: &[Dissected], protocol: &str, info: &str) -> Checked {
    let found = frames.iter().any(|frame| {
        frame.protocols.split(':').any(|part| part == protocol) && frame.info.contains(info)
    });
    let all: Vec<String> = frames
        .iter()
        .map(|f| format!("{} {}", f.protocols, f.info))
        .collect();
    check(
        found,
        format!("no {protocol} with `{info}` in\n{}", all.join("\n")),
    )
}

fn a_run_s_captures() -> Checked {
    let folder = tempfile::tempdir()?;
    let cases = [
        "mqtt/connack/code-5-not-authorised",
        "http/host/missing",
        "ntp/replies/wrong-originate",
    ];
    let run = runs::run(folder.path(), &cases)?;
    let protocols: std::collections::BTreeSet<&str> = run
        .cases
        .iter()
        .map(|case| case.protocol.as_str())
        .collect();
    check(protocols.len() == 3, format!("only {protocols:?}"))?;
    for case in &run.cases {
        let capture: PathBuf = folder
            .path()
            .join(case.capture.as_ref().ok_or("no capture")?);
        let frames = dissect(&capture)?;
        check(frames.len() > 4, format!("{} frames", frames.len()))?;
        let ordered = frames.windows(2).all(|pair| pair[0].at <= pair[1].at);
        check(ordered, "frames out of order")?;
        // Times since the bench's start, and within the case's: another resolution would be off by a thousand.
        let (first, last) = (frames[0].at, frames[frames.len() - 1].at);
        check(
            first > 0.000_1 && last <= case.seconds && last > case.seconds / 100.0,
            format!(
                "{} took {} s, its frames are from {first} to {last} s",
                case.id, case.seconds
            ),
        )?;
        if let Some(bad) = frames.iter().find(|frame| frame.bad) {
            return Err(format!("a wrong checksum: {}", bad.info).into());
        }
        match case.protocol.as_str() {
            "mqtt" => {
                has(&frames, "mqtt", "Connect Command")?;
                has(&frames, "mqtt", "Connect Ack")?;
            }
            "http" => {
                has(&frames, "http", "GET /")?;
                has(&frames, "http", "HTTP/1.1 ")?;
            }
            _ => {
                has(&frames, "ntp", "client")?;
                has(&frames, "ntp", "server")?;
            }
        }
    }
    Ok(())
}

/// A lab on the operating system's sockets, with this test as the device.
fn what_sockets_carried() -> Checked {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("sockets.pcapng");
    runtime.block_on(async {
        let lab = Lab::os(OsOptions::default());
        let at = |port| SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        let patience = Duration::from_secs(10);

        let mut broker = lab.listen(at(1883)).await?;
        let mut device = TcpStream::connect(broker.local_addr()).await?;
        let connection = broker.accept(patience).await?;
        device
            .write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a")
            .await?;
        let mut buffer = [0; 64];
        let length = connection.read(&mut buffer).await?;
        check(length == 15, format!("{length} bytes"))?;
        connection.write_all(b"\x20\x02\x00\x05").await?;
        device.read_exact(&mut buffer[..4]).await?;
        drop(connection);

        let server = tokio::net::TcpListener::bind(at(0)).await?;
        let std::net::SocketAddr::V4(address) = server.local_addr()? else {
            return Err("not IPv4".into());
        };
        let prober = lab.connect(address, patience).await?;
        let (mut device, _) = server.accept().await?;
        prober
            .write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            .await?;
        let length = device.read(&mut buffer).await?;
        check(length == 28, format!("{length} bytes"))?;
        device
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            .await?;
        let length = prober.read(&mut buffer).await?;
        check(length > 0, "no answer")?;
        drop(device);
        check(prober.read(&mut buffer).await? == 0, "no end")?;

        let time = lab.udp(at(123)).await?;
        let device = UdpSocket::bind(at(0)).await?;
        let mut query = [0; 48];
        query[0] = 0x23;
        device.send_to(&query, time.local_addr()).await?;
        let asked = time.recv_within(patience).await?;
        query[0] = 0x24;
        time.send_from_to(&query, None, asked.from).await?;
        device.recv(&mut query).await?;

        std::fs::write(&file, pcapng_of(lab.capture(), &Secrets::default())?)?;
        Checked::Ok(())
    })?;
    let frames = dissect(&file)?;
    for (protocol, info) in [
        ("tcp", "[SYN]"),
        ("mqtt", "Connect Command"),
        ("mqtt", "Connect Ack"),
        ("http", "GET /x"),
        ("http", "404"),
        ("ntp", "client"),
        ("ntp", "server"),
    ] {
        has(&frames, protocol, info)?;
    }
    let strange = ["Retransmission", "Out-Of-Order", "unseen", "Malformed"];
    for frame in &frames {
        let odd = frame.bad || strange.iter().any(|word| frame.info.contains(word));
        check(!odd, format!("{} {}", frame.protocols, frame.info))?;
    }
    Ok(())
}
