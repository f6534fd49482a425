//! `firmproof up`: the device with a real broker and a time server, its page forwarded to this
//! machine.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use firmproof::bench::{Bench, PATIENCE};
use firmproof::peers::forward::{self, ToMachine};
use firmproof::peers::ntp_server::NtpServer;
use firmproof::peers::rumqttd_broker::RumqttdBroker;
use firmproof::profile::{Kind, Profile};

use super::Outcome;

#[derive(Args)]
#[command(
    after_help = "Example:\n  firmproof up\n  mosquitto_sub -h 127.0.0.1 -p <port it prints> -t 'fp/#' -v"
)]
pub(super) struct Arguments {
    /// The device: a name in fixtures/duts, or a profile's path
    #[arg(long, value_name = "NAME|FILE", default_value = "host")]
    dut: String,
}

pub(super) fn execute(arguments: &Arguments) -> Outcome {
    let profile = Profile::find(&arguments.dut)?;
    if profile.kind == Kind::External {
        return Err(
            "`up` wires a device to the lab's own Ethernet; an external device has its own network"
                .into(),
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(profile))
}

async fn serve(profile: Profile) -> Outcome {
    let program = profile.host_program()?;
    let bench = Bench::new(Arc::new(profile), &program, rand::random())?;
    let broker = RumqttdBroker::start().await?;
    let lab = bench.lab().clone();
    let mqtt = lab
        .listen(SocketAddrV4::new(lab.peer_address(1), 1883))
        .await?;
    let _to_broker = ToMachine::start(mqtt, broker.address());
    let time = NtpServer::bind(&lab, bench.evidence(), 1).await?;
    bench.configure(|config| {
        // A server that cannot be stored would be one too many; there is room for four.
        let _ = config.ntp.servers.push(firmproof_bootconfig::Host::Address(
            lab.peer_address(1).octets(),
        ));
    });
    bench.configure_mqtt(|_| {});
    bench.start().await.map_err(|stop| format!("{stop:?}"))?;
    let page = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("page    http://{}/", page.local_addr()?);
    println!(
        "mqtt    mosquitto_sub -h 127.0.0.1 -p {} -t 'fp/#' -v",
        broker.address().port()
    );
    println!("console below; Ctrl-C ends it");
    let device = SocketAddrV4::new(lab.dut_address(), bench.config().http_port);
    tokio::spawn(forward::to_device(page, lab, device));
    let console = bench.evidence().console.clone();
    let print = async {
        let mut mark = 0;
        loop {
            if console
                .wait(mark, Duration::from_secs(3600), |_| true)
                .await
                .is_some()
            {
                for line in console.since(mark) {
                    println!("{}", firmproof::report::printable(&line.text));
                    mark += 1;
                }
            }
        }
    };
    tokio::select! {
        () = print => {}
        () = serve_machine_time(time) => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    let _ = tokio::time::timeout(PATIENCE, bench.end()).await;
    Ok(ExitCode::SUCCESS)
}

/// Answers every request with this machine's clock.
async fn serve_machine_time(server: NtpServer) {
    loop {
        let Ok(request) = server.next_request(Duration::from_secs(3600)).await else {
            continue;
        };
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        let seconds = i64::try_from(now.as_secs()).unwrap_or_default();
        // A reply that does not fit the wire is lost, and the device asks again.
        let _ = server
            .reply(&request, &request.good_reply(seconds, now.subsec_nanos()))
            .await;
    }
}
