//! Whether a board is fit to judge: it starts, says so, and stays up.

use std::net::SocketAddrV4;

use crate::bench::Bench;
use crate::case::{Judged, Stop};
use crate::run::Setup;
use crate::run::judge::bench;

/// Starts the board once. Returns its ready line.
///
/// # Errors
/// Why it is not fit, and what to check.
pub async fn check(setup: &Setup) -> Result<String, String> {
    let name = &setup.dut.name;
    let bench = bench(setup, *setup.folder.seed())
        .map_err(|error| format!("board {name}: its bench cannot be set up: {error}"))?;
    let checked = fit(setup, &bench).await;
    bench.end().await;
    checked.map_err(|stop| {
        let text = bench.evidence().secrets.masked(&stop.told());
        // What a probe says begins with the board already.
        let prefix = format!("board {name}: ");
        match text.strip_prefix(&prefix) {
            Some(_) => text,
            None => format!("{prefix}{text}"),
        }
    })
}

async fn fit(setup: &Setup, bench: &Bench) -> Judged<String> {
    let lab = bench.lab();
    for &port in setup.seat.iter().flat_map(|seat| seat.network.fixed.keys()) {
        let at = SocketAddrV4::new(lab.peer_address(1), port);
        let unusable = |error| Stop::inconclusive(format!("its network's port {port}: {error}"));
        lab.listen(at).await.map_err(unusable)?;
        lab.udp(at).await.map_err(unusable)?;
    }
    bench.start().await.map_err(|stop| explained(bench, stop))?;
    bench.alive("liveness").await?;
    let ready = bench.console().into_iter().find(|line| line.is("ready"));
    Ok(ready.map_or_else(|| "it is ready".into(), |line| line.text))
}

/// A board that cannot join its Wi-Fi network says why before it fails to become ready.
fn explained(bench: &Bench, stop: Stop) -> Stop {
    let failed = bench
        .console()
        .into_iter()
        .rfind(|line| line.is("wifi.failed"));
    match failed {
        Some(line) => Stop::inconclusive(format!(
            "it cannot join its Wi-Fi network ({}); check the access point, and the variables that \
             [board.wifi] names",
            line.field("reason").unwrap_or("no reason given")
        )),
        None => stop,
    }
}
