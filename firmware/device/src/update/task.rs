//! Runs updates: opens connections for the download, moves its bytes into the slot, and confirms
//! an image on trial.
//!
//! Futures with buffers are pinned where they are awaited: by value they would be made on the stack first.

use core::pin::pin;

use embassy_futures::select::{Either, select};
use embassy_net::tcp::TcpSocket;
use embassy_net::{IpAddress, Stack};
use embassy_time::{Duration, Timer, with_timeout};
use heapless::String;

use super::Request;
use super::download::{Download, Event, MAX_REQUEST_LEN, Next};
use super::image::{self, ImageError, ImageWriter};
use super::reason::Reason;
use super::slots::{self, Pending, Record};
use super::url::{Host, Url};
use crate::console::Escaped;
use crate::names;
use crate::status::UpdateState;
use crate::store::StoreError;
use crate::{Board, Device};

/// An image on trial confirms itself after the network has been up for this long.
const HEALTHY: Duration = Duration::from_secs(30);
/// A server is given up when it is silent for this long, connecting included.
const SILENCE: Duration = Duration::from_secs(15);

/// How an exchange ended, if not by failing.
enum Outcome {
    Complete,
    Moved,
}

impl From<StoreError> for Reason {
    fn from(_: StoreError) -> Self {
        Self::Flash
    }
}

impl From<ImageError> for Reason {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::SlotTooSmall => Self::SlotTooSmall,
            ImageError::Flash => Self::Flash,
        }
    }
}

/// Runs updates for ever.
pub async fn run<B: Board>(device: &Device<'_, B>, stack: Stack<'_>) {
    let rolled_back = slots::take_rolled_back(&mut *device.store.lock().await).await;
    if let Ok(Some(slot)) = rolled_back {
        device.event("update.rolled_back", format_args!("slot={}", letter(slot)));
    }
    let trial = Record::load(&mut *device.store.lock().await)
        .await
        .is_ok_and(|record| record.is_on_trial(device.board.running_slot()));
    if trial {
        while let Either::Second(request) = select(
            prove_health(device, stack),
            device.update_requests.receive(),
        )
        .await
        {
            // Refused as long as the trial lasts; the time of the trial starts again.
            pin!(update(device, stack, request)).await;
        }
    }
    loop {
        let request = device.update_requests.receive().await;
        pin!(update(device, stack, request)).await;
    }
}

/// Waits until the network has been up without a break for [`HEALTHY`] (the HTTP server runs beside
/// this task all that time), then confirms the running image.
async fn prove_health<B: Board>(device: &Device<'_, B>, stack: Stack<'_>) {
    loop {
        stack.wait_config_up().await;
        if let Either::First(()) = select(Timer::after(HEALTHY), stack.wait_config_down()).await {
            let running = device.board.running_slot();
            match slots::confirm(&mut *device.store.lock().await, running).await {
                Ok(Some(slot)) => {
                    device.event("update.confirmed", format_args!("slot={}", letter(slot)));
                    return;
                }
                Ok(None) => return,
                Err(StoreError) => {}
            }
        }
    }
}

/// Runs one update and tells how it ended.
async fn update<B: Board>(device: &Device<'_, B>, stack: Stack<'_>, request: Request) {
    let state = match pin!(install(device, stack, &request)).await {
        Ok(slot) => {
            device.event(
                "update.ready",
                format_args!("slot={} version={}", letter(slot), request.version),
            );
            UpdateState::Ready
        }
        Err(reason) => {
            let reason = reason.name();
            device.event("update.failed", format_args!("reason={reason}"));
            UpdateState::Failed(reason)
        }
    };
    device.status.update.set(state);
    device.state_changed.signal(());
}

/// Checks the offer, downloads the image and makes it pending; returns its slot.
async fn install<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    request: &Request,
) -> Result<u8, Reason> {
    if !request.is_signed_by(&device.config.update.public_key) {
        return Err(Reason::Signature);
    }
    let running = device.board.running_slot() & 1;
    let target = 1 - running;
    {
        let mut store = device.store.lock().await;
        let mut record = Record::load(&mut store).await?;
        if record.is_on_trial(running) {
            return Err(Reason::Unconfirmed);
        }
        if !record.is_newer(request.version) {
            return Err(Reason::VersionReplay);
        }
        // The slot is about to be erased: nothing may boot from it now.
        if record.pending.take().is_some() {
            record.save(&mut store).await?;
        }
    }
    device.event(
        "update.started",
        format_args!("url={}", Escaped(request.url.as_str().as_bytes())),
    );
    pin!(fetch(device, stack, request, target)).await?;
    let mut store = device.store.lock().await;
    if image::digest(&mut store, target, request.length).await? != request.sha256 {
        return Err(Reason::Digest);
    }
    let mut record = Record::load(&mut store).await?;
    record.pending = Some(Pending {
        slot: target,
        version: request.version,
        tried: false,
    });
    record.save(&mut store).await?;
    Ok(target)
}

