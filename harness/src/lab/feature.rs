//! What a lab can do: the capabilities that a case may need.

use std::fmt;

/// One thing that some labs can do and others cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LabFeature {
    /// Frames are ours: faults, cut, capture, raw frames.
    Frames,
    /// A stream leaves in the TCP segments that were asked for.
    SegmentControl,
    /// A connection can be ended by RST, and an RST is told from a FIN.
    Reset,
    /// A connection can be forgotten without a word to its other end.
    HalfOpen,
    /// Any port can be bound: 53, 67, 80, 123, 1883.
    StandardPorts,
    /// Peers 1 to 7 have addresses of their own, and UDP can leave from any address and port.
    Addresses,
    /// Broadcasts pass in both directions, and clients without an address are reached.
    Broadcast,
}

impl LabFeature {
    /// The name in profiles and reports: `lab.frames`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frames => "lab.frames",
            Self::SegmentControl => "lab.segment-control",
            Self::Reset => "lab.reset",
            Self::HalfOpen => "lab.half-open",
            Self::StandardPorts => "lab.standard-ports",
            Self::Addresses => "lab.addresses",
            Self::Broadcast => "lab.broadcast",
        }
    }
}

impl fmt::Display for LabFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
