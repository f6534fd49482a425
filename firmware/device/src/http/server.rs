//! Moves bytes between the network and the request reader: four workers, a connection each.

use core::fmt::{Display, Write};
use core::pin::pin;

use embassy_futures::join::join4;
use embassy_net::Stack;
use embassy_net::tcp::{State, TcpSocket};
use embassy_time::{Duration, Instant, Timer, with_deadline, with_timeout};
use heapless::String;

use super::patience::{LINGER, Patience, WRITE};
use super::reader::{Event, RequestReader, Waiting};
use super::request::Request;
use super::response::{Answer, Content};
use super::routes;
use super::status::{Refusal, Status};
use super::target::Method;
use crate::civil::HttpDate;
use crate::console::Escaped;
use crate::status::count;
use crate::{Board, Device, status_json};

/// The largest content that is sent: the control page.
const MAX_CONTENT: usize = 4096;
/// The largest head that is sent.
const MAX_HEAD: usize = 512;
/// TCP's own limit for a peer that is gone: above every wait of [`super::patience`].
const PEER_TIMEOUT: Duration = Duration::from_secs(30);

/// The connection is gone, or does not take the answer.
struct Gone;

/// Whether a connection serves another request.
#[derive(PartialEq, Eq)]
enum Next {
    Request,
    Close,
}

/// Serves HTTP for ever.
pub async fn run<B: Board>(device: &Device<'_, B>, stack: Stack<'_>) {
    join4(
        worker(device, stack),
        worker(device, stack),
        worker(device, stack),
        worker(device, stack),
    )
    .await;
}

/// Accepts one connection after the other.
async fn worker<B: Board>(device: &Device<'_, B>, stack: Stack<'_>) {
    // One by one: a tuple of them would be made on the stack first.
    let mut receive = [0; 2048];
    let mut send = [0; 4096];
    let mut socket = TcpSocket::new(stack, &mut receive, &mut send);
    socket.set_nagle_enabled(false);
    let mut reader = RequestReader::default();
    loop {
        socket.set_timeout(Some(PEER_TIMEOUT));
        if socket.accept(device.config.http_port).await.is_ok() {
            reader.next();
            // By value it would be made on the stack first.
            if pin!(converse(device, &mut socket, &mut reader))
                .await
                .is_ok()
            {
                hang_up(&mut socket).await;
            }
        } else {
            Timer::after(Duration::from_millis(100)).await;
        }
        // TIME-WAIT may listen again; anything else that is left has to go.
        if !matches!(socket.state(), State::Closed | State::TimeWait) {
            socket.abort();
            let _ = with_timeout(WRITE, socket.flush()).await;
        }
    }
}

