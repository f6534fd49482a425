//! The packets that a client sends, as bytes in a caller's buffer.

use super::MAX_REMAINING_LENGTH;
use super::packet::{PacketId, Qos};

/// The packet does not fit the buffer, or its length is beyond the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferTooSmall;

/// CONNECT (§3.1).
#[derive(Debug, Clone, Copy)]
pub struct Connect<'a> {
    /// The client identifier.
    pub client_id: &'a str,
    /// The clean session flag.
    pub clean_session: bool,
    /// Keep alive in seconds; 0 turns it off.
    pub keep_alive_s: u16,
    /// The will.
    pub will: Option<Will<'a>>,
    /// The user name.
    pub user_name: Option<&'a str>,
    /// The password; left out without a user name (MQTT-3.1.2-22).
    pub password: Option<&'a [u8]>,
}

/// The will in CONNECT (§3.1.2.5).
#[derive(Debug, Clone, Copy)]
pub struct Will<'a> {
    /// Topic name.
    pub topic: &'a str,
    /// Application message, at most 65,535 bytes.
    pub payload: &'a [u8],
    /// Quality of service.
    pub qos: Qos,
    /// The retain flag.
    pub retain: bool,
}

/// PUBLISH up to its payload (§3.3).
#[derive(Debug, Clone, Copy)]
pub struct PublishHeader<'a> {
    /// The topic name.
    pub topic: &'a str,
    /// Quality of service and, above 0, the identifier.
    pub delivery: Option<(PacketId, Qos)>,
    /// This may be a re-delivery; only with an identifier (MQTT-3.3.1-2).
    pub dup: bool,
    /// The retain flag.
    pub retain: bool,
    /// Bytes of the payload that the caller sends after the header.
    pub payload_len: u32,
}

/// Room for the first byte and four bytes of remaining length.
const FIXED_HEADER_MAX: usize = 5;

/// Writes packets into a buffer, one at a time.
pub struct Encoder<'b> {
    buffer: &'b mut [u8],
    /// End of what is written; the body starts at [`FIXED_HEADER_MAX`].
    end: usize,
}

