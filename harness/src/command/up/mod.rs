//! `firmproof up`: the device with real servers, its page forwarded to this machine.

mod hands;
mod servers;

use std::net::{SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use firmproof::bench::{Bench, PATIENCE};
use firmproof::case::Stop;
use firmproof::dut::named_setting;
use firmproof::peers::forward;
use firmproof::profile::{Capability, Kind, Profile};
use firmproof::update_key::UpdateKey;
use rand::distr::{Alphanumeric, SampleString};

use super::sign::DEFAULT_KEY;
use super::{Outcome, own_network};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  firmproof up\n  firmproof up --dut qemu\n  firmproof up --http 127.0.0.1:8080 --broker 127.0.0.1:1883 --ntp 127.0.0.1:11123\n  \
    firmproof up --join 8000=127.0.0.1:8000 --set mqtt.keep_alive_s=5 --set mqtt.clean_session=false\n\n\
    While it runs, lines on standard input act on the device: `power off`, `power on`, `wire cut`, `wire restore`."
)]
pub(super) struct Arguments {
    /// The device: a name in fixtures/duts, or a profile's path
    #[arg(long, value_name = "NAME|FILE", default_value = "host")]
    dut: String,
    /// The image of a device in QEMU [default for kc705: built from the clone's sources]
    #[arg(long, value_name = "FILE")]
    elf: Option<PathBuf>,
    /// Where its page is shown on this machine
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    http: SocketAddr,
    /// A broker on this machine, instead of the one built in
    #[arg(long, value_name = "ADDRESS:PORT")]
    broker: Option<SocketAddr>,
    /// A time server on this machine, instead of one that tells this machine's clock
    #[arg(long, value_name = "ADDRESS:PORT")]
    ntp: Option<SocketAddr>,
    /// Carry what the device connects to at 192.0.2.1:PORT on to a server on this machine
    #[arg(long, value_name = "PORT=ADDRESS:PORT", value_parser = servers::join)]
    join: Vec<servers::Join>,
    /// Change a value of its boot configuration, in JSON or as plain text
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The key that its updates are signed with; made when it is not there
    #[arg(long, value_name = "FILE", default_value = DEFAULT_KEY)]
    key: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let profile = super::device(&arguments.dut, arguments.elf.as_deref())?;
    if profile.has_own_network() {
        own_network::enter()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(profile, arguments))
}

async fn serve(profile: Profile, arguments: &Arguments) -> Outcome {
    let key = UpdateKey::read_or_make(&arguments.key)?;
    let program = profile.host_program()?;
    let external = profile.kind == Kind::External;
    let emulated = profile.kind == Kind::Qemu;
    let bench = Bench::new(Arc::new(profile), &program, rand::random())?;
    let lab = bench.lab().clone();
    let token = Alphanumeric.sample_string(&mut rand::rng(), 16);
    bench.configure(|config| {
        config.update.public_key = key.public();
        config.update.token = firmproof::bench::text(&token);
    });
    let (broker, broker_found) = servers::broker(&bench, arguments.broker).await?;
    let time_found = servers::time(&bench, arguments.ntp).await?;
    for join in &arguments.join {
        servers::carry(&lab, *join).await?;
    }
    let mut config = bench.config();
    for assignment in &arguments.set {
        named_setting::set(&mut config, assignment)?;
    }
    config.check().map_err(|error| error.to_string())?;
    let token = config.update.token.to_string();
    bench.configure(|standard| *standard = config);
    let page = tokio::net::TcpListener::bind(arguments.http)
        .await
        .map_err(|error| format!("--http {}: {error}", arguments.http))?;
    if external {
        println!(
            "peers   the device finds its broker at {broker_found}, its time server at {time_found}"
        );
        return foreign(&bench, broker).await;
    }
    bench.start().await.map_err(|stop| format!("{stop:?}"))?;

    let at = page.local_addr()?;
    println!("page    http://{at}/");
    let (host, port) = (broker.ip(), broker.port());
    println!("mqtt    mosquitto_sub -h {host} -p {port} -t 'fp/#' -v");
    println!("peers   the device is {}; it reaches", lab.dut_address());
    println!("          {host}:{port} at {}:1883", lab.peer_address(1));
    for join in &arguments.join {
        println!(
            "          {} at {}:{}",
            join.to,
            lab.peer_address(1),
            join.port
        );
    }
    println!(
        "update  firmproof sign IMAGE --version 2 --url http://{}:<port>/IMAGE --key {} |\n          \
         curl -H 'Authorization: Bearer {token}' --json @- http://{at}/api/update",
        lab.peer_address(1),
        arguments.key.display()
    );
    if emulated {
        let socket = firmproof::dut::qemu::debugger(bench.folder());
        println!("gdb     target remote {}", socket.display());
    }
    println!("console below; Ctrl-C ends it");
    let device = SocketAddrV4::new(lab.dut_address(), bench.config().http_port);
    tokio::spawn(forward::to_device(page, lab, device));
    tokio::select! {
        () = print_console(&bench) => {}
        () = hands::obey(&bench) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    let _ = tokio::time::timeout(PATIENCE, bench.end()).await;
    Ok(ExitCode::SUCCESS)
}

/// As [`serve`], for a program or device that is not ours: it is on this machine's network already.
async fn foreign(bench: &Bench, broker: SocketAddr) -> Outcome {
    bench.start().await.map_err(|stop| match stop {
        Stop::Inconclusive(why) => why,
        other => format!("{other:?}"),
    })?;
    if bench.profile().has(Capability::Http) {
        let at = bench.http_address().map_err(|stop| format!("{stop:?}"))?;
        println!("page    http://{at}/");
    }
    let (host, port) = (broker.ip(), broker.port());
    println!("mqtt    mosquitto_sub -h {host} -p {port} -t '#' -v");
    println!("console below; Ctrl-C ends it");
    tokio::select! {
        () = print_console(bench) => {}
        () = hands::obey(bench) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    let _ = tokio::time::timeout(PATIENCE, bench.end()).await;
    Ok(ExitCode::SUCCESS)
}

async fn print_console(bench: &Bench) {
    let console = bench.evidence().console.clone();
    let mut mark = 0;
    loop {
        let ever = Duration::from_secs(3600);
        if console.wait(mark, ever, |_| true).await.is_some() {
            for line in console.since(mark) {
                println!("{}", firmproof::report::printable(&line.text));
                mark += 1;
            }
        }
    }
}
