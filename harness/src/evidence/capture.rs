//! The capture of a case as a file, without the secrets in it.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddrV4;
use std::ops::Range;

use super::secrets::Secrets;
use crate::lab::pcapng::write_pcapng;
use crate::lab::{Capture, Frame, TcpSegment};

/// What was captured as a pcapng. Where a secret was hidden, checksums no longer fit.
///
/// # Errors
/// A frame that the format cannot hold.
pub fn pcapng_of(mut capture: Capture, secrets: &Secrets) -> io::Result<Vec<u8>> {
    mask_streams(&mut capture.frames, secrets);
    for frame in &mut capture.frames {
        secrets.mask(&mut frame.bytes);
    }
    let mut file = Vec::new();
    write_pcapng(&capture, &mut file)?;
    Ok(file)
}

/// The data of one segment, by its place in the stream and in the frames.
struct Piece {
    /// Bytes since the stream's first captured one; less than 0 when it came late.
    from: i64,
    frame: usize,
    data: Range<usize>,
}

impl Piece {
    fn to(&self) -> i64 {
        self.from + self.data.len() as i64
    }
}

/// Hides secrets that segment boundaries cut: each direction of a connection is put together first.
fn mask_streams(frames: &mut [Frame], secrets: &Secrets) {
    for mut pieces in streams(frames) {
        pieces.sort_by_key(|piece| piece.from);
        let mut run: Vec<u8> = Vec::new();
        let mut run_from = 0;
        let mut hidden: Vec<Range<i64>> = Vec::new();
        let mut search = |run: &[u8], from: i64| {
            let found = secrets.found_in(run);
            hidden.extend(
                found
                    .into_iter()
                    .map(|range| from + range.start as i64..from + range.end as i64),
            );
        };
        for piece in &pieces {
            let run_to = run_from + run.len() as i64;
            if piece.from > run_to || run.is_empty() {
                search(&run, run_from);
                run.clear();
                run_from = piece.from;
            }
            // What was sent again is there already.
            let known = (run_from + run.len() as i64 - piece.from) as usize;
            let data = &frames[piece.frame].bytes[piece.data.clone()];
            run.extend_from_slice(data.get(known..).unwrap_or_default());
        }
        search(&run, run_from);
        for piece in &pieces {
            let data = &mut frames[piece.frame].bytes[piece.data.clone()];
            for range in &hidden {
                let from = range.start.clamp(piece.from, piece.to()) - piece.from;
                let to = range.end.clamp(piece.from, piece.to()) - piece.from;
                data[from as usize..to as usize].fill(b'*');
            }
        }
    }
}

/// The pieces of each direction of each connection.
fn streams(frames: &[Frame]) -> Vec<Vec<Piece>> {
    let mut streams: Vec<Vec<Piece>> = Vec::new();
    // The stream that a pair of ports has now, and the sequence number of its first byte.
    let mut open: BTreeMap<(SocketAddrV4, SocketAddrV4), (usize, u32)> = BTreeMap::new();
    for (frame, bytes) in frames.iter().map(|frame| &frame.bytes).enumerate() {
        let Some(segment) = TcpSegment::of(bytes) else {
            continue;
        };
        let ends = (segment.source, segment.destination);
        if segment.has(TcpSegment::SYN) {
            // The same ports again are another connection. The SYN itself takes one number.
            open.insert(ends, (streams.len(), segment.sequence.wrapping_add(1)));
            streams.push(Vec::new());
        }
        if segment.payload.is_empty() {
            continue;
        }
        let (stream, first) = *open.entry(ends).or_insert_with(|| {
            streams.push(Vec::new());
            (streams.len() - 1, segment.sequence)
        });
        let begin = segment.payload.as_ptr().addr() - bytes.as_ptr().addr();
        streams[stream].push(Piece {
            from: i64::from(segment.sequence.wrapping_sub(first).cast_signed()),
            frame,
            data: begin..begin + segment.payload.len(),
        });
    }
    streams
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;
    use crate::lab::pcapng::read_pcapng;
    use crate::lab::{Direction, EthernetOptions, Lab};

    fn read(file: &[u8]) -> Vec<Vec<u8>> {
        let frames = read_pcapng(file).unwrap().frames;
        frames.into_iter().map(|frame| frame.bytes).collect()
    }

    /// A frame with a TCP segment of these bytes; checksums are not looked at.
    fn segment(sequence: u32, data: &[u8]) -> Frame {
        let mut bytes = vec![0; 14 + 20 + 20];
        bytes[12..14].copy_from_slice(&[8, 0]);
        bytes[14] = 0x45;
        let length = u16::try_from(40 + data.len()).unwrap();
        bytes[16..18].copy_from_slice(&length.to_be_bytes());
        bytes[23] = 6;
        bytes[26..30].copy_from_slice(&Ipv4Addr::LOCALHOST.octets());
        bytes[38..42].copy_from_slice(&sequence.to_be_bytes());
        bytes[46] = 5 << 4;
        bytes.extend_from_slice(data);
        Frame {
            at: Duration::ZERO,
            direction: Direction::FromDut,
            fate: crate::lab::Fate::Delivered,
            bytes,
        }
    }

    #[test]
    fn a_secret_is_hidden_however_the_segments_cut_repeat_and_reorder_it() {
        let secrets = Secrets::default();
        secrets.hide(b"sesame");
        // The sequence numbers wrap around in the middle.
        let base = u32::MAX - 3;
        let part = |at: usize, to: usize| {
            segment(
                base.wrapping_add(u32::try_from(at).unwrap()),
                &b"open sesame now"[at..to],
            )
        };
        let capture = Capture {
            frames: vec![part(0, 6), part(8, 15), part(6, 8), part(5, 9)],
            ..Capture::default()
        };
        let data: Vec<Vec<u8>> = read(&pcapng_of(capture, &secrets).unwrap())
            .into_iter()
            .map(|frame| frame[54..].to_vec())
            .collect();
        assert_eq!(data, [&b"open *"[..], b"*** now", b"**", b"****"]);
    }

    #[tokio::test]
    async fn a_capture_without_secrets_is_written_as_it_was() {
        let (lab, _port) = Lab::ethernet(EthernetOptions::default()).unwrap();
        lab.send_frame(&[0xaa; 60]).unwrap();
        let capture = lab.capture();
        assert_eq!(capture.frames.len(), 1);
        let file = pcapng_of(capture, &Secrets::default()).unwrap();
        assert_eq!(read(&file), [[0xaa; 60]]);
    }
}
