//! The sending end of the cable: datagrams to the DUT's socket, with a queue for when the DUT is slow to take them.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::UnixDatagram;

/// How many frames wait for a DUT that does not take them; more are lost, as in a full switch.
const BACKLOG: usize = 256;

pub(super) struct Link {
    socket: Arc<UnixDatagram>,
    dut: PathBuf,
    connected: bool,
    backlog: VecDeque<Vec<u8>>,
}

enum Attempt {
    Sent,
    Blocked,
    Unplugged,
}

impl Link {
    pub(super) fn new(socket: Arc<UnixDatagram>, dut: PathBuf) -> Self {
        Self {
            socket,
            dut,
            connected: false,
            backlog: VecDeque::new(),
        }
    }

    /// Whether frames wait.
    pub(super) fn blocked(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Sends a frame, now or when there is room. `false`: there is no DUT to send it to.
    pub(super) fn send(&mut self, frame: &[u8]) -> bool {
        let attempt = if self.blocked() {
            Attempt::Blocked
        } else {
            self.attempt(frame)
        };
        match attempt {
            Attempt::Sent => true,
            Attempt::Unplugged => false,
            Attempt::Blocked => {
                if self.backlog.len() < BACKLOG {
                    self.backlog.push_back(frame.to_vec());
                }
                true
            }
        }
    }

    /// Sends what waits, as far as there is room.
    pub(super) fn flush(&mut self) {
        while let Some(frame) = self.backlog.pop_front() {
            match self.attempt(&frame) {
                Attempt::Sent => {}
                Attempt::Blocked => {
                    self.backlog.push_front(frame);
                    return;
                }
                Attempt::Unplugged => self.clear(),
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.backlog.clear();
    }

    fn attempt(&mut self, frame: &[u8]) -> Attempt {
        // The second try is for a DUT that was started anew: the old socket is dead, the path names another.
        for _ in 0..2 {
            if !self.connected && self.socket.connect(&self.dut).is_err() {
                return Attempt::Unplugged;
            }
            self.connected = true;
            match self.socket.try_send(frame) {
                Ok(_) => return Attempt::Sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Attempt::Blocked,
                Err(_) => self.connected = false,
            }
        }
        Attempt::Unplugged
    }
}
