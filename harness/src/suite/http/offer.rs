//! A signed image, the request that offers it to the device, and how the update that follows ends.

use std::time::Duration;

use ed25519_dalek::{Signer, SigningKey};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

use crate::bench::{Bench, PATIENCE, text};
use crate::case::{Judged, Stop, require};
use crate::evidence::console::Line;
use crate::peers::download_server::{DownloadError, DownloadServer, Exchange};
use crate::peers::http_message::Response;
use crate::peers::http_request::Request;
use crate::update_key::signed_message;

const TOKEN: &str = "bench-token-5f2c";
/// How much faster than the wall the device's clock runs.
pub(super) const SCALE: u16 = 10;
const PATH: &str = "/image.bin";
/// Most that an update may take, in device time: five attempts with their back-off, and a server that stalls each.
const UPDATE_S: f64 = 120.0;
/// Requests of one update beyond which its attempts are not bounded.
const MOST_REQUESTS: usize = 20;

/// An image and what is said of it. Each case changes what it wants to be wrong.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) image: Vec<u8>,
    pub(super) version: u32,
    pub(super) length: u32,
    pub(super) sha256: [u8; 32],
    pub(super) signature: [u8; 64],
    /// Where it is, if not at the server's usual place.
    pub(super) url: Option<String>,
}

/// What a server does with one request.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

#[derive(Debug, Clone, Copy)]
enum Then {
    Close,
    Reset,
    Hold,
}

impl Reply {
    /// These bytes, and the end of the connection.
    pub(super) fn closing(bytes: Vec<u8>) -> Self {
        let then = Then::Close;
        Self { bytes, then }
    }

    /// These bytes and, once the device has acknowledged them, RST.
    pub(super) fn resetting(bytes: Vec<u8>) -> Self {
        let then = Then::Reset;
        Self { bytes, then }
    }

    /// These bytes, and silence.
    pub(super) fn holding(bytes: Vec<u8>) -> Self {
        let then = Then::Hold;
        Self { bytes, then }
    }
}

impl Offer {
    /// An image of `length` bytes drawn from the bench's seed, signed with the key that the device trusts.
    pub(super) fn good(bench: &Bench, length: u32, version: u32) -> Self {
        Self::signed_by(&key(bench), bench, length, version)
    }

    /// As [`Self::good`], signed with a key that the device does not know.
    pub(super) fn of_a_stranger(bench: &Bench, length: u32, version: u32) -> Self {
        let seed = Sha256::digest(key(bench).to_bytes());
        Self::signed_by(
            &SigningKey::from_bytes(&seed.into()),
            bench,
            length,
            version,
        )
    }

    fn signed_by(key: &SigningKey, bench: &Bench, length: u32, version: u32) -> Self {
        let mut seed = bench.config().seed;
        seed[0] ^= version as u8;
        let mut image = vec![0; length as usize];
        ChaCha20Rng::from_seed(seed).fill_bytes(&mut image);
        let sha256: [u8; 32] = Sha256::digest(&image).into();
        let signed = signed_message(length, version, &sha256);
        Self {
            image,
            version,
            length,
            sha256,
            signature: key.sign(&signed).to_bytes(),
            url: None,
        }
    }

    /// Posts the offer with the token.
    ///
    /// # Errors
    /// [`Stop::Fail`] when the device does not take it.
    pub(super) async fn post(&self, bench: &Bench, server: &DownloadServer) -> Judged {
        let seen = self.offered(bench, server).await?;
        require(
            (200..300).contains(&seen.status),
            "FIRMPROOF-UPDATE-2",
            "a well-formed offer with the token is taken (2xx)",
            seen.to_string(),
        )
    }

