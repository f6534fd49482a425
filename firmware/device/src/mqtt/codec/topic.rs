//! Topic names and filters (§4.7), whole or in pieces.

use super::ProtocolError;

/// Whether `text` may stand in PUBLISH as a topic name (MQTT-3.3.2-2, 4.7.3-1 to 4.7.3-3).
pub fn is_topic_name(text: &str) -> bool {
    text.len() <= usize::from(u16::MAX) && check_name(text.as_bytes()).is_ok()
}

/// Whether `text` may stand in SUBSCRIBE as a topic filter (MQTT-4.7.1-1 to 4.7.1-3).
pub fn is_topic_filter(text: &str) -> bool {
    if text.is_empty() || text.len() > usize::from(u16::MAX) || text.contains('\0') {
        return false;
    }
    let mut levels = text.split('/').peekable();
    while let Some(level) = levels.next() {
        let single_ok = level == "+" || !level.contains('+');
        let multi_ok = (level == "#" && levels.peek().is_none()) || !level.contains('#');
        if !single_ok || !multi_ok {
            return false;
        }
    }
    true
}

/// Checks a whole topic name and returns it as text.
pub(super) fn check_name(bytes: &[u8]) -> Result<&str, ProtocolError> {
    let text = core::str::from_utf8(bytes).map_err(|_| ProtocolError::BadUtf8)?;
    if text.is_empty() {
        return Err(ProtocolError::EmptyTopic);
    }
    check_characters(bytes)?;
    Ok(text)
}

fn check_characters(bytes: &[u8]) -> Result<(), ProtocolError> {
    if bytes.contains(&0) {
        return Err(ProtocolError::NulInTopic);
    }
    if bytes.iter().any(|b| matches!(b, b'#' | b'+')) {
        return Err(ProtocolError::WildcardInTopic);
    }
    Ok(())
}

/// Checks a topic name that comes in pieces and is too long to keep.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NameScan {
    /// The start of a character that the last piece cut.
    cut: [u8; 4],
    cut_len: usize,
}

impl NameScan {
    /// Takes the next piece.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> Result<(), ProtocolError> {
        check_characters(piece)?;
        while self.cut_len > 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                return Ok(());
            };
            piece = rest;
            let slot = self
                .cut
                .get_mut(self.cut_len)
                .ok_or(ProtocolError::BadUtf8)?;
            *slot = byte;
            self.cut_len += 1;
            match core::str::from_utf8(self.cut.get(..self.cut_len).unwrap_or(&[])) {
                Ok(_) => self.cut_len = 0,
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return Err(ProtocolError::BadUtf8),
            }
        }
        let Err(error) = core::str::from_utf8(piece) else {
            return Ok(());
        };
        let tail = piece.get(error.valid_up_to()..).unwrap_or(&[]);
        match (error.error_len(), self.cut.get_mut(..tail.len())) {
            (None, Some(cut)) => {
                cut.copy_from_slice(tail);
                self.cut_len = tail.len();
                Ok(())
            }
            _ => Err(ProtocolError::BadUtf8),
        }
    }

    /// The name is over.
    pub(super) fn finish(&self) -> Result<(), ProtocolError> {
        if self.cut_len == 0 {
            Ok(())
        } else {
            Err(ProtocolError::BadUtf8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_alone_in_their_level_and_the_multi_level_one_is_last() {
        for good in ["#", "+", "a/#", "+/b/+", "/", "a//b", "$SYS/#", "ä"] {
            assert!(is_topic_filter(good), "{good}");
        }
        for bad in ["", "a#", "#/a", "a/#/b", "a+", "+a/b", "a\0b"] {
            assert!(!is_topic_filter(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_topic_name_has_no_wildcard_and_no_nul() {
        assert!(is_topic_name("a/b"));
        for bad in ["", "a/#", "+", "\0"] {
            assert!(!is_topic_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_name_in_pieces_is_judged_as_the_whole_name_is() {
        let names: [&[u8]; 8] = [
            "aä€𝄞z".as_bytes(),
            b"a\xed\xa0\x80z", // U+D800, a surrogate
            b"a\xc0\x80z",     // an overlong U+0000
            b"\xf4\x90\x80\x80",
            b"abc\xe2\x82",
            b"a\x80",
            b"a\0b",
            b"a/+",
        ];
        for name in names {
            for size in 1..=name.len() {
                let mut scan = NameScan::default();
                let pieces = name
                    .chunks(size)
                    .try_for_each(|piece| scan.push(piece))
                    .and_then(|()| scan.finish());
                assert_eq!(
                    pieces.is_ok(),
                    check_name(name).is_ok(),
                    "{name:x?} by {size}"
                );
            }
        }
    }
}
