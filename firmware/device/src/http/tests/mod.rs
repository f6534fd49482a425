//! The HTTP server without a network: requests, chunks, forms, routes, patience.

mod chunks;
mod requests;
mod routes;
mod small;
