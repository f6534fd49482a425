//! HTTP/1.1: the device as a server (RFC 9110, RFC 9112), its control page and its update request.

mod connection;
mod download;
mod download_refusals;
mod exchange;
mod fields;
mod framing;
mod host;
mod lamp;
mod limits;
mod methods;
mod offer;
mod page;
mod request_line;
mod update;

use crate::case::Case;

/// Every HTTP case.
pub fn cases() -> Vec<Case> {
    [
        request_line::cases(),
        host::cases(),
        fields::cases(),
        framing::cases(),
        methods::cases(),
        limits::cases(),
        connection::cases(),
        page::cases(),
        lamp::cases(),
        update::cases(),
        download::cases(),
        download_refusals::cases(),
    ]
    .concat()
}
