//! What the application wants sent and the session has not taken yet. It outlives a connection.

use heapless::{Deque, String};

use super::codec::Qos;
use super::command::{Batch, Command, CommandError, MAX_FILTER_LEN};

/// Commands of a kind that wait at once.
const WAITING: usize = 4;

/// A filter to subscribe to, or with no QoS to unsubscribe from.
#[derive(Debug)]
pub(super) struct FilterRequest {
    pub(super) filter: String<MAX_FILTER_LEN>,
    pub(super) qos: Option<Qos>,
}

/// The wishes.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// The state is to be published.
    pub(super) state_due: bool,
    /// The connection is to be closed with DISCONNECT.
    pub(super) disconnect: bool,
    batches: Deque<Batch, WAITING>,
    requests: Deque<FilterRequest, WAITING>,
}

impl Outbox {
    /// Takes a command that needs the connection; others are not its business.
    pub(super) fn take(&mut self, command: Command) -> Result<(), CommandError> {
        let busy = CommandError::Busy;
        match command {
            Command::Publish(batch) => self.batches.push_back(batch).map_err(|_| busy)?,
            Command::Subscribe(filter, qos) => self.request(filter, Some(qos))?,
            Command::Unsubscribe(filter) => self.request(filter, None)?,
            Command::Disconnect => self.disconnect = true,
            Command::State => self.state_due = true,
            Command::Led(_) | Command::Beep(_) => {}
        }
        Ok(())
    }

    fn request(
        &mut self,
        filter: String<MAX_FILTER_LEN>,
        qos: Option<Qos>,
    ) -> Result<(), CommandError> {
        self.requests
            .push_back(FilterRequest { filter, qos })
            .map_err(|_| CommandError::Busy)
    }

    /// The request in hand; it stays until [`Self::request_answered`], also over a reconnect.
    pub(super) fn request_in_hand(&self) -> Option<&FilterRequest> {
        self.requests.front()
    }

    pub(super) fn request_answered(&mut self) {
        self.requests.pop_front();
    }

    /// The next message to publish: its payload length, QoS and retain flag.
    pub(super) fn next_message(&self) -> Option<Batch> {
        self.batches.front().copied()
    }

    /// The message of [`Self::next_message`] is on its way.
    pub(super) fn message_taken(&mut self) {
        if let Some(batch) = self.batches.front_mut() {
            batch.count = batch.count.saturating_sub(1);
            if batch.count == 0 {
                self.batches.pop_front();
            }
        }
    }
}