impl<'b> Encoder<'b> {
    /// Takes the buffer, which must hold the packet and up to four bytes more.
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            end: FIXED_HEADER_MAX,
        }
    }

    /// CONNECT (§3.1).
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn connect(mut self, connect: &Connect<'_>) -> Result<&'b [u8], BufferTooSmall> {
        let password = connect.password.filter(|_| connect.user_name.is_some());
        let mut flags = u8::from(connect.clean_session) << 1;
        if let Some(will) = connect.will {
            flags |= 1 << 2 | will.qos.level() << 3 | u8::from(will.retain) << 5;
        }
        flags |= u8::from(password.is_some()) << 6 | u8::from(connect.user_name.is_some()) << 7;
        self.field(b"MQTT")?;
        self.bytes(&[4, flags])?;
        self.bytes(&connect.keep_alive_s.to_be_bytes())?;
        // MQTT-3.1.3-1: this order.
        self.field(connect.client_id.as_bytes())?;
        if let Some(will) = connect.will {
            self.field(will.topic.as_bytes())?;
            self.field(will.payload)?;
        }
        if let Some(user_name) = connect.user_name {
            self.field(user_name.as_bytes())?;
        }
        if let Some(password) = password {
            self.field(password)?;
        }
        self.finish(0x10, 0)
    }

    /// SUBSCRIBE of at least one filter (§3.8).
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn subscribe<'a>(
        mut self,
        id: PacketId,
        filters: impl Iterator<Item = (&'a str, Qos)>,
    ) -> Result<&'b [u8], BufferTooSmall> {
        self.bytes(&id.get().to_be_bytes())?;
        for (filter, qos) in filters {
            self.field(filter.as_bytes())?;
            self.bytes(&[qos.level()])?;
        }
        self.finish(0x82, 0)
    }

    /// UNSUBSCRIBE of one filter (§3.10).
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn unsubscribe(mut self, id: PacketId, filter: &str) -> Result<&'b [u8], BufferTooSmall> {
        self.bytes(&id.get().to_be_bytes())?;
        self.field(filter.as_bytes())?;
        self.finish(0xa2, 0)
    }

    /// PUBLISH up to its payload, whose length the header counts (§3.3).
    ///
    /// # Errors
    /// [`BufferTooSmall`], also when the remaining length would pass [`MAX_REMAINING_LENGTH`].
    pub fn publish_header(
        mut self,
        publish: &PublishHeader<'_>,
    ) -> Result<&'b [u8], BufferTooSmall> {
        self.field(publish.topic.as_bytes())?;
        let mut first = 0x30 | u8::from(publish.retain);
        if let Some((id, qos)) = publish.delivery {
            first |= u8::from(publish.dup) << 3 | qos.level() << 1;
            self.bytes(&id.get().to_be_bytes())?;
        }
        self.finish(first, publish.payload_len)
    }

    /// PUBACK (§3.4).
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn puback(self, id: PacketId) -> Result<&'b [u8], BufferTooSmall> {
        self.only_id(0x40, id)
    }

    /// PUBREC (§3.5).
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn pubrec(self, id: PacketId) -> Result<&'b [u8], BufferTooSmall> {
        self.only_id(0x50, id)
    }

    /// PUBREL (§3.6).
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn pubrel(self, id: PacketId) -> Result<&'b [u8], BufferTooSmall> {
        self.only_id(0x62, id)
    }

    /// PUBCOMP (§3.7).
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn pubcomp(self, id: PacketId) -> Result<&'b [u8], BufferTooSmall> {
        self.only_id(0x70, id)
    }

    /// PINGREQ (§3.12).
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn pingreq(self) -> Result<&'b [u8], BufferTooSmall> {
        self.finish(0xc0, 0)
    }

    /// DISCONNECT (§3.14).
    ///
    /// # Errors
    /// [`BufferTooSmall`].
    pub fn disconnect(self) -> Result<&'b [u8], BufferTooSmall> {
        self.finish(0xe0, 0)
    }

    fn only_id(mut self, first: u8, id: PacketId) -> Result<&'b [u8], BufferTooSmall> {
        self.bytes(&id.get().to_be_bytes())?;
        self.finish(first, 0)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), BufferTooSmall> {
        let end = self.end.checked_add(bytes.len()).ok_or(BufferTooSmall)?;
        self.buffer
            .get_mut(self.end..end)
            .ok_or(BufferTooSmall)?
            .copy_from_slice(bytes);
        self.end = end;
        Ok(())
    }

    /// A string or binary field with its two bytes of length (§1.5.3).
    fn field(&mut self, bytes: &[u8]) -> Result<(), BufferTooSmall> {
        let length = u16::try_from(bytes.len()).map_err(|_| BufferTooSmall)?;
        self.bytes(&length.to_be_bytes())?;
        self.bytes(bytes)
    }

    /// Puts the fixed header right before the body. `more` bytes follow outside the buffer.
    fn finish(self, first: u8, more: u32) -> Result<&'b [u8], BufferTooSmall> {
        let body = u32::try_from(self.end - FIXED_HEADER_MAX).map_err(|_| BufferTooSmall)?;
        let length = body
            .checked_add(more)
            .filter(|length| *length <= MAX_REMAINING_LENGTH)
            .ok_or(BufferTooSmall)?;
        let mut header = [first, 0, 0, 0, 0];
        let mut header_len = 1;
        let mut left = length;
        for slot in header.iter_mut().skip(1) {
            *slot = (left & 0x7f) as u8;
            left >>= 7;
            header_len += 1;
            if left == 0 {
                break;
            }
            *slot |= 0x80;
        }
        let start = FIXED_HEADER_MAX - header_len;
        let packet = self.buffer.get_mut(start..self.end).ok_or(BufferTooSmall)?;
        for (slot, byte) in packet.iter_mut().zip(header.iter().take(header_len)) {
            *slot = *byte;
        }
        Ok(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: PacketId = PacketId::new(0x1234).unwrap();

    fn encoded(write: impl FnOnce(Encoder<'_>) -> Result<&[u8], BufferTooSmall>) -> [u8; 64] {
        let mut buffer = [0; 128];
        let packet = write(Encoder::new(&mut buffer)).unwrap();
        let mut out = [0xee; 64];
        out[..packet.len()].copy_from_slice(packet);
        out
    }

    #[test]
    fn every_fixed_packet_has_the_bytes_of_its_section() {
        assert!(encoded(|e| e.puback(ID)).starts_with(&[0x40, 2, 0x12, 0x34, 0xee]));
        assert!(encoded(|e| e.pubrec(ID)).starts_with(&[0x50, 2, 0x12, 0x34, 0xee]));
        assert!(encoded(|e| e.pubrel(ID)).starts_with(&[0x62, 2, 0x12, 0x34, 0xee]));
        assert!(encoded(|e| e.pubcomp(ID)).starts_with(&[0x70, 2, 0x12, 0x34, 0xee]));
        assert!(encoded(|e| e.pingreq()).starts_with(&[0xc0, 0, 0xee]));
        assert!(encoded(|e| e.disconnect()).starts_with(&[0xe0, 0, 0xee]));
        assert!(
            encoded(|e| e.unsubscribe(ID, "a/b"))
                .starts_with(&[0xa2, 7, 0x12, 0x34, 0, 3, b'a', b'/', b'b', 0xee])
        );
        let filters = [("a", Qos::AtMostOnce), ("b", Qos::ExactlyOnce)];
        assert!(
            encoded(|e| e.subscribe(ID, filters.into_iter()))
                .starts_with(&[0x82, 10, 0x12, 0x34, 0, 1, b'a', 0, 0, 1, b'b', 2, 0xee])
        );
    }

    #[test]
    fn connect_carries_each_flag_and_its_fields_in_order() {
        let plain = Connect {
            client_id: "c",
            clean_session: true,
            keep_alive_s: 0x0102,
            will: None,
            user_name: None,
            password: None,
        };
        assert!(
            encoded(|e| e.connect(&plain))
                .starts_with(b"\x10\x0d\0\x04MQTT\x04\x02\x01\x02\0\x01c\xee")
        );
        let full = Connect {
            clean_session: false,
            will: Some(Will {
                topic: "w",
                payload: b"p",
                qos: Qos::ExactlyOnce,
                retain: true,
            }),
            user_name: Some("u"),
            password: Some(b"s"),
            ..plain
        };
        assert!(encoded(|e| e.connect(&full)).starts_with(
            b"\x10\x19\0\x04MQTT\x04\xf4\x01\x02\0\x01c\0\x01w\0\x01p\0\x01u\0\x01s\xee"
        ));
        let no_user = Connect {
            user_name: None,
            ..full
        };
        // MQTT-3.1.2-22: no password without a user name.
        assert_eq!(encoded(|e| e.connect(&no_user))[9], 0x34);
    }

    #[test]
    fn publish_counts_its_payload_at_every_boundary_of_the_length_encoding() {
        let lengths: [(u32, &[u8]); 8] = [
            (3, &[3]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (16_383, &[0xff, 0x7f]),
            (16_384, &[0x80, 0x80, 1]),
            (2_097_151, &[0xff, 0xff, 0x7f]),
            (2_097_152, &[0x80, 0x80, 0x80, 1]),
            (MAX_REMAINING_LENGTH, &[0xff, 0xff, 0xff, 0x7f]),
        ];
        for (remaining, bytes) in lengths {
            let header = PublishHeader {
                topic: "t",
                delivery: None,
                dup: true,
                retain: true,
                payload_len: remaining - 3,
            };
            let out = encoded(|e| e.publish_header(&header));
            assert_eq!(out[0], 0x31, "DUP is 0 at QoS 0");
            assert!(out[1..].starts_with(bytes), "{remaining}");
            assert!(out[1 + bytes.len()..].starts_with(&[0, 1, b't', 0xee]));
        }
        let mut buffer = [0; 32];
        let beyond = PublishHeader {
            topic: "t",
            delivery: Some((ID, Qos::AtLeastOnce)),
            dup: false,
            retain: false,
            payload_len: MAX_REMAINING_LENGTH - 4,
        };
        assert_eq!(
            Encoder::new(&mut buffer).publish_header(&beyond),
            Err(BufferTooSmall)
        );
    }

    #[test]
    fn a_buffer_that_is_too_small_is_an_error_at_every_size() {
        for size in 0..14 {
            let mut buffer = [0; 14];
            let filters = [("abcd", Qos::AtMostOnce)];
            let result = Encoder::new(&mut buffer[..size]).subscribe(ID, filters.into_iter());
            assert_eq!(result, Err(BufferTooSmall), "{size}");
        }
    }
}
