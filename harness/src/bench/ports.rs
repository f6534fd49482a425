//! Ports of this machine for programs that are told on which one to listen.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that Linux gives to outgoing connections (`net.ipv4.ip_local_port_range`), which could take one
/// before the program does.
const PORTS: Range<u16> = 10_240..32_768;

/// A port that no other bench has, in whichever process of this user, until this is dropped.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) number: u16,
    /// None where another user has the file.
    _lock: Option<File>,
}

impl Port {
    /// A port on which nothing listens.
    ///
    /// # Errors
    /// Every port is taken.
    pub(super) fn free() -> io::Result<Self> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let folder = std::env::temp_dir().join("firmproof-ports");
        // Another user may have made it; then only what listens already is seen.
        let _ = std::fs::create_dir_all(&folder);
        let count = PORTS.end - PORTS.start;
        // Processes begin far from each other, so that they seldom try the same.
        let first = (std::process::id().wrapping_mul(1009) % u32::from(count)) as u16;
        for _ in 0..count {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % count;
            let number = PORTS.start + (first + step) % count;
            let lock = File::create(folder.join(number.to_string())).ok();
            let ours = lock.as_ref().is_none_or(|lock| lock.try_lock().is_ok());
            if ours && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self {
                    number,
                    _lock: lock,
                });
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_benches_never_have_the_same_port() {
        let ports: Vec<Port> = (0..50).map(|_| Port::free().unwrap()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(|port| port.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), ports.len());
        assert!(numbers.iter().all(|number| PORTS.contains(number)));
    }
}
