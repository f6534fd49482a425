//! What a server can do wrong.

/// A violation of MQTT 3.1.1 by the server. The client closes the network connection on each
/// (MQTT-4.8.0-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A packet type that is reserved or that only clients send (§2.2.1).
    UnexpectedType,
    /// Fixed header flags that the type does not allow (MQTT-2.2.2-2).
    BadFlags,
    /// PUBLISH with both QoS bits set (MQTT-3.3.1-4).
    BadQos,
    /// PUBLISH with DUP set at QoS 0 (MQTT-3.3.1-2).
    DupWithQos0,
    /// The remaining length takes more than four bytes (§2.2.3).
    BadRemainingLength,
    /// The remaining length does not fit the packet type or its content.
    BadLength,
    /// Packet identifier 0 (MQTT-2.3.1-1).
    ZeroPacketId,
    /// CONNACK with bits 7 to 1 of its flags set (§3.2.2.1).
    ReservedConnackFlags,
    /// CONNACK with a return code above 5 (§3.2.2.3).
    ReservedReturnCode,
    /// CONNACK that refuses and says that a session is present (MQTT-3.2.2-4).
    SessionPresentOnRefusal,
    /// A topic name that is not UTF-8 (MQTT-1.5.3-1).
    BadUtf8,
    /// A topic name with U+0000 (MQTT-1.5.3-2).
    NulInTopic,
    /// An empty topic name (MQTT-4.7.3-1).
    EmptyTopic,
    /// A topic name with a wildcard (MQTT-3.3.2-2).
    WildcardInTopic,
    /// SUBACK with a code other than 0, 1, 2 and 0x80 (MQTT-3.9.3-2).
    ReservedSubackCode,
    /// The first packet was not CONNACK (MQTT-3.2.0-1).
    ConnackNotFirst,
    /// A second CONNACK on one connection.
    SecondConnack,
    /// Session present after a CONNECT with clean session 1 (MQTT-3.2.2-1).
    SessionPresentOnCleanSession,
    /// Session present, of which the client holds nothing (§3.2.2.2).
    SessionPresentUnexpected,
    /// SUBACK with another number of codes than the SUBSCRIBE had filters (MQTT-3.8.4-5).
    SubackCount,
    /// An acknowledgement of another packet type than its identifier belongs to, or out of turn
    /// (§4.3).
    AckMismatch,
    /// An acknowledgement of another QoS than the message was sent with (MQTT-4.3.2-2, 4.3.3-2).
    QosMismatch,
}

impl ProtocolError {
    /// The name that the console shows, in kebab case.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::UnexpectedType => "unexpected-type",
            Self::BadFlags => "bad-flags",
            Self::BadQos => "bad-qos",
            Self::DupWithQos0 => "dup-with-qos-0",
            Self::BadRemainingLength => "bad-remaining-length",
            Self::BadLength => "bad-length",
            Self::ZeroPacketId => "zero-packet-id",
            Self::ReservedConnackFlags => "reserved-connack-flags",
            Self::ReservedReturnCode => "reserved-return-code",
            Self::SessionPresentOnRefusal => "session-present-on-refusal",
            Self::BadUtf8 => "bad-utf8",
            Self::NulInTopic => "nul-in-topic",
            Self::EmptyTopic => "empty-topic",
            Self::WildcardInTopic => "wildcard-in-topic",
            Self::ReservedSubackCode => "reserved-suback-code",
            Self::ConnackNotFirst => "connack-not-first",
            Self::SecondConnack => "second-connack",
            Self::SessionPresentOnCleanSession => "session-present-on-clean-session",
            Self::SessionPresentUnexpected => "session-present-unexpected",
            Self::SubackCount => "suback-count",
            Self::AckMismatch => "ack-mismatch",
            Self::QosMismatch => "qos-mismatch",
        }
    }
}
