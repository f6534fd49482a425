//! What goes to the device: bytes in any split, and every way to end a connection.

use std::time::Duration;

use super::BrokerError;
use super::connection::Connection;
use crate::evidence::{Direction, Place};
use crate::lab::LabError;
use crate::peers::mqtt_bytes::describe;

/// How long the device may keep its receive window closed.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);

impl Connection {
    /// Sends bytes. A connection that the device has reset swallows them: reading tells.
    ///
    /// # Errors
    /// The device keeps its receive window closed for 10 s.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), BrokerError> {
        self.send_as(self.place(false), bytes).await
    }

    pub(super) async fn send_as(
        &mut self,
        place: Place<'_>,
        bytes: &[u8],
    ) -> Result<(), BrokerError> {
        let transcript = &self.evidence.transcript;
        transcript.record(place, Direction::ToDevice, describe(bytes), bytes);
        let result = tokio::time::timeout(WRITE_PATIENCE, self.stream.write_all(bytes)).await;
        self.written(result.unwrap_or(Err(LabError::Timeout(WRITE_PATIENCE))))
    }

    /// Sends bytes, each piece between the offsets `cuts` as a TCP segment of its own.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_split(&mut self, bytes: &[u8], cuts: &[usize]) -> Result<(), BrokerError> {
        let summary = format!("{} in {} segments", describe(bytes), cuts.len() + 1);
        self.record_sent(summary, bytes);
        let writing = self.stream.write_segments(bytes, cuts);
        let result = tokio::time::timeout(WRITE_PATIENCE, writing).await;
        self.written(result.unwrap_or(Err(LabError::Timeout(WRITE_PATIENCE))))
    }

    /// Sends `head` and then `filler` bytes, never holding them all.
    ///
    /// # Errors
    /// As [`Self::send`], with `deadline` for all.
    pub async fn send_streamed(
        &mut self,
        head: &[u8],
        filler: usize,
        deadline: Duration,
    ) -> Result<(), BrokerError> {
        self.record_sent(format!("a packet's head, and {filler} bytes more"), head);
        let chunk = vec![0x55; 64 << 10];
        let writing = async {
            self.stream.write_all(head).await?;
            let mut left = filler;
            while left > 0 {
                let piece = left.min(chunk.len());
                self.stream.write_all(&chunk[..piece]).await?;
                left -= piece;
            }
            Ok(())
        };
        let result = tokio::time::timeout(deadline, writing).await;
        self.written(result.unwrap_or(Err(LabError::Timeout(deadline))))
    }

    fn record_sent(&self, summary: String, bytes: &[u8]) {
        let transcript = &self.evidence.transcript;
        transcript.record(self.place(false), Direction::ToDevice, summary, bytes);
    }

    fn written(&mut self, result: Result<(), LabError>) -> Result<(), BrokerError> {
        match result {
            Ok(()) | Err(LabError::Reset | LabError::Closed) => Ok(()),
            Err(other) => Err(BrokerError::Lab(other)),
        }
    }

    /// Ends the connection with RST.
    pub fn reset(self) {
        let transcript = &self.evidence.transcript;
        transcript.record(self.place(false), Direction::ToDevice, "RST", &[]);
        self.stream.reset();
    }

    /// Sends FIN; the device may still send.
    pub fn finish(&self) {
        let transcript = &self.evidence.transcript;
        transcript.record(self.place(false), Direction::ToDevice, "FIN", &[]);
        self.stream.finish();
    }

    /// Forgets the connection without a word, as a server that lost its power does: what the device sends on it from
    /// now on meets silence.
    ///
    /// # Errors
    /// [`BrokerError::Lab`] where the lab cannot do that.
    pub fn vanish(self) -> Result<(), BrokerError> {
        let transcript = &self.evidence.transcript;
        transcript.note("the server forgets the connection");
        self.stream.vanish().map_err(BrokerError::Lab)
    }
}
