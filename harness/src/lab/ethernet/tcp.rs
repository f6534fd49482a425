//! TCP on the Ethernet lab.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddrV4;
use std::task::{Context, Poll};

use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{RecvError, State};

use super::Ethernet;
use crate::lab::LabError;

pub(in crate::lab) struct Listener {
    lab: Ethernet,
    id: u64,
    local: SocketAddrV4,
}

impl Listener {
    pub(super) fn open(lab: Ethernet, at: SocketAddrV4) -> Result<Self, LabError> {
        let (id, local) = lab.act(|stack| stack.open_port(at))?;
        Ok(Self { lab, id, local })
    }

    pub(in crate::lab) fn local_addr(&self) -> SocketAddrV4 {
        self.local
    }

    pub(in crate::lab) async fn accept(&self) -> Stream {
        poll_fn(|cx| {
            let mut stack = self.lab.shared.lock();
            let Some(handle) = stack.next_ready(self.id, cx.waker()) else {
                return Poll::Pending;
            };
            let Some(connection) = stack.connection(handle) else {
                return Poll::Pending;
            };
            let (local, peer) = connection.pair;
            Poll::Ready(Stream {
                lab: self.lab.clone(),
                handle: Some(handle),
                local,
                peer,
            })
        })
        .await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.lab.act(|stack| stack.close_port(self.id));
    }
}

pub(in crate::lab) struct Stream {
    lab: Ethernet,
    /// `None` once vanished.
    handle: Option<SocketHandle>,
    local: SocketAddrV4,
    peer: SocketAddrV4,
}

impl Stream {
    pub(super) fn open(lab: Ethernet, to: SocketAddrV4) -> Result<Self, LabError> {
        let (handle, local) = lab.act(|stack| stack.open_connection_to(to))?;
        Ok(Self {
            lab,
            handle: Some(handle),
            local,
            peer: to,
        })
    }

    pub(super) async fn established(&self) -> Result<(), LabError> {
        let Some(handle) = self.handle else {
            return Err(LabError::Reset);
        };
        poll_fn(|cx| {
            let mut stack = self.lab.shared.lock();
            let socket = stack.tcp(handle);
            match socket.state() {
                State::SynSent | State::SynReceived => {
                    socket.register_recv_waker(cx.waker());
                    Poll::Pending
                }
                State::Closed => Poll::Ready(Err(LabError::Refused)),
                _ => Poll::Ready(Ok(())),
            }
        })
        .await
    }

    pub(in crate::lab) fn peer_addr(&self) -> SocketAddrV4 {
        self.peer
    }

    pub(in crate::lab) fn local_addr(&self) -> SocketAddrV4 {
        self.local
    }

    pub(in crate::lab) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, LabError>> {
        let Some(handle) = self.handle else {
            return Poll::Ready(Err(LabError::Reset));
        };
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut stack = self.lab.shared.lock();
        let reset = stack
            .connection(handle)
            .is_some_and(|connection| connection.reset);
        let socket = stack.tcp(handle);
        match socket.recv_slice(buffer) {
            Ok(0) => {
                socket.register_recv_waker(cx.waker());
                Poll::Pending
            }
            Ok(read) => {
                // The window may open.
                self.lab.settle(&mut stack);
                Poll::Ready(Ok(read))
            }
            Err(RecvError::InvalidState) if reset => Poll::Ready(Err(LabError::Reset)),
            // A FIN has been taken in; long ago, if TIME-WAIT is over.
            Err(RecvError::Finished | RecvError::InvalidState) => Poll::Ready(Ok(0)),
        }
    }

    pub(in crate::lab) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<Result<usize, LabError>> {
        let Some(handle) = self.handle else {
            return Poll::Ready(Err(LabError::Reset));
        };
        let mut stack = self.lab.shared.lock();
        if stack
            .connection(handle)
            .is_some_and(|connection| connection.reset)
        {
            return Poll::Ready(Err(LabError::Reset));
        }
        let socket = stack.tcp(handle);
        let Ok(written) = socket.send_slice(data) else {
            return Poll::Ready(Err(LabError::Closed));
        };
        if written == 0 && !data.is_empty() {
            socket.register_send_waker(cx.waker());
            return Poll::Pending;
        }
        if let Some(connection) = stack.connection(handle) {
            connection.written += written as u64;
        }
        self.lab.settle(&mut stack);
        Poll::Ready(Ok(written))
    }

    pub(in crate::lab) fn poll_sent(&self, cx: &mut Context<'_>) -> Poll<Result<(), LabError>> {
        let Some(handle) = self.handle else {
            return Poll::Ready(Err(LabError::Reset));
        };
        let mut stack = self.lab.shared.lock();
        let Some(connection) = stack.connection(handle) else {
            return Poll::Ready(Err(LabError::Reset));
        };
        if connection.reset {
            return Poll::Ready(Err(LabError::Reset));
        }
        let (pair, written) = (connection.pair, connection.written);
        if stack.wire().has_sent(pair, written, cx.waker()) {
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }

    pub(in crate::lab) fn poll_acknowledged(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), LabError>> {
        let Some(handle) = self.handle else {
            return Poll::Ready(Err(LabError::Reset));
        };
        let mut stack = self.lab.shared.lock();
        let reset = stack
            .connection(handle)
            .is_some_and(|connection| connection.reset);
        let socket = stack.tcp(handle);
        // In these states a FIN has been sent, or is to be, that is not acknowledged.
        let finishing = matches!(
            socket.state(),
            State::FinWait1 | State::Closing | State::LastAck
        );
        if socket.send_queue() == 0 && !finishing {
            return Poll::Ready(Ok(()));
        }
        if reset {
            return Poll::Ready(Err(LabError::Reset));
        }
        socket.register_send_waker(cx.waker());
        Poll::Pending
    }

    pub(in crate::lab) fn reset(&self) {
        let Some(handle) = self.handle else { return };
        self.lab.act(|stack| {
            stack.tcp(handle).abort();
            stack.mark_reset(handle);
        });
    }

    pub(in crate::lab) fn finish(&self) {
        let Some(handle) = self.handle else { return };
        self.lab.act(|stack| stack.tcp(handle).close());
    }

    pub(in crate::lab) fn vanish(mut self) {
        if let Some(handle) = self.handle.take() {
            self.lab.act(|stack| stack.forget(handle));
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let Some(handle) = self.handle else { return };
        self.lab.act(|stack| {
            let socket = stack.tcp(handle);
            // As an operating system does for a process that leaves bytes unread (RFC 2525 §2.17).
            if socket.can_recv() {
                socket.abort();
            } else if socket.state() != State::SynSent {
                socket.close();
            }
            stack.orphan(handle);
        });
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("local", &self.local)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
