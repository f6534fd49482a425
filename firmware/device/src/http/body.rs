//! A message's content as it arrives, by whichever framing.

use super::chunked::{ChunkError, Chunked, Step};

/// Decodes the content of one message.
#[derive(Debug, Clone)]
pub enum Body {
    /// So many bytes more, as Content-Length said.
    Length(u64),
    /// Chunks.
    Chunked(Chunked),
}

impl Body {
    /// Whether all of the content has been read.
    pub fn is_done(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.is_done(),
        }
    }

    /// Decodes up to the end of the input, of a run of content, or of the content.
    ///
    /// # Errors
    /// The chunks are malformed or too large.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, ChunkError> {
        match self {
            Self::Length(left) => {
                let run = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left = left.saturating_sub(run as u64);
                Ok(Step {
                    consumed: run,
                    data: 0..run,
                    done: *left == 0,
                })
            }
            Self::Chunked(chunked) => chunked.step(input),
        }
    }
}