    /// The answer to the offer with the token.
    ///
    /// # Errors
    /// [`Stop::Fail`] when there is none.
    pub(super) async fn offered(&self, bench: &Bench, server: &DownloadServer) -> Judged<Response> {
        let body = serde_json::json!({
            "url": self.url.clone().unwrap_or_else(|| server.url(PATH)),
            "length": self.length,
            "version": self.version,
            "sha256": hex::encode(self.sha256),
            "signature": hex::encode(self.signature),
        })
        .to_string();
        let mut connection = bench.http().await?;
        let request = format!(
            "POST /api/update HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            connection.host(),
            body.len()
        );
        connection.send(request.as_bytes()).await;
        super::exchange::response(&mut connection, "POST", "FIRMPROOF-UPDATE-2").await
    }

    /// Posts the offer, answers each request of the device with what `reply` makes of it and of its number from 0,
    /// and waits for the update's end. Each connection is closed after what was sent.
    ///
    /// # Errors
    /// [`Stop::Fail`] when the update does not end, when its attempts are not bounded, or when a request is one that
    /// no client may send.
    pub(super) async fn install(
        &self,
        bench: &Bench,
        server: &mut DownloadServer,
        mut reply: impl FnMut(&Request, usize) -> Judged<Vec<u8>>,
    ) -> Judged<Ending> {
        let closing = |request: &Request, n: usize| reply(request, n).map(Reply::closing);
        self.install_by(bench, server, closing).await
    }

    /// As [`Self::install`], with more ends of a connection than its close.
    ///
    /// # Errors
    /// As there.
    pub(super) async fn install_by(
        &self,
        bench: &Bench,
        server: &mut DownloadServer,
        mut reply: impl FnMut(&Request, usize) -> Judged<Reply>,
    ) -> Judged<Ending> {
        let console = &bench.evidence().console;
        let mark = console.mark();
        self.post(bench, server).await?;
        let deadline = PATIENCE + bench.device_time(UPDATE_S);
        let end = console.wait(mark, deadline, |line| {
            line.is("update.ready") || line.is("update.failed")
        });
        tokio::pin!(end);
        let mut requests = 0;
        let mut held = Vec::new();
        loop {
            tokio::select! {
                line = &mut end => return match line {
                    Some(line) => Ok(Ending { line, requests }),
                    None => Err(Stop::fail(
                        "FIRMPROOF-UPDATE-18",
                        "the update ends as ready or failed",
                        bench.with_console("neither"),
                    )),
                },
                next = server.next(deadline) => {
                    let exchange = exchange_of(next)?;
                    let reply = reply(&exchange.request, requests)?;
                    send(&exchange, &reply.bytes).await?;
                    match reply.then {
                        Then::Close => drop(exchange),
                        Then::Hold => held.push(exchange),
                        Then::Reset => {
                            // A device that has ended the connection itself has all that it wants.
                            let _ = exchange.acknowledged(PATIENCE).await;
                            exchange.reset();
                        }
                    }
                    requests += 1;
                    require(
                        requests <= MOST_REQUESTS,
                        "FIRMPROOF-UPDATE-10",
                        "a bounded number of attempts",
                        format!("{requests} requests"),
                    )?;
                }
            }
        }
    }
}

/// How an update ended.
#[derive(Debug)]
pub(super) struct Ending {
    line: Line,
    /// Requests that the device sent.
    pub(super) requests: usize,
}

impl Ending {
    /// The slot of an update that is ready.
    pub(super) fn ready(&self, statement: &str, version: u32) -> Judged<String> {
        let slot = self.line.field("slot").unwrap_or_default();
        let as_announced = self.line.field("version") == Some(&version.to_string());
        require(
            self.line.is("update.ready") && !slot.is_empty() && as_announced,
            statement,
            format!("event=update.ready with a slot and version={version}"),
            &self.line.text,
        )?;
        Ok(slot.into())
    }

    /// Whether the update failed.
    pub(super) fn is_failed(&self) -> bool {
        self.line.is("update.failed")
    }

    /// The update failed, and says why.
    pub(super) fn failed(&self, statement: &str) -> Judged {
        let named = self.line.field("reason").is_some_and(|r| !r.is_empty());
        require(
            self.line.is("update.failed") && named,
            statement,
            "event=update.failed with a reason",
            &self.line.text,
        )
    }
}

