//! Identifiers of QoS 2 messages that were taken and not yet released by PUBREL (§4.3.3).
//!
//! There is a bit for each identifier, so that no server can have more in flight than fit. They
//! are stored in chunks, a chunk with few identifiers as a short list.

use crate::mqtt::codec::PacketId;

/// Chunks that identifiers are stored in.
pub(super) const CHUNKS: usize = 16;
/// Bytes of bits in a chunk.
const CHUNK_LEN: usize = 512;
/// Identifiers in a chunk.
const CHUNK_IDS: u16 = 4096;

/// The identifiers.
#[derive(Debug)]
pub(super) struct Inbound {
    chunks: [[u8; CHUNK_LEN]; CHUNKS],
}

/// Chunk, byte in it, bit in that.
fn place(id: PacketId) -> (usize, usize, u8) {
    let id = id.get();
    let in_chunk = usize::from(id % CHUNK_IDS);
    (
        usize::from(id / CHUNK_IDS),
        in_chunk / 8,
        1 << (in_chunk % 8),
    )
}

impl Inbound {
    pub(super) const fn new() -> Self {
        Self {
            chunks: [[0; CHUNK_LEN]; CHUNKS],
        }
    }

    /// The chunk that holds `id`.
    pub(super) fn chunk_of(id: PacketId) -> usize {
        place(id).0
    }

    fn byte(&mut self, id: PacketId) -> Option<(&mut u8, u8)> {
        let (chunk, byte, bit) = place(id);
        Some((self.chunks.get_mut(chunk)?.get_mut(byte)?, bit))
    }

    /// Adds `id`; true when it was not there.
    pub(super) fn insert(&mut self, id: PacketId) -> bool {
        let Some((byte, bit)) = self.byte(id) else {
            return false;
        };
        let new = *byte & bit == 0;
        *byte |= bit;
        new
    }

    /// Removes `id`; true when it was there.
    pub(super) fn remove(&mut self, id: PacketId) -> bool {
        let Some((byte, bit)) = self.byte(id) else {
            return false;
        };
        let there = *byte & bit != 0;
        *byte &= !bit;
        there
    }

    pub(super) fn clear(&mut self) {
        self.chunks = [[0; CHUNK_LEN]; CHUNKS];
    }

    fn ids(chunk: &[u8; CHUNK_LEN]) -> impl Iterator<Item = u16> + '_ {
        (0..CHUNK_IDS).filter(|id| {
            let byte = chunk.get(usize::from(id / 8)).unwrap_or(&0);
            byte & (1 << (id % 8)) != 0
        })
    }

    /// The stored form of a chunk: a list of places as `u16` little-endian, or the bits where the
    /// list would be as long. `None` when it is empty, or `out` is too short.
    pub(super) fn encode(&self, chunk: usize, out: &mut [u8]) -> Option<usize> {
        let bits = self.chunks.get(chunk)?;
        let count = Self::ids(bits).count();
        if count == 0 {
            return None;
        }
        if count * 2 >= CHUNK_LEN {
            out.get_mut(..CHUNK_LEN)?.copy_from_slice(bits);
            return Some(CHUNK_LEN);
        }
        let list = out.get_mut(..count * 2)?;
        for (slot, id) in list.chunks_exact_mut(2).zip(Self::ids(bits)) {
            slot.copy_from_slice(&id.to_le_bytes());
        }
        Some(count * 2)
    }

    /// Takes a stored chunk; `None` when it is not one.
    pub(super) fn decode(&mut self, chunk: usize, stored: &[u8]) -> Option<()> {
        let bits = self.chunks.get_mut(chunk)?;
        if let Ok(whole) = <&[u8; CHUNK_LEN]>::try_from(stored) {
            *bits = *whole;
        } else {
            let (list, rest) = stored.as_chunks::<2>();
            if !rest.is_empty() || stored.len() > CHUNK_LEN {
                return None;
            }
            for id in list {
                let id = u16::from_le_bytes(*id);
                *bits.get_mut(usize::from(id / 8))? |= 1 << (id % 8);
            }
        }
        // Identifier 0 does not exist (MQTT-2.3.1-1).
        let has_zero = chunk == 0 && bits.first().is_some_and(|byte| byte & 1 != 0);
        (!has_zero).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(value: u16) -> PacketId {
        PacketId::new(value).unwrap()
    }

    #[test]
    fn every_identifier_can_be_in_flight_at_once_and_comes_back_from_its_stored_form() {
        for step in [1, 7, 997] {
            let mut inbound = Inbound::new();
            for value in (1..=u16::MAX).step_by(step) {
                assert!(inbound.insert(id(value)), "{value}");
                assert!(!inbound.insert(id(value)), "{value}");
            }
            let mut restored = Inbound::new();
            let mut buffer = [0; CHUNK_LEN];
            for chunk in 0..CHUNKS {
                let len = inbound.encode(chunk, &mut buffer).unwrap();
                restored.decode(chunk, &buffer[..len]).unwrap();
            }
            for value in 1..=u16::MAX {
                let expected = (value - 1) % step as u16 == 0;
                assert_eq!(restored.remove(id(value)), expected, "{value} by {step}");
            }
        }
    }

    #[test]
    fn a_stored_chunk_that_is_none_is_refused() {
        let mut inbound = Inbound::new();
        assert_eq!(inbound.decode(0, &[1]), None);
        assert_eq!(inbound.decode(0, &[0, 0]), None, "identifier 0");
        assert_eq!(inbound.decode(1, &[0x00, 0x10]), None, "beyond the chunk");
        assert_eq!(inbound.decode(CHUNKS, &[1, 0]), None);
        assert_eq!(inbound.decode(1, &[0; CHUNK_LEN + 2]), None);
    }
}
