//! The reference device on this machine, with its page forwarded to a local port.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::sync::Arc;

use firmproof::bench::{Bench, PATIENCE};
use firmproof::case::Stop;
use firmproof::peers::forward;
use firmproof::peers::http_prober::Answer;
use firmproof::profile::Profile;
use libtest_mimic::Failed;

use super::{Checked, check};

/// A device that serves its page at [`Self::url`].
pub(super) struct Served {
    bench: Bench,
    pub(super) url: String,
}

impl Served {
    pub(super) async fn start() -> Checked<Self> {
        let profile = Profile::find("host")?;
        let program = Path::new(env!("CARGO_BIN_EXE_firmproof"));
        let bench = Bench::new(Arc::new(profile), program, [0x5e; 32])?;
        bench.start().await.map_err(|stop| format!("{stop:?}"))?;
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let device = SocketAddrV4::new(bench.lab().dut_address(), bench.config().http_port);
        tokio::spawn(forward::to_device(listener, bench.lab().clone(), device));
        Ok(Self { bench, url })
    }

    /// What the device says of an output.
    pub(super) async fn output(&self, name: &str) -> Checked<String> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            // The browser may hold all sockets for a moment: the device has few.
            match self.bench.state().await {
                Ok(state) => return Ok(state[name].as_str().unwrap_or_default().to_owned()),
                Err(Stop::Inconclusive(_)) if tokio::time::Instant::now() < until => {}
                Err(stop) => return Err(Failed::from(format!("{stop:?}"))),
            }
        }
    }

    /// Sends a form past the browser.
    pub(super) async fn submit(&self, form: &str) -> Checked {
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut connection = loop {
            match self.bench.http().await {
                Ok(connection) => break connection,
                Err(Stop::Inconclusive(_)) if tokio::time::Instant::now() < until => {}
                Err(stop) => return Err(Failed::from(format!("{stop:?}"))),
            }
        };
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
            connection.host(),
            form.len()
        );
        connection.send(request.as_bytes()).await;
        match connection.answer(PATIENCE, "POST").await {
            Answer::Response(seen) => check(seen.status == 303, seen),
            other => Err(Failed::from(other.to_string())),
        }
    }
}
