//! The fields of a header section: parsed by httparse, looked up by name, read as lists.

use httparse::EMPTY_HEADER;

use super::MAX_FIELDS;
use super::head::Head;

/// The section is none that httparse can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldsError;

/// A field that may stand once stands twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated;

/// The fields of one message: their lines, which httparse has taken. What it makes of them is not kept, since a table for
/// the most that there may be costs more to move than a few lines to read again.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'h> {
    lines: &'h [u8],
}

impl<'h> Fields<'h> {
    /// Reads the fields of a complete head.
    ///
    /// # Errors
    /// httparse does not take the section as one.
    pub fn parse(head: &'h Head) -> Result<Self, FieldsError> {
        let lines = head.field_lines();
        match httparse::parse_headers(lines, &mut [EMPTY_HEADER; MAX_FIELDS]) {
            Ok(httparse::Status::Complete(_)) => Ok(Self { lines }),
            _ => Err(FieldsError),
        }
    }

    /// The values of every field line named `name`, without surrounding white space, in order.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'h [u8]> + 's {
        self.lines.split(|&b| b == b'\n').filter_map(move |line| {
            let (field, value) = line.split_at_checked(name.len())?;
            let is_it = field.eq_ignore_ascii_case(name.as_bytes());
            is_it.then_some(value.strip_prefix(b":")?.trim_ascii())
        })
    }

    /// Whether a field line is named `name`.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The value of a field that may stand once (RFC 9110 §5.3).
    ///
    /// # Errors
    /// It stands more than once.
    pub fn single(&self, name: &str) -> Result<Option<&'h [u8]>, Repeated> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => Err(Repeated),
        }
    }

    /// The elements of a comma-separated list over all its lines, empty ones left out
    /// (RFC 9110 §5.6.1.2). For lists whose elements hold no quoted comma.
    pub fn list<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'h [u8]> + 's {
        self.all(name)
            .flat_map(|value| value.split(|&b| b == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|element| !element.is_empty())
    }

    /// Whether a list holds `token`, in any case.
    pub fn lists_token(&self, name: &str, token: &str) -> bool {
        self.list(name)
            .any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }
}