/// Downloads the image into `slot`, over as many connections as it takes.
async fn fetch<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    request: &Request,
    slot: u8,
) -> Result<(), Reason> {
    let mut download = Download::new(
        request.url.clone(),
        request.length,
        device.config.update.max_redirects,
    );
    let mut writer = ImageWriter::new(slot);
    loop {
        let exchange = pin!(exchange(device, stack, &mut download, &mut writer)).await;
        match exchange {
            Ok(Outcome::Complete) => break,
            Ok(Outcome::Moved) => {}
            Err(reason) => match download.failed(reason) {
                Next::GiveUp(reason) => return Err(reason),
                Next::Retry { after } => Timer::after(after).await,
            },
        }
    }
    writer.finish(&mut *device.store.lock().await).await?;
    Ok(())
}

/// One connection, one request, one response.
async fn exchange<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    download: &mut Download,
    writer: &mut ImageWriter,
) -> Result<Outcome, Reason> {
    let address = resolve(device, stack, download.url()).await?;
    // One by one: a tuple of them would be made on the stack first.
    let mut receive = [0; 4096];
    let mut send = [0; 1024];
    let mut socket = TcpSocket::new(stack, &mut receive, &mut send);
    match with_timeout(SILENCE, socket.connect((address, download.url().port()))).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Err(Reason::Connect),
        Err(_) => return Err(Reason::Timeout),
    }
    let outcome = pin!(transfer(device, &mut socket, download, writer)).await;
    // The request said close, and what the response still holds is of no interest.
    socket.close();
    if with_timeout(Duration::from_secs(1), socket.flush())
        .await
        .is_err()
        || outcome.is_err()
    {
        socket.abort();
        let _ = with_timeout(Duration::from_secs(1), socket.flush()).await;
    }
    outcome
}

/// Sends the request and takes the response.
async fn transfer<B: Board>(
    device: &Device<'_, B>,
    socket: &mut TcpSocket<'_>,
    download: &mut Download,
    writer: &mut ImageWriter,
) -> Result<Outcome, Reason> {
    let mut request = String::<MAX_REQUEST_LEN>::new();
    download
        .write_request(&mut request)
        .map_err(|_| Reason::BadResponse)?;
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        match with_timeout(SILENCE, socket.write(rest)).await {
            Ok(Ok(len)) => rest = rest.get(len..).unwrap_or_default(),
            Ok(Err(_)) => return Err(Reason::Truncated),
            Err(_) => return Err(Reason::Timeout),
        }
    }
    let mut input = [0; 1024];
    let (mut from, mut to) = (0, 0);
    loop {
        let piece = input.get(from..to).unwrap_or_default();
        let (used, event) = download.receive(piece)?;
        match event {
            Event::Complete => return Ok(Outcome::Complete),
            Event::Moved => return Ok(Outcome::Moved),
            Event::StartOver => writer.start_over(),
            Event::Data(range) => {
                let data = piece.get(range).unwrap_or_default();
                writer.write(&mut *device.store.lock().await, data).await?;
                progress(device, download.received());
            }
            Event::More if used < piece.len() => {}
            Event::More => {
                to = match with_timeout(SILENCE, socket.read(&mut input)).await {
                    Ok(Ok(0) | Err(_)) => return Err(Reason::Truncated),
                    Ok(Ok(len)) => len,
                    Err(_) => return Err(Reason::Timeout),
                };
                from = 0;
                continue;
            }
        }
        from += used;
    }
}

/// Shows how far the download is; on the console once per 64 KiB.
fn progress<B: Board>(device: &Device<'_, B>, received: u32) {
    const STEP: u32 = 64 * 1024;
    let before = match device.status.update.get() {
        UpdateState::Downloading { received } => received,
        _ => 0,
    };
    device
        .status
        .update
        .set(UpdateState::Downloading { received });
    if before / STEP != received / STEP {
        device.event("update.progress", format_args!("received={received}"));
    }
}

/// The address of a URL's host.
async fn resolve<B: Board>(
    device: &Device<'_, B>,
    stack: Stack<'_>,
    url: &Url,
) -> Result<IpAddress, Reason> {
    match url.host() {
        Host::Address(address) => Ok(IpAddress::Ipv4(address)),
        Host::Name(name) => names::resolve_name(device, stack, name)
            .await
            .map(IpAddress::Ipv4)
            .map_err(|_| Reason::Dns),
    }
}

/// The slot's letter on the console.
fn letter(slot: u8) -> char {
    if slot == 0 { 'a' } else { 'b' }
}
