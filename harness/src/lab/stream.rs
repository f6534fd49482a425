//! One TCP connection with the DUT, and what can be done to it.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddrV4;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{LabError, LabFeature, ethernet, os};

/// A TCP connection. Methods take `&self`: one task may read while another writes (one of each at a time).
///
/// Dropping it closes it as a process does: FIN, or RST when bytes of the DUT lie unread (RFC 2525 §2.17). Not
/// reading closes the receive window, by and by.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Ethernet(ethernet::Stream),
    Os(os::Stream),
}

impl Stream {
    pub(super) fn ethernet(stream: ethernet::Stream) -> Self {
        Self(Kind::Ethernet(stream))
    }

    pub(super) fn os(stream: os::Stream) -> Self {
        Self(Kind::Os(stream))
    }

    /// The DUT's address and port.
    pub fn peer_addr(&self) -> SocketAddrV4 {
        match &self.0 {
            Kind::Ethernet(stream) => stream.peer_addr(),
            Kind::Os(stream) => stream.peer_addr(),
        }
    }

    /// This end's address and port.
    pub fn local_addr(&self) -> SocketAddrV4 {
        match &self.0 {
            Kind::Ethernet(stream) => stream.local_addr(),
            Kind::Os(stream) => stream.local_addr(),
        }
    }

    /// Reads what is there, waiting for at least one byte; 0 means that the DUT sent FIN.
    ///
    /// # Errors
    /// [`LabError::Reset`] when the DUT sent RST (after what arrived before it, on the Ethernet lab).
    pub async fn read(&self, buffer: &mut [u8]) -> Result<usize, LabError> {
        poll_fn(|cx| self.poll_read_into(cx, buffer)).await
    }

    /// Writes all of `data`, in segments as large as fit. Returns when the last byte is in the send buffer.
    ///
    /// # Errors
    /// [`LabError::Reset`] after an RST, [`LabError::Closed`] after [`Self::finish`].
    pub async fn write_all(&self, mut data: &[u8]) -> Result<(), LabError> {
        while !data.is_empty() {
            let written = poll_fn(|cx| self.poll_write_from(cx, data)).await?;
            data = &data[written..];
        }
        Ok(())
    }

    /// Writes `data` cut at the offsets `cuts` (ascending; others are ignored), each piece as a TCP segment of its
    /// own, and returns when the last has been handed to the wire. A piece larger than the DUT's MSS or window
    /// needs several segments. Retransmission may join pieces. Without [`LabFeature::SegmentControl`] each piece is
    /// one write with Nagle's algorithm off, which is no promise.
    ///
    /// # Errors
    /// As [`Self::write_all`].
    pub async fn write_segments(&self, data: &[u8], cuts: &[usize]) -> Result<(), LabError> {
        let mut from = 0;
        for &cut in cuts.iter().chain([&data.len()]) {
            if cut <= from || cut > data.len() {
                continue;
            }
            self.write_all(&data[from..cut]).await?;
            self.sent().await?;
            from = cut;
        }
        Ok(())
    }

    /// Waits until all that was written has left for the wire at least once. The operating system's lab does not
    /// know and returns at once.
    ///
    /// # Errors
    /// [`LabError::Reset`] after an RST.
    pub async fn sent(&self) -> Result<(), LabError> {
        match &self.0 {
            Kind::Ethernet(stream) => poll_fn(|cx| stream.poll_sent(cx)).await,
            Kind::Os(_) => Ok(()),
        }
    }

    /// Waits until the DUT's stack has acknowledged all that was written (and the FIN, after [`Self::finish`]).
    ///
    /// # Errors
    /// [`LabError::Timeout`] after `deadline`, [`LabError::Reset`] after an RST, [`LabError::Unsupported`] without
    /// [`LabFeature::SegmentControl`].
    pub async fn acknowledged(&self, deadline: Duration) -> Result<(), LabError> {
        match &self.0 {
            Kind::Ethernet(stream) => {
                match tokio::time::timeout(deadline, poll_fn(|cx| stream.poll_acknowledged(cx)))
                    .await
                {
                    Ok(result) => result,
                    Err(_) => Err(LabError::Timeout(deadline)),
                }
            }
            Kind::Os(_) => Err(LabError::Unsupported(LabFeature::SegmentControl)),
        }
    }

    /// Sends RST now. Later calls fail with [`LabError::Reset`].
    pub fn reset(&self) {
        match &self.0 {
            Kind::Ethernet(stream) => stream.reset(),
            Kind::Os(stream) => stream.reset(),
        }
    }

    /// Sends FIN after what was written (half-close): reading goes on.
    pub fn finish(&self) {
        match &self.0 {
            Kind::Ethernet(stream) => stream.finish(),
            Kind::Os(stream) => stream.finish(),
        }
    }

    /// Forgets the connection without a word: later segments of the DUT meet silence, as after a power cut here.
    ///
    /// # Errors
    /// [`LabError::Unsupported`] without [`LabFeature::HalfOpen`].
    pub fn vanish(self) -> Result<(), LabError> {
        match self.0 {
            Kind::Ethernet(stream) => {
                stream.vanish();
                Ok(())
            }
            Kind::Os(_) => Err(LabError::Unsupported(LabFeature::HalfOpen)),
        }
    }

    fn poll_read_into(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, LabError>> {
        match &self.0 {
            Kind::Ethernet(stream) => stream.poll_read(cx, buffer),
            Kind::Os(stream) => stream.poll_read(cx, buffer),
        }
    }

    fn poll_write_from(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, LabError>> {
        match &self.0 {
            Kind::Ethernet(stream) => stream.poll_write(cx, data),
            Kind::Os(stream) => stream.poll_write(cx, data),
        }
    }
}

impl AsyncRead for &Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(self.poll_read_into(cx, buffer.initialize_unfilled()))?;
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for &Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(ready!(self.poll_write_from(cx, data))?))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is held back on this side.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish();
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self).poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self).poll_shutdown(cx)
    }
}
