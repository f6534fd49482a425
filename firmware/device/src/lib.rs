//! All that the reference device does: network time, the control page, firmware update, MQTT.
//!
//! Nothing here knows a board: what a board gives is the trait [`Board`], what the network gives is
//! an [`embassy_net::Stack`]. No heap, no panic on any input. Each protocol is a sans-IO core (its
//! decisions, with time as an argument) and a thin task that moves bytes.
#![no_std]

pub mod board;
pub mod boot;
pub mod civil;
pub mod clock;
pub mod console;
pub mod http;
pub mod link;
pub mod mqtt;
pub mod names;
pub mod ntp;
pub mod outputs;
pub mod random;
pub mod status;
pub mod status_json;
pub mod store;
#[cfg(test)]
mod test_time;
pub mod update;

pub use board::Board;

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll};

use embassy_net::Stack;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use firmproof_bootconfig::BootConfig;

/// The device's version, as its ready line and its state tell it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the device's tasks share. One executor runs them all, so nothing here locks.
pub struct Device<'a, B: Board> {
    /// The board.
    pub board: &'a B,
    /// What the device was told at boot.
    pub config: &'a BootConfig,
    /// Civil time, once a server has given it.
    pub clock: clock::Clock,
    /// Random numbers.
    pub random: random::Random,
    /// What the page, `/api/state` and the MQTT state topic show.
    pub status: status::Status,
    /// What survives a power cut.
    pub store: Mutex<NoopRawMutex, store::Store<B::Flash>>,
    /// Raised when [`status::Status`] changed in a way that the MQTT state topic shows.
    pub state_changed: Signal<NoopRawMutex, ()>,
    /// Updates that were asked for; one at a time.
    pub update_requests: Channel<NoopRawMutex, update::Request, 1>,
}

/// Runs the device for ever on `stack`, which the board drives.
pub async fn run<B: Board>(device: &Device<'_, B>, stack: Stack<'_>) -> ! {
    stack.wait_config_up().await;
    let mut http = pin!(http::server::run(device, stack));
    let mut ntp = pin!(ntp::task::run(device, stack));
    let mut mqtt = pin!(mqtt::task::run(device, stack));
    let mut update = pin!(update::task::run(device, stack));
    // Joined futures are first polled in this order: when the ready line appears, the server
    // listens, and nothing else has spoken.
    embassy_futures::join::join5(
        poll_fn(|cx| poll_apart(http.as_mut(), cx)),
        async { device.announce_ready(stack) },
        poll_fn(|cx| poll_apart(ntp.as_mut(), cx)),
        poll_fn(|cx| poll_apart(mqtt.as_mut(), cx)),
        poll_fn(|cx| poll_apart(update.as_mut(), cx)),
    )
    .await;
    unreachable!("the tasks never end")
}

/// Polls a future in a stack frame of its own: inlined into one, the protocols would each take their
/// part of the stack while another runs.
#[inline(never)]
fn poll_apart<F: Future>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
    future.poll(cx)
}

impl<B: Board> Device<'_, B> {
    /// The first console line: `event=ready`.
    fn announce_ready(&self, stack: Stack<'_>) {
        let address = stack
            .config_v4()
            .map_or(core::net::Ipv4Addr::UNSPECIFIED, |c| c.address.address());
        let slot = if self.board.running_slot() == 0 {
            'a'
        } else {
            'b'
        };
        self.event(
            "ready",
            format_args!(
                "version={VERSION} board={} slot={slot} address={address} time_scale={} boots={}",
                B::NAME,
                self.config.time_scale,
                self.status.boots.get(),
            ),
        );
    }
}