/// A request to judge by; a malformed one breaks the first statement of the clause that it offends.
pub(super) fn exchange_of(next: Result<Exchange, DownloadError>) -> Judged<Exchange> {
    next.map_err(|error| match error {
        DownloadError::Malformed(malformed) => Stop::fail(
            format!(
                "{}-1",
                malformed.clause.replace(" §", "-").replace("RFC ", "RFC")
            ),
            "a request that a client may send",
            malformed.detail,
        ),
        other => Stop::inconclusive(format!("download server: {other}")),
    })
}

/// Starts a device that trusts the bench's key, ten times as fast as the wall where it can, and the server.
pub(super) async fn begin(bench: &Bench) -> Judged<DownloadServer> {
    let public_key = key(bench).verifying_key().to_bytes();
    bench.configure(|config| {
        config.update.token = text(TOKEN);
        config.update.public_key = public_key;
    });
    bench.scale_time(SCALE);
    let server = DownloadServer::listen(bench.lab(), bench.evidence())
        .await
        .map_err(|e| Stop::inconclusive(format!("the download server cannot listen: {e}")))?;
    bench.start().await?;
    Ok(server)
}

/// The slot that the device says it runs from.
pub(super) async fn running_slot(bench: &Bench) -> Judged<String> {
    let state = bench.state().await?;
    match state.get("slot").and_then(|slot| slot.as_str()) {
        Some(slot) => Ok(slot.into()),
        None => Err(Stop::fail(
            "FIRMPROOF-PAGE-6",
            "the state names the running slot",
            state.to_string(),
        )),
    }
}

/// The device tells of the failure, lives, and after a power cut runs from `slot` as before.
pub(super) async fn unharmed(bench: &Bench, slot: &str) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-14";
    let state = bench.state().await?;
    let told = state.pointer("/update/state").and_then(|s| s.as_str());
    require(
        told == Some("failed"),
        STATEMENT,
        "/api/state tells that the update failed",
        state.to_string(),
    )?;
    let console = bench.console();
    let failed = console.iter().rev().find(|line| line.is("update.failed"));
    let reason = failed.and_then(|line| line.field("reason"));
    let told = state.pointer("/update/reason").and_then(|s| s.as_str());
    require(
        reason.is_some() && told == reason,
        STATEMENT,
        format!("/api/state tells the console's reason, {reason:?}"),
        state.to_string(),
    )?;
    bench.alive(STATEMENT).await?;
    restarts_from(bench, STATEMENT, slot).await
}

/// After a power cut the device runs from `slot`.
pub(super) async fn restarts_from(bench: &Bench, statement: &str, slot: &str) -> Judged {
    bench.cut_power().await?;
    bench.start().await?;
    let after = running_slot(bench).await?;
    require(
        after == slot,
        statement,
        format!("after a power cut the device runs from slot {slot}"),
        format!("slot {after}"),
    )?;
    let ready = told(bench, "FIRMPROOF-UPDATE-17", PATIENCE, "ready").await?;
    let named = ready.field("slot") == Some(slot) && ready.field("version").is_some();
    let expected = format!("event=ready with slot={slot} and a version");
    require(named, "FIRMPROOF-UPDATE-17", expected, ready.text)
}

/// Sends bytes of a response.
///
/// # Errors
/// [`Stop::Inconclusive`] when the device neither takes them nor ends the connection.
pub(super) async fn send(exchange: &Exchange, bytes: &[u8]) -> Judged {
    let sent = exchange.send(bytes).await;
    sent.map_err(|e| Stop::inconclusive(format!("download server: {e}")))
}

/// Waits for a console event since the last start.
pub(super) async fn told(
    bench: &Bench,
    statement: &str,
    within: Duration,
    event: &str,
) -> Judged<Line> {
    match bench.event(within, |line| line.is(event)).await? {
        Some(line) => Ok(line),
        None => Err(Stop::fail(
            statement,
            format!("event={event}"),
            bench.with_console("no such console line"),
        )),
    }
}

/// The key that the device trusts, made from the bench's seed.
fn key(bench: &Bench) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(bench.config().seed).into())
}
