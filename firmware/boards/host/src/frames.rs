//! The Ethernet controller: a pair of Unix datagram sockets, one frame a datagram, without the
//! frame check sequence.

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use embassy_net_driver::{Capabilities, Driver, HardwareAddress, LinkState, RxToken, TxToken};

/// Header of 14 bytes and 1,500 of payload.
const MAX_FRAME_LEN: usize = 1514;
/// Shorter than an Ethernet header there is nothing to read.
const MIN_FRAME_LEN: usize = 14;
/// Frames that wait for the device. When they are this many, the next stay in the socket, where
/// the sender notices.
const RECEIVE_QUEUE: usize = 64;
/// How long a frame waits for room in the receiver's socket before it is lost.
const SEND_PATIENCE: Duration = Duration::from_millis(5);
/// How long to leave a socket alone that fails to receive.
const RECEIVE_RETRY: Duration = Duration::from_millis(10);

#[derive(Default)]
struct Received {
    frames: VecDeque<Vec<u8>>,
    waker: Option<Waker>,
}

#[derive(Default)]
struct Receiver {
    received: Mutex<Received>,
    taken: Condvar,
}

impl Receiver {
    fn lock(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves frames from the socket to the queue, for ever.
    fn fill(&self, socket: &UnixDatagram) {
        let mut buffer = [0; MAX_FRAME_LEN + 1];
        loop {
            let len = match socket.recv(&mut buffer) {
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    thread::sleep(RECEIVE_RETRY);
                    continue;
                }
            };
            // A runt or a giant is dropped, as a controller drops it.
            if !(MIN_FRAME_LEN..=MAX_FRAME_LEN).contains(&len) {
                continue;
            }
            let mut received = self
                .taken
                .wait_while(self.lock(), |r| r.frames.len() >= RECEIVE_QUEUE)
                .unwrap_or_else(PoisonError::into_inner);
            received.frames.push_back(buffer[..len].to_vec());
            if let Some(waker) = received.waker.take() {
                waker.wake();
            }
        }
    }
}

/// The Ethernet controller.
pub(crate) struct Frames {
    receiver: Arc<Receiver>,
    socket: UnixDatagram,
    to: PathBuf,
    mac: [u8; 6],
}

impl Frames {
    /// Makes the socket `from`, in place of one that an earlier run of the device left behind, and
    /// sends to `to`, which may come and go.
    pub(crate) fn open(from: &Path, to: &Path, mac: [u8; 6]) -> io::Result<Self> {
        let left_behind =
            std::fs::symlink_metadata(from).is_ok_and(|metadata| metadata.file_type().is_socket());
        if left_behind {
            std::fs::remove_file(from)?;
        }
        let socket = UnixDatagram::bind(from)?;
        socket.set_write_timeout(Some(SEND_PATIENCE))?;
        let receiver = Arc::new(Receiver::default());
        let (filled, source) = (Arc::clone(&receiver), socket.try_clone()?);
        thread::spawn(move || filled.fill(&source));
        Ok(Self {
            receiver,
            socket,
            to: to.to_owned(),
            mac,
        })
    }

    fn sender(&self) -> Sender<'_> {
        Sender {
            socket: &self.socket,
            to: &self.to,
        }
    }
}

impl Driver for Frames {
    type RxToken<'a> = Frame;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(Frame, Sender<'_>)> {
        let mut received = self.receiver.lock();
        let Some(frame) = received.frames.pop_front() else {
            received.waker = Some(cx.waker().clone());
            return None;
        };
        drop(received);
        self.receiver.taken.notify_one();
        Some((Frame(frame), self.sender()))
    }

    fn transmit(&mut self, _cx: &mut Context<'_>) -> Option<Sender<'_>> {
        Some(self.sender())
    }

    fn link_state(&mut self, _cx: &mut Context<'_>) -> LinkState {
        LinkState::Up
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::default();
        capabilities.max_transmission_unit = MAX_FRAME_LEN;
        capabilities
    }

    fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::Ethernet(self.mac)
    }
}

/// A frame that came in.
pub(crate) struct Frame(Vec<u8>);

impl RxToken for Frame {
    fn consume<R, F>(mut self, f: F) -> R
    where
        F: FnOnce(&mut [u8]) -> R,
    {
        f(&mut self.0)
    }
}

/// Sends one frame.
pub(crate) struct Sender<'a> {
    socket: &'a UnixDatagram,
    to: &'a Path,
}

impl TxToken for Sender<'_> {
    fn consume<R, F>(self, len: usize, f: F) -> R
    where
        F: FnOnce(&mut [u8]) -> R,
    {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        // Nobody there, or nobody who reads: the frame is lost, as on a cable.
        let _ = self.socket.send_to(&frame, self.to);
        result
    }
}
