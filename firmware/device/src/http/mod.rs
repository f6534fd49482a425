//! HTTP/1.1 (RFC 9110, RFC 9112): the message grammar that the server and the update's client
//! share, and the server with its routes.
//!
//! Everything but [`server`] is sans-IO. Where the specification lets a server be lenient (a bare
//! LF as a line end, repeated equal Content-Length), this one refuses: two readers of one message
//! that disagree are how requests are smuggled.

pub mod bearer;
pub mod body;
pub mod chunked;
pub mod fields;
pub mod form;
pub mod framing;
pub mod head;
mod page;
pub mod patience;
pub mod reader;
pub mod request;
pub mod response;
pub mod routes;
pub mod server;
pub mod status;
pub mod target;
#[cfg(test)]
mod tests;

/// The longest request target, in bytes; a longer one is answered with 414.
pub const MAX_TARGET_LEN: usize = 8000;
/// The largest header section, in bytes, start line excluded; a larger one is answered with 431.
pub const MAX_FIELDS_LEN: usize = 4096;
/// The most field lines; more are answered with 431.
pub const MAX_FIELDS: usize = 64;
/// The largest request content, in bytes; a larger one is answered with 413.
pub const MAX_CONTENT_LEN: usize = 2048;
