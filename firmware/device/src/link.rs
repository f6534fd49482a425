//! The Ethernet driver, silent until its link is known to be up.

use core::task::Context;

use embassy_net::driver::{Capabilities, Driver, HardwareAddress, LinkState};

/// A driver that sends nothing of the device's own before it has reported its link up.
///
/// embassy-net lets its sockets send before it looks at the link for the first time, and then finds
/// that the link has come up and begins the lease anew: without this, each start asks for an address
/// twice, and which of the two offers it takes is a race.
pub struct LinkFirst<D> {
    driver: D,
    up: bool,
}

impl<D> LinkFirst<D> {
    pub(crate) const fn new(driver: D) -> Self {
        Self { driver, up: false }
    }
}

impl<D: Driver> Driver for LinkFirst<D> {
    type RxToken<'a>
        = D::RxToken<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = D::TxToken<'a>
    where
        Self: 'a;

    fn receive(&mut self, cx: &mut Context<'_>) -> Option<(D::RxToken<'_>, D::TxToken<'_>)> {
        self.driver.receive(cx)
    }

    fn transmit(&mut self, cx: &mut Context<'_>) -> Option<D::TxToken<'_>> {
        if !self.up {
            return None;
        }
        self.driver.transmit(cx)
    }

    fn link_state(&mut self, cx: &mut Context<'_>) -> LinkState {
        let state = self.driver.link_state(cx);
        let came_up = state == LinkState::Up && !self.up;
        self.up = state == LinkState::Up;
        if came_up {
            // What could not be sent a moment ago waits for a driver that wakes it.
            cx.waker().wake_by_ref();
        }
        state
    }

    fn capabilities(&self) -> Capabilities {
        self.driver.capabilities()
    }

    fn hardware_address(&self) -> HardwareAddress {
        self.driver.hardware_address()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use core::task::Waker;
    use std::sync::Arc;
    use std::task::Wake;

    use embassy_net::driver::{RxToken, TxToken};

    use super::*;

    struct Cable(LinkState);
    struct Frame;

    impl RxToken for Frame {
        fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, f: F) -> R {
            f(&mut [])
        }
    }

    impl TxToken for Frame {
        fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
            f(&mut [0; 64][..len])
        }
    }

    impl Driver for Cable {
        type RxToken<'a> = Frame;
        type TxToken<'a> = Frame;

        fn receive(&mut self, _: &mut Context<'_>) -> Option<(Frame, Frame)> {
            Some((Frame, Frame))
        }

        fn transmit(&mut self, _: &mut Context<'_>) -> Option<Frame> {
            Some(Frame)
        }

        fn link_state(&mut self, _: &mut Context<'_>) -> LinkState {
            self.0
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities::default()
        }

        fn hardware_address(&self) -> HardwareAddress {
            HardwareAddress::Ethernet([2, 0, 0, 0, 0, 1])
        }
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn whoever_could_not_send_is_woken_once_when_the_link_comes_up() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = &mut Context::from_waker(&waker);
        let mut driver = LinkFirst::new(Cable(LinkState::Down));
        driver.link_state(cx);
        assert_eq!(woken.0.load(Ordering::SeqCst), 0);
        driver.driver.0 = LinkState::Up;
        driver.link_state(cx);
        driver.link_state(cx);
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn nothing_is_sent_before_the_link_was_found_up_and_after_it_was_found_down() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut driver = LinkFirst::new(Cable(LinkState::Up));
        assert!(driver.transmit(cx).is_none());
        assert!(driver.link_state(cx) == LinkState::Up);
        assert!(driver.transmit(cx).is_some());
        driver.driver.0 = LinkState::Down;
        assert!(driver.link_state(cx) == LinkState::Down);
        assert!(driver.transmit(cx).is_none());
        assert!(driver.receive(cx).is_some());
    }
}
