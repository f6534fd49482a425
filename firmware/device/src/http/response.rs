//! Writes responses (RFC 9112 §4, §6): the head from a description, the length from the content.

use core::fmt::{self, Write};

use super::status::Status;

/// What the server answers, but for the content's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: Status,
    /// The content.
    pub content: Content,
    /// The methods for Allow (RFC 9110 §10.2.1).
    pub allow: Option<&'static str>,
    /// Where See Other leads (RFC 9110 §10.2.2).
    pub location: Option<&'static str>,
}

/// What an answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Empty,
    /// The status in words, and a sentence on it.
    Text(&'static str),
    /// The control page.
    Page,
    /// The state object.
    State,
}

impl Answer {
    /// A status, and a sentence on it.
    pub const fn text(status: Status, detail: &'static str) -> Self {
        Self {
            status,
            content: Content::Text(detail),
            allow: None,
            location: None,
        }
    }

    /// 200 with `content`.
    pub const fn ok(content: Content) -> Self {
        Self {
            status: Status::Ok,
            content,
            allow: None,
            location: None,
        }
    }

    /// The same with Allow.
    pub const fn allowing(mut self, methods: &'static str) -> Self {
        self.allow = Some(methods);
        self
    }

    /// Writes the status line and header section. `date` is an IMF-fixdate; a server without a
    /// clock leaves Date out (RFC 9110 §6.6.1).
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_head(
        &self,
        content_len: usize,
        date: Option<&dyn fmt::Display>,
        close: bool,
        out: &mut impl Write,
    ) -> fmt::Result {
        write!(
            out,
            "HTTP/1.1 {} {}\r\n",
            self.status.code(),
            self.status.phrase()
        )?;
        if let Some(date) = date {
            write!(out, "Date: {date}\r\n")?;
        }
        if let Some(methods) = self.allow {
            write!(out, "Allow: {methods}\r\n")?;
        }
        if let Some(location) = self.location {
            write!(out, "Location: {location}\r\n")?;
        }
        if self.status == Status::Unauthorized {
            // RFC 9110 §11.6.1: a 401 says how to authenticate.
            out.write_str("WWW-Authenticate: Bearer\r\n")?;
        }
        out.write_str(match self.content {
            Content::Empty => "",
            Content::Text(_) => "Content-Type: text/plain; charset=utf-8\r\n",
            Content::Page => {
                "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
            }
            Content::State => "Content-Type: application/json\r\nCache-Control: no-store\r\n",
        })?;
        write!(out, "Content-Length: {content_len}\r\n")?;
        if close {
            out.write_str("Connection: close\r\n")?;
        }
        out.write_str("\r\n")
    }
}