/// Serves requests until one of the two sides wants to close.
async fn converse<B: Board>(
    device: &Device<'_, B>,
    socket: &mut TcpSocket<'_>,
    reader: &mut RequestReader,
) -> Result<(), Gone> {
    let mut input = [0; 1024];
    let (mut from, mut to) = (0, 0);
    let mut patience = Patience::new(Instant::now());
    loop {
        let (used, event) = reader.receive(input.get(from..to).unwrap_or_default());
        from += used;
        let next = match event {
            Event::More => {
                patience.received(reader.waiting(), Instant::now());
                let read = with_deadline(patience.deadline(), socket.read(&mut input)).await;
                (from, to) = match read {
                    // The end of the stream, in the middle of a request or between two.
                    Ok(Ok(0)) => return Ok(()),
                    Ok(Ok(len)) => (0, len),
                    Ok(Err(_)) => return Err(Gone),
                    Err(_) if reader.waiting() == Waiting::Request => return Ok(()),
                    Err(_) => {
                        let timeout = Refusal::new(Status::RequestTimeout, "the request stalled");
                        return pin!(refuse(device, socket, reader, timeout)).await;
                    }
                };
                continue;
            }
            Event::Refused(refusal) => return pin!(refuse(device, socket, reader, refusal)).await,
            Event::Head => match reader.request() {
                Ok(request) if request.expects_continue => {
                    match routes::answer_to_head(device, &request) {
                        // The content may or may not follow, so this connection ends here.
                        Some(answer) => {
                            let close = Request {
                                close: true,
                                ..request
                            };
                            pin!(respond(device, socket, &close, answer)).await?
                        }
                        None => {
                            write_all(socket, b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                            continue;
                        }
                    }
                }
                Ok(_) => continue,
                Err(refusal) => return pin!(refuse(device, socket, reader, refusal)).await,
            },
            Event::Complete => match reader.request() {
                Ok(request) => {
                    let answer = routes::answer(device, &request, reader.content());
                    pin!(respond(device, socket, &request, answer)).await?
                }
                Err(refusal) => return pin!(refuse(device, socket, reader, refusal)).await,
            },
        };
        if next == Next::Close {
            return Ok(());
        }
        reader.next();
        patience.restart(Instant::now());
    }
}

/// Answers a request that got as far as a route.
async fn respond<B: Board>(
    device: &Device<'_, B>,
    socket: &mut TcpSocket<'_>,
    request: &Request<'_>,
    answer: Answer,
) -> Result<Next, Gone> {
    let line = request.line;
    device.event(
        "http.request",
        format_args!(
            "method={} target={} status={}",
            Escaped(line.token),
            Escaped(line.raw_target),
            answer.status.code()
        ),
    );
    let with_content = line.method != Method::Head;
    pin!(send(device, socket, answer, request.close, with_content)).await?;
    Ok(if request.close {
        Next::Close
    } else {
        Next::Request
    })
}

/// Answers a request that is refused before any route; the connection ends with it.
async fn refuse<B: Board>(
    device: &Device<'_, B>,
    socket: &mut TcpSocket<'_>,
    reader: &RequestReader,
    refusal: Refusal,
) -> Result<(), Gone> {
    let line = reader.request_line();
    let (token, target): (&[u8], &[u8]) =
        line.map_or((b"-", b"-"), |line| (line.token, line.raw_target));
    device.event(
        "http.request",
        format_args!(
            "method={} target={} status={}",
            Escaped(token),
            Escaped(target),
            refusal.status.code()
        ),
    );
    let with_content = line.is_none_or(|line| line.method != Method::Head);
    let answer = Answer::text(refusal.status, refusal.detail);
    pin!(send(device, socket, answer, true, with_content)).await
}

/// Sends head and content. HEAD gets the same head as GET (RFC 9110 §9.3.2).
async fn send<B: Board>(
    device: &Device<'_, B>,
    socket: &mut TcpSocket<'_>,
    answer: Answer,
    close: bool,
    with_content: bool,
) -> Result<(), Gone> {
    count(&device.status.counters.http_requests);
    let mut content = String::<MAX_CONTENT>::new();
    let written = match answer.content {
        Content::Empty => Ok(()),
        Content::Text(detail) => writeln!(
            content,
            "{} {}: {detail}",
            answer.status.code(),
            answer.status.phrase()
        ),
        Content::Page => super::page::write(device, &mut content),
        Content::State => status_json::write(device, &mut content),
    };
    let date = device
        .clock
        .now(Instant::now())
        .and_then(|time| HttpDate::from_unix(time.secs));
    let date = date.as_ref().map(|date| date as &dyn Display);
    let mut head = String::<MAX_HEAD>::new();
    // Both buffers hold the most that is ever written to them; if not, no answer is better than
    // half of one.
    written.map_err(|_| Gone)?;
    answer
        .write_head(content.len(), date, close, &mut head)
        .map_err(|_| Gone)?;
    write_all(socket, head.as_bytes()).await?;
    if with_content {
        write_all(socket, content.as_bytes()).await?;
    }
    Ok(())
}

async fn write_all(socket: &mut TcpSocket<'_>, mut bytes: &[u8]) -> Result<(), Gone> {
    while !bytes.is_empty() {
        match with_timeout(WRITE, socket.write(bytes)).await {
            Ok(Ok(len)) => bytes = bytes.get(len..).unwrap_or_default(),
            _ => return Err(Gone),
        }
    }
    Ok(())
}

/// Sends FIN after what is still to be sent, then reads and drops what comes until the client
/// closes too: a reset must not overtake the answer (RFC 9112 §9.6).
async fn hang_up(socket: &mut TcpSocket<'_>) {
    socket.close();
    let deadline = Instant::now() + LINGER;
    let mut dropped = [0; 256];
    while let Ok(Ok(1..)) = with_deadline(deadline, socket.read(&mut dropped)).await {}
    let _ = with_deadline(deadline, socket.flush()).await;
}
