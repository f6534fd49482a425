//! Writing captured frames as a file that Wireshark and tcpdump read.

use std::io::{self, Write};

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};

use super::Frame;

/// Writes frames as a classic pcap: Ethernet, nanoseconds since the lab's start. Frames that did not arrive are in
/// it too.
///
/// # Errors
/// The writer's.
pub fn write_pcap<'a>(
    frames: impl IntoIterator<Item = &'a Frame>,
    writer: impl Write,
) -> io::Result<()> {
    let header = PcapHeader {
        // Stated, so that the same capture is the same file on every machine.
        endianness: Endianness::Little,
        ts_resolution: TsResolution::NanoSecond,
        datalink: DataLink::ETHERNET,
        ..PcapHeader::default()
    };
    let mut pcap = PcapWriter::with_header(writer, header).map_err(io_error)?;
    for frame in frames {
        let length = u32::try_from(frame.bytes.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        let packet = PcapPacket::new(frame.at, length, &frame.bytes);
        pcap.write_packet(&packet).map_err(io_error)?;
    }
    pcap.into_writer().flush()
}

fn io_error(error: PcapError) -> io::Error {
    match error {
        PcapError::IoError(error) => error,
        other => io::Error::other(other),
    }
}
