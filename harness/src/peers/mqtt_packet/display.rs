//! One readable line per packet, for the transcript.

use std::fmt;

use super::ClientPacket;

/// Text that the device chose: as it is when it cannot confuse a reader, else quoted and escaped.
pub(in crate::peers) struct Readable<'a>(pub(in crate::peers) &'a str);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if !self.0.is_empty() && self.0.bytes().all(plain) {
            f.write_str(self.0)
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}

impl fmt::Display for ClientPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(connect) => {
                write!(
                    f,
                    "CONNECT client_id={} clean_session={} keep_alive={}",
                    Readable(&connect.client_id),
                    u8::from(connect.clean_session),
                    connect.keep_alive,
                )?;
                if let Some(will) = &connect.will {
                    write!(
                        f,
                        " will_topic={} will_qos={} will_retain={} will_bytes={}",
                        Readable(&will.topic),
                        will.qos,
                        u8::from(will.retain),
                        will.payload.len(),
                    )?;
                }
                if let Some(user_name) = &connect.user_name {
                    write!(f, " user_name={}", Readable(user_name))?;
                }
                // Its presence is evidence, its bytes never are.
                if connect.password.is_some() {
                    f.write_str(" password=hidden")
                } else {
                    Ok(())
                }
            }
            Self::Publish(publish) => {
                write!(
                    f,
                    "PUBLISH topic={} qos={}",
                    Readable(&publish.topic),
                    publish.qos
                )?;
                if let Some(id) = publish.id {
                    write!(f, " id={id}")?;
                }
                write!(
                    f,
                    " dup={} retain={} bytes={}",
                    u8::from(publish.dup),
                    u8::from(publish.retain),
                    publish.payload.len(),
                )
            }
            Self::Puback(id) => write!(f, "PUBACK id={id}"),
            Self::Pubrec(id) => write!(f, "PUBREC id={id}"),
            Self::Pubrel(id) => write!(f, "PUBREL id={id}"),
            Self::Pubcomp(id) => write!(f, "PUBCOMP id={id}"),
            Self::Subscribe { id, filters } => {
                write!(f, "SUBSCRIBE id={id}")?;
                for (filter, qos) in filters {
                    write!(f, " filter={} qos={qos}", Readable(filter))?;
                }
                Ok(())
            }
            Self::Unsubscribe { id, filters } => {
                write!(f, "UNSUBSCRIBE id={id}")?;
                for filter in filters {
                    write!(f, " filter={}", Readable(filter))?;
                }
                Ok(())
            }
            Self::Pingreq => f.write_str("PINGREQ"),
            Self::Disconnect => f.write_str("DISCONNECT"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Connect, Publish, Will};
    use super::*;

    #[test]
    fn each_packet_is_one_readable_line() {
        let connect = Connect {
            clean_session: true,
            keep_alive: 60,
            client_id: "a".into(),
            will: None,
            user_name: None,
            password: None,
        };
        let full = Connect {
            clean_session: false,
            client_id: "a b\n".into(),
            will: Some(Will {
                topic: "gone".into(),
                payload: vec![0; 3],
                qos: 2,
                retain: true,
            }),
            user_name: Some("u".into()),
            password: Some(b"secret".to_vec()),
            ..connect.clone()
        };
        let publish = Publish {
            dup: false,
            qos: 1,
            retain: false,
            topic: "x".into(),
            id: Some(3),
            payload: vec![0; 12],
        };
        let quiet = Publish {
            qos: 0,
            id: None,
            ..publish.clone()
        };
        for (packet, line) in [
            (
                ClientPacket::Connect(connect),
                "CONNECT client_id=a clean_session=1 keep_alive=60",
            ),
            (
                ClientPacket::Connect(full),
                "CONNECT client_id=\"a b\\n\" clean_session=0 keep_alive=60 will_topic=gone will_qos=2 \
                 will_retain=1 will_bytes=3 user_name=u password=hidden",
            ),
            (
                ClientPacket::Publish(publish),
                "PUBLISH topic=x qos=1 id=3 dup=0 retain=0 bytes=12",
            ),
            (
                ClientPacket::Publish(quiet),
                "PUBLISH topic=x qos=0 dup=0 retain=0 bytes=12",
            ),
            (ClientPacket::Pubrel(7), "PUBREL id=7"),
            (
                ClientPacket::Subscribe {
                    id: 1,
                    filters: vec![("a/#".into(), 1), ("b".into(), 0)],
                },
                "SUBSCRIBE id=1 filter=a/# qos=1 filter=b qos=0",
            ),
            (
                ClientPacket::Unsubscribe {
                    id: 2,
                    filters: vec!["a".into()],
                },
                "UNSUBSCRIBE id=2 filter=a",
            ),
            (ClientPacket::Pingreq, "PINGREQ"),
        ] {
            assert_eq!(packet.to_string(), line);
        }
    }

    #[test]
    fn a_password_shows_in_no_textual_form() {
        let packet = ClientPacket::Connect(Connect {
            clean_session: true,
            keep_alive: 0,
            client_id: "a".into(),
            will: None,
            user_name: Some("u".into()),
            password: Some(b"secret".to_vec()),
        });
        // A byte vector's Debug form is decimal: 's' is 115.
        for text in [packet.to_string(), format!("{packet:?}")] {
            assert!(text.contains("hidden"), "{text}");
            assert!(!text.contains("secret") && !text.contains("115"), "{text}");
        }
    }
}
