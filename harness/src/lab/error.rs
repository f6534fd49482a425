//! What can go wrong on a lab.

use std::io;
use std::net::SocketAddrV4;
use std::time::Duration;

use super::LabFeature;

/// Why an operation on the lab failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// It did not happen in time.
    #[error("nothing within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The other end sent RST (RFC 9293 §3.5.2), or the connection was [`reset`](super::Stream::reset) from here.
    #[error("connection reset")]
    Reset,
    /// A connection attempt was answered by RST.
    #[error("connection refused")]
    Refused,
    /// This direction was already closed from here.
    #[error("closed on this side")]
    Closed,
    /// Another socket of the lab has this address and port.
    #[error("{0} is in use")]
    AddressInUse(SocketAddrV4),
    /// The operating system gives this port to privileged users only.
    #[error(
        "port {0} needs privilege on this machine: `sysctl net.ipv4.ip_unprivileged_port_start={0}` \
         gives it to everybody, or tell the device another port and leave {0} out of the rig's `ports`"
    )]
    NeedsPrivilege(u16),
    /// The datagram does not fit into one frame.
    #[error("{0} bytes do not fit into one frame")]
    TooLong(usize),
    /// This lab cannot do that.
    #[error("this lab does not support {0}")]
    Unsupported(LabFeature),
    /// The operating system's error.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for LabError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Writing after an RST: the first write reports the reset, later ones a broken pipe.
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Reset,
            io::ErrorKind::ConnectionRefused => Self::Refused,
            _ => Self::Io(error),
        }
    }
}

impl From<LabError> for io::Error {
    fn from(error: LabError) -> Self {
        let kind = match error {
            LabError::Io(error) => return error,
            LabError::Timeout(_) => io::ErrorKind::TimedOut,
            LabError::Reset => io::ErrorKind::ConnectionReset,
            LabError::Refused => io::ErrorKind::ConnectionRefused,
            LabError::Closed => io::ErrorKind::BrokenPipe,
            LabError::AddressInUse(_) => io::ErrorKind::AddrInUse,
            LabError::NeedsPrivilege(_) => io::ErrorKind::PermissionDenied,
            LabError::TooLong(_) => io::ErrorKind::InvalidInput,
            LabError::Unsupported(_) => io::ErrorKind::Unsupported,
        };
        Self::new(kind, error)
    }
}
