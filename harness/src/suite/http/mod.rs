//! HTTP/1.1: the device as a server (RFC 9110, RFC 9112), its control page and its update request; and the device as a
//! client that downloads an image.

mod chunks;
mod closing;
mod connection;
mod download;
mod download_cuts;
mod download_fields;
mod download_framing;
mod download_redirects;
mod download_refusals;
mod download_reply;
mod download_requests;
mod download_resumption;
mod download_statuses;
mod download_waits;
mod exchange;
mod expect;
mod fields;
mod followed;
mod form;
mod framing;
mod host;
mod lamp;
mod limits;
mod methods;
mod offer;
mod old_version;
mod other_methods;
mod page;
mod ranges;
mod request_line;
mod responses;
mod slow;
mod smuggling;
mod sockets;
mod target;
mod transfer_encoding;
mod update;
mod update_offers;
mod version;

use crate::case::Case;

/// Every HTTP case.
pub fn cases() -> Vec<Case> {
    let of_any_server = [
        request_line::cases(),
        version::cases(),
        target::cases(),
        host::cases(),
        fields::cases(),
        framing::cases(),
        transfer_encoding::cases(),
        chunks::cases(),
        smuggling::cases(),
        methods::cases(),
        other_methods::cases(),
        expect::cases(),
        ranges::cases(),
        limits::cases(),
        connection::cases(),
        closing::cases(),
        slow::cases(),
        sockets::cases(),
        responses::cases(),
    ];
    let of_any_server = of_any_server.concat().into_iter().map(old_version::excused);
    let of_ours = [
        page::cases(),
        form::cases(),
        lamp::cases(),
        update::cases(),
        download::cases(),
        download_refusals::cases(),
        download_framing::cases(),
        download_fields::cases(),
        download_statuses::cases(),
        download_redirects::cases(),
        download_resumption::cases(),
        download_cuts::cases(),
        download_requests::cases(),
        download_waits::cases(),
    ];
    of_any_server.chain(of_ours.concat()).collect()
}
