//! Random numbers: ChaCha20 keyed by the configured seed, the boot counter, and the board's
//! hardware generator where it has one. The same seed and counter replay a run; no two boots agree.

use core::cell::RefCell;

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// The device's random numbers.
pub struct Random(RefCell<ChaCha20Rng>);

impl Random {
    /// Mixes the seed, the boot counter and the board's entropy.
    pub fn new(seed: &[u8; 32], boots: u32, hardware: Option<[u8; 32]>) -> Self {
        let mut digest = Sha256::new();
        digest.update(seed);
        digest.update(boots.to_le_bytes());
        if let Some(entropy) = hardware {
            digest.update(entropy);
        }
        Self(RefCell::new(ChaCha20Rng::from_seed(
            digest.finalize().into(),
        )))
    }

    /// 32 random bits.
    pub fn next_u32(&self) -> u32 {
        self.0.borrow_mut().next_u32()
    }

    /// 64 random bits.
    pub fn next_u64(&self) -> u64 {
        self.0.borrow_mut().next_u64()
    }

    /// A number from 0 to `bound - 1`; 0 when `bound` is 0. The bias is below 2^-32.
    pub fn below(&self, bound: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// A source port for one exchange over UDP, 1024 to 65535 (RFC 6056 §3.2, RFC 9109 §4).
    pub fn source_port(&self) -> u16 {
        1024 + self.below(64_512) as u16
    }
}
