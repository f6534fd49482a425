//! Writes packets to the broker: one write for what fits the scratch buffer, and payloads of any
//! length made while they are sent.
//!
//! While a write waits for room, nothing is read: a server that stops reading and goes on sending
//! ends in [`WireError::Timeout`] rather than in a buffer that grows. Writes are not flushed one by
//! one, which would wait for the peer's acknowledgement; the socket sends at once, because Nagle's
//! algorithm is off.

use embassy_net::tcp::TcpWriter;
use embassy_time::{Duration, with_timeout};

use super::codec::{BufferTooSmall, Encoder, PublishHeader};
use super::payload::fill_pattern;
use super::session::Content;
use super::topics::MAX_TOPIC_LEN;

/// Holds every packet but a PUBLISH of the pattern.
const SCRATCH_LEN: usize = 1024;
/// PUBLISH without payload: fixed header, topic name with length, identifier.
const HEADER_LEN: usize = 5 + 2 + MAX_TOPIC_LEN + 2;

/// Why a packet was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WireError {
    /// The connection is gone.
    Broken,
    /// The peer took nothing for the time-out.
    Timeout,
    /// The packet cannot be encoded; nothing was written.
    Unsendable,
}

impl From<BufferTooSmall> for WireError {
    fn from(_: BufferTooSmall) -> Self {
        Self::Unsendable
    }
}

/// The way to the broker.
pub(super) struct Wire<'s> {
    writer: TcpWriter<'s>,
    timeout: Duration,
    scratch: [u8; SCRATCH_LEN],
}

impl<'s> Wire<'s> {
    pub(super) fn new(writer: TcpWriter<'s>, timeout: Duration) -> Self {
        Self {
            writer,
            timeout,
            scratch: [0; SCRATCH_LEN],
        }
    }

    /// Writes the packet that `encode` makes.
    pub(super) async fn packet(
        &mut self,
        encode: impl FnOnce(Encoder<'_>) -> Result<&[u8], BufferTooSmall>,
    ) -> Result<(), WireError> {
        let packet = encode(Encoder::new(&mut self.scratch))?;
        write_all(&mut self.writer, self.timeout, packet).await
    }

    /// Writes PUBLISH with its payload.
    pub(super) async fn publish(
        &mut self,
        header: &PublishHeader<'_>,
        content: &Content,
    ) -> Result<(), WireError> {
        let mut room = [0; HEADER_LEN];
        let encoded = Encoder::new(&mut room).publish_header(header)?;
        let (front, rest) = self
            .scratch
            .split_at_mut_checked(encoded.len())
            .ok_or(WireError::Unsendable)?;
        front.copy_from_slice(encoded);
        let with_header = usize::try_from(content.len())
            .unwrap_or(usize::MAX)
            .min(rest.len());
        let payload = rest.get_mut(..with_header).ok_or(WireError::Unsendable)?;
        match content {
            Content::Snapshot(bytes) => {
                payload.copy_from_slice(bytes.get(..with_header).unwrap_or(&[]));
            }
            Content::Pattern(_) => fill_pattern(0, payload),
        }
        let packet = self
            .scratch
            .get(..encoded.len() + with_header)
            .ok_or(WireError::Unsendable)?;
        write_all(&mut self.writer, self.timeout, packet).await?;
        // A snapshot always fits the scratch buffer: 768 bytes and the header.
        self.pattern(with_header as u32, content.len()).await
    }

    /// Writes the pattern from one offset to another, straight into the socket's buffer.
    async fn pattern(&mut self, mut from: u32, to: u32) -> Result<(), WireError> {
        while from < to {
            let left = usize::try_from(to - from).unwrap_or(usize::MAX);
            let fill = |room: &mut [u8]| {
                let count = room.len().min(left);
                fill_pattern(from, room.get_mut(..count).unwrap_or(&mut []));
                (count, count as u32)
            };
            match with_timeout(self.timeout, self.writer.write_with(fill)).await {
                Ok(Ok(count)) => from += count,
                Ok(Err(_)) => return Err(WireError::Broken),
                Err(_) => return Err(WireError::Timeout),
            }
        }
        Ok(())
    }
}

async fn write_all(
    writer: &mut TcpWriter<'_>,
    timeout: Duration,
    mut bytes: &[u8],
) -> Result<(), WireError> {
    while !bytes.is_empty() {
        match with_timeout(timeout, writer.write(bytes)).await {
            Ok(Ok(count)) => bytes = bytes.get(count..).unwrap_or(&[]),
            Ok(Err(_)) => return Err(WireError::Broken),
            Err(_) => return Err(WireError::Timeout),
        }
    }
    Ok(())
}
