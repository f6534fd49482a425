//! HTTP/1.1 messages (RFC 9112): start line, field lines, content.

use super::{Reader, text};

pub(super) fn read(reader: &mut Reader<'_>) -> Option<()> {
    let start = line(reader)?;
    let is_response = start.starts_with(b"HTTP/");
    let names = match is_response {
        true => ["version", "status code", "reason phrase"],
        false => ["method", "request target", "version"],
    };
    let mut words = start.splitn(3, |byte| *byte == b' ');
    for (place, name) in names.into_iter().enumerate() {
        let Some(word) = words.next() else { break };
        // The last one takes the space before it and the line's end.
        let more = usize::from(place < 2 && reader.at + word.len() < start.len());
        reader.field(name, word.len() + more, |_| text(word))?;
    }
    line_end(reader)?;
    loop {
        let field = line(reader)?;
        if field.is_empty() {
            break;
        }
        let colon = field.iter().position(|byte| *byte == b':');
        let (name, value) = field.split_at(colon.map_or(field.len(), |at| at));
        let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
        let name = format!("field {}", text(name).trim_matches('"'));
        let length = field.len() + line_end_length(reader, field.len())?;
        reader.field(&name, length, |_| text(value))?;
    }
    let end = line_end_length(reader, 0)?;
    reader.field("end of the header section", end, |_| String::new())?;
    let content = reader.rest();
    if content > 0 {
        reader.field("content", content, text)?;
    }
    Some(())
}

/// The next line, without its end; `None` when it has none.
fn line<'b>(reader: &Reader<'b>) -> Option<&'b [u8]> {
    let rest = reader.bytes.get(reader.at..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let line = &rest[..end];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// How long the line end is that follows in `after` bytes.
fn line_end_length(reader: &Reader<'_>, after: usize) -> Option<usize> {
    let rest = reader.bytes.get(reader.at + after..)?;
    Some(match rest.first()? {
        b'\r' => 2,
        _ => 1,
    })
}

/// The line end belongs to the field before it.
fn line_end(reader: &mut Reader<'_>) -> Option<()> {
    let length = line_end_length(reader, 0)?;
    reader.at += length;
    if let Some(last) = reader.fields.last_mut() {
        last.1 = reader.at;
    }
    Some(())
}
