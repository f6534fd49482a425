//! Captured frames as a file that Wireshark and tcpdump read, and such a file read back.
//!
//! Each frame has its direction in its flags, and what the wire did with it as a comment
//! (`frame.comment` in Wireshark). Times are nanoseconds since the lab's start.

use std::borrow::Cow;
use std::io::{self, Write};

use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{Block, PcapNgBlock, PcapNgReader, PcapNgWriter};
use pcap_file::{DataLink, Endianness, PcapError};

use super::{Capture, Direction, Fate, Frame};

/// `if_tsresol`: units of 10^-9 s. The crate writes and reads nanoseconds whatever is declared, and
/// without this option readers take them for microseconds.
const NANOSECONDS: u8 = 9;
/// `epb_flags`, bits 0 and 1: received by the harness, sent by it.
const INBOUND: u32 = 0b01;
const OUTBOUND: u32 = 0b10;
const DIRECTION: u32 = 0b11;

const OF_SOCKETS: &str = "Made from what the harness's sockets carried: ports of the harness are the \
     protocols' own, and handshakes, sequence numbers, acknowledgments and segment boundaries are not \
     those of the wire.";

/// What became of a frame that did not simply pass.
const FATES: [(Fate, &str); 7] = [
    (Fate::Altered, "altered by a fault rule"),
    (Fate::Late, "delayed by a fault rule"),
    (Fate::Repeated, "repeated by a fault rule"),
    (Fate::Dropped, "dropped by a fault rule"),
    (Fate::Cut, "lost: the wire was cut"),
    (
        Fate::Ignored,
        "ignored: its connection was forgotten on purpose",
    ),
    (Fate::Unplugged, "lost: no device was plugged in"),
];

impl Fate {
    /// What became of the frame, in words; none when it simply passed.
    pub fn in_words(self) -> Option<&'static str> {
        let (_, words) = FATES.iter().find(|(fate, _)| *fate == self)?;
        Some(words)
    }
}

/// Writes what was captured. Frames that did not arrive are in it too.
///
/// # Errors
/// The writer's.
pub fn write_pcapng(capture: &Capture, writer: impl Write) -> io::Result<()> {
    let section = SectionHeaderBlock {
        // Stated, so that the same capture is the same file on every machine.
        endianness: Endianness::Little,
        options: vec![SectionHeaderOption::UserApplication(Cow::Borrowed(
            concat!("firmproof ", env!("CARGO_PKG_VERSION")),
        ))],
        ..SectionHeaderBlock::default()
    };
    let mut file = PcapNgWriter::with_section_header(writer, section).map_err(io_error)?;
    let mut options = vec![
        InterfaceDescriptionOption::IfName(Cow::Borrowed("lab")),
        InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
    ];
    if capture.of_sockets {
        options.push(InterfaceDescriptionOption::Comment(Cow::Borrowed(
            OF_SOCKETS,
        )));
    }
    let interface = InterfaceDescriptionBlock {
        linktype: DataLink::ETHERNET,
        snaplen: 0,
        options,
    };
    file.write_block(&interface.into_block())
        .map_err(io_error)?;
    for (place, frame) in capture.frames.iter().enumerate() {
        let lost = if place == capture.gap_at {
            capture.lost
        } else {
            0
        };
        file.write_block(&block_of(frame, lost)?.into_block())
            .map_err(io_error)?;
    }
    file.into_inner().flush()
}

fn block_of(frame: &Frame, lost_before: u64) -> io::Result<EnhancedPacketBlock<'_>> {
    let direction = match frame.direction {
        Direction::FromDut => INBOUND,
        Direction::ToDut => OUTBOUND,
    };
    let mut options = vec![EnhancedPacketOption::Flags(direction)];
    if lost_before > 0 {
        options.push(EnhancedPacketOption::DropCount(lost_before));
    }
    if let Some(words) = frame.fate.in_words() {
        options.push(EnhancedPacketOption::Comment(Cow::Borrowed(words)));
    }
    Ok(EnhancedPacketBlock {
        interface_id: 0,
        timestamp: frame.at,
        original_len: u32::try_from(frame.bytes.len()).map_err(|_| io::ErrorKind::InvalidData)?,
        data: Cow::Borrowed(&frame.bytes),
        options,
    })
}

/// Reads a file that [`write_pcapng`] wrote; what was sent in all is not in it.
///
/// # Errors
/// The file is not one of those.
pub fn read_pcapng(bytes: &[u8]) -> io::Result<Capture> {
    let mut reader = PcapNgReader::new(bytes).map_err(io_error)?;
    let mut capture = Capture::default();
    while let Some(block) = reader.next_block() {
        match block.map_err(io_error)? {
            Block::InterfaceDescription(interface) => {
                let marked = |o: &InterfaceDescriptionOption<'_>| matches!(o, InterfaceDescriptionOption::Comment(text) if text == OF_SOCKETS);
                capture.of_sockets = interface.options.iter().any(marked);
            }
            Block::EnhancedPacket(packet) => {
                let (mut direction, mut fate) = (0, Fate::Delivered);
                for option in &packet.options {
                    match option {
                        EnhancedPacketOption::Flags(flags) => direction = flags & DIRECTION,
                        EnhancedPacketOption::DropCount(lost) => {
                            (capture.lost, capture.gap_at) = (*lost, capture.frames.len());
                        }
                        EnhancedPacketOption::Comment(text) => {
                            let known = FATES.iter().find(|(_, words)| text == words);
                            fate = known.map_or(fate, |(known, _)| *known);
                        }
                        _ => {}
                    }
                }
                capture.frames.push(Frame {
                    at: packet.timestamp,
                    direction: match direction {
                        INBOUND => Direction::FromDut,
                        OUTBOUND => Direction::ToDut,
                        _ => return Err(io::Error::other("a frame without a direction")),
                    },
                    fate,
                    bytes: packet.data.into_owned(),
                });
            }
            _ => {}
        }
    }
    Ok(capture)
}

fn io_error(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other),
    }
}
