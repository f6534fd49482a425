//! A TCP connection of the operating system.

use std::io;
use std::net::SocketAddrV4;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use smoltcp::wire::TcpControl;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::{Connection, LabError, v4};
use crate::lab::Direction;

#[derive(Debug)]
pub(in crate::lab) struct Stream {
    state: Mutex<State>,
    peer: SocketAddrV4,
    local: SocketAddrV4,
    record: Connection,
}

#[derive(Debug)]
struct State {
    /// `None` once reset from this side.
    stream: Option<TcpStream>,
    /// Who waits, so that a reset from this side can tell them.
    waiting: [Option<Waker>; 2],
    finished: bool,
}

impl Stream {
    pub(super) fn new(stream: TcpStream, record: Connection) -> Result<Self, LabError> {
        stream.set_nodelay(true)?;
        Ok(Self {
            peer: v4(stream.peer_addr()?)?,
            local: v4(stream.local_addr()?)?,
            state: Mutex::new(State {
                stream: Some(stream),
                waiting: [None, None],
                finished: false,
            }),
            record,
        })
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
        let mut buffer = ReadBuf::new(buffer);
        let wanted = buffer.remaining();
        let polled = self.poll(0, cx, |stream, cx| stream.poll_read(cx, &mut buffer));
        match &polled {
            Poll::Ready(Ok(())) if buffer.filled().is_empty() && wanted > 0 => {
                self.record.ended(Direction::FromDut, TcpControl::Fin);
            }
            Poll::Ready(Ok(())) => self.record.data(Direction::FromDut, buffer.filled()),
            Poll::Ready(Err(LabError::Reset)) => {
                self.record.ended(Direction::FromDut, TcpControl::Rst);
            }
            _ => {}
        }
        polled.map_ok(|()| buffer.filled().len())
    }

    pub(in crate::lab) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<Result<usize, LabError>> {
        if self.lock().finished {
            return Poll::Ready(Err(LabError::Closed));
        }
        let polled = self.poll(1, cx, |stream, cx| stream.poll_write(cx, data));
        if let Poll::Ready(Ok(written)) = &polled {
            self.record.data(Direction::ToDut, &data[..*written]);
        }
        polled
    }

    fn poll<T>(
        &self,
        direction: usize,
        cx: &mut Context<'_>,
        operation: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<Result<T, LabError>> {
        let mut state = self.lock();
        let Some(stream) = &mut state.stream else {
            return Poll::Ready(Err(LabError::Reset));
        };
        let polled = operation(Pin::new(stream), cx);
        state.waiting[direction] = polled.is_pending().then(|| cx.waker().clone());
        polled.map_err(LabError::from)
    }

    pub(in crate::lab) fn reset(&self) {
        let mut state = self.lock();
        if let Some(stream) = state.stream.take() {
            self.record.ended(Direction::ToDut, TcpControl::Rst);
            // A zero linger makes close send RST; a socket that is already dead needs none.
            let _ = stream.set_zero_linger();
        }
        state
            .waiting
            .iter_mut()
            .filter_map(Option::take)
            .for_each(Waker::wake);
    }

    pub(in crate::lab) fn finish(&self) {
        let mut state = self.lock();
        state.finished = true;
        self.record.ended(Direction::ToDut, TcpControl::Fin);
        if let Some(stream) = &mut state.stream {
            // Shutting down a TCP socket never waits; on a dead one there is nobody to tell.
            let _ = Pin::new(stream).poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
