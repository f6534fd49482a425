//! Accepting TCP connections from the DUT.

use std::net::SocketAddrV4;
use std::time::Duration;

use super::{LabError, Stream, ethernet, os};

/// A listening TCP port. Dropping it closes the port: a later SYN is answered by RST, and so are the connections
/// that nobody has accepted.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Ethernet(ethernet::Listener),
    Os(os::Listener),
}

impl Listener {
    pub(super) fn ethernet(listener: ethernet::Listener) -> Self {
        Self(Kind::Ethernet(listener))
    }

    pub(super) fn os(listener: os::Listener) -> Self {
        Self(Kind::Os(listener))
    }

    /// The address and port that it really has.
    pub fn local_addr(&self) -> SocketAddrV4 {
        match &self.0 {
            Kind::Ethernet(listener) => listener.local_addr(),
            Kind::Os(listener) => listener.local_addr(),
        }
    }

    /// The next connection, in the order in which they were established.
    ///
    /// # Errors
    /// [`LabError::Timeout`] when there is none within `deadline`.
    pub async fn accept(&mut self, deadline: Duration) -> Result<Stream, LabError> {
        let accepted = async {
            match &self.0 {
                Kind::Ethernet(listener) => Ok(Stream::ethernet(listener.accept().await)),
                Kind::Os(listener) => listener.accept().await.map(Stream::os),
            }
        };
        match tokio::time::timeout(deadline, accepted).await {
            Ok(stream) => stream,
            Err(_) => Err(LabError::Timeout(deadline)),
        }
    }
}
