//! Bytes of the wire to strictly checked packets and back, without I/O.

mod decode;
mod encode;
mod error;
mod packet;
mod parse;
mod topic;

pub use decode::{BUFFER_LEN, Decoder, Item, MAX_REMAINING_LENGTH, Oversize};
pub use encode::{BufferTooSmall, Connect, Encoder, PublishHeader, Will};
pub use error::ProtocolError;
pub use packet::{Connack, PacketId, PacketType, Publish, Qos, Received, ReturnCode, Suback};
pub use topic::{is_topic_filter, is_topic_name};
