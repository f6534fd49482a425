//! What can be learnt of a device: its page, its state, its console.

use std::net::SocketAddrV4;
use std::time::Duration;

use super::{Bench, PATIENCE, lock};
use crate::case::{Judged, Stop};
use crate::dut::launch;
use crate::evidence::console::Line;
use crate::lab::LabError;
use crate::peers::http_prober::{Answer, HttpConnection};
use crate::profile::{Capability, Kind};

impl Bench {
    /// Where the device's HTTP server is.
    ///
    /// # Errors
    /// [`Stop::Skip`] when the profile does not say.
    pub fn http_address(&self) -> Judged<SocketAddrV4> {
        if self.0.profile.kind != Kind::External {
            return Ok(SocketAddrV4::new(
                self.0.lab.dut_address(),
                self.config().http_port,
            ));
        }
        let at = self
            .0
            .profile
            .at
            .http
            .as_ref()
            .ok_or(Stop::Skip(Capability::Http))?;
        let filled = launch::fill(at, &self.placeholders()?)
            .map_err(|e| Stop::inconclusive(format!("at.http: {e}")))?;
        filled.parse().map_err(|_| {
            Stop::inconclusive(format!(
                "at.http: `{filled}` is not an IPv4 address and port"
            ))
        })
    }

    /// Connects to the device's HTTP server.
    ///
    /// # Errors
    /// [`Stop::Skip`] without `http`; [`Stop::Inconclusive`] when the connection is not established.
    pub async fn http(&self) -> Judged<HttpConnection> {
        self.need(Capability::Http)?;
        let at = self.http_address()?;
        let (lab, evidence) = (&self.0.lab, &self.0.evidence);
        let connected = HttpConnection::connect(lab, evidence, at, PATIENCE).await;
        let path = self.0.profile.at.path();
        connected
            .map(|connection| connection.of(path))
            .map_err(|error| self.no_connection(at, &error))
    }

    fn no_connection(&self, at: SocketAddrV4, error: &LabError) -> Stop {
        let seen = format!("no connection to the HTTP server at {at}: {error}");
        Stop::inconclusive(self.with_console(&seen))
    }

    /// What the device says of itself: `GET /api/state`, on a connection of its own.
    ///
    /// # Errors
    /// [`Stop::Skip`] without `observe.state`; [`Stop::Fail`] when the answer is not 200 with JSON.
    pub async fn state(&self) -> Judged<serde_json::Value> {
        self.need(Capability::ObserveState)?;
        let at = self.http_address()?;
        let (lab, evidence) = (&self.0.lab, &self.0.evidence);
        let mut connection = HttpConnection::connect_to_observe(lab, evidence, at, PATIENCE)
            .await
            .map_err(|error| self.no_connection(at, &error))?;
        let host = connection.host();
        let request =
            format!("GET /api/state HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        connection.send(request.as_bytes()).await;
        let seen = match connection.answer(PATIENCE, "GET").await {
            Answer::Response(response) if response.status == 200 => {
                match serde_json::from_slice(&response.body) {
                    Ok(state) => return Ok(state),
                    Err(error) => format!("a body that is not JSON: {error}"),
                }
            }
            other => other.to_string(),
        };
        let expected = "GET /api/state is answered by 200 with JSON";
        Err(Stop::fail(
            "FIRMPROOF-PAGE-6",
            expected,
            self.with_console(&seen),
        ))
    }

    /// Waits for a console event since the device's last start.
    ///
    /// # Errors
    /// [`Stop::Skip`] without `observe.console`; a `None` becomes the caller's failure.
    pub async fn event(
        &self,
        deadline: Duration,
        wanted: impl Fn(&Line) -> bool,
    ) -> Judged<Option<Line>> {
        self.need(Capability::ObserveConsole)?;
        let mark = *lock(&self.0.started_at);
        Ok(self.0.evidence.console.wait(mark, deadline, wanted).await)
    }

    /// The console since the device's last start.
    pub fn console(&self) -> Vec<Line> {
        self.0.evidence.console.since(*lock(&self.0.started_at))
    }

    /// `text` and the device's last console lines.
    pub fn with_console(&self, text: &str) -> String {
        let tail = self.0.evidence.console.tail(5);
        if tail.is_empty() {
            return format!("{text}; its console is empty");
        }
        let lines: Vec<String> = tail.into_iter().map(|l| l.text).collect();
        format!("{text}; last on its console: {}", lines.join(" ⏎ "))
    }
}
